"""Answers that are there already: to be stopped, given anew, gone on with, leafed through and judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.chat import Finish
from bot.ports.platforms import Press


class Effect(StrEnum):
    """What a pressed button did, or why it did nothing: it is others' to press, the answer is being given right now, or is whole and
    its end just being shown, it has made way for another version, or there is nothing (any more) to be done."""

    DONE = "done"
    OTHERS = "others"
    BUSY = "busy"
    ENDING = "ending"
    OUTDATED = "outdated"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Rated:
    """An answer was judged: `mine` is what that person thinks of it now (None: nothing), `askers` what the one who asked does, in
    whose `language` its buttons are; `version`, `others` and `finish` as with the turn."""

    mine: bool | None
    askers: bool | None
    version: int
    others: tuple[int, ...]
    finish: Finish | None
    language: str


class Versions(Protocol):
    """What can be done with the answer of a turn (`storage/pressing.py`). All is for the one who asked alone, or, where `author` is None,
    for anybody; and only as long as that version is the one that is shown."""

    async def stop(self, press: Press, author: str | None, now: datetime) -> Effect:
        """Call a running answer off, whatever its version."""

    async def ask_again(self, press: Press, author: str | None) -> Effect:
        """Answer a finished turn anew, in its messages. The answer there was is set aside, and comes back if nothing comes of it."""

    async def go_on(self, press: Press, author: str | None) -> Effect:
        """Have an answer that was cut gone on with where it ended, in its messages."""

    async def turn_over(self, press: Press, author: str | None, step: int) -> Effect:
        """Show the version that stands so many steps before or after in the order of their numbers; from now on it is the answer."""

    async def rate(
        self, press: Press, author: str | None, person: str, good: bool, now: datetime
    ) -> Rated | Effect:
        """That person finds the answer good or not; the same once more takes it back."""
