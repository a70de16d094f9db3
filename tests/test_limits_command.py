"""The `limits` command: shown to everybody, set by admins, bounded by the operator's file, and written down."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from bot.chat import Author, Invocation, Place
from bot.commands.limits import Asked, LimitsCommand, parse
from bot.commands.table import spoken_command
from bot.context import Window
from bot.limits.rules import Rulebook, Scope
from bot.models.catalogue import Model
from bot.models.prices import Price
from bot.ports import Level
from bot.tokens.counting import Exact
from bot.tokens.texts import tokenizer_for
from bot.voice import SameEverywhere, Voice
from storage.stores import Stores
from tests.fakes import ADA, CHANNEL, ROOT, FakeClock, ScriptedProvider
from tests.limits_rig import open_limits

pytest_plugins = ["tests.databases"]

MODEL = Model("openai", "gpt", price=Price(Decimal(1), Decimal(2)))
BOOK = Rulebook(
    filed={Scope(Level.WORKSPACE): {"usd_per_month": 100}},
    roles={"staff": ("fake:U1",)},
    usual={"tokens_per_day": 1000},
    operators=("fake:U8",),
)
OPERATOR = Author("U8", "Op")


@dataclass
class Told:
    stores: Stores
    clock: FakeClock
    model: Model = MODEL

    async def __call__(self, argument: str = "", *, by: Author = ROOT, place: Place = CHANNEL) -> str:
        window, counter = Window(100, 50), Exact(tokenizer_for("gpt-4o"))
        voices = SameEverywhere(Voice(ScriptedProvider(), self.model, "", window, counter))
        limits = open_limits(self.stores, BOOK, self.clock)
        command = LimitsCommand(limits, self.stores.rulings, BOOK, voices, self.clock)
        self.clock.advance(1)
        return await command.run(Invocation("k", place, by, "limits", argument), "en")


@pytest.fixture
def say(stores: Stores, clock: FakeClock) -> Told:
    return Told(stores, clock)


async def test_everybody_sees_what_may_be_used_and_admins_how_to_set_it(say: Told) -> None:
    shown = await say(by=ADA)
    assert shown.splitlines()[:3] == [
        "What may be used here (days and months are UTC's):",
        "- you: 1,000 tokens a day",
        "- this workspace: 100.00 US dollars a month",
    ]
    assert "The admins of this place can set them" in shown
    assert "limits user tokens_per_day" in await say()


async def test_a_limit_that_is_set_holds_at_once_where_it_was_set(say: Told) -> None:
    assert await say("user tokens_per_day 5,000") == "`user tokens_per_day` is now 5000."
    assert await say("user tokens_per_day 5000") == "`user tokens_per_day` is 5000 already."
    await say("user requests_per_minute 6 --role staff")
    await say("here usd_per_day $2.50")
    await say("user tokens_per_day 9 --model openai:gpt")
    shown = await say(by=ADA)
    assert "- you: 6 questions a minute (up to 6 at once), 5,000 tokens a day" in shown
    assert "- you with `openai:gpt`: 9 tokens a day" in shown
    assert "- this channel: 2.50 US dollars a day" in shown
    assert "this channel" not in await say(by=ADA, place=Place("fake", "T1", "C2"))
    assert "1,000 tokens" in await say(by=ADA, place=Place("fake", "T2", "C1"))
    assert "is left to my operator again" in await say("user tokens_per_day default")
    assert "1,000 tokens a day" in await say(by=ADA)
    await say("user tokens_per_day none")
    assert "tokens a day" not in (await say(by=ADA)).replace("9 tokens a day", "")


async def test_the_file_is_the_most_that_can_be_set(say: Told) -> None:
    for value in ("100.01", "none"):
        assert (
            await say(f"workspace usd_per_month {value}") == "My operator allows no more than 100.00 there."
        )
    assert await say("workspace usd_per_month 99.5") == "`workspace usd_per_month` is now 99.5."


async def test_only_admins_set_limits_and_only_operators_those_of_the_whole_bot(say: Told) -> None:
    assert await say("here tokens_per_day 5", by=ADA) == "Only the admins of this place can do that."
    assert await say("history", by=ADA) == "Only the admins of this place can do that."
    assert "Only those whom my operator has named" in await say("bot tokens_per_day 5")
    assert await say("bot tokens_per_day 5", by=OPERATOR) == "`bot tokens_per_day` is now 5."
    assert "- all together: 5 tokens a day" in await say(by=ADA, place=Place("fake", "T9", "C9"))


async def test_who_set_what_is_written_down(say: Told) -> None:
    await say("user tokens_per_day 50")
    await say("user tokens_per_day 60", by=OPERATOR)
    assert (await say("history")).splitlines()[1:] == [
        "- 2026-11-22 12:00 UTC, <@U8>: `user tokens_per_day` from 50 to 60",
        "- 2026-11-22 12:00 UTC, <@U9>: `user tokens_per_day` from default to 50",
    ]


async def test_what_can_not_be_is_explained(say: Told) -> None:
    assert "Numbers: `requests_per_minute`" in await say("user tokens 5")
    assert "Whose: `user`, `here`" in await say("user tokens_per_day")
    assert "`many` is not a number" in await say("user tokens_per_day many")
    assert "there are only: `staff`, `admin`" in await say("user tokens_per_day 5 --role boss")
    say.model = Model("openai", "unpriced")
    assert "The price of `unpriced` is not known" in await say("here usd_per_day 5")


async def test_a_change_is_heard_by_other_processes(houses: list[Stores], clock: FakeClock) -> None:
    here, there = Told(houses[0], clock), Told(houses[-1], clock)
    await here("user tokens_per_day 50")
    assert "50 tokens" in await there(by=ADA)


@pytest.mark.parametrize(
    ("argument", "asked"),
    [
        ("", Asked()),
        ("Here  USD-per-day  5", Asked("here", "usd_per_day", "5")),
        (
            "user tokens_per_day 5 --role staff —model=`a:b`",
            Asked("user", "tokens_per_day", "5", "staff", "a:b"),
        ),
    ],
)
def test_an_argument_is_read_as_it_was_meant(argument: str, asked: Asked) -> None:
    assert parse(argument) == asked


def test_a_question_that_begins_with_the_word_is_a_question() -> None:
    assert spoken_command("limits of functions, please") is None
    assert spoken_command("limits here tokens_per_day 5") == ("limits", "here tokens_per_day 5")
