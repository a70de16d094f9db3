"""What was asked, what people did about it besides waiting, and what they may find in the end."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from bot.notices import TEXTS


class Whim(StrEnum):
    """What somebody does with a question, or with its answer."""

    EDIT = "edit"
    DELETE = "delete"
    STOP = "stop"
    REGENERATE = "regenerate"
    CONTINUE = "continue"
    RESET = "reset"


class Pressed(StrEnum):
    """What came of a button: it is done, or surely not; nobody knows, since a process died or was late; or there is none."""

    DONE = "done"
    REFUSED = "refused"
    UNSURE = "unsure"
    ABSENT = "absent"


class Early(StrEnum):
    """What ended an answer before it was whole; the value is as the database has it."""

    STOPPED = "stopped"
    RESET = "reset"

    @property
    def notice(self) -> str:
        """What the bot says of it."""
        return TEXTS["en"]["stopped" if self is Early.STOPPED else "reset_meanwhile"]


CUT = tuple(TEXTS["en"][code] for code in ("cut_at_length", "not_whole"))
"""What the bot says of an answer that reached its length limit."""


@dataclass
class Question:
    """A question as its words stand now. `id` is the platform's of the message, `under` where its answer belongs, `rooms` are the places
    whose reset ends it.

    `former` are the numbers it bore before it was edited, `early` says what may have ended its answer, `tried` and `done` count
    buttons that were pressed under it. `stopped` is when a Stop was confirmed (`time.monotonic`).
    """

    number: int
    words: int
    platform: str
    person: int
    channel: str
    thread: str
    id: str
    under: str
    rooms: frozenset[str]
    whim: Whim | None = None
    asked: float = field(default_factory=time.monotonic)
    former: list[int] = field(default_factory=list)
    early: set[Early] = field(default_factory=set)
    deleted: bool = False
    tried: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    stopped: float | None = None

    @property
    def pauses(self) -> bool:
        """Whether its answer is cut at first, to be gone on with when somebody presses Continue."""
        return self.whim is Whim.CONTINUE

    @property
    def plain(self) -> bool:
        """Whether nobody did anything but wait."""
        return not (self.whim or self.early)

    @property
    def had(self) -> bool:
        """Whether its whim surely came to pass."""
        return bool(self.former or self.deleted or self.stopped or (self.whim and self.done[self.whim]))

    @property
    def endings(self) -> tuple[str, ...]:
        """One of these stands below an answer that is not whole; none: it has to be."""
        cut = CUT if self.pauses and not self.done[Whim.CONTINUE] else ()
        return (*cut, *(why.notice for why in sorted(self.early)))


@dataclass(frozen=True)
class Reset:
    """A reset that was confirmed, from when it was asked for until it was told that it is done."""

    room: str
    began: float
    ended: float
