"""Budgets of calls, shared by all replies of a process: who may call when.

Each bucket holds `Rate.count` tokens. A call holds one, which comes back `Rate.seconds` after the call has ended: thus no
window of that length, wherever it begins and however slow the network, sees more than `count` calls. Urgent calls (first
posts, last edits) go first, at once while tokens are left; the others are spread evenly and served in turn, so that each
of the waiting replies gets its share. Whoever is alone goes at twice that pace while more than `RESTED` of the tokens are
left; the rest is spread over the time until the first of them come back, so that no answer ever stands still. A slot is
a permission and no message: who gets it sends what is newest then.

Where the platform tells its limits with every response, `learn` puts them in the place of what was assumed.

Time is the event loop's.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from bot.errors import PlatformBusy

Key = tuple[str, ...]
"""Names a bucket. Its first word says which `Rate` it has."""

RESTED: Final = 0.6
HASTE: Final = 2.0
STRIKES: Final = 4
SWEEP: Final = 256
UNLIMITED: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in so many seconds."""

    count: int
    seconds: float


@dataclass(eq=False, slots=True)
class _Wait:
    """One call's place in the line of one bucket."""

    key: Key
    urgent: bool
    granted: asyncio.Future[None]


@dataclass(slots=True)
class _Bucket:
    rate: Rate | None
    flying: int = 0
    returns: list[float] = field(default_factory=list)
    held_until: float = 0.0
    last: float = float("-inf")
    strikes: int = 0
    clean: int = 0
    waiting: list[_Wait] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None

    def free_at(self, urgent: bool, now: float) -> float | None:
        """When the next call may go; None: only after one that is under way has ended."""
        moment = max(now, self.held_until)
        if self.rate is None:
            return moment
        excess = -self._left(self.rate)
        if excess >= len(self.returns):
            return None
        if excess >= 0:
            moment = max(moment, self.returns[excess])
        if not urgent:
            moment = max(moment, self.last + self._spacing(self.rate, now) * 2**self.strikes)
        return moment

    def _left(self, rate: Rate) -> int:
        return rate.count - self.flying - len(self.returns)

    def _spacing(self, rate: Rate, now: float) -> float:
        """Seconds between two calls that aren't urgent, such as can be kept up until tokens come back."""
        left = self._left(rate)
        until_back = ((back - now) / (left + more) for more, back in enumerate(self.returns, 1))
        even = max(rate.seconds / rate.count, *until_back, 0.0)
        return even / HASTE if len(self.waiting) == 1 and left >= RESTED * rate.count else even

    def ample(self, now: float) -> bool:
        half = self.rate.count / 2 if self.rate is not None else 0
        return self.left(now) > half and not self.waiting

    def left(self, now: float) -> int:
        """How many calls could go at once."""
        self.forget(now)
        if self.held_until > now:
            return 0
        return UNLIMITED if self.rate is None else self._left(self.rate)

    def idle(self, now: float) -> bool:
        self.forget(now)
        return not (self.waiting or self.flying or self.returns or self.strikes or self.held_until > now)

    def forget(self, now: float) -> None:
        while self.returns and self.returns[0] <= now:
            del self.returns[0]


class Recalled(Exception):
    """The slot is not waited for any more."""


class Slot:
    """One call's place in the queue; entered, it is the permission to make that call.

    Of several buckets the narrowest comes first: its token is held while the call waits for the next. A `PlatformBusy` that
    leaves the block penalises that one alone, or the last one where the platform is busy everywhere.
    """

    def __init__(self, pacer: Pacer, keys: tuple[Key, ...], urgent: bool) -> None:
        self.urgent = urgent
        self._pacer, self._keys = pacer, keys
        self._held: list[_Wait] = []
        self._used = True

    def recall(self) -> None:
        """Whoever waits for it shall think again: entering it ends with `Recalled`, unless it was granted already."""
        for wait in self._held:
            if not wait.granted.done():
                wait.granted.set_exception(Recalled())

    def unused(self) -> None:
        """The call was not made after all: its tokens come back at once."""
        self._used = False

    async def __aenter__(self) -> Self:
        for key in self._keys:
            wait = _Wait(key, self.urgent, asyncio.get_running_loop().create_future())
            self._held.append(wait)
            self._pacer.enter(wait)
            try:
                await wait.granted
            except (asyncio.CancelledError, Recalled):
                for held in self._held:
                    self._pacer.withdraw(held)
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, PlatformBusy):
            self._pacer.penalise(self._keys[-1 if error.everywhere else 0], error.retry_after)
        for wait in self._held:
            self._pacer.leave(wait, used=self._used, clean=error is None)


