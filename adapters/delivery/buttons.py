"""How buttons are named and labelled on every platform (pure).

A button's id says all that is needed to know it again after a restart, in any process: what it does, and under which version of which
turn's answer it stands. Discord takes 100 characters of it, Slack 255; a name and two whole numbers are at most 60.
"""

from __future__ import annotations

import re
from typing import Final

from bot.notices import notice
from bot.ports import Button, Control, Press

_ID = re.compile(r"rejoinder:([a-z]+):(\d{1,19}):(\d{1,9})")
SIGNS: Final = {Button.UP: "👍", Button.DOWN: "👎"}
"""Buttons that a sign alone explains."""
ARROWS: Final = {Button.EARLIER: "‹ {}", Button.LATER: "{} ›"}


def identity(control: Control, turn: int) -> str:
    return f"rejoinder:{control.button.value}:{turn}:{control.version}"


def press_of(identity: str) -> Press | None:
    """The button of that id; None for anything else."""
    match = _ID.fullmatch(identity)
    if match is None or match[1] not in set(Button):
        return None
    return Press(Button(match[1]), int(match[2]), int(match[3]))


def label(control: Control, language: str) -> str:
    """What stands on the button: as little as can be understood."""
    if arrow := ARROWS.get(control.button):
        return arrow.format(control.mark)
    return SIGNS.get(control.button) or spoken(control, language)


def spoken(control: Control, language: str) -> str:
    """What a screen reader says."""
    return f"{notice(f'button_{control.button.value}', language)} {control.mark}".rstrip()
