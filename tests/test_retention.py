"""Words go when their time is over, by what each place's admins decided, on both databases; and a deleted question's at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.chat import Cancel, Finish, Mark, Note, Place, Size, State, Summary
from bot.ports import Change
from bot.privacy.retention import Purge
from bot.telemetry import Meters
from storage.stores import Stores
from tests.desk import THREAD, Desk
from tests.fakes import CHANNEL, GRACE, FakeClock
from tests.test_privacy import everything

pytest_plugins = ["tests.databases"]

SECRET = "marmalade"
KEPT_ELSEWHERE, SHORT_THERE = Place("fake", "T1", "C-kept"), Place("fake", "T1", "C-short")
OTHER = Place("fake", "T2", "C1")


async def decide(stores: Stores, place: Place, value: str, *, everywhere: bool = False) -> None:
    change = Change(place, "U9", "settings", "retention", value, everywhere=everywhere)
    assert await stores.preferences.change(change, datetime(2026, 11, 22, tzinfo=UTC))


async def test_each_place_keeps_words_for_as_long_as_its_admins_decided(desk: Desk, clock: FakeClock) -> None:
    stores, meters = desk.stores, Meters()
    await decide(stores, CHANNEL, "30d", everywhere=True)
    await decide(stores, KEPT_ELSEWHERE, "forever")
    await decide(stores, SHORT_THERE, "1d")
    await decide(stores, Place("fake", "T3", "C1"), "a value of another version")
    places = (CHANNEL, THREAD, KEPT_ELSEWHERE, SHORT_THERE, OTHER)
    for place in places:
        await desk.converse(f"old {place.channel}", "answer", place=place, branched_at=clock.now)
    purge = Purge(stores.retention, 90, meters)
    left = {}
    for day in (1, 2, 3, 31, 32, 91, 92):
        clock.now = datetime(2026, 11, 22, 12, tzinfo=clock.now.tzinfo) + timedelta(days=day)
        assert await purge(clock.now, 100) >= 0
        left[day] = [
            place.installation + place.channel + place.thread
            for place in places
            if await desk.questions(place)
        ]
    whole = ["T1C1", "T1C1t1", "T1C-kept", "T1C-short", "T2C1"]
    assert left[1] == whole
    assert left[2] == left[3] == [*whole[:3], "T2C1"]
    assert left[31] == ["T1C-kept", "T2C1"] and left[91] == ["T1C-kept"] == left[92]
    assert 'rejoinder_removed_total{why="retention"} 4.0' in meters.exposition().decode()
    assert await stores.inbox.known(["fake:T2:C1:m5"]) == {"fake:T2:C1:m5"}


async def test_pins_and_the_gist_go_too_and_what_is_unfinished_or_new_stays(
    desk: Desk, clock: FakeClock
) -> None:
    stores = desk.stores
    turn = await desk.converse("old", f"{SECRET} of old")
    assert await stores.memory.pin(CHANNEL, "U1", turn.message, clock.now, 20)
    assert await stores.memory.pin(CHANNEL, "U1", Note(f"{SECRET} note", Size(1), "o200k"), clock.now, 20)
    gist = Summary(Note(f"they spoke of {SECRET}", Size(1), "o200k"), Mark(clock.now, 10**6))
    await stores.memory.begin_at(turn, turn.mark, gist)
    soon = clock.now + timedelta(days=2)
    await desk.converse("new", "answer", author=GRACE, place=replace(CHANNEL, person="U2"), sent_at=soon)
    waiting = await desk.ask("still waiting")
    clock.advance(3 * 86_400)
    purge = Purge(stores.retention, 2, Meters())
    assert await purge(clock.now, 100) == 2
    assert SECRET not in await everything(stores)
    assert waiting in await desk.states()
    assert await desk.questions(replace(CHANNEL, person="U2")) == ["new"]
    assert (await stores.memory.beginning(CHANNEL)).summary is None


async def test_what_a_reset_forgot_is_gone_a_day_later(desk: Desk, clock: FakeClock) -> None:
    stores = desk.stores
    await desk.converse(f"{SECRET} before", "answer")
    await stores.conversations.reset(CHANNEL, clock.now)
    turn = await desk.converse("after", "answer")
    gist = Summary(Note("the gist", Size(1), "o200k"), Mark(clock.now, 10**6))
    await stores.memory.begin_at(turn, turn.mark, gist)
    purge = Purge(stores.retention, None, Meters())
    assert await purge(clock.advance(86_000), 100) == 0
    assert await purge(clock.advance(1_000), 100) == 1
    assert SECRET not in await everything(stores)
    assert (
        await desk.questions() == ["after"] and (await stores.memory.beginning(CHANNEL)).summary is not None
    )


async def test_several_processes_purge_side_by_side_in_bounded_rounds(
    houses: list[Stores], clock: FakeClock
) -> None:
    desk = Desk(houses[0], clock)
    for number in range(20):
        await desk.converse(f"old {number}", "answer")
    clock.advance(10 * 86_400)
    purges = [Purge(stores.retention, 1, Meters()) for stores in houses]
    removed = 0
    for _ in range(10):
        rounds = await asyncio.gather(*(purge(clock.now, 3) for purge in purges))
        assert all(one <= 3 for one in rounds)
        removed += sum(rounds)
    assert removed == 20 and await desk.questions() == []


async def test_a_deleted_question_leaves_no_words_while_and_after_its_answer_is_taken_away(
    desk: Desk, clock: FakeClock
) -> None:
    stores = desk.stores
    turn = await desk.ask(f"{SECRET}?", message="m1")
    taken = await desk.claimed()
    journal = stores.inbox.journal(taken, "w1")
    await journal.intend(0, "n0")
    await journal.posted(0, "answer-0")
    await journal.finished(0, f"{SECRET} half")
    await stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message="m1")
    assert SECRET not in await everything(stores)
    await journal.finished(0, f"{SECRET} whole")  # its worker has not heard yet
    await stores.inbox.answered(turn, "w1", f"{SECRET} answer", Size(3), "o200k", Finish.STOP)
    assert SECRET not in await everything(stores)
    await journal.removed(0)
    await desk.close(turn, state=State.CANCELLED)
    assert SECRET not in await everything(stores)

    done = await desk.converse(f"{SECRET} again?", f"{SECRET} again", message="m2")
    gist = Summary(Note(f"they spoke of {SECRET}", Size(1), "o200k"), Mark(clock.now, 10**6))
    await stores.memory.begin_at(done, done.mark, gist)
    assert await stores.memory.pin(CHANNEL, "U2", "m2", clock.now, 20)
    await stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message="m2")
    assert SECRET not in await everything(stores)
