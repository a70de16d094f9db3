"""Budgets of calls, shared by all replies of a process: who may call when.

Each bucket holds `Rate.count` tokens. A call holds one, which comes back `Rate.seconds` after the call has ended: thus no
window of that length, wherever it begins and however slow the network, sees more than `count` calls. Urgent calls (first
posts, last edits) go first, at once while tokens are left; the others are spread evenly and served in turn, so that each
of the waiting replies gets its share. A slot is a permission and no message: who gets it sends what is newest then.

Time is the event loop's.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bot.errors import PlatformBusy

Key = tuple[str, ...]
"""Names a bucket. Its first word says which `Rate` it has."""

STRIKES = 4
SWEEP = 256


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in so many seconds."""

    count: int
    seconds: float


@dataclass(slots=True)
class _Bucket:
    rate: Rate | None
    flying: int = 0
    returns: list[float] = field(default_factory=list)
    held_until: float = 0.0
    last: float = float("-inf")
    strikes: int = 0
    clean: int = 0
    waiting: list[Slot] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None

    def free_at(self, urgent: bool, now: float) -> float | None:
        """When the next call may go; None: only after one that is under way has ended."""
        moment = max(now, self.held_until)
        if self.rate is None:
            return moment
        excess = self.flying + len(self.returns) - self.rate.count
        if excess >= len(self.returns):
            return None
        if excess >= 0:
            moment = max(moment, self.returns[excess])
        if not urgent:
            moment = max(moment, self.last + self.rate.seconds / self.rate.count * 2**self.strikes)
        return moment

    def idle(self, now: float) -> bool:
        self.forget(now)
        return not (self.waiting or self.flying or self.returns or self.strikes or self.held_until > now)

    def forget(self, now: float) -> None:
        while self.returns and self.returns[0] <= now:
            del self.returns[0]


class Slot:
    """One call's place in the queue; entered, it is the permission to make that call.

    A `PlatformBusy` that leaves the block penalises the bucket.
    """

    def __init__(self, pacer: Pacer, key: Key, urgent: bool) -> None:
        self.key, self.urgent = key, urgent
        self._pacer = pacer
        self._used = True
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def hurry(self) -> None:
        """It has become urgent."""
        if not self.urgent:
            self.urgent = True
            self._pacer.look(self.key)

    def unused(self) -> None:
        """The call was not made after all: its token comes back at once."""
        self._used = False

    async def __aenter__(self) -> Self:
        self._pacer.enter(self)
        try:
            await self.granted
        except asyncio.CancelledError:
            self._pacer.withdraw(self)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, PlatformBusy):
            self._pacer.penalise(self.key, error.retry_after)
        self._pacer.leave(self, used=self._used, clean=error is None)


class Pacer:
    """`rates` are by the first word of a key; calls of other kinds are not limited, only penalised."""

    def __init__(self, rates: Mapping[str, Rate]) -> None:
        self._rates = dict(rates)
        self._buckets: dict[Key, _Bucket] = {}
        self._sweep_at = SWEEP

    def slot(self, key: Key, *, urgent: bool = False) -> Slot:
        """Use as `async with pacer.slot(key):`."""
        return Slot(self, key, urgent)

    def penalise(self, key: Key, retry_after: float) -> None:
        """The platform asked for a pause of so many seconds: hold this bucket, and go on more slowly for a while."""
        bucket = self._bucket(key)
        bucket.held_until = max(bucket.held_until, self._now() + retry_after)
        bucket.strikes, bucket.clean = min(bucket.strikes + 1, STRIKES), 0
        self.look(key)

    def learn(self, key: Key, remaining: int, reset_after: float) -> None:
        """What a response's headers say: so many calls are left until the window ends in so many seconds."""
        bucket, now = self._bucket(key), self._now()
        if remaining <= 0:
            bucket.held_until = max(bucket.held_until, now + reset_after)
        elif bucket.rate is not None:
            bucket.forget(now)
            unknown = bucket.rate.count - remaining - bucket.flying - len(bucket.returns)
            for _ in range(unknown):
                insort(bucket.returns, now + reset_after)
        self.look(key)

    # The slots' side.

    def enter(self, slot: Slot) -> None:
        self._bucket(slot.key).waiting.append(slot)
        self.look(slot.key)

    def withdraw(self, slot: Slot) -> None:
        bucket = self._bucket(slot.key)
        if slot in bucket.waiting:
            bucket.waiting.remove(slot)
            self.look(slot.key)
        else:
            self.leave(slot, used=False, clean=False)

    def leave(self, slot: Slot, *, used: bool, clean: bool) -> None:
        bucket = self._bucket(slot.key)
        bucket.flying -= 1
        if used and bucket.rate is not None:
            insort(bucket.returns, self._now() + bucket.rate.seconds)
        if used and clean and bucket.strikes:
            bucket.clean += 1
            if bucket.rate is None or bucket.clean >= bucket.rate.count:
                bucket.strikes, bucket.clean = bucket.strikes - 1, 0
        self.look(slot.key)

    def look(self, key: Key) -> None:
        """Let go whoever may go now, and come back when the next may."""
        bucket, now = self._bucket(key), self._now()
        bucket.forget(now)
        if bucket.timer is not None:
            bucket.timer.cancel()
            bucket.timer = None
        while bucket.waiting:
            slot = next((waiting for waiting in bucket.waiting if waiting.urgent), bucket.waiting[0])
            moment = bucket.free_at(slot.urgent, now)
            if moment is None:
                return
            if moment > now:
                bucket.timer = asyncio.get_running_loop().call_at(moment, self.look, key)
                return
            bucket.waiting.remove(slot)
            bucket.flying += 1
            bucket.last = now
            if not slot.granted.done():
                slot.granted.set_result(None)

    def _bucket(self, key: Key) -> _Bucket:
        if key not in self._buckets:
            if len(self._buckets) >= self._sweep_at:
                self._sweep()
            self._buckets[key] = _Bucket(self._rates.get(key[0]))
        return self._buckets[key]

    def _sweep(self) -> None:
        """Forget the buckets of places where nothing goes on."""
        now = self._now()
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.idle(now)}
        self._sweep_at = max(SWEEP, 2 * len(self._buckets))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
