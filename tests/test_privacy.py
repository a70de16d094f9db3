"""What is kept of a person: counted, copied, and erased without a trace, on both databases; and nothing kept of who wants that."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from bot.chat import Cancel, File, Mark, Note, Place, Size, State, Summary, Text, Usage, plain_text
from bot.notebook import Notebook
from bot.ports import Call, Change, Gap, Original, Outcome, Settlement, Source, Taken, Verdict, Who
from bot.privacy.erasing import AT_ONCE, Eraser
from bot.telemetry import Meters
from storage.stores import Stores, open_stores
from storage.tables import conversations, metadata, ratings, turns, versions
from tests.desk import THREAD, Desk
from tests.fakes import ADA, CHANNEL, GRACE, FakeClock

pytest_plugins = ["tests.databases"]


@pytest.fixture
async def stores(store_url: str, clock: FakeClock) -> AsyncIterator[Stores]:
    opened = open_stores(store_url, clock, keys="a key")
    yield opened
    await opened.aclose()


WHO = Who("fake", "T1", "U1")
HASH = "ada-as-a-hash"
SECRET = "marmalade"
DIRECT = Place("fake", "T1", "D1")
ELSEWHERE = Place("fake", "T2", "C1")


async def everything(stores: Stores) -> str:
    """All that the tables hold, as one text."""
    found: list[Any] = []
    async with stores.database.reading() as sql:
        for table in metadata.sorted_tables:
            found += [dict(row) for row in (await sql.execute(select(table))).mappings()]
    return json.dumps(found, default=str)


async def lived(desk: Desk) -> None:
    """Ada and Grace have used the bot in a channel, a thread, another workspace and directly; Ada in every way there is."""
    stores, now = desk.stores, desk.clock.now
    asked = await desk.converse(f"{SECRET} one", f"{SECRET} answered")
    await desk.converse("jam", "jam answered", author=GRACE)
    await desk.converse(f"{SECRET} in a thread", "well", place=THREAD, branched_at=now)
    await desk.converse(f"{SECRET} elsewhere", "well", place=ELSEWHERE)
    await desk.converse(f"{SECRET} directly", "well", place=DIRECT, direct=True)
    await desk.converse(f"{SECRET} of one's own", "well", place=replace(CHANNEL, person="U1"))
    assert await stores.memory.pin(CHANNEL, "U1", Note(f"{SECRET} note", Size(1), "o200k"), now, 20)
    assert await stores.memory.pin(CHANNEL, "U2", asked.message, now, 20)
    assert await stores.memory.pin(CHANNEL, "U2", Note("jam note", Size(1), "o200k"), now, 20)
    gist = Summary(Note(f"they spoke of {SECRET}", Size(1), "o200k"), Mark(desk.clock.now, 10**6))
    await stores.memory.begin_at(asked, asked.mark, gist)
    await stores.conversations.met(asked, now)
    original, source = Original("email", f"{SECRET}@example.org"), Source("fake:T1:C1:m1", "U1", now)
    assert await stores.vault.number(CHANNEL, [original], source)

    async def judge(transaction: Any) -> None:
        given = {"turn_id": 2, "version": 0, "author_id": "U1", "good": True, "rated_at": now}
        await transaction.sql.execute(insert(ratings).values(given))
        aside = {"turn_id": asked.id, "number": 0, "answer": f"{SECRET} set aside"}
        await transaction.sql.execute(insert(versions).values(aside))

    await stores.database.write(judge)
    said = desk.question()
    await stores.records.note([Verdict(CHANNEL, said.message, "U1", Outcome.NOT_ADDRESSED, now)])
    await stores.preferences.change(Change(CHANNEL, "U1", "settings", "scope", "user"), now)
    await stores.attendance.owe("line", [Gap(DIRECT, now)])
    for person, place in ((HASH, DIRECT), ("grace-as-a-hash", CHANNEL)):
        call = Call(asked.id, place, place is DIRECT, person, "openai", "m", 10, 10, 1)
        taken = await stores.ledger.reserve(call, [], now)
        assert isinstance(taken, Taken)
        await stores.ledger.settle(taken, Settlement(Usage(5, 5), Decimal(1), "stop", 1), now)


async def erased(stores: Stores, clock: FakeClock, most: int = 2) -> int:
    """Rounds until nothing is left."""
    await stores.privacy.begin_erasing(WHO, HASH, clock.now)
    rounds = 1
    while (await stores.privacy.erase(clock.advance(1), most)).left:
        rounds += 1
        assert rounds < 50
    return rounds


async def test_what_is_kept_is_counted_and_copied_whole(desk: Desk) -> None:
    await lived(desk)
    kept = await desk.stores.privacy.kept(WHO, HASH)
    assert kept.originals == 1
    assert (kept.messages, kept.pins, kept.calls, kept.changes, kept.verdicts) == (4, 1, 1, 1, 1)
    assert kept.since is not None and not kept.opted_out and not kept.erasing
    copy = [one async for one in desk.stores.privacy.export(WHO, HASH)]
    kinds = [kind for kind, _ in copy]
    assert kinds == ["messages"] * 4 + [
        "pins",
        "usage",
        "settings_changed",
        "originals",
        "verdicts",
        "first_met",
        "thumbs",
    ]
    first = copy[0][1]
    assert (first["content"], first["answer"], first["channel"]) == (
        f"{SECRET} one",
        f"{SECRET} answered",
        "C1",
    )
    assert not {"owner", "notes", "warned"}.intersection(first)
    assert "jam" not in json.dumps(copy) and "elsewhere" not in json.dumps(copy)
    assert first["earlier_answers"] == [f"{SECRET} set aside"]
    assert copy[7][1] == {"kind": "email", "number": 1, "words": f"{SECRET}@example.org"}
    assert copy[5][1]["cost"] == "1.000000000000"


async def test_whoever_is_forgotten_leaves_no_trace_and_nobody_else_loses_anything(
    stores: Stores, desk: Desk, clock: FakeClock
) -> None:
    await lived(desk)
    assert await erased(stores, clock) > 2  # in rounds of two
    kept = await stores.privacy.kept(WHO, HASH)
    assert kept.originals == 0
    left = await everything(stores)
    assert left.count(SECRET) == 1 and f"{SECRET} elsewhere" in left
    for trace in ('"U1"', HASH, '"D1"'):
        assert trace not in left.replace(f'"author_id": "U1", "author_name": "{ADA.name}"', "", 1), trace
    assert [exchange.question for exchange in await desk.history()] == ["jam"]
    assert "jam note" in left and "grace-as-a-hash" in left and '"cost": "1.000000000000"' in left
    kept = await stores.privacy.kept(WHO, HASH)
    assert (kept.messages, kept.pins, kept.calls, kept.changes, kept.verdicts, kept.erasing) == (
        0,
        0,
        0,
        0,
        0,
        False,
    )
    [change] = await stores.preferences.changes(CHANNEL, 5)
    assert (change.actor, change.subject, change.new) == ("", "scope", "user")
    assert await stores.memory.beginning(CHANNEL) and (await stores.memory.beginning(CHANNEL)).summary is None


QUOTED = (
    Text(f"all about {SECRET}", "U1", "Ada"),
    File("jar.png", "image/png", 3, {"url": SECRET}, quotes="U1"),
    Text("what does she mean?"),
    Text("jam, says Uma", "U10", "Uma"),
)


async def quoted(desk: Desk) -> None:
    """Grace asks what Ada meant, and Uma, in words of theirs; so does somebody elsewhere."""
    for place in (CHANNEL, ELSEWHERE):
        asked = replace(desk.question(author=GRACE, place=place), content=QUOTED)
        assert await desk.accept(asked)
        await desk.finish(await desk.claimed(), "well")


async def test_whoever_is_forgotten_goes_from_what_others_quoted_too(
    stores: Stores, desk: Desk, clock: FakeClock
) -> None:
    await quoted(desk)
    await erased(stores, clock)
    [left] = await desk.questions()
    assert left == plain_text(QUOTED[2:])
    assert len(await desk.questions(ELSEWHERE)) == 1 and SECRET in (await desk.questions(ELSEWHERE))[0]


async def test_who_opts_out_is_quoted_to_no_model(stores: Stores, desk: Desk, clock: FakeClock) -> None:
    await quoted(desk)
    assert await stores.privacy.opt_out(WHO, clock.now)
    assert await desk.questions() == [plain_text(QUOTED[2:])]


async def test_what_was_forgotten_is_no_new_question_when_it_comes_again(
    stores: Stores, desk: Desk, clock: FakeClock
) -> None:
    said = desk.question("hello", message="m9")
    assert await desk.accept(said)
    await desk.finish(await desk.claimed(), "hi")
    await erased(stores, clock)
    again = await desk.accept(said)
    assert again is not None and not again.created
    assert await stores.inbox.known([said.key, "other"]) == {said.key}
    assert not await desk.states()
    later = await desk.ask("and now?")  # what is said after that is a beginning
    assert (await desk.claimed()).id == later


async def test_a_running_answer_is_called_off_and_taken_away_before_its_turn_is_gone(
    stores: Stores, desk: Desk, clock: FakeClock
) -> None:
    running, waiting = await desk.ask(f"{SECRET} first"), await desk.ask(f"{SECRET} second")
    turn = await desk.claimed()
    journal = stores.inbox.journal(turn, "w1")
    await journal.intend(0, "n0")
    await journal.posted(0, "answer")
    await stores.privacy.begin_erasing(WHO, HASH, clock.now)
    assert SECRET not in await everything(stores)
    await journal.finished(0, f"{SECRET} half said")  # its worker has not heard yet
    assert SECRET not in await everything(stores)
    assert (
        await stores.inbox.renew(running, "w1", clock.now + timedelta(seconds=9))
    ).cancel is Cancel.DELETED
    for _ in range(3):
        assert (await stores.privacy.erase(clock.now, 10)).left == 1
    assert await desk.states() == {running: State.RUNNING}
    await journal.removed(0)
    await desk.close(running, state=State.CANCELLED)
    while (await stores.privacy.erase(clock.now, 10)).left:
        pass
    async with stores.database.reading() as sql:
        assert (await sql.execute(select(turns.c.id))).all() == []
    assert waiting


async def test_thousands_are_forgotten_in_bounded_rounds_and_the_rest_in_the_background(
    stores: Stores, desk: Desk, clock: FakeClock
) -> None:
    await desk.converse("jam", "jam", author=GRACE)
    many = 2_000 + 500 * AT_ONCE

    async def grow(transaction: Any) -> None:
        made = insert(conversations).values(
            platform="fake", installation="T1", channel="C9", created_at=clock.now
        )
        number = (await transaction.sql.execute(made.returning(conversations.c.id))).scalar_one()
        rows = [
            {"key": f"k{n}", "conversation_id": number, "message": f"k{n}", "author_id": "U1", "author_name": "Ada",
             "content": [{"type": "text", "text": SECRET}], "masked": [], "address": {}, "sent_at": clock.now,
             "state": State.DONE, "answer": SECRET, "created_at": clock.now}
            for n in range(many)
        ]  # fmt: skip
        for start in range(0, many, 1_000):
            await transaction.sql.execute(insert(turns), rows[start : start + 1_000])

    await stores.database.write(grow)
    meters = Meters()
    eraser = Eraser(stores.privacy, clock, meters, Notebook(stores.records, clock))
    assert not await eraser.forget(WHO, HASH)
    assert (await stores.privacy.kept(WHO, HASH)).messages == 2_000
    assert await eraser.forget(WHO, HASH)
    assert f'rejoinder_removed_total{{why="forgotten"}} {float(many)}' in meters.exposition().decode()
    assert [exchange.question for exchange in await desk.history()] == ["jam"]


async def test_nothing_of_it_is_left_in_the_file(sqlite_store: str, clock: FakeClock) -> None:
    """SQLite keeps deleted rows in free pages and in its log, unless it is told otherwise."""
    stores = open_stores(sqlite_store, clock)
    desk = Desk(stores, clock)
    for _ in range(20):
        await desk.converse(SECRET * 40, SECRET * 400)
    await erased(stores, clock, most=100)
    path = sqlite_store.removeprefix("sqlite:///")
    held = b"".join(Path(path + end).read_bytes() for end in ("", "-wal"))
    assert SECRET.encode() not in held and len(held) > 10_000
    await stores.aclose()


async def test_nothing_of_a_deleted_question_is_left_in_the_file(sqlite_store: str, clock: FakeClock) -> None:
    stores = open_stores(sqlite_store, clock)
    asked = await Desk(stores, clock).converse(SECRET * 40, SECRET * 400)
    await stores.inbox.cancel(Cancel.DELETED, turn=asked.id)
    path = sqlite_store.removeprefix("sqlite:///")
    assert SECRET.encode() not in b"".join(Path(path + end).read_bytes() for end in ("", "-wal"))
    await stores.aclose()


async def test_what_was_noted_just_now_is_forgotten_too(stores: Stores, desk: Desk, clock: FakeClock) -> None:
    notebook = Notebook(stores.records, clock)
    eraser = Eraser(stores.privacy, clock, Meters(), notebook)
    notebook.note(desk.question(), Outcome.DUPLICATE)
    assert await eraser.forget(WHO, HASH)
    await notebook.write()
    assert '"U1"' not in await everything(stores)


@pytest.mark.parametrize("seen_by", ["first", "other"])
async def test_who_opts_out_is_told_to_no_model_and_opting_in_undoes_it(
    houses: list[Stores], clock: FakeClock, seen_by: str
) -> None:
    here, there = houses[0], houses[-1 if seen_by == "other" else 0]
    desk = Desk(here, clock)
    await desk.converse("kept", "answer")
    await desk.converse("jam", "answer", author=GRACE)
    assert await here.memory.pin(CHANNEL, "U1", Note("her note", Size(1), "o200k"), clock.now, 20)
    assert await here.memory.pin(CHANNEL, "U2", "m1", clock.now, 20)
    gist = Summary(Note("they spoke", Size(1), "o200k"), Mark(clock.now, 10**6))
    turn = await desk.converse("third", "answer", author=GRACE)
    await here.memory.begin_at(turn, Mark(clock.now - timedelta(days=1), 0), gist)
    assert not await there.privacy.opted_out(WHO)
    waiting = await desk.ask("still waiting")
    assert await here.privacy.opt_out(WHO, clock.now) and not await here.privacy.opt_out(WHO, clock.now)
    while not await there.privacy.opted_out(WHO):  # the signal travels by itself
        clock.advance(10)
    assert await desk.questions() == ["third", "jam"]
    assert not await there.privacy.opted_out(replace(WHO, id="U2"))
    assert not await there.privacy.opted_out(replace(WHO, installation="T2"))
    beginning = await here.memory.beginning(CHANNEL)
    assert beginning.pins == () and beginning.summary is None
    assert waiting not in await desk.states() and "still waiting" not in await everything(here)
    await here.records.note([Verdict(CHANNEL, "m77", "U1", Outcome.OPTED_OUT, clock.now)])
    assert await here.records.story(CHANNEL, "m77") is None
    assert await here.privacy.opt_in(WHO) and not await here.privacy.opt_in(WHO)
    assert await desk.questions() == ["third", "jam", "kept"]
    assert len((await here.memory.beginning(CHANNEL)).pins) == 2
