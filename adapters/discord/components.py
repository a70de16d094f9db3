"""Buttons as Discord takes them: rows of five at most ("Component reference")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from adapters.delivery.buttons import identity, label
from bot.ports import Control

ROW, BUTTON = 1, 2
GREY, GREEN = 2, 3
A_ROW: Final = 5


def button_rows(controls: Sequence[Control], turn: int, language: str) -> list[dict[str, Any]]:
    buttons = [_button(control, turn, language) for control in controls]
    rows = [buttons[start : start + A_ROW] for start in range(0, len(buttons), A_ROW)]
    return [{"type": ROW, "components": some} for some in rows]


def _button(control: Control, turn: int, language: str) -> dict[str, Any]:
    return {
        "type": BUTTON,
        "style": GREEN if control.chosen else GREY,
        "label": label(control, language),
        "custom_id": identity(control, turn),
    }
