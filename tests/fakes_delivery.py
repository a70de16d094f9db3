"""A platform in miniature for replies: keeps messages, counts calls, and fails or stops when it is told to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.delivery.pacer import Key
from adapters.delivery.surface import Call, Limits
from bot.chat import Author, Place, Posted, Text, Turn
from bot.errors import DeliveryError, MessageGone
from bot.ports import Button

LENGTH = 60


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Countdown:
    """Dies at the n-th step, before or after it took effect; None: never."""

    at: int | None = None
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.at is not None and self.steps >= self.at:
            raise Crash


@dataclass
class Written:
    text: str
    nonce: str
    buttons: tuple[Button, ...]
    revisions: list[str] = field(default_factory=list)


class FakeSurface:
    """`failures` are raised by the next calls, one each; `after` ones when the call has already taken effect."""

    def __init__(self, countdown: Countdown | None = None, length: int = LENGTH) -> None:
        self.limits = Limits(length)
        self.messages: dict[str, Written] = {}
        self.failures: list[DeliveryError | None] = []
        self.after: list[DeliveryError | None] = []
        self.calls: list[Call] = []
        self._countdown, self._number = countdown or Countdown(), 0

    def buckets(self, call: Call) -> tuple[Key, ...]:
        return ((call, "channel"),)

    def render(self, text: str, final: bool) -> str:
        return text

    async def post(
        self, text: str, *, nonce: str, first: bool, final: bool, buttons: Sequence[Button]
    ) -> str:
        self._enter(Call.POST)
        self._number += 1
        message = f"m{self._number}"
        self.messages[message] = Written(text, nonce, tuple(buttons), [text])
        self._leave()
        return message

    async def edit(self, message: str, text: str, *, final: bool, buttons: Sequence[Button]) -> None:
        self._enter(Call.EDIT)
        if message not in self.messages:
            raise MessageGone(message)
        written = self.messages[message]
        written.text, written.buttons = text, tuple(buttons)
        written.revisions.append(text)
        self._leave()

    async def delete(self, message: str) -> None:
        self._enter(Call.DELETE)
        if self.messages.pop(message, None) is None:
            raise MessageGone(message)
        self._leave()

    async def attach(self, name: str, text: str, nonce: str) -> str:
        return await self.post(f"{name}\n{text}", nonce=nonce, first=False, final=True, buttons=())

    async def find(self, nonces: Sequence[str]) -> Mapping[str, str]:
        self._enter(Call.FIND)
        return {
            written.nonce: message for message, written in self.messages.items() if written.nonce in nonces
        }

    async def typing(self) -> None:
        self.calls.append(Call.TYPING)

    @property
    def shown(self) -> list[str]:
        return [written.text for written in self.messages.values()]

    def _enter(self, call: Call) -> None:
        self._countdown.step()
        self.calls.append(call)
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure

    def _leave(self) -> None:
        self._countdown.step()
        if self.after and (failure := self.after.pop(0)) is not None:
            raise failure


class FakeJournal:
    """Keeps the record over crashes, as a database would."""

    def __init__(self, record: dict[int, Posted], countdown: Countdown | None = None) -> None:
        self.record, self._countdown = record, countdown or Countdown()
        self.parts: Sequence[Posted] = tuple(record[index] for index in sorted(record))

    def check(self) -> None:
        """Its lease never ends."""

    async def intend(self, index: int, nonce: str) -> None:
        self._write(index, Posted(index, nonce))

    async def posted(self, index: int, message: str) -> None:
        known = self.record[index]
        self._write(index, Posted(index, known.nonce, message, known.text))

    async def finished(self, index: int, text: str) -> None:
        known = self.record[index]
        self._write(index, Posted(index, known.nonce, known.message, text))

    async def removed(self, index: int) -> None:
        self._countdown.step()
        del self.record[index]

    def _write(self, index: int, posted: Posted) -> None:
        self._countdown.step()
        self.record[index] = posted
        self._countdown.step()


def a_turn() -> Turn:
    author, place = Author("U1", "Ada"), Place("fake", "T1", "C1")
    return Turn(7, place, 1, 0, "M1", author, (Text("hello"),), {}, datetime(2026, 11, 22, tzinfo=UTC))
