"""The bot's own words about an answer outlive the process that gave it, as the answer does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.chat import Cancel, File, Finish, Place, Text, Turn, Usage
from bot.context import Window
from bot.errors import CutOff, Misconfigured, PlatformUnreachable
from bot.inbox import Held
from bot.limits.rules import Rulebook, Scope
from bot.models.catalogue import Model
from bot.ports import Level
from bot.speaking import Continuing
from storage.stores import open_stores
from storage.tables import turns
from tests.desk import LEASE
from tests.fakes import CHANNEL, FakeClock, FakePlatform, ScriptedProvider, answer, incoming
from tests.speaking_rig import Rig, voice

pytest_plugins = ["tests.databases"]

USUAL, SPARE = Model("openai", "usual"), Model("anthropic", "spare")
ADMINS = Place("fake", "T1", "C-admins")
RULES = Rulebook(filed={Scope(Level.USER): {"tokens_per_day": 10_000}})
TOLD = "Your limit of 10,000 tokens a day is used to 80 percent (8,01"
EIGHTY = Usage(prompt=20, output=7_990)


@pytest.fixture
async def rig(store_url: str, clock: FakeClock) -> AsyncIterator[Rig]:
    stores = open_stores(store_url, clock)
    yield Rig(stores, clock, admins=[ADMINS])
    await stores.aclose()


async def killed_before_it_is_shown(rig: Rig, turn: Turn, why: Cancel | None = None) -> Turn:
    """Its worker stores what it has to say and dies before people see the end; the next one takes the turn up."""
    rig.platform.failures.append(PlatformUnreachable())
    held = Held(rig.stores.inbox, turn, "w1", LEASE, rig.clock, rig.clock.now + LEASE)
    if why is not None:
        held.call_off(why)
    await rig.engine.answer(held)
    assert rig.platform.shown[turn.message].abandoned
    rig.clock.advance(60)
    return await rig.desk.claimed("w2")


async def test_all_that_stands_below_an_answer_is_shown_by_whoever_shows_its_end(rig: Rig) -> None:
    usual = ScriptedProvider(answer("One. " * 40), answer("Two. " * 40), [Misconfigured(free=True)])
    spare = ScriptedProvider(answer("Three.", usage=EIGHTY, finish=Finish.LENGTH))
    rig.open(voice(usual, USUAL), voice(spare, SPARE, window=Window(150, 50)), rules=RULES)
    await rig.ask("first")
    rig.platform.announced.clear()
    await rig.ask("second")
    content = (Text("third"), File("tape.mp3", "audio/mpeg", 9, {"id": "tape"}))
    asked = replace(incoming("", message="M3", sent_at=rig.clock.advance(3_600)), content=content)
    await rig.desk.accept(asked)
    turn = await killed_before_it_is_shown(rig, await rig.desk.claimed())
    rig.open(voice(ScriptedProvider(), USUAL), rules=RULES)
    text = (await rig.answer(turn, "w2")).text
    assert text.startswith("Three.")
    for words in (
        "`tape.mp3`",
        "reached its length limit",
        "Answered by `spare`, since `usual` could not.",
        "no longer see its oldest part",
        "was masked",
        "Your limit of 10,000 tokens a day is used to 80 percent",
    ):
        assert words in text, words
    assert len(rig.platform.announced) == 1, "and the admins are told, once"


async def test_a_warning_outlives_a_process_that_dies_before_the_answer_is_whole(rig: Rig) -> None:
    """Its call is settled and the budget marked as warned of: nobody else would say it again."""
    rig.open(
        voice(ScriptedProvider(["It was a dark", EIGHTY, CutOff()], ["and ", PlatformUnreachable()]), USUAL),
        continuing=Continuing(1),
        rules=RULES,
    )
    await rig.desk.ask("a story")
    await rig.engine.answer(
        Held(rig.stores.inbox, await rig.desk.claimed(), "w1", LEASE, rig.clock, rig.clock.now + LEASE)
    )
    rig.clock.advance(60)
    rig.open(voice(ScriptedProvider(answer("and stormy night.")), USUAL), rules=RULES)
    assert TOLD in (await rig.answer(await rig.desk.claimed("w2"), "w2")).text
    [(place, alarm)] = rig.platform.announced
    assert place == ADMINS and "Ada's limit of 10,000 tokens a day is used to 80 percent" in alarm
    assert TOLD not in (await rig.ask("more")).text


async def test_a_warning_for_the_asker_alone_stays_that(rig: Rig) -> None:
    rig.platform = FakePlatform(whispering=True)
    rig.open(voice(ScriptedProvider(answer("Fine.", usage=EIGHTY)), USUAL), rules=RULES)
    await rig.desk.ask("hello")
    turn = await killed_before_it_is_shown(rig, await rig.desk.claimed())
    rig.platform.whispers.clear()
    outcome = await rig.answer(turn, "w2")
    assert TOLD in "".join(rig.platform.whispers) and TOLD not in outcome.text


async def test_what_was_stopped_is_shown_whole_and_as_stopped_by_the_next(rig: Rig) -> None:
    rig.open(voice(ScriptedProvider(), USUAL))
    await rig.desk.ask("a story")
    turn = replace(await rig.desk.claimed(), begun="It was a dark and stormy night")
    turn = await killed_before_it_is_shown(rig, turn, Cancel.STOPPED)
    outcome = await rig.answer(turn, "w2")
    assert outcome.text.startswith("It was a dark and stormy night") and "Stopped." in outcome.text


async def test_nothing_of_it_is_kept_once_it_is_shown_or_its_question_is_deleted(rig: Rig) -> None:
    rig.open(voice(ScriptedProvider(answer("Fine.", usage=EIGHTY)), USUAL), rules=RULES)
    await rig.desk.ask("hello")
    turn = await killed_before_it_is_shown(rig, await rig.desk.claimed())
    assert turn.notes and turn.warned
    outcome = await rig.answer(turn, "w2")
    assert (outcome.turn.notes, outcome.turn.warned) == (None, None)
    await rig.desk.ask("hello again")
    turn = await killed_before_it_is_shown(rig, await rig.desk.claimed())
    await rig.stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message=turn.message)
    assert turn.notes is not None
    async with rig.stores.database.reading() as sql:
        kept = (await sql.execute(select(turns.c.notes).where(turns.c.id == turn.id))).scalar_one()
    assert kept is None
