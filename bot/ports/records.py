"""What became of messages, for operators and for who asks why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.chat import Cancel, Place, State
from bot.ports.platforms import Outcome


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of `python -m bot turns`: unfinished, or failed with the `error` and the `reference` that its person was given."""

    turn: int
    place: Place
    state: State
    age: timedelta
    owner: str
    attempts: int
    error: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of something said that is no turn, or was one already (DUPLICATE). Holds none of its words."""

    place: Place
    message: str
    author: str
    outcome: Outcome
    at: datetime


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a turn stands, and why it came to be one. `before` is how many unfinished turns of its person stand before it."""

    state: State
    asked_at: datetime
    mentioned: bool = False
    direct: bool = False
    masked: tuple[str, ...] = ()
    before: int = 0
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel: Cancel | None = None
    error: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of one thing said: its turn, or the verdict, or both where it came more than once (`times` again)."""

    author: str
    at: datetime
    fate: Fate | None = None
    outcome: Outcome | None = None
    times: int = 0


class Records(Protocol):
    """What became of what was said, for the curious (`storage/records.py`)."""

    async def note(self, verdicts: Sequence[Verdict]) -> None:
        """Keep them for some days. Of one message the last verdict counts, but for DUPLICATE, which is only counted."""

    async def story(self, place: Place, message: str) -> Story | None:
        """Of this message of that place's channel, whatever its thread; of the question, when it is one of the bot's answers."""

    async def latest(self, place: Place, author: str) -> Story | None:
        """Of the last thing that person said there, commands left out; in a channel's threads, too."""

    async def failed(self, since: datetime, most: int) -> Sequence[Waiting]:
        """Turns that failed since then, the newest first."""

    async def sweep(self, now: datetime, most: int) -> int:
        """Remove what has served its time: receipts of deliveries and verdicts, at most `most` of each. Returns how many."""
