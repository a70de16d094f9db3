"""What no longer fits is summed up by a small model, off the way of any answer, at the cost of the place, and filtered like all else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.chat import Turn, Usage
from bot.context import Window
from bot.errors import Overloaded
from bot.files import FileLimits, Gallery
from bot.limits.rules import Rulebook, Scope
from bot.models.catalogue import Model
from bot.ports import Level, Warned
from bot.preferences import Decided, Preferences
from bot.privacy.filtering import Filtering
from bot.recall import Recall
from bot.redaction import Redactor
from bot.summaries import Summaries
from bot.tokens.counting import Exact
from bot.tokens.texts import tokenizer_for
from bot.voice import Voice
from storage.stores import Stores, open_stores
from storage.tables import calls
from tests.desk import Desk
from tests.fakes import CHANNEL, FakeClock, ScriptedProvider, answer
from tests.limits_rig import open_limits

EMAIL = "ada" + "@" + "example.org"
COUNTER = Exact(tokenizer_for("gpt-4o"))
USAGE = Usage(prompt=200, output=20)


@dataclass
class Rig:
    stores: Stores
    clock: FakeClock
    small: ScriptedProvider
    allowed: int

    def __post_init__(self) -> None:
        self.desk = Desk(self.stores, self.clock)
        self.warned: list[Warned] = []
        rules = Rulebook(
            {Scope(Level.PLACE): {"tokens_per_day": self.allowed}, Scope(Level.USER): {"tokens_per_day": 1}}
        )
        decided = Decided(self.stores.preferences, lambda _: Preferences("openai:test", "Be kind."))
        self.summaries = Summaries(
            memory=self.stores.memory,
            voice=Voice(self.small, Model("openai", "small"), "", Window(400, 100), COUNTER),
            limits=open_limits(self.stores, rules, self.clock),
            filtering=Filtering(Redactor(), self.stores.vault, decided),
            decided=decided,
            warn=self._warn,
            clock=self.clock,
            sleep=no_wait,
        )
        self.recall = Recall(
            self.stores.memory, decided, self.summaries.due, gallery=Gallery({}, FileLimits())
        )
        self.voice = Voice(ScriptedProvider(), Model("openai", "test"), "Be kind.", Window(150, 50), COUNTER)

    async def _warn(self, turn: Turn, warned: Sequence[Warned]) -> None:
        self.warned += warned

    async def ask(self, text: str) -> list[str]:
        """What the model hears with a question, which is then answered."""
        await self.desk.ask(text)
        turn = await self.desk.claimed()
        fitted = await self.recall.prompt_for(turn, self.voice, usual=True)
        await self.desk.finish(turn, f"Fine, {text.split(maxsplit=1)[0]} it is.")
        return [message.text for message in fitted.messages]

    async def gist(self) -> str:
        summary = (await self.stores.memory.beginning(CHANNEL)).summary
        return summary.note.text if summary else ""

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(10):
            while not (await condition()):  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.005)

    async def bills(self) -> list[Any]:
        async with self.stores.database.reading() as sql:
            return list((await sql.execute(select(calls).order_by(calls.c.id))).all())


async def no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
async def rig(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    clock = FakeClock()
    stores = open_stores(f"sqlite:///{tmp_path / 'bot.db'}", clock)
    await stores.upgrade()
    rig = Rig(stores, clock, ScriptedProvider(), getattr(request, "param", 100_000))
    working = asyncio.create_task(rig.summaries.run())
    yield rig
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    await stores.aclose()


LONG = "is a word that is followed by quite a few others, so that it takes room"


async def test_what_is_left_behind_is_summed_up_and_told_in_its_stead(rig: Rig) -> None:
    rig.small.scripts = [
        answer(f"They like blue; write to {EMAIL}.", usage=USAGE),
        answer("And also red.", usage=USAGE),
    ]
    number = 0
    while not rig.small.prompts:
        number += 1
        await rig.ask(f"word{number} {LONG}")
    await rig.until(rig.gist)
    assert await rig.gist() == "They like blue; write to [FILTERED:email]."
    [prompt] = rig.small.prompts
    assert "Summary so far:\n(none)" in prompt.messages[0].text
    assert f"Ada: word1 {LONG}\nAssistant: Fine, word1 it is." in prompt.messages[0].text
    heard = await rig.ask(f"next {LONG}")
    assert heard[0] == "[Summary of what was said before]\nThey like blue; write to [FILTERED:email]."
    assert "word1" not in "".join(heard)
    while len(rig.small.prompts) < 2:
        await rig.ask(f"later {LONG}")
    second = rig.small.prompts[1].messages[0].text
    assert second.startswith("Summary so far:\nThey like blue") and "word1 " not in second
    await rig.until(lambda: told(rig, "And also red."))
    first, _ = await rig.bills()
    assert (first.person, first.channel, first.state, first.prompt_tokens) == (None, "C1", "settled", 200)


async def told(rig: Rig, text: str) -> bool:
    return await rig.gist() == text


async def test_a_failure_is_tried_again_later_and_costs_no_answer_anything(rig: Rig) -> None:
    rig.small.scripts = [[Overloaded("busy", free=True)] for _ in range(9)]
    while not rig.small.prompts:
        await rig.ask(f"word {LONG}")
    await rig.until(lambda: settled(rig))
    assert await rig.gist() == ""
    failed = len(rig.small.prompts)
    await rig.ask(f"at once {LONG}")
    await asyncio.sleep(0.05)
    assert len(rig.small.prompts) == failed  # somebody may still be at it
    rig.small.scripts = [answer("They talk.")]
    rig.clock.advance(200)
    await rig.ask("and now?")
    await rig.until(lambda: told(rig, "They talk."))


async def settled(rig: Rig) -> bool:
    bills = await rig.bills()
    return bool(bills) and all(bill.state == "settled" for bill in bills)


@pytest.mark.parametrize("rig", [10], indirect=True)
async def test_where_the_place_has_nothing_left_nothing_is_summed_up(rig: Rig) -> None:
    for number in range(12):
        await rig.ask(f"word{number} {LONG}")
    await asyncio.sleep(0.05)
    assert rig.small.prompts == []
    assert await rig.gist() == ""
    assert await rig.bills() == []


@pytest.mark.parametrize("rig", [700], indirect=True)
async def test_a_summary_says_no_more_than_what_is_left_and_its_cost_is_warned_of(rig: Rig) -> None:
    rig.small.scripts = [answer("They talk.", usage=Usage(prompt=200, output=380))]
    while not rig.small.prompts:
        await rig.ask(f"word {LONG}")
    await rig.until(rig.gist)
    [bill] = await rig.bills()
    [prompt] = rig.small.prompts
    assert bill.reserved_tokens == 700
    assert prompt.max_output_tokens < 600
    assert [(one.meter.level, one.percent, one.used) for one in rig.warned] == [(Level.PLACE, 80, 580)]
