"""A platform in miniature for replies: keeps messages, counts calls, and fails or stops when it is told to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.delivery.pacer import Key
from adapters.delivery.splitter import Part
from adapters.delivery.surface import Call, Found, Limits, Look
from bot.chat import Author, Place, Posted, Text, Turn
from bot.errors import DeliveryError, MessageGone, PlaceRefused
from bot.ports import Control

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
    buttons: tuple[Control, ...]
    revisions: list[str] = field(default_factory=list)


class FakeSurface:
    """`failures` are raised by the next calls, one each; `after` ones when the call has already taken effect. On a `nameless` one
    nonces are not told."""

    def __init__(self, countdown: Countdown | None = None, length: int = LENGTH) -> None:
        self.limits = Limits(length)
        self.messages: dict[str, Written] = {}
        self.failures: list[DeliveryError | None] = []
        self.after: list[DeliveryError | None] = []
        self.calls: list[Call] = []
        self.working = False
        self.refused: set[Call] = set()
        self.nameless = False
        self._countdown, self._number = countdown or Countdown(), 0

    def buckets(self, call: Call, look: Look | None = None, message: str | None = None) -> tuple[Key, ...]:
        return ((call, "channel"),)

    def look(self, part: Part, final: bool, buttons: Sequence[Control], message: str | None) -> Look:
        return Look(self.render(part.shown, final), final, tuple(buttons))

    def render(self, text: str, final: bool) -> str:
        return text

    async def post(self, look: Look, *, nonce: str, first: bool) -> str:
        self._enter(Call.POST)
        return self._write(look.text, nonce, look.buttons)

    async def edit(self, message: str, look: Look, *, nonce: str) -> None:
        self._enter(Call.EDIT)
        if message not in self.messages:
            raise MessageGone(message)
        written = self.messages[message]
        written.text, written.buttons = look.text, look.buttons
        written.revisions.append(look.text)
        self._leave()

    async def delete(self, message: str) -> None:
        self._enter(Call.DELETE)
        if self.messages.pop(message, None) is None:
            raise MessageGone(message)
        self._leave()

    async def attach(self, text: str, buttons: Sequence[Control], *, nonce: str) -> str:
        self._enter(Call.ATTACH)
        return self._write(f"file: {text}", nonce, tuple(buttons))

    async def find(self, nonces: Sequence[str], more: str = "") -> Found:
        self._enter(Call.FIND)
        if self.nameless:
            return Found(nameless=list(reversed(self.messages)))
        known = {written.nonce: message for message, written in self.messages.items()}
        return Found({nonce: known[nonce] for nonce in nonces if nonce in known})

    async def at_work(self, on: bool) -> None:
        self.calls.append(Call.WORK)
        self.working = on

    def _write(self, text: str, nonce: str, buttons: tuple[Control, ...]) -> str:
        self._number += 1
        message = f"m{self._number}"
        self.messages[message] = Written(text, nonce, buttons, [text])
        self._leave()
        return message

    @property
    def shown(self) -> list[str]:
        return [written.text for written in self.messages.values()]

    def _enter(self, call: Call) -> None:
        self._countdown.step()
        self.calls.append(call)
        if call in self.refused:
            raise PlaceRefused(call)
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure

    def _leave(self) -> None:
        self._countdown.step()
        if self.after and (failure := self.after.pop(0)) is not None:
            raise failure


class FakeJournal:
    """Keeps the record over crashes, as a database would; and those of other turns, as far as they are `others`' messages."""

    def __init__(
        self, record: dict[int, Posted], countdown: Countdown | None = None, others: Collection[str] = ()
    ) -> None:
        self.record, self._countdown, self._others = record, countdown or Countdown(), others

    @property
    def parts(self) -> Sequence[Posted]:
        return tuple(self.record[index] for index in sorted(self.record))

    def check(self) -> None:
        """Its lease never ends."""

    async def intend(self, index: int, nonce: str) -> None:
        self._write(index, Posted(index, nonce))

    async def posted(self, index: int, message: str) -> bool:
        known, mine = (
            self.record[index],
            [part.message for part in self.record.values() if part.index != index],
        )
        if message in (*mine, *self._others):
            return False
        self._write(index, Posted(index, known.nonce, message, known.text))
        return True

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


def a_turn(answer: str | None = None) -> Turn:
    author, place = Author("U1", "Ada"), Place("fake", "T1", "C1")
    sent_at = datetime(2026, 11, 22, tzinfo=UTC)
    return Turn(7, place, 1, 0, "M1", author, (Text("hello"),), {}, sent_at, answer=answer)
