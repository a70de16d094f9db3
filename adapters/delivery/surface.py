"""What a platform gives, so that an answer can grow on it: a few verbs, and its limits as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from adapters.delivery.pacer import Key
from bot.ports import Button


class Call(StrEnum):
    """The kinds of calls, each paced in a bucket of its own."""

    POST = "post"
    EDIT = "edit"
    DELETE = "delete"
    ATTACH = "attach"
    FIND = "find"
    TYPING = "typing"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may hold, and how the platform likes to be treated.

    `length` is the most that `measure` may say of a rendered message. `typing_every` is how many seconds a sign of being
    at work lasts; zero: the platform has none. After `files_after` messages the rest of an answer is attached as a file;
    None: never.
    """

    length: int
    measure: Callable[[str], int] = len
    typing_every: float = 0.0
    files_after: int | None = None


class Surface(Protocol):
    """One place on a platform where one answer is shown. All verbs raise only `DeliveryError`s.

    The `text` of `post` and `edit` is what `render` made. `final` says that, as far as can be known, this is the last form
    of that message. `buttons` replace whatever buttons the message had.
    """

    limits: Limits

    def buckets(self, call: Call) -> tuple[Key, ...]:
        """Whose budgets a call is paced by, the narrowest first, such as ("chat.update", team)."""

    def render(self, text: str, final: bool) -> str:
        """From the model's Markdown to what the platform takes. Pure; nothing in it may ping anybody."""

    async def post(
        self, text: str, *, nonce: str, first: bool, final: bool, buttons: Sequence[Button]
    ) -> str:
        """The id of the new message. `first` is the one that stands as the answer to the question."""

    async def edit(self, message: str, text: str, *, final: bool, buttons: Sequence[Button]) -> None: ...

    async def delete(self, message: str) -> None: ...

    async def attach(self, name: str, text: str, nonce: str) -> str:
        """The id of a new message that holds `text` as a file. Called only where `limits.files_after` is set."""

    async def find(self, nonces: Sequence[str]) -> Mapping[str, str]:
        """Those of the own messages that were posted with one of these nonces: nonce to message id."""

    async def typing(self) -> None: ...


def utf16_length(text: str) -> int:
    """Length as JavaScript and Java count it: characters beyond the basic plane are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