class Pacer:
    """`rates` are by the first word of a key; calls of other kinds are not limited, only penalised and learnt of."""

    def __init__(self, rates: Mapping[str, Rate]) -> None:
        self._rates = dict(rates)
        self._buckets: dict[Key, _Bucket] = {}
        self._sweep_at = SWEEP

    def slot(self, *keys: Key, urgent: bool = False) -> Slot:
        """Use as `async with pacer.slot(key):`."""
        return Slot(self, keys, urgent)

    def penalise(self, key: Key, retry_after: float) -> None:
        """The platform asked for a pause of so many seconds: hold this bucket, and go on more slowly for a while."""
        bucket = self._bucket(key)
        bucket.held_until = max(bucket.held_until, self._now() + retry_after)
        bucket.strikes, bucket.clean = min(bucket.strikes + 1, STRIKES), 0
        self.look(key)

    def learn(self, key: Key, limit: int, remaining: int, reset_after: float) -> None:
        """What a response says: so many calls a window, so many of them left until it ends in so many seconds.

        Only the first call of a window tells how long windows are. Calls that are not ours (another process with the same
        token) count as well.
        """
        bucket, now = self._bucket(key), self._now()
        if limit < 1 or reset_after <= 0:
            return
        if remaining == limit - 1 or bucket.rate is None:
            bucket.rate = Rate(limit, reset_after)
        elif limit != bucket.rate.count:
            bucket.rate = Rate(limit, bucket.rate.seconds)
        if remaining <= 0:
            bucket.held_until = max(bucket.held_until, now + reset_after)
        bucket.forget(now)
        foreign = limit - remaining - bucket.flying - len(bucket.returns)
        for _ in range(foreign):
            insort(bucket.returns, now + reset_after)
        self.look(key)

    def ample(self, *keys: Key) -> bool:
        """Whether calls that aren't needed may be made: nobody waits, and half of the tokens are left."""
        now = self._now()
        return all(self._bucket(key).ample(now) for key in keys)

    def left(self, key: Key) -> int:
        """How many calls could go at once now."""
        return self._bucket(key).left(self._now())

    # The slots' side.

    def enter(self, wait: _Wait) -> None:
        self._bucket(wait.key).waiting.append(wait)
        self.look(wait.key)

    def withdraw(self, wait: _Wait) -> None:
        bucket = self._bucket(wait.key)
        if wait in bucket.waiting:
            bucket.waiting.remove(wait)
            self.look(wait.key)
        else:
            self.leave(wait, used=False, clean=False)

    def leave(self, wait: _Wait, *, used: bool, clean: bool) -> None:
        bucket = self._bucket(wait.key)
        bucket.flying -= 1
        if used and bucket.rate is not None:
            insort(bucket.returns, self._now() + bucket.rate.seconds)
        if used and clean and bucket.strikes:
            bucket.clean += 1
            if bucket.rate is None or bucket.clean >= bucket.rate.count:
                bucket.strikes, bucket.clean = bucket.strikes - 1, 0
        self.look(wait.key)

    def look(self, key: Key) -> None:
        """Let go whoever may go now, and come back when the next may."""
        bucket, now = self._bucket(key), self._now()
        bucket.forget(now)
        if bucket.timer is not None:
            bucket.timer.cancel()
            bucket.timer = None
        while bucket.waiting:
            wait = next((waiting for waiting in bucket.waiting if waiting.urgent), bucket.waiting[0])
            moment = bucket.free_at(wait.urgent, now)
            if moment is None:
                return
            if moment > now:
                bucket.timer = asyncio.get_running_loop().call_at(moment, self.look, key)
                return
            bucket.waiting.remove(wait)
            bucket.flying += 1
            bucket.last = now
            if not wait.granted.done():
                wait.granted.set_result(None)

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
