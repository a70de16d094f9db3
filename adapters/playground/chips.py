"""Buttons as the playground keeps them with a message: `NAME:VERSION`, then what they lead to and whether they are chosen, maybe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.ports import Button, Control, Press


def chips(controls: Sequence[Control]) -> tuple[str, ...]:
    return tuple(
        f"{control.button.value}:{control.version}|{control.mark}|{'chosen' if control.chosen else ''}"
        for control in controls
    )


def chip_view(chip: str) -> dict[str, Any]:
    """As the page takes it. `id` is what it sends when it is pressed."""
    id, mark, chosen = [*chip.split("|"), "", ""][:3]
    return {"id": id, "name": id.partition(":")[0], "mark": mark, "chosen": bool(chosen)}


def press_of(chip: str, turn: int) -> Press | None:
    """What was pressed, by its `id`."""
    name, _, version = chip.partition(":")
    if name not in set(Button) or not version.isdecimal():
        return None
    return Press(Button(name), turn, int(version))
