"""Wake-ups: within a process, between processes, and after the listening connection broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest

from bot.chat import Cancel
from bot.ports import Signal
from storage.stores import Stores, open_stores
from tests.desk import Desk
from tests.fakes import HERE, FakeClock

pytest_plugins = ["tests.databases"]

LOOK = Signal()


async def heard(signals: AsyncIterator[Signal], wanted: Signal) -> Signal:
    """Wait for that signal; general ones may come before it."""
    async with asyncio.timeout(20):
        async for signal in signals:
            if signal == wanted:
                return signal
            assert signal == LOOK
    raise AssertionError("the signals ended")


async def test_every_subscriber_hears_of_a_new_turn(desk: Desk) -> None:
    subscribers = [desk.stores.inbox.signals() for _ in range(3)]
    await desk.ask()
    for signals in subscribers:
        await heard(signals, LOOK)


async def test_a_running_turn_that_is_called_off_is_signalled_with_its_reason(desk: Desk) -> None:
    said = desk.question()
    await desk.accept(said)
    turn = await desk.claimed()
    signals = desk.stores.inbox.signals()
    await desk.stores.conversations.reset(turn.place, desk.clock.now)
    await heard(signals, Signal(turn.id, Cancel.RESET))
    await desk.stores.inbox.cancel(Cancel.STOPPED, turn=turn.id)
    await heard(signals, Signal(turn.id, Cancel.STOPPED))
    await desk.amend(said, "other words", "1")
    await heard(signals, Signal(turn.id, Cancel.EDITED))
    await desk.close(turn.id)
    await heard(signals, LOOK)


async def test_what_was_not_written_is_not_signalled(desk: Desk) -> None:
    said = desk.question()
    await desk.accept(said)
    signals = desk.stores.inbox.signals()
    await desk.accept(said)
    assert await desk.accept(desk.question(), queue=1) is None
    await desk.stores.inbox.cancel(Cancel.STOPPED, turn=99)
    await desk.stores.aclose()
    assert [signal async for signal in signals if signal != LOOK] == []


async def test_signals_end_when_the_stores_are_closed(desk: Desk) -> None:
    signals = desk.stores.inbox.signals()
    waiting = asyncio.create_task(heard(signals, Signal(-1)))
    await asyncio.sleep(0)
    await desk.stores.aclose()
    with pytest.raises(AssertionError, match="ended"):
        await waiting


async def test_signals_end_when_their_subscriber_closes_them(desk: Desk) -> None:
    signals = desk.stores.database.bell.subscribe()
    await desk.ask()
    await signals.aclose()
    assert [signal async for signal in signals] == []


async def test_a_slow_subscriber_keeps_one_of_each(desk: Desk) -> None:
    signals = desk.stores.database.bell.subscribe()
    for _ in range(5):
        await desk.ask()
    while await signals.__anext__() != LOOK:
        pass
    desk.stores.database.bell.ring([Signal(7)])
    assert await signals.__anext__() == Signal(7)


# Between processes, on PostgreSQL.


@pytest.fixture
async def pair(postgres_store: str, clock: FakeClock) -> AsyncIterator[tuple[Desk, Stores]]:
    one, other = open_stores(postgres_store, clock), open_stores(postgres_store, clock)
    yield Desk(one, clock), other
    await one.aclose()
    await other.aclose()


async def test_other_processes_hear_of_work_and_of_cancellations(pair: tuple[Desk, Stores]) -> None:
    desk, other = pair
    signals = other.inbox.signals()
    await heard(signals, LOOK)  # it listens now
    asked = await desk.ask()
    await heard(signals, LOOK)
    turn = await other.inbox.claim(
        "there", desk.clock.now, desk.clock.now - desk.clock.now, platforms=HERE, abreast=1, attempts=3
    )
    assert turn is not None and turn.id == asked
    await desk.stores.inbox.cancel(Cancel.STOPPED, turn=asked)
    await heard(signals, Signal(asked, Cancel.STOPPED))


async def test_more_cancellations_than_one_notice_holds_all_arrive(pair: tuple[Desk, Stores]) -> None:
    desk, other = pair
    signals = other.inbox.signals()
    await heard(signals, LOOK)
    for number in range(110):
        await desk.ask(place=replace(desk.question().place, thread=f"t{number}"))
    running = {turn.id for _ in range(110) if (turn := await desk.claim()) is not None}
    assert await desk.stores.inbox.cancel(Cancel.STOPPED, place=desk.question().place) == len(running) == 110
    called_off: set[int | None] = set()
    async with asyncio.timeout(20):
        while called_off != running:
            signal = await signals.__anext__()
            called_off |= {signal.turn} if signal.cancel is Cancel.STOPPED else set()


async def test_a_listener_that_lost_its_connection_listens_again_and_looks(
    pair: tuple[Desk, Stores], postgres_store: str
) -> None:
    desk, other = pair
    signals = other.inbox.signals()
    await heard(signals, LOOK)
    with psycopg.connect(postgres_store, autocommit=True) as connection:
        killed = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        )
        assert killed.rowcount == 1
    await heard(signals, LOOK)
    asked = await desk.ask()
    await desk.claimed()
    await desk.stores.inbox.cancel(Cancel.STOPPED, turn=asked)
    await heard(signals, Signal(asked, Cancel.STOPPED))


async def test_what_is_not_understood_still_means_look(
    pair: tuple[Desk, Stores], postgres_store: str
) -> None:
    _, other = pair
    signals = other.inbox.signals()
    await heard(signals, LOOK)
    with psycopg.connect(postgres_store, autocommit=True) as connection:
        for payload in ("", "{}", '["x", [[1, "by a newer version"]]]', "[1]"):
            connection.execute("SELECT pg_notify('rejoinder', %s)", (payload,))
            await heard(signals, LOOK)
