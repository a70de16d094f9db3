"""Answers that are there: given anew, gone on with, leafed through and judged, each press once, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.chat import Cancel, Finish, Place, Size, State, Turn
from bot.ports import Button, By, Effect, Press, Rated, Whose
from storage.stores import Stores
from storage.tables import memories, turns, versions
from tests.desk import LEASE, Desk
from tests.fakes import ADA, CHANNEL, GRACE

pytest_plugins = ["tests.databases"]

REGENERATE, LATER, EARLIER = Button.REGENERATE, Button.LATER, Button.EARLIER


async def answered(desk: Desk, turn: Turn, answer: str, *, model: str = "openai:test") -> None:
    inbox = desk.stores.inbox
    await inbox.answered(turn.id, "w1", answer, Size(11), "o200k", Finish.STOP, model)
    await inbox.close(turn.id, "w1", State.DONE, now=desk.clock.now)


async def regenerated(desk: Desk, turn: int, answer: str) -> Turn:
    assert await desk.press(REGENERATE, turn) is Effect.DONE
    again = await desk.claimed()
    await answered(desk, again, answer)
    return again


async def answers(desk: Desk) -> list[str]:
    return [exchange.answer for exchange in await desk.history()]


async def test_a_new_answer_takes_the_place_of_the_old_one_which_is_kept(desk: Desk) -> None:
    first = await desk.converse("what?", "one")
    later = await desk.converse("and then?", "after that")
    await desk.stores.inbox.journal(await anyone(desk, first.id), "w1").intend(0, "n1")
    await desk.close(first.id)
    assert await desk.press(REGENERATE, first.id) is Effect.DONE
    again = await desk.claimed()
    assert (again.version, again.former, again.others, again.answer) == (2, 1, (0, 1), None)
    assert [part.stale for part in again.parts] == [True]
    before = desk.stores.memory.history(await desk.stores.memory.beginning(CHANNEL, before=again))
    assert [exchange async for exchange in before] == [], "it is asked as it was asked then"
    await answered(desk, again, "two")
    assert await answers(desk) == ["after that", "two"]
    assert later.version == 0


async def anyone(desk: Desk, turn: int) -> Turn:
    """Asked and answered once more, and being shown again."""
    await regenerated(desk, turn, "one and a half")
    await desk.press(EARLIER, turn)
    await desk.claimed()
    await desk.close(turn)
    await desk.press(LATER, turn)
    return await desk.claimed()


async def test_a_press_does_its_work_once_and_says_why_not(desk: Desk) -> None:
    turn = await desk.converse("what?", "one")
    assert await desk.press(REGENERATE, turn.id, GRACE.id) is Effect.OTHERS
    assert await desk.press(REGENERATE, turn.id, ADA.id, 0) is Effect.DONE
    assert await desk.press(REGENERATE, turn.id, ADA.id, 0) is Effect.BUSY
    await answered(desk, await desk.claimed(), "two")
    assert await desk.press(REGENERATE, turn.id, ADA.id, 0) is Effect.OUTDATED
    assert await desk.press(Button.STOP, turn.id) is Effect.GONE
    assert await desk.press(Button.CONTINUE, turn.id) is Effect.GONE
    assert await desk.press(LATER, turn.id) is Effect.GONE
    assert await desk.press(REGENERATE, turn.id + 1) is Effect.GONE
    assert await desk.claim() is None


async def test_versions_are_leafed_through_and_the_one_that_is_shown_is_the_answer(desk: Desk) -> None:
    turn = await desk.converse("what?", "one")
    for answer in ("two", "three"):
        await regenerated(desk, turn.id, answer)
    for button, shown, version in ((EARLIER, "two", 1), (EARLIER, "one", 0), (LATER, "two", 1)):
        assert await desk.press(button, turn.id) is Effect.DONE
        showing = await desk.claimed()
        assert (showing.answer, showing.version, showing.finish) == (shown, version, Finish.STOP)
        assert sorted({*showing.others, version}) == [0, 1, 2]
        await desk.close(turn.id)
        assert await answers(desk) == [shown]
    again = await regenerated(desk, turn.id, "four")
    assert (again.version, again.former, again.others) == (3, 1, (0, 1, 2)), "no number is given twice"


async def test_what_comes_to_nothing_gives_its_place_back(desk: Desk) -> None:
    turn = await desk.converse("what?", "one")
    await desk.press(REGENERATE, turn.id)
    again = await desk.claimed()
    journal = desk.stores.inbox.journal(again, "w1")
    back = await desk.stores.inbox.put_back(turn.id, "w1")
    assert back is not None and (back.answer, back.version, back.others) == ("one", 0, ())
    await journal.intend(0, "n1")  # whoever holds the turn still writes
    await desk.close(turn.id)
    assert await answers(desk) == ["one"]
    assert (await regenerated(desk, turn.id, "three")).version == 2


async def test_workers_that_die_over_a_new_answer_leave_the_old_one(desk: Desk) -> None:
    turn = await desk.converse("what?", "one")
    await desk.press(REGENERATE, turn.id)
    for attempt in range(1, 4):
        claimed = await desk.claim(attempts=2)
        assert claimed is not None and (claimed.attempts, claimed.former) == (attempt, 0)
        desk.clock.advance(LEASE.total_seconds() + 1)
    assert await desk.claim(attempts=2) is None
    assert await answers(desk) == ["one"]
    assert await desk.press(REGENERATE, turn.id, version=0) is Effect.DONE


async def test_a_new_answer_that_was_whole_is_not_undone_by_a_death(desk: Desk) -> None:
    turn = await desk.converse("what?", "one")
    await desk.press(REGENERATE, turn.id)
    again = await desk.claimed()
    await desk.stores.inbox.answered(again.id, "w1", "two", Size(), "o200k", Finish.STOP, "m")
    for _ in range(3):
        desk.clock.advance(LEASE.total_seconds() + 1)
        await desk.claim(attempts=2)
    assert await answers(desk) == ["two"]


async def test_an_edited_question_has_no_earlier_answers_and_a_deleted_one_none_at_all(desk: Desk) -> None:
    said = desk.question("what?")
    accepted = await desk.accept(said)
    assert accepted is not None
    await answered(desk, await desk.claimed(), "one")
    await regenerated(desk, accepted.turn, "two")
    await desk.amend(said, "what else?", "2")
    edited = await desk.claimed()
    assert (edited.version, edited.others, edited.former) == (2, (), None)
    await answered(desk, edited, "three")
    await regenerated(desk, accepted.turn, "four")
    await desk.stores.inbox.cancel(Cancel.DELETED, turn=accepted.turn)
    async with desk.stores.database.reading() as sql:
        assert (await sql.execute(select(versions))).all() == []
    assert await desk.press(EARLIER, accepted.turn) is Effect.GONE


async def test_deleting_a_question_while_it_is_answered_anew_brings_nothing_back(desk: Desk) -> None:
    turn = await desk.converse("what?", "one")
    await desk.press(REGENERATE, turn.id)
    await desk.claimed()
    await desk.stores.inbox.cancel(Cancel.DELETED, turn=turn.id)
    assert await desk.stores.inbox.put_back(turn.id, "w1") is None
    assert await answers(desk) == []


async def test_a_gist_that_holds_the_old_answer_is_forgotten(desk: Desk) -> None:
    turn = await desk.converse("what?", "one")
    async with desk.stores.database.reading() as sql:
        conversation = (await sql.execute(select(turns.c.conversation_id))).scalar_one()
    await desk.stores.database.write(
        lambda transaction: transaction.sql.execute(
            memories.insert().values(
                conversation_id=conversation,
                epoch=0,
                since_at=desk.clock.advance(5),
                since_turn=turn.id + 1,
                summary="They spoke of one.",
                until_at=desk.clock.now,
                until_turn=turn.id + 1,
            )
        )
    )
    await desk.press(REGENERATE, turn.id)
    assert (await desk.stores.memory.beginning(CHANNEL)).summary is None


async def judge(desk: Desk, turn: int, good: bool, person: str = ADA.id, version: int = 0) -> Rated | Effect:
    press = Press(Button.UP if good else Button.DOWN, turn, version)
    return await desk.stores.versions.rate(press, None, person, good, desk.clock.now)


async def test_answers_are_judged_changed_and_taken_back_by_person_and_version(desk: Desk) -> None:
    turn = await desk.converse("what?", "one")
    steps = ((True, True), (False, False), (False, None), (True, True))
    for pressed, stands in steps:
        rated = await judge(desk, turn.id, pressed)
        assert isinstance(rated, Rated) and (rated.mine, rated.askers) == (stands, stands)
    admins = await judge(desk, turn.id, False, person="U9")
    assert isinstance(admins, Rated) and (admins.mine, admins.askers) == (False, True)
    await regenerated(desk, turn.id, "two")
    assert await judge(desk, turn.id, True) is Effect.OUTDATED
    anew = await judge(desk, turn.id, False, version=1)
    assert isinstance(anew, Rated) and (anew.mine, anew.others) == (False, (0,))
    await desk.press(EARLIER, turn.id)
    assert (await desk.claimed()).rated is True, "it is shown as it was judged"


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_report_counts_what_people_thought_by_model(desk: Desk, elsewhere: bool) -> None:
    asked = await desk.ask("what?")
    await answered(desk, await desk.claimed(), "one", model="openai:test")
    await judge(desk, asked, True)
    await judge(desk, asked, False, person="U9")
    await regenerated(desk, asked, "two")
    await judge(desk, asked, True, version=1)
    day = timedelta(days=1)
    whose = Whose("fake", "T2" if elsewhere else "T1")
    rows = await desk.stores.reports.rows(By.MODEL, desk.clock.now - day, desk.clock.now + day, whose)
    counted = [(row.key, row.calls, row.good, row.bad) for row in rows]
    assert counted == ([] if elsewhere else [("openai:test", 0, 2, 1)])
    before = await desk.stores.reports.rows(By.MODEL, desk.clock.now - 2 * day, desk.clock.now - day, Whose())
    assert before == []


async def test_two_presses_at_once_are_one(stores: Stores, desk: Desk) -> None:
    turn = await desk.converse("what?", "one", place=Place("fake", "T1", "C7"))
    press = Press(REGENERATE, turn.id, 0)
    effects = await asyncio.gather(*(stores.versions.ask_again(press, ADA.id) for _ in range(4)))
    assert sorted(effects) == [Effect.BUSY, Effect.BUSY, Effect.BUSY, Effect.DONE]
