"""Answers that are called off: what was finished is taken away, what is being ended is ended under the lease, and nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.chat import Cancel, Finish, Posted, Size, State, Turn
from bot.errors import LeaseLost, StoreUnavailable
from bot.inbox import Held, Workers
from bot.ports import Renewal
from storage.stores import Stores
from tests.desk import LEASE, Desk, workers_of
from tests.fakes import CHANNEL, GRACE, FakeClock, Gate

pytest_plugins = ["tests.databases"]


async def shown_turn(desk: Desk, said: str = "a secret") -> Turn:
    """A question whose answer is done, and stands in one message."""
    question = desk.question(said, message="secret")
    await desk.accept(question)
    turn = await desk.claimed()
    journal = desk.stores.inbox.journal(turn, "w1")
    await journal.intend(0, "n0")
    await journal.posted(0, "p0")
    await desk.finish(turn, "it is safe")
    return turn


async def test_the_answer_to_a_deleted_question_is_taken_away_though_it_was_done(desk: Desk) -> None:
    inbox = desk.stores.inbox
    turn = await shown_turn(desk)
    assert await inbox.cancel(Cancel.DELETED, place=CHANNEL, message="secret") == 0
    again = await desk.claimed("w2")
    assert (again.id, again.cancel, again.attempts) == (turn.id, Cancel.DELETED, 1)
    assert again.parts == (Posted(0, "n0", "p0"),) and again.answer is None
    await inbox.journal(again, "w2").removed(0)
    await desk.close(again.id, "w2", State.CANCELLED)
    await inbox.cancel(Cancel.DELETED, place=CHANNEL, message="secret")  # told a second time
    assert await desk.claim() is None


async def test_a_deletion_that_its_worker_does_not_notice_is_made_good(desk: Desk) -> None:
    inbox = desk.stores.inbox
    await desk.ask(message="secret")
    turn = await desk.claimed()
    await inbox.journal(turn, "w1").intend(0, "n0")
    await inbox.answered(turn.id, "w1", "it is safe", Size(3), "c", Finish.STOP)
    await inbox.cancel(Cancel.DELETED, place=CHANNEL, message="secret")
    await desk.close(turn.id, "w1", State.DONE)
    for attempt in (2, 3, 4):  # what can't be taken away is tried a few times more
        again = await desk.claimed("w2")
        assert (again.cancel, again.attempts) == (Cancel.DELETED, attempt)
        await desk.close(again.id, "w2", State.FAILED)
    assert await desk.claim("w2", attempts=3) is None
    assert await desk.states() == {}


@pytest.mark.parametrize("reason", [Cancel.STOPPED, Cancel.RESET])
async def test_an_edited_question_is_answered_though_its_old_answer_is_stopped(
    desk: Desk, reason: Cancel
) -> None:
    said = desk.question("old")
    await desk.accept(said)
    turn = await desk.claimed()
    await desk.amend(said, "new", "1")
    assert await desk.stores.inbox.cancel(reason, place=CHANNEL) == 0
    await desk.stores.inbox.release(turn.id, "w1")
    again = await desk.claimed("w2")
    assert (again.text, again.cancel) == ("new", None)


async def test_what_is_deleted_while_it_is_being_stopped_is_taken_away_too(desk: Desk) -> None:
    inbox = desk.stores.inbox
    await desk.ask(message="secret")
    turn = await desk.claimed()
    journal = inbox.journal(turn, "w1")
    await journal.intend(0, "n0")
    await journal.posted(0, "p0")
    for reason in (Cancel.STOPPED, Cancel.DELETED):
        await inbox.cancel(reason, turn=turn.id)
    await desk.close(turn.id, "w1", State.CANCELLED)
    again = await desk.claimed("w2")
    assert again.cancel is Cancel.DELETED and again.parts == (Posted(0, "n0", "p0"),)
    await inbox.journal(again, "w2").removed(0)
    await desk.close(again.id, "w2", State.CANCELLED)
    assert await desk.claim() is None


async def test_what_was_called_off_waits_for_nobody(desk: Desk) -> None:
    await shown_turn(desk)
    running = await desk.ask()
    await desk.ask(author=GRACE)
    assert (await desk.claimed()).id == running
    await desk.stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message="secret")
    ending = await desk.claim("w2", abreast=1)
    assert ending is not None and ending.message == "secret"


class Engine:
    """Speaks until it is called off, then ends the turn at its leisure, as long as the gate is closed."""

    def __init__(self) -> None:
        self.gate, self.speaking = Gate(), asyncio.Event()
        self.let_go = False
        self.held: Held | None = None

    async def answer(self, held: Held) -> None:
        self.held = held
        try:
            self.speaking.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if held.why is not None:
                await self._end(held)
            raise

    async def _end(self, held: Held) -> None:
        self.gate.reached.set()
        try:
            await self.gate.open.wait()
        except asyncio.CancelledError:
            self.let_go = True
            raise
        await held.close(State.CANCELLED)


async def begun(stores: Stores, clock: FakeClock) -> tuple[Engine, Workers, int, asyncio.Task[None]]:
    """A worker with a short lease that answers a question, and is called off."""
    desk, engine = Desk(stores, clock), Engine()
    asked = await desk.ask()
    workers = workers_of(stores.inbox, engine, clock, lease=timedelta(seconds=0.4), most=1, abreast=1)
    running = asyncio.create_task(workers.run())
    async with asyncio.timeout(10):
        await engine.speaking.wait()
        await stores.inbox.cancel(Cancel.STOPPED, turn=asked)
        await engine.gate.reached.wait()
    return engine, workers, asked, running


async def until_over(stores: Stores) -> None:
    async with asyncio.timeout(10):
        while await stores.inbox.unfinished():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)


async def test_the_lease_is_kept_while_an_answer_is_being_ended(stores: Stores, clock: FakeClock) -> None:
    engine, workers, asked, running = await begun(stores, clock)
    desk = Desk(stores, clock)
    for _ in range(6):
        clock.advance(0.1)
        await asyncio.sleep(0.15)
    assert await desk.claim("another") is None
    engine.gate.open.set()
    await until_over(stores)
    assert not engine.let_go
    assert asked not in await desk.states()
    await workers.drain(0)
    await running


async def test_who_loses_the_lease_while_ending_an_answer_lets_go(stores: Stores, clock: FakeClock) -> None:
    engine, workers, asked, running = await begun(stores, clock)
    clock.advance(LEASE.total_seconds())
    taken = await Desk(stores, clock).claim("another")
    assert taken is not None and (taken.id, taken.cancel) == (asked, Cancel.STOPPED)
    async with asyncio.timeout(10):
        while not engine.let_go:  # noqa: ASYNC110 - the engine tells nobody
            await asyncio.sleep(0.01)
    await workers.drain(0)
    await running


class AwayNow:
    """The inbox of a process whose database does not answer any more, once it is `away`."""

    def __init__(self, stores: Stores) -> None:
        self._inbox, self.away = stores.inbox, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inbox, name)

    async def renew(self, turn: int, owner: str, until: datetime) -> Renewal:
        if self.away:
            raise StoreUnavailable("away")
        return await self._inbox.renew(turn, owner, until)


async def test_a_worker_without_a_database_shows_nothing_more_before_its_lease_could_end(
    stores: Stores, clock: FakeClock
) -> None:
    """A lease of 40 s is renewed every 10 s: after 30 s it is given up, while nobody else can have it yet."""
    inbox, desk, engine = AwayNow(stores), Desk(stores, clock), Engine()
    await desk.ask()
    workers = workers_of(inbox, engine, clock, lease=timedelta(seconds=40), most=1, abreast=1)
    running = asyncio.create_task(workers.run())
    async with asyncio.timeout(10):
        await engine.speaking.wait()
    assert engine.held is not None
    inbox.away = True
    clock.advance(29)
    engine.held.journal.check()
    clock.advance(2)
    with pytest.raises(LeaseLost):
        engine.held.journal.check()
    assert await desk.claim("another") is None
    clock.advance(10)
    assert await desk.claim("another") is not None
    await workers.drain(0)
    await running


class Lingering:
    """Speaks until it is called off; whoever speaks first lets go only when it is told to."""

    def __init__(self) -> None:
        self.helds: list[Held] = []
        self.go = asyncio.Event()

    async def answer(self, held: Held) -> None:
        self.helds.append(held)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            while held is self.helds[0] and not self.go.is_set():
                with suppress(asyncio.CancelledError):
                    await self.go.wait()
            raise


async def test_whoever_has_a_turn_again_that_this_process_has_not_let_go_of_yet_keeps_it_and_hears_of_stop(
    stores: Stores, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    engine, lease = Lingering(), timedelta(seconds=0.4)
    asked = await Desk(stores, clock).ask()
    workers = workers_of(stores.inbox, engine, clock, lease=lease)
    running = asyncio.create_task(workers.run())
    await until(lambda: len(engine.helds) == 1)
    await stores.inbox.void_leases()
    await until(lambda: len(engine.helds) == 2)
    engine.go.set()
    await until(lambda: workers.busy == 1)
    await stores.inbox.cancel(Cancel.STOPPED, turn=asked)
    await until(lambda: engine.helds[1].why is Cancel.STOPPED)
    await workers.drain(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - workers tell nobody
            await asyncio.sleep(0.005)
