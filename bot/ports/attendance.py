"""Where somebody listened, and what was said while nobody did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.chat import Incoming, Place


@dataclass(frozen=True, slots=True)
class Heard:
    """Until when somebody listened on a line, and who (empty: nobody who still could)."""

    until: datetime
    owner: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What was said in that place since then was perhaps not heard."""

    place: Place
    since: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """What people said in a place between two moments, as it stands there now. `threads` are threads in which more was said."""

    found: Sequence[Incoming]
    since: datetime
    until: datetime
    threads: Sequence[Place] = ()


class History(Protocol):
    """What a platform remembers (`adapters/`). Raises only `DeliveryError`s."""

    async def places(self, line: str, since: datetime, known: Sequence[Place]) -> Sequence[Place]:
        """Where something may have been said to the bot since then, by those whom that line hears; the most important first.
        `known` are the places where it was lately spoken with, the liveliest first."""

    async def read(self, gap: Gap) -> Page:
        """What people said there, as far back as a few calls reach."""


class Attendance(Protocol):
    """When the bot was listening, and where it still has to look for what it missed (`storage/attendance.py`).

    A line is a connection that hears a part of a platform: a workspace, a shard. Several processes may hear the same.
    """

    async def heard(self, platform: str, line: str) -> Heard | None:
        """The last that is known of that line. Of one that nobody ever heard (a shard is new, or they are cut otherwise) it is the first
        sign of the bot on that platform: whatever was said there since may have been missed. None at the very first start."""

    async def listening(
        self, platform: str, line: str, owner: str, now: datetime, *, unbroken: timedelta | None = None
    ) -> bool:
        """Note that `owner` hears that line now. False, and nothing noted, when nobody did within the last `unbroken`."""

    async def left(self, platform: str, owner: str) -> None:
        """`owner` says goodbye to all its lines."""

    async def owe(self, line: str, gaps: Sequence[Gap]) -> None:
        """Keep these to be looked up, in this order. A place that is owed already keeps its earlier mark."""

    async def owed(self, platform: str, line: str) -> Sequence[Gap]: ...

    async def looked(self, place: Place) -> None:
        """Nothing is owed there any more."""

    async def known(self, platform: str, since: datetime, most: int) -> Sequence[Place]:
        """Places that were spoken in since then, or in whose threads the bot began to take part; the liveliest first."""

    async def asked(self, place: Place, page: Page, before: datetime) -> Sequence[str]:
        """The messages of that place's turns that were said within the page, and taken in before that moment; not the deleted."""
