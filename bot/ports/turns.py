"""The turns, from the moment one is taken in until it is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.chat import Cancel, Content, Finish, Incoming, Place, Size, State, Turn
from bot.ports.ledger import Warned
from bot.ports.platforms import Journal
from bot.ports.records import Waiting


@dataclass(frozen=True, slots=True)
class Accepted:
    """`created` is False for a redelivery, also of a turn that was erased, or of what was turned away (then `turn` is 0).
    `position` is how many unfinished turns of that person stand before it."""

    turn: int
    created: bool
    position: int = 0


class Pulse(StrEnum):
    """What a renewed lease finds."""

    MINE = "mine"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Renewal:
    pulse: Pulse
    cancel: Cancel | None = None


class Topic(StrEnum):
    """What a signal is about."""

    TURNS = "turns"
    PREFERENCES = "preferences"
    LIMITS = "limits"
    PRIVACY = "privacy"


@dataclass(frozen=True, slots=True)
class Signal:
    """Something changed. About turns: there may be work (`turn` is None), or that turn was called off."""

    turn: int | None = None
    cancel: Cancel | None = None
    topic: Topic = Topic.TURNS


class Inbox(Protocol):
    """Accepted turns, and who is answering them (`storage/turns.py`)."""

    async def accept(
        self,
        incoming: Incoming,
        content: Content,
        *,
        masked: Sequence[str],
        size: Size,
        counter: str,
        now: datetime,
        queue: int,
    ) -> Accepted | None:
        """Write the turn, once per key. `content` is the filtered one; None when the person already has `queue` waiting there."""

    async def amend(
        self,
        incoming: Incoming,
        content: Content,
        *,
        masked: Sequence[str],
        size: Size,
        counter: str,
        now: datetime,
    ) -> Accepted | None:
        """The question was edited: a new version, answered again in the same messages. None when no such turn is known;
        `created` is False when this or a later revision was taken already, or the words are the same. A running answer is called
        off with EDITED and begun anew when its worker has released it (or its lease has ended)."""

    async def claim(
        self,
        owner: str,
        now: datetime,
        lease: timedelta,
        *,
        platforms: Collection[str],
        abreast: int,
        attempts: int,
        tried: int | None = None,
    ) -> Turn | None:
        """Lease the oldest turn of these platforms that may run: waiting, or running with its lease ended; with no earlier unfinished
        turn of the same person in the same conversation; with fewer than `abreast` running in that conversation; claimed `tried` times
        before at most (None: however often). One that has been claimed `attempts` times already is handed out once more, to be
        failed."""

    async def renew(self, turn: int, owner: str, until: datetime) -> Renewal: ...

    async def release(self, turn: int, owner: str) -> None:
        """Give an unfinished turn back, untouched, to be claimed again at once (draining); not counted as an attempt."""

    async def read(
        self, turn: int, owner: str, content: Content, *, masked: Sequence[str], size: Size, counter: str
    ) -> None:
        """Keep what was read of the question's files, unless it was called off or edited meanwhile, or another has it now."""

    async def answered(
        self,
        turn: int,
        owner: str,
        answer: str,
        size: Size,
        counter: str,
        finish: Finish,
        model: str = "",
        notes: Sequence[str] = (),
    ) -> None:
        """The answer is whole (still to be shown, with these notes below it), and that model gave it."""

    async def warned(self, turn: int, owner: str, warned: Sequence[Warned]) -> None:
        """Keep, until the turn is closed, all that people are to be told of budgets when it ends."""

    async def put_back(self, turn: int, owner: str) -> Turn | None:
        """The new version comes to nothing: the former one stands again (still to be shown). None where there is none any more."""

    async def close(
        self, turn: int, owner: str, state: State, *, error: str = "", reference: str = "", now: datetime
    ) -> None:
        """The turn is over, and shown to be."""

    def journal(self, turn: Turn, owner: str) -> Journal: ...

    async def cancel(
        self,
        reason: Cancel,
        *,
        turn: int | None = None,
        place: Place | None = None,
        message: str | None = None,
        author: str | None = None,
        until: datetime | None = None,
    ) -> int:
        """Call off unfinished turns: one by its id, one by its message, or all of a place; when given, only `author`'s, and those asked
        `until` then. A waiting turn is over at once; a running one when its worker has let go. DELETED also forgets the words, of
        finished turns too. Returns how many were unfinished."""

    async def interrupt(self, turn: int) -> int:
        """Call off what is being answered of the same person in the same conversation, if it was asked before that turn; how many."""

    async def once(self, key: str, now: datetime) -> bool:
        """True the first time this key is seen (commands and buttons, which may be delivered twice)."""

    async def seen(self, key: str) -> bool:
        """Has `once` been asked for this key?"""

    async def known(self, keys: Sequence[str]) -> Collection[str]:
        """Those of the keys that a turn bears, or that `once` was asked for."""

    async def void_leases(self) -> int:
        """For the only process there is, at its start: whatever is leased has been left behind. Returns how many turns."""

    async def unfinished(self) -> Sequence[Waiting]: ...

    def signals(self) -> AsyncIterator[Signal]:
        """Wake-ups from this and from other processes, until closed. Never raises for a lost connection: it reconnects."""
