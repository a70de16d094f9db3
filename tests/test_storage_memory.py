"""What is remembered of a conversation, on both databases: where prompts begin, what is pinned, the gist of what was left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from bot.chat import Cancel, Exchange, Finish, Note, Place, Size, Summary, Turn, Usage
from bot.ports import Beginning, Cached, Settlement, Taken
from bot.ports import Call as Ledgered
from storage.stores import Stores
from tests.desk import Desk
from tests.fakes import CHANNEL, GRACE

pytest_plugins = ["tests.databases"]

THREAD = replace(CHANNEL, thread="m2")
NOTE = Note("We deploy on Fridays.", Size(5, digits=1), "o200k")


async def begins(desk: Desk, place: Place = CHANNEL, **more: Any) -> Beginning:
    return await desk.stores.memory.beginning(place, **more)


async def told(desk: Desk, place: Place = CHANNEL, **more: Any) -> list[str]:
    """The questions that a prompt there would hold, oldest first."""
    beginning = await begins(desk, place, **more)
    history = desk.stores.memory.history(beginning, since=beginning.since)
    return [exchange.question async for exchange in history][::-1]


async def talk(desk: Desk, count: int, place: Place = CHANNEL) -> list[Turn]:
    return [await desk.converse(f"q{number}", f"a{number}", place=place) for number in range(1, count + 1)]


async def test_a_conversation_is_told_from_a_turn_on_which_only_moves_on(desk: Desk) -> None:
    memory = desk.stores.memory
    turns = await talk(desk, 5)
    assert await told(desk) == ["q1", "q2", "q3", "q4", "q5"]
    await memory.begin_at(turns[4], turns[2].mark, None)
    assert await told(desk) == ["q3", "q4", "q5"]
    assert await memory.left_out(await begins(desk), turns[2].mark) == 2
    await memory.begin_at(turns[4], turns[1].mark, None)
    assert (await begins(desk)).since == turns[2].mark
    await memory.begin_at(turns[4], turns[3].mark, None)
    assert await told(desk) == ["q4", "q5"]
    assert await told(desk, before=turns[4]) == ["q4"]
    assert await told(desk, before=turns[1]) == ["q1"]  # what is asked again after all has what it had then


async def test_a_new_epoch_is_told_from_its_beginning(desk: Desk) -> None:
    memory = desk.stores.memory
    old = await talk(desk, 3)
    await memory.begin_at(old[2], old[1].mark, Summary(NOTE, old[1].mark))
    await memory.pin(CHANNEL, "U1", NOTE, desk.clock.now, 9)
    await desk.stores.conversations.reset(CHANNEL, desk.clock.advance(1))
    [new] = await talk(desk, 1)
    beginning = await begins(desk)
    assert (beginning.since, beginning.summary, beginning.pins) == (None, None, ())
    await memory.begin_at(
        old[2], old[2].mark, None
    )  # an answer that comes late belongs to the epoch of its question
    assert (await begins(desk)).since is None
    await memory.begin_at(new, new.mark, None)
    assert (await begins(desk)).since == new.mark


async def test_a_thread_begins_as_its_channel_did_and_goes_its_own_way(desk: Desk) -> None:
    memory = desk.stores.memory
    turns = await talk(desk, 3)
    gist = Summary(NOTE, turns[1].mark)
    await memory.begin_at(turns[2], turns[1].mark, gist)
    inside = await desk.converse("in here", "yes", place=THREAD, branched_at=turns[2].sent_at)
    beginning = await begins(desk, THREAD)
    assert (beginning.since, beginning.summary, beginning.adopted) == (turns[1].mark, gist, True)
    assert await told(desk, THREAD) == ["q2", "q3", "in here"]
    await memory.begin_at(inside, turns[1].mark, gist)
    later = await desk.converse("q4", "a4")
    await memory.begin_at(later, later.mark, None)
    beginning = await begins(desk, THREAD)
    assert (beginning.since, beginning.summary, beginning.adopted) == (turns[1].mark, gist, False)
    other = await desk.converse(
        "elsewhere", "no", place=replace(CHANNEL, thread="m1"), branched_at=turns[0].sent_at
    )
    beginning = await begins(desk, other.place)
    assert (beginning.since, beginning.adopted) == (
        None,
        False,
    )  # the channel's is later than where it branched off
    assert await told(desk, other.place) == ["q1", "elsewhere"]
    assert (await begins(desk, THREAD, alone=True)).adopted is False


async def test_an_answer_can_be_pinned_and_forgotten_while_its_end_is_still_being_shown(desk: Desk) -> None:
    memory, now = desk.stores.memory, desk.clock.now
    await desk.ask("my number is 4711")
    turn = await desk.claimed()
    assert await memory.pin(CHANNEL, "U1", "", now, 9) is None
    await desk.stores.inbox.answered(turn.id, "w1", "Noted.", Size(2), "o200k", Finish.STOP)
    pinned = await memory.pin(CHANNEL, "U1", "", now, 9)
    assert pinned is not None and (await begins(desk)).pins == (pinned,)
    assert (await desk.stores.conversations.reset(CHANNEL, desk.clock.advance(1))).turns == 1


async def test_what_is_pinned_is_there_until_it_is_let_go(desk: Desk) -> None:
    memory, now = desk.stores.memory, desk.clock.now
    assert await memory.pin(CHANNEL, "U1", "", now, 9) is None
    first, second = await talk(desk, 2)
    newest = await memory.pin(CHANNEL, "U1", "", now, 9)
    assert newest is not None and isinstance(newest.pinned, Exchange)
    assert (newest.pinned.question, newest.pinned.turn) == ("q2", second.id)
    assert await memory.pin(CHANNEL, "U2", "", now, 9) == newest
    assert await memory.pin(CHANNEL, "U1", first.message, now, 9) is not None
    assert await memory.pin(CHANNEL, "U1", "no such message", now, 9) is None
    noted = await memory.pin(CHANNEL, "U1", NOTE, now, 9)
    assert noted is not None and noted.pinned == NOTE
    assert await memory.pin(CHANNEL, "U1", NOTE, now, 3) is None
    pins = (await begins(desk)).pins
    assert [pin.pinned.text if isinstance(pin.pinned, Note) else pin.pinned.question for pin in pins] == [
        "q2",
        "q1",
        NOTE.text,
    ]
    inside = await desk.converse("in here", "yes", place=THREAD, branched_at=second.sent_at)
    assert (await begins(desk, THREAD)).pins == pins
    assert (await begins(desk, THREAD, alone=True)).pins == ()
    await memory.unpin(noted.id)
    await desk.stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message=first.message)
    assert (await begins(desk)).pins == (newest,)
    assert inside.place == THREAD


async def test_an_answer_is_pinned_by_its_own_message(desk: Desk) -> None:
    await desk.ask("q1")
    turn = await desk.claimed()
    journal = desk.stores.inbox.journal(turn, "w1")
    await journal.intend(0, "nonce")
    await journal.posted(0, "answer-1")
    await desk.finish(turn, "a1")
    await desk.converse("q2", "a2")
    pin = await desk.stores.memory.pin(CHANNEL, "U1", "answer-1", desk.clock.now, 9)
    assert pin is not None and isinstance(pin.pinned, Exchange) and pin.pinned.turn == turn.id


async def test_one_at_a_time_sums_up_and_what_was_taken_back_meanwhile_is_not_kept(desk: Desk) -> None:
    memory, now = desk.stores.memory, desk.clock.now
    turns = await talk(desk, 4)
    soon, later = now + timedelta(minutes=2), now + timedelta(minutes=9)
    assert not await memory.take_summing(turns[3], now, soon)  # nothing was left behind yet
    await memory.begin_at(turns[3], turns[2].mark, None)
    gist = Summary(NOTE, turns[2].mark)
    assert await memory.take_summing(turns[3], now, soon)
    assert not await memory.take_summing(turns[3], now, later)
    assert await memory.sum_up(turns[3], gist, soon)
    assert (await begins(desk)).summary == gist
    assert await memory.take_summing(turns[3], now, soon)
    assert await memory.take_summing(turns[3], soon, later)  # whoever was at it is gone
    assert not await memory.sum_up(turns[3], gist, soon)
    await desk.stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message=turns[3].message)
    assert (await begins(desk)).summary == gist  # it holds nothing of that one
    await desk.stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message=turns[0].message)
    assert (await begins(desk)).summary is None
    assert not await memory.sum_up(turns[3], gist, later)
    assert await memory.take_summing(turns[3], now, soon)
    await desk.stores.conversations.reset(CHANNEL, desk.clock.advance(1))
    assert not await memory.sum_up(turns[3], gist, soon)


async def test_how_much_came_from_the_cache_is_told_of_the_newest_answer(desk: Desk) -> None:
    assert await desk.stores.memory.cached(await begins(desk)) is None
    for turn, cached in zip(await talk(desk, 2), (0, 900), strict=True):
        call = Ledgered(turn.id, CHANNEL, False, "p", "openai", "test", 1000, 10, 10)
        taken = await desk.stores.ledger.reserve(call, [], desk.clock.now)
        assert isinstance(taken, Taken)
        usage = Usage(prompt=1000, output=5, cached=cached)
        await desk.stores.ledger.settle(taken, Settlement(usage, None, "stop", 1), desk.clock.now)
    assert await desk.stores.memory.cached(await begins(desk)) == Cached(1000, 900)


@contextmanager
def rows_of_turns(stores: Stores) -> Iterator[list[int]]:
    """How many rows each statement about turns gave."""
    found: list[int] = []

    def note(_: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("SELECT turn."):
            found.append(cursor.rowcount if cursor.rowcount >= 0 else len(cursor._rows))

    engine = stores.database._reader.sync_engine
    event.listen(engine, "after_cursor_execute", note)
    yield found
    event.remove(engine, "after_cursor_execute", note)


async def test_no_more_is_read_than_is_told(desk: Desk) -> None:
    turns = await talk(desk, 60)
    await desk.stores.memory.begin_at(turns[59], turns[55].mark, None)
    with rows_of_turns(desk.stores) as rows:
        assert len(await told(desk)) == 5
    assert rows == [5]


@pytest.mark.parametrize("place", [CHANNEL, replace(CHANNEL, person="U1")])
async def test_memories_of_one_person_are_not_those_of_another(desk: Desk, place: Place) -> None:
    turns = await talk(desk, 2, place)
    await desk.stores.memory.begin_at(turns[1], turns[1].mark, Summary(NOTE, turns[1].mark))
    await desk.stores.memory.pin(place, "U1", NOTE, desk.clock.now, 9)
    other = replace(CHANNEL, person="U2")
    await desk.converse("mine", "yes", place=other, author=GRACE)
    beginning = await begins(desk, other)
    assert (beginning.since, beginning.summary, beginning.pins) == (None, None, ())
    assert (await begins(desk, place)).since == turns[1].mark
