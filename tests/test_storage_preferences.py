"""What admins decided: stored by level, written down with who decided it, and known at once in every process."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import event
from sqlalchemy.exc import StatementError

from bot.chat import Place
from bot.ports import Change, Levels
from storage.stores import Stores
from tests.fakes import CHANNEL, FakeClock

pytest_plugins = ["tests.databases"]

THREAD = replace(CHANNEL, thread="t1")
ELSEWHERE = replace(CHANNEL, channel="C2")
ABROAD = replace(CHANNEL, installation="T2")


async def decide(
    stores: Stores,
    clock: FakeClock,
    name: str,
    value: str | None,
    *,
    place: Place = CHANNEL,
    everywhere: bool = False,
) -> bool:
    change = Change(place, "U9", "settings", name, value, everywhere=everywhere)
    return await stores.preferences.change(change, clock.advance(1))


async def test_a_channel_and_its_threads_go_before_the_installation(stores: Stores, clock: FakeClock) -> None:
    assert await stores.preferences.levels(CHANNEL) == Levels({}, {})
    assert await decide(stores, clock, "scope", "user", everywhere=True)
    assert await decide(stores, clock, "scope", "thread", place=THREAD)
    assert await decide(stores, clock, "model", "openai:gpt-6-sol")
    here = Levels({"scope": "thread", "model": "openai:gpt-6-sol"}, {"scope": "user"})
    assert await stores.preferences.levels(CHANNEL) == await stores.preferences.levels(THREAD) == here
    assert await stores.preferences.levels(ELSEWHERE) == Levels({}, {"scope": "user"})
    assert await stores.preferences.levels(ABROAD) == Levels({}, {})
    assert await decide(stores, clock, "scope", None)
    assert (await stores.preferences.levels(CHANNEL)).channel == {"model": "openai:gpt-6-sol"}


async def test_every_change_is_written_down_once_with_who_when_and_what(
    stores: Stores, clock: FakeClock
) -> None:
    await decide(stores, clock, "talk", "admins")
    first = clock.now
    assert not await decide(stores, clock, "talk", "admins")
    await decide(stores, clock, "talk", "everyone")
    await decide(stores, clock, "talk", None)
    await decide(stores, clock, "scope", "user", place=ELSEWHERE)
    await decide(stores, clock, "scope", "user", everywhere=True)
    changes = await stores.preferences.changes(CHANNEL, 10)
    assert [(one.subject, one.old, one.new, one.everywhere) for one in changes] == [
        ("scope", None, "user", True),
        ("talk", "everyone", None, False),
        ("talk", "admins", "everyone", False),
        ("talk", None, "admins", False),
    ]
    assert {one.actor for one in changes} == {"U9"}
    assert changes[-1].at == first
    assert [one.new for one in await stores.preferences.changes(CHANNEL, 2)] == ["user", None]


async def test_a_change_and_its_record_stand_or_fall_together(stores: Stores, clock: FakeClock) -> None:
    change = Change(CHANNEL, "U9", "settings", "scope", "user")
    with pytest.raises(StatementError, match="zone"):
        await stores.preferences.change(change, clock.now.replace(tzinfo=None))  # the record can't be written
    assert (await stores.preferences.levels(CHANNEL)).channel == {}


async def test_a_change_holds_at_once_in_every_process(houses: list[Stores], clock: FakeClock) -> None:
    for house in houses:
        assert (await house.preferences.levels(CHANNEL)).channel == {}
    for value in ("user", "thread", "channel"):
        await decide(houses[0], clock, "scope", value)
        assert (await houses[0].preferences.levels(CHANNEL)).channel == {"scope": value}
        async with asyncio.timeout(20):
            for house in houses[1:]:
                while (await house.preferences.levels(CHANNEL)).channel != {"scope": value}:  # noqa: ASYNC110 - as people would look
                    await asyncio.sleep(0.005)


async def test_what_is_known_is_not_read_again_until_its_moment_is_over(
    stores: Stores, clock: FakeClock
) -> None:
    if not stores.database.is_sqlite:  # once it listens, anything may have changed before
        await anext(stores.inbox.signals())
    statements: list[str] = []
    engine = stores.database._reader.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))

    def readings() -> int:
        return sum("FROM preference" in statement for statement in statements)

    for _ in range(3):
        await stores.preferences.levels(CHANNEL)
    assert readings() == 1
    clock.advance(31)
    await stores.preferences.levels(CHANNEL)
    assert readings() == 2
