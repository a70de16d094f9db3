"""What people may have done with what is kept of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.chat import Author, Place
from bot.ports.values import Json


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody on a platform, in one installation of the bot's: a person's data is gathered within it."""

    platform: str
    installation: str
    id: str

    @classmethod
    def of(cls, place: Place, author: Author) -> Who:
        return cls(place.platform, place.installation, author.id)


@dataclass(frozen=True, slots=True)
class Kept:
    """How much is kept of somebody: rows of each kind, and since when there are messages."""

    messages: int
    originals: int
    pins: int
    calls: int
    changes: int
    verdicts: int
    since: datetime | None = None
    opted_out: bool = False
    erasing: bool = False


@dataclass(frozen=True, slots=True)
class Erased:
    """What one round took away. `left` are the people of whom something is still to be erased."""

    rows: int
    left: int


class Privacy(Protocol):
    """What is kept of a person, and its end (`storage/privacy.py`). `person` is the keyed hash under which they are counted."""

    async def opted_out(self, who: Who) -> bool:
        """One small read, kept for a moment; a change holds at once, in every process."""

    async def opt_out(self, who: Who, now: datetime) -> bool:
        """Have nothing of theirs stored or answered from now on; what they said is told to no model. False when it was so already."""

    async def opt_in(self, who: Who) -> bool: ...

    async def kept(self, who: Who, person: str) -> Kept: ...

    def export(self, who: Who, person: str) -> AsyncIterator[tuple[str, Json]]:
        """All that is kept of them, a row at a time with its kind, read page by page."""

    async def begin_erasing(self, who: Who, person: str, now: datetime) -> None:
        """Call off what is being answered of theirs, forget its words at once, and have the rest erased in rounds."""

    async def erase(self, now: datetime, most: int) -> Erased:
        """One round: at most so many rows of each kind of all that is to be erased. What a worker still has in hand is left for a later
        round."""


class Retention(Protocol):
    """The end of what a place keeps no longer (`storage/retention.py`)."""

    async def decided(self) -> Sequence[str]:
        """All values of the option `retention` that hold somewhere."""

    async def purge(
        self,
        limits: Mapping[str, datetime | None],
        usual: datetime | None,
        reset_before: datetime,
        now: datetime,
        most: int,
    ) -> int:
        """Remove at most so many of the turns (and pins) that were said before their place's limit, which goes by what was decided
        there (None: nothing goes), else is `usual`; and of those that a reset forgot before that moment. Any process may, at any
        time: none removes what another has in hand. How many."""
