"""Accepted turns waiting for an answer: who works on which, under a lease that is renewed, and what happens when it is lost.

A worker holds a turn as `Held`. While it lives it renews the lease; when it can't, it stops touching the turn *before* the lease could
end, so that whoever takes over finds it alone. A cancellation may come from any process: as a signal at once, or with the next renewal.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from bot.chat import Cancel, Content, Finish, Picture, Posted, Size, State, Turn
from bot.errors import LeaseLost, StoreUnavailable
from bot.ports import Clock, Inbox, Journal, Pulse, Warned

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL = 1.0
"""Seconds between looks for abandoned turns when no signal comes."""
FREELY = 2
"""A turn that was left behind so often is suspected to bring its process down."""
LETTING_GO = 2.0
"""Seconds that a stopping process has to give its turns back."""
BEATS = 4
"""Renewals within one lease; a worker gives up when only the last of them is left."""


class Answering(Protocol):
    """What is done with a held turn (the engine). Cancelled, it ends the turn as `held.why` says, at once when that is None;
    cancelled again, it ends at once."""

    async def answer(self, held: Held) -> None: ...


class Held:
    """A turn under lease, until `ends` unless it is renewed. What it writes is fenced: after the lease is lost every verb raises
    `LeaseLost`.

    `why` says why the work on it is called off, once it is: a cancellation, or None for a lost lease or a stopping process.
    `said` is the answer so far and `model` who says it, both kept up to date by whoever has it spoken; `pictures` are the question's, as
    a model is shown them, and `warned` is what people are to be told of budgets when it ends.
    """

    def __init__(
        self, inbox: Inbox, turn: Turn, owner: str, lease: timedelta, clock: Clock, ends: datetime
    ) -> None:
        self._inbox, self._owner, self._lease, self._clock, self._ends = inbox, owner, lease, clock, ends
        self._beat = lease / BEATS
        self.turn = turn
        self.journal: Journal = HeldJournal(inbox.journal(turn, owner), self)
        self.why: Cancel | None = None
        self.said = self.model = ""
        self.pictures: tuple[Picture, ...] = ()
        self.warned: list[Warned] = list(turn.warned)
        self._off, self._lost, self._over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @property
    def left(self) -> float:
        """Seconds for which it may still be worked on: a beat less than the lease is sure to last."""
        return (self._ends - self._beat - self._clock()).total_seconds()

    async def read(self, content: Content, masked: Sequence[str], size: Size, counter: str) -> None:
        """Its files were read: the question is told with their words from now on."""
        await self.steadily(
            lambda: self._inbox.read(
                self.turn.id, self._owner, content, masked=masked, size=size, counter=counter
            )
        )
        self.turn = replace(self.turn, content=content, masked=tuple(masked))

    async def answered(
        self, answer: str, size: Size, counter: str, finish: Finish, notes: Sequence[str] = ()
    ) -> None:
        await self.steadily(
            lambda: self._inbox.answered(
                self.turn.id, self._owner, answer, size, counter, finish, self.model, notes
            )
        )

    async def warn(self, warned: Sequence[Warned]) -> None:
        """Keep it with the turn, so that whoever ends it tells of it."""
        self.warned += warned
        await self.steadily(lambda: self._inbox.warned(self.turn.id, self._owner, self.warned))

    async def put_back(self) -> bool:
        """Where another version stood before this one, let it stand again, and say so."""
        if self.turn.former is None:
            return False
        back = await self.steadily(lambda: self._inbox.put_back(self.turn.id, self._owner))
        if back is None or back.answer is None:
            return False
        self.turn, self.said = back, back.answer
        return True

    async def close(self, state: State, *, error: str = "", reference: str = "") -> None:
        now = self._clock()
        await self.steadily(
            lambda: self._inbox.close(
                self.turn.id, self._owner, state, error=error, reference=reference, now=now
            )
        )

    async def release(self) -> None:
        """Give the turn back, for anyone to begin at once."""
        await self.steadily(lambda: self._inbox.release(self.turn.id, self._owner))

    def call_off(self, why: Cancel | None) -> None:
        """Stop the work on it soon; the first reason counts."""
        if not self._off.is_set():
            self.why = why
            self._off.set()

    async def called_off(self) -> None:
        await self._off.wait()

    async def lost(self) -> None:
        """Wait until the lease is lost, or can't be renewed in time: not one more word then."""
        await self._lost.wait()

    def end(self) -> None:
        """The work on it is over: the lease is not renewed again."""
        self._over.set()

    async def keep(self) -> None:
        """Renew the lease until the work has ended, however it ends; give up when it is lost or can't be renewed in time."""
        pause = beat = self._beat.total_seconds()
        while not (self._over.is_set() or self._lost.is_set()):
            await _sleep_unless(self._over, min(pause, max(self.left, 0)))
            if self._over.is_set():
                return
            if self.left <= 0:
                log.warning(
                    "turn %s: the lease could not be renewed in time; leaving it to others", self.turn.id
                )
                self._lose()
                return
            pause = beat if await self._renew() else beat / 4

    async def _renew(self) -> bool:
        """False when the database does not answer."""
        asked = self._clock()
        try:
            renewal = await asyncio.wait_for(
                self._inbox.renew(self.turn.id, self._owner, asked + self._lease), self.left
            )
        except (StoreUnavailable, TimeoutError):
            return False
        if renewal.pulse is Pulse.LOST:
            self._lose()
            return True
        self._ends = asked + self._lease
        if renewal.cancel is not None:
            self.call_off(renewal.cancel)
        return True

    def _lose(self) -> None:
        self.call_off(None)
        self._lost.set()

    async def steadily(self, verb: Callable[[], Awaitable[T]]) -> T:
        """Do it, waiting out a database that is away, as long as the lease lasts."""
        return await steady(verb, self.left)


