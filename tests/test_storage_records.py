"""What became of what was said: the story of a message, what failed, and the sweeping of what has served its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select

from bot.chat import Cancel, Incoming, Place, State
from bot.ports import Outcome, Story, Verdict
from storage.records import RECEIPTS_KEPT, VERDICTS_KEPT
from storage.tables import receipts, verdicts
from tests.desk import THREAD, Desk
from tests.fakes import CHANNEL, GRACE

pytest_plugins = ["tests.databases"]


async def note(desk: Desk, said: Incoming, *outcomes: Outcome) -> None:
    await desk.stores.records.note(
        [Verdict(said.place, said.message, said.author.id, outcome, desk.clock.now) for outcome in outcomes]
    )


async def story(desk: Desk, message: str, place: Place = CHANNEL) -> Story:
    found = await desk.stores.records.story(place, message)
    assert found is not None
    return found


async def test_a_turn_tells_its_story_from_waiting_to_the_end(desk: Desk) -> None:
    records, inbox = desk.stores.records, desk.stores.inbox
    first = await desk.ask(message="m1")
    second = await desk.ask(message="m2", direct=True, mentioned=False)
    told = await story(desk, "m2")
    assert told.fate is not None and told.author == "U1" and told.outcome is None and told.times == 0
    assert (told.fate.state, told.fate.before, told.fate.direct, told.fate.mentioned) == (
        State.WAITING,
        1,
        True,
        False,
    )
    assert told.fate.masked == ("email",) and told.fate.asked_at == desk.clock.now

    await desk.claimed()
    running = (await story(desk, "m1")).fate
    assert running is not None and running.mentioned
    assert (running.state, running.attempts, running.started_at) == (State.RUNNING, 1, desk.clock.now)

    await inbox.close(first, "w1", State.FAILED, error="overloaded", reference="abcd", now=desk.clock.now)
    failed = (await story(desk, "m1")).fate
    assert failed is not None and (failed.error, failed.reference) == ("overloaded", "abcd")
    [listed] = await records.failed(desk.clock.now - timedelta(hours=1), 10)
    assert (listed.turn, listed.place, listed.error, listed.reference) == (
        first,
        CHANNEL,
        "overloaded",
        "abcd",
    )
    assert await records.failed(desk.clock.now + timedelta(seconds=1), 10) == []

    await inbox.cancel(Cancel.RESET, turn=second)
    cancelled = (await story(desk, "m2")).fate
    assert cancelled is not None and (cancelled.state, cancelled.cancel) == (State.CANCELLED, Cancel.RESET)


async def test_a_verdict_tells_of_what_is_no_turn(desk: Desk) -> None:
    said = desk.question()
    assert await desk.stores.records.story(CHANNEL, said.message) is None
    await note(desk, said, Outcome.NOT_ADDRESSED, Outcome.DUPLICATE, Outcome.DUPLICATE)
    told = await story(desk, said.message)
    assert told == Story("U1", desk.clock.now, outcome=Outcome.NOT_ADDRESSED, times=2)
    await note(desk, said, Outcome.TOO_OLD)
    assert (await story(desk, said.message)).outcome is Outcome.TOO_OLD


async def test_a_repeated_delivery_of_a_question_is_counted_beside_its_turn(desk: Desk) -> None:
    said = desk.question()
    await note(desk, said, Outcome.DUPLICATE)  # its note may be written before the turn is looked at
    await desk.accept(said)
    told = await story(desk, said.message)
    assert told.fate is not None and told.times == 1


async def test_a_message_is_found_from_any_thread_of_its_channel_and_nowhere_else(desk: Desk) -> None:
    await desk.ask(message="a1", place=THREAD)
    said = desk.question(place=THREAD)
    await note(desk, said, Outcome.EMPTY)
    for place in (CHANNEL, THREAD, replace(CHANNEL, thread="t9")):
        assert (await story(desk, "a1", place)).fate is not None
        assert (await story(desk, said.message, place)).outcome is Outcome.EMPTY
    assert await desk.stores.records.story(replace(CHANNEL, channel="C2"), "a1") is None


async def test_the_latest_is_the_last_thing_that_person_said_there(desk: Desk) -> None:
    latest = desk.stores.records.latest
    assert await latest(CHANNEL, "U1") is None
    await desk.ask()
    await desk.ask(author=GRACE)
    await note(desk, desk.question(), Outcome.COMMAND)
    told = await latest(CHANNEL, "U1")
    assert told is not None and told.fate is not None
    await note(desk, desk.question(place=THREAD), Outcome.NOT_ADDRESSED)
    told = await latest(CHANNEL, "U1")
    assert told is not None and told.outcome is Outcome.NOT_ADDRESSED
    told = await latest(THREAD, "U1")
    assert told is not None and told.outcome is Outcome.NOT_ADDRESSED
    assert await latest(replace(CHANNEL, thread="t9"), "U1") is None
    desk.clock.advance(1)
    asked = await desk.ask(message="a5", place=THREAD)
    await note(desk, desk.question(message="a5", place=THREAD), Outcome.DUPLICATE)
    told = await latest(CHANNEL, "U1")
    assert told is not None and told.fate is not None and told.times == 1
    assert asked in await desk.states()


async def test_what_has_served_its_time_is_swept_a_little_at_a_time(desk: Desk) -> None:
    inbox, records = desk.stores.inbox, desk.stores.records
    for number in range(7):
        await inbox.once(f"old{number}", desk.clock.now)
        await note(desk, desk.question(), Outcome.NOT_ADDRESSED)
    desk.clock.advance((RECEIPTS_KEPT + timedelta(hours=1)).total_seconds())
    await inbox.once("new", desk.clock.now)
    await note(desk, desk.question(), Outcome.EMPTY)
    assert await records.sweep(desk.clock.now, 5) == 10
    assert await records.sweep(desk.clock.now, 5) == 4
    assert await records.sweep(desk.clock.now, 5) == 0
    assert not await inbox.seen("old3") and await inbox.seen("new")
    async with desk.stores.database.reading() as sql:
        left = [
            (await sql.execute(select(func.count()).select_from(table))).scalar()
            for table in (receipts, verdicts)
        ]
    assert left == [1, 1]
    assert VERDICTS_KEPT < RECEIPTS_KEPT
