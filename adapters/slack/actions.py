"""Buttons as Slack takes them: a block of actions below the words (pure).

A button's text and what is read out instead of it have at most 75 characters ("Button element"); signs stand in plain text as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.delivery.buttons import identity, label, press_of, spoken
from bot.ports import Control


def actions(controls: Sequence[Control], turn: int, language: str) -> list[dict[str, Any]]:
    """The block, if there are any buttons."""
    elements = [_button(control, turn, language) for control in controls]
    return [{"type": "actions", "elements": elements}] if elements else []


def replaced(blocks: Sequence[Mapping[str, Any]], row: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks of a message with another row of buttons in place of ours."""
    return [*(dict(block) for block in blocks if not _ours(block)), *row]


def _ours(block: Mapping[str, Any]) -> bool:
    elements = block.get("elements") or ()
    return block.get("type") == "actions" and any(
        press_of(str(element.get("action_id"))) for element in elements
    )


def _button(control: Control, turn: int, language: str) -> dict[str, Any]:
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": label(control, language), "emoji": True},
        "accessibility_label": spoken(control, language),
        "action_id": identity(control, turn),
        "value": str(turn),
    }
    return button | {"style": "primary"} if control.chosen else button