class HeldJournal:
    """The journal of a held turn."""

    def __init__(self, journal: Journal, held: Held) -> None:
        self._journal, self._held = journal, held

    @property
    def parts(self) -> Sequence[Posted]:
        return self._journal.parts

    def check(self) -> None:
        if self._held.left <= 0:
            raise LeaseLost("the lease may end at any moment")
        self._journal.check()

    async def intend(self, index: int, nonce: str) -> None:
        await self._held.steadily(lambda: self._journal.intend(index, nonce))

    async def posted(self, index: int, message: str) -> bool:
        return await self._held.steadily(lambda: self._journal.posted(index, message))

    async def finished(self, index: int, text: str) -> None:
        await self._held.steadily(lambda: self._journal.finished(index, text))

    async def removed(self, index: int) -> None:
        await self._held.steadily(lambda: self._journal.removed(index))


async def steady(verb: Callable[[], Awaitable[T]], patience: float) -> T:
    """Do it, again and again while the database is away, for `patience` seconds at most; then `LeaseLost`."""
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(StoreUnavailable),
        wait=wait_random_exponential(multiplier=0.05, max=0.5),
        stop=stop_after_delay(max(patience, 0)),
        reraise=True,
    )
    try:
        async for attempt in retrying:
            with attempt:
                return await verb()
    except StoreUnavailable as error:
        raise LeaseLost("the database was away for too long") from error
    raise AssertionError("the last attempt returns or raises")


async def _sleep_unless(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def _whichever_first(task: asyncio.Task[None], event: Coroutine[None, None, None]) -> None:
    waiting = asyncio.create_task(event)
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


class Workers:
    """Claims turns as they come and has them answered, `most` at a time.

    `owner` names this process in the database; every claim adds a number to it, so that no two claims bear one name. `platforms` are
    those it speaks to: another process may speak to others.

    When a process dies, so do all answers in it, whoever's fault it was; what dies with it again is suspected. Of suspects a process has
    only one in hand at a time, so that the innocent among them are answered, and the guilty one alone uses up its attempts.
    """

    def __init__(
        self,
        inbox: Inbox,
        engine: Answering,
        *,
        owner: str,
        platforms: Collection[str],
        lease: timedelta,
        most: int,
        abreast: int,
        attempts: int,
        clock: Clock,
    ) -> None:
        self._inbox, self._engine, self._owner, self._lease = inbox, engine, owner, lease
        self._platforms, self._most, self._abreast = platforms, most, abreast
        self._attempts, self._clock = attempts, clock
        self._freely = max(1, min(FREELY, attempts - 1))
        self._claims = itertools.count(1)
        self._held: set[Held] = set()  # a turn stands in it twice while one who lost it has not let go yet
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled or drained."""
        listening = asyncio.create_task(self._listen(), name="signals")
        try:
            while not self._stopping.is_set():
                self._wake.clear()
                await self._claim_all()
                await _sleep_unless(self._wake, POLL)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def drain(self, grace: float) -> None:
        """Claim nothing more; let what runs finish within `grace` seconds, give the rest back. What does not even let go is left to
        whoever takes it up when its lease has ended."""
        self._stopping.set()
        self._wake.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for held in list(self._held):
            held.call_off(None)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LETTING_GO)
        for task in self._tasks:
            log.warning("%s does not let go; it is left behind", task.get_name())
            task.cancel()

    @property
    def busy(self) -> int:
        return len(self._tasks)

    async def _claim_all(self) -> None:
        while len(self._tasks) < self._most and not self._stopping.is_set():
            owner, asked = f"{self._owner}#{next(self._claims)}", self._clock()
            try:
                turn = await self._inbox.claim(
                    owner,
                    asked,
                    self._lease,
                    platforms=self._platforms,
                    abreast=self._abreast,
                    attempts=self._attempts,
                    tried=self._freely - 1 if self._suspects() else None,
                )
                if turn is not None and self._stopping.is_set():  # it was told so while it asked
                    await self._inbox.release(turn.id, owner)
                    return
            except StoreUnavailable:
                log.warning("the database does not answer; waiting for it")
                return
            if turn is None:
                return
            held = Held(self._inbox, turn, owner, self._lease, self._clock, asked + self._lease)
            self._held.add(held)
            task = asyncio.create_task(self._work(held), name=f"turn {turn.id}")
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _suspects(self) -> bool:
        return any(held.turn.attempts > self._freely for held in self._held)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)

    async def _work(self, held: Held) -> None:
        turn = held.turn
        if turn.cancel is not None:
            held.call_off(turn.cancel)
        answering = asyncio.create_task(self._engine.answer(held), name=f"answer {turn.id}")
        keeping = asyncio.create_task(held.keep(), name=f"lease {turn.id}")
        try:
            if turn.cancel is None:
                await _whichever_first(answering, held.called_off())
                if not answering.done():
                    answering.cancel()
            if held.why is not None:  # what people see is put in order, as long as the lease lasts
                await _whichever_first(answering, held.lost())
                if not answering.done():
                    answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
        finally:
            self._held.discard(held)
            answering.cancel()
            held.end()
            await asyncio.gather(keeping, return_exceptions=True)
        if not answering.cancelled() and (error := answering.exception()) is not None:
            raise error

    async def _listen(self) -> None:
        async with aclosing(self._inbox.signals()) as signals:  # type: ignore[type-var]
            async for signal in signals:
                for held in list(self._held):
                    if held.turn.id == signal.turn and signal.cancel is not None:
                        held.call_off(signal.cancel)
                self._wake.set()
