"""What was asked, what people did about it besides waiting, and what they may find in the end."""

from __future__ import annotations

import re
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
    RETRY = "retry"
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


def _says(*codes: str) -> str:
    """A pattern for what the bot says."""
    texts = (re.escape(TEXTS["en"][code]).replace(r"\{reference\}", r"\w+") for code in codes)
    return "|".join(texts)


SAYS = {
    Early.STOPPED: _says("stopped"),
    Early.RESET: _says("reset_meanwhile"),
    Whim.CONTINUE: _says("cut_at_length", "not_whole"),
    Whim.RETRY: _says("content_filtered"),
}
"""What the bot says of an answer that is not whole, by why it is not."""


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

    def edited(self, number: int, words: int) -> None:
        """It asks for something else from now on, whatever was done about it before."""
        self.former.append(self.number)
        self.number, self.words, self.whim, self.stopped = number, words, Whim.EDIT, None
        self.tried.clear()
        self.done.clear()

    @property
    def halting(self) -> bool:
        """Whether the model did not answer it to the end at first, and was not surely asked to since."""
        return self.whim in (Whim.CONTINUE, Whim.RETRY) and not self.done[self.whim]

    @property
    def plain(self) -> bool:
        """Whether nobody did anything but wait."""
        return not (self.whim or self.early)

    @property
    def had(self) -> bool:
        """Whether its whim surely came to pass."""
        return bool(self.former or self.deleted or self.stopped or (self.whim and self.done[self.whim]))

    @property
    def endings(self) -> str:
        """A pattern for what stands below its answer, or in its place, when that is not whole; empty: it has to be."""
        return "|".join(
            [*([SAYS[self.whim]] if self.whim and self.halting else []), *(SAYS[why] for why in self.early)]
        )


@dataclass(frozen=True)
class Reset:
    """A reset that was confirmed, from when it was asked for until it was told that it is done."""

    room: str
    began: float
    ended: float
