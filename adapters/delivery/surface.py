"""What a platform gives, so that an answer can grow on it: a few verbs, and its limits as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from adapters.delivery.pacer import Key
from adapters.delivery.splitter import Part
from bot.errors import DeliveryError
from bot.ports import Control


class Call(StrEnum):
    """The kinds of calls, each paced in a bucket of its own."""

    POST = "post"
    EDIT = "edit"
    DELETE = "delete"
    ATTACH = "attach"
    FIND = "find"
    WORK = "work"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may hold, and how the platform likes to be treated.

    `length` is the most that `measure` may say of a rendered message. `sign_lasts` is how many seconds a sign of being at work
    lasts, zero: the platform has none; `sign_stays`: it has to be taken away again. After `most_messages` the whole answer is
    attached as a file; None: never.
    """

    length: int
    measure: Callable[[str], int] = len
    sign_lasts: float = 0.0
    sign_stays: bool = False
    most_messages: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """How a message shall look. `final` says that, as far as can be known, this is its last form. `buttons` replace whatever
    buttons it had. `streamed`: it grows as the platform's own stream, not by edits."""

    text: str
    final: bool = False
    buttons: tuple[Control, ...] = ()
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Own messages: message ids by their nonce, and those `nameless` ones of which it can't be told whether they are this
    answer's or another's that is on its way beside it. `more` is where to look on; empty where nothing is left to look at."""

    named: Mapping[str, str] = field(default_factory=dict)
    nameless: Sequence[str] = ()
    more: str = ""


def order(message: str) -> tuple[int, str]:
    """Sorts the ids of a channel's messages by the time at which they were posted, as every platform makes them."""
    return len(message), message


class Declined(DeliveryError):
    """The platform does not do it in this way, and nothing was done; the surface knows a better one now: try again at once."""


class Surface(Protocol):
    """One place on a platform where one answer is shown. All verbs raise only `DeliveryError`s."""

    @property
    def limits(self) -> Limits: ...

    def render(self, text: str, final: bool) -> str:
        """From the model's Markdown to what the platform takes. Pure; nothing in it may ping anybody."""

    def look(self, part: Part, final: bool, buttons: Sequence[Control], message: str | None) -> Look:
        """How a part shall look now in its message, or in a new one. Without text it waits until there is more."""

    def buckets(self, call: Call, look: Look | None = None, message: str | None = None) -> tuple[Key, ...]:
        """Whose budgets a call is paced by, the narrowest first, such as ("chat.update", team)."""

    async def post(self, look: Look, *, nonce: str, first: bool) -> str:
        """The id of the new message. `first` is the one that stands as the answer to the question."""

    async def edit(self, message: str, look: Look, *, nonce: str) -> None:
        """`nonce` is the one the message was posted with."""

    async def delete(self, message: str) -> None: ...

    async def attach(self, text: str, buttons: Sequence[Control], *, nonce: str) -> str:
        """The id of a new message that holds the whole answer as a file, with buttons below."""

    async def find(self, nonces: Sequence[str], more: str = "") -> Found:
        """Look, with one call, for own messages that were posted with these nonces: from the beginning, or on from there."""

    async def at_work(self, on: bool) -> None:
        """Give the sign of being at work, or take it away (only where it stays)."""


def utf16_length(text: str) -> int:
    """Length as JavaScript and Java count it: characters beyond the basic plane are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
