"""What is remembered of conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.chat import Exchange, Mark, Note, Pin, Place, Summary, Turn


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a reset forgot: turns of the epoch that ended."""

    turns: int


class Conversations(Protocol):
    """What was said where (`storage/conversations.py`)."""

    async def following(self, place: Place, since: datetime | None = None) -> bool:
        """Does the bot take part in this thread (and did it, with `since`, begin to speak there by then)?"""

    async def follow(self, place: Place, on: bool) -> bool:
        """Take part, or leave. True when that changed anything."""

    async def reset(self, place: Place, now: datetime, given_at: datetime | None = None) -> Forgotten:
        """A new epoch, in one statement: for a channel with all its threads, or for the one thread, which then inherits nothing. It is
        of what was said before `given_at` (None: `now`), whichever is heard of first."""

    async def told_trimmed(self, turn: Turn) -> bool:
        """True for one turn per conversation and epoch (again for the same turn): people are told when trimming begins."""

    async def met(self, turn: Turn, now: datetime) -> bool:
        """True for the first turn of this person on this platform's installation (again for the same turn)."""

    async def revoke(self, platform: str, installation: str, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """Turns of one conversation in one epoch, up to a moment (None: to the end); of these only that `message`'s, if one is named."""

    conversation: int
    epoch: int
    until: datetime | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a place can look back upon, the newest stretch first, and how a prompt there begins: with what is pinned, with the gist of
    what was left behind, and then with the turn at `since` (None: with the first there is). `adopted`: a thread has that from its
    channel, and not of its own yet."""

    stretches: tuple[Stretch, ...] = ()
    before: Mark | None = None
    since: Mark | None = None
    summary: Summary | None = None
    pins: tuple[Pin, ...] = ()
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Cached:
    """How much of a prompt the provider had in its cache, as reported for the newest answer."""

    prompt: int
    cached: int


class Memory(Protocol):
    """What is remembered of a place's conversation, and from where on it is told (`storage/memory.py`)."""

    async def beginning(self, place: Place, *, before: Turn | None = None, alone: bool = False) -> Beginning:
        """Of the present epoch, or of that of `before`: the place's own stretch, then, for a thread that inherits, its channel's up to
        the thread's root (`alone`: the root only)."""

    def history(
        self, beginning: Beginning, *, since: Mark | None = None, until: Mark | None = None
    ) -> AsyncIterator[Exchange]:
        """Finished turns that have an answer (also a partial one), newest first: those before `until` (or the question), from `since`
        on. Reads page by page, so that stopping early reads little."""

    async def left_out(self, beginning: Beginning, since: Mark) -> int:
        """How many finished turns stand before that one."""

    async def begin_at(self, turn: Turn, since: Mark, summary: Summary | None) -> None:
        """From now on the turn's conversation is told from there on, in this epoch. It only ever moves on."""

    async def take_summing(self, turn: Turn, now: datetime, until: datetime) -> bool:
        """Be the one to sum up, until then; False where somebody else is at it."""

    async def sum_up(self, turn: Turn, summary: Summary, taken: datetime) -> bool:
        """Remember the gist, and let others sum up again. Not where something was reset or deleted since it was `taken` (until then)."""

    async def pin(self, place: Place, author: str, what: Note | str, now: datetime, most: int) -> Pin | None:
        """Pin a note, or the finished exchange with that message (of either side; empty: the newest); None where there is nothing to
        pin, or `most` are pinned already."""

    async def unpin(self, pin: int) -> None: ...

    async def cached(self, beginning: Beginning) -> Cached | None:
        """None where nothing was reported."""
