"""Reports: sums that agree with a recount, on both databases, in every shape, for those alone who may see them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console
from sqlalchemy import event
from typer.testing import CliRunner

from bot.__main__ import cli
from bot.chat import Author, Invocation, Place, State, Usage
from bot.commands.usage import Asked, Shape, UsageCommand, parse, takes
from bot.limits.pictures import draw
from bot.limits.reports import Span, as_csv, as_text, line_text, span, summed
from bot.limits.rules import Allowance, Rulebook
from bot.limits.texts import allowance_text, spent_text
from bot.operator.listing import show_usage
from bot.ports import (
    OTHERS,
    Attached,
    By,
    Call,
    Level,
    Meter,
    Row,
    Said,
    Settlement,
    Spent,
    Taken,
    Whose,
)
from storage.stores import Stores
from tests.desk import Desk
from tests.fakes import ADA, CHANNEL, GRACE, ROOT, FakeClock
from tests.limits_rig import open_limits

pytest_plugins = ["tests.databases"]

ELSEWHERE = Place("fake", "T2", "C7")
ALL = Whose()
MONTH = Span("month", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
OPERATOR = replace(GRACE, id="U7")


async def spend(
    stores: Stores,
    now: datetime,
    usage: Usage | None,
    cost: str | None,
    *,
    person: str = "ada",
    place: Place = CHANNEL,
    model: str = "gpt",
    turn: int = 0,
    direct: bool = False,
    paced: int | None = 700,
    reserved: int | None = 1000,
) -> None:
    call = Call(turn, place, direct, person, "openai", model, 100, 50, 50, reserved, 0, "list 1")
    taken = await stores.ledger.reserve(call, [], now)
    assert isinstance(taken, Taken)
    price = None if cost is None else Decimal(cost)
    await stores.ledger.settle(taken, Settlement(usage, price, "stop" if usage else "none", paced), now)


@pytest.fixture
async def books(desk: Desk) -> Desk:
    """Two people, three models, two days, a call that nothing was reported of, one without a price, one elsewhere."""
    stores, day = desk.stores, desk.clock.now
    turn = await desk.converse("what?", "that")
    await spend(stores, day, Usage(100, 20, cached=80, reasoning=5), "0.5", turn=turn.id)
    await spend(stores, day, None, None)
    await spend(stores, day, Usage(10, 5), None, person="grace", model="odd", reserved=None, paced=40_000)
    await spend(stores, day - timedelta(days=1), Usage(7, 3), "2", person="grace", direct=True)
    await spend(stores, day - timedelta(days=2), Usage(1, 1), "8", person="kim", place=ELSEWHERE)
    return desk


async def keyed(desk: Desk, by: By, whose: Whose = ALL) -> dict[str, Row]:
    rows = await desk.stores.reports.rows(by, MONTH.since, MONTH.until, whose)
    assert summed(rows).calls == (5 if whose == ALL else 4)
    return {row.key: row for row in rows}


async def test_by_person_with_the_name_of_who_was_answered(books: Desk) -> None:
    people = await keyed(books, By.USER)
    ada = people["ada"]
    assert (ada.name, ada.calls, ada.prompt, ada.cached, ada.output) == ("Ada", 2, 100, 80, 20)
    assert ada.reserved == 150 and ada.tokens == 270  # of the call that nothing was reported of
    assert ada.cost == Decimal("0.500000001") and ada.unpriced == 0
    assert people["grace"].cost == 2 and people["grace"].unpriced == 1
    assert list(people) == ["kim", "grace", "ada"]


async def test_by_channel_with_direct_messages_as_one(books: Desk) -> None:
    channels = await keyed(books, By.CHANNEL)
    assert {key: row.calls for key, row in channels.items()} == {
        "fake:T1:C1": 3,
        "fake:T1:": 1,
        "fake:T2:C7": 1,
    }


async def test_by_model_and_by_day(books: Desk) -> None:
    assert {key: row.calls for key, row in (await keyed(books, By.MODEL)).items()} == {
        "openai:gpt": 4,
        "openai:odd": 1,
    }
    days = await keyed(books, By.DAY)
    assert {key: row.calls for key, row in days.items()} == {
        "2026-11-20": 1,
        "2026-11-21": 1,
        "2026-11-22": 3,
    }
    assert list(days) == sorted(days)


async def test_of_one_installation_and_of_one_period(books: Desk) -> None:
    assert set(await keyed(books, By.USER, Whose("fake", "T1"))) == {"ada", "grace"}
    now = books.clock.now
    assert not await books.stores.reports.rows(By.DAY, now - timedelta(9), now - timedelta(8), ALL)


async def test_what_is_not_named_is_summed_up(books: Desk) -> None:
    rows = await books.stores.reports.rows(By.USER, MONTH.since, MONTH.until, ALL, most=1)
    first, rest = rows
    everyone = await keyed(books, By.USER)
    assert first == everyone["kim"] and rest.key == OTHERS
    assert (rest.calls, rest.prompt, rest.cost) == (4, 117, Decimal("2.500000001"))
    assert replace(summed(rows), key="", name="") == summed(list(everyone.values()))
    assert as_text(rows, By.USER, MONTH, "en").splitlines()[2].startswith("- `others`: 4 calls")


async def test_who_was_forgotten_has_no_name_any_more(books: Desk) -> None:
    await books.stores.ledger.forget("ada")
    people = await keyed(books, By.USER)
    assert people[""].calls == 2 and people[""].name == ""
    assert "(forgotten)" in as_text(list(people.values()), By.USER, MONTH, "en")


async def test_how_it_went(books: Desk) -> None:
    await books.ask("again?")
    turn = await books.claimed()
    await books.stores.inbox.close(turn.id, "w1", State.FAILED, error="overloaded", now=books.clock.now)
    health = await books.stores.reports.health(MONTH.since, MONTH.until, ALL)
    assert dict(health.paces)[1_000] == 4 and dict(health.paces)[None] == 1
    assert health.finishes == {"stop": 4, "none": 1}
    assert health.errors == {"overloaded": 1}
    elsewhere = await books.stores.reports.health(MONTH.since, MONTH.until, Whose("fake", "T2"))
    assert elsewhere.finishes == {"stop": 1} and not elsewhere.errors


async def test_no_report_walks_through_the_whole_ledger(stores: Stores, store_url: str) -> None:
    """A period is found by its index (SQLite tells; PostgreSQL takes a small table as it is)."""
    if not store_url.startswith("sqlite"):
        pytest.skip("only SQLite's plan is the same for small and large tables")
    plans: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith("SELECT"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(str(row[-1]) for row in cursor.fetchall())

    event.listen(stores.database._summer.sync_engine, "before_cursor_execute", explain)
    for by in By:
        await stores.reports.rows(by, MONTH.since, MONTH.until, ALL)
    await stores.reports.health(MONTH.since, MONTH.until, ALL)
    assert plans
    assert not [plan for plan in plans if "SCAN call" in plan or "SCAN turn" in plan]


async def test_who_talks_to_the_bot_waits_for_no_report(command: UsageCommand, books: Desk) -> None:
    """All who sum up share one connection, on which somebody is at it here; one's own sum is not among them."""
    reports = books.stores.reports
    async with books.stores.database.summing():
        many = [
            asyncio.ensure_future(reports.rows(by, MONTH.since, MONTH.until, ALL))
            for by in By
            for _ in range(5)
        ]
        await books.converse("and this?", "this")
        await books.stores.ping()
        assert "today" in await said(command, "", ADA)
        assert not any(one.done() for one in many)
    await asyncio.gather(*many)


async def test_what_is_too_much_to_sum_up_is_told(command: UsageCommand, books: Desk) -> None:
    books.stores.database.long = 0
    assert "a shorter period" in await said(command, "by user 366d")


# Shapes.

SOME = (
    Row("k1", "=HYPERLINK(1)", 2, 100, 80, 20, 5, 150, Decimal("0.5"), 0),
    Row("k2", "小明`", 1, 10, 0, 5, 0, 0, None, 1),
    Row("", "", 1, 0, 0, 0, 0, 3, Decimal("12.345"), 1),
)


def test_a_text_says_what_is_unknown() -> None:
    text = as_text(SOME, By.USER, MONTH, "en")
    assert text.startswith("Use by person, 2026-11-01 to 2026-11-30 (UTC):")
    assert "2 calls, 270 tokens (80% of the prompts from the cache), 0.5000 US dollars" in text
    assert "`小明'`" in text and "cost unknown" in text
    assert text.splitlines()[-1].endswith("at least 12.84 US dollars (not all prices are known)")


@pytest.mark.parametrize(
    ("calls", "cost", "unpriced", "en", "zh"),
    [
        (0, None, 0, "0 calls, 40 tokens", "无费用"),
        (1, "0", 0, "no cost", "1 次调用"),
        (1, "0.00003", 0, "1 call, 40 tokens (0% of the prompts from the cache), less than 0.0001 US dollars", "不到 0.0001 美元"),
        (2, "0.00003", 1, "less than 0.0001 US dollars, as far as prices are known", "不到 0.0001 美元（仅计价格已知的部分）"),
        (2, "0", 1, "no cost, as far as prices are known", "无费用（仅计价格已知的部分）"),
        (2, "0.0001", 0, "2 calls, 40 tokens (0% of the prompts from the cache), 0.0001 US dollars", "0.0001 美元"),
    ],
)  # fmt: skip
def test_one_is_one_and_a_little_is_not_nothing(
    calls: int, cost: str | None, unpriced: int, en: str, zh: str
) -> None:
    row = Row("k", "", calls, 30, 0, 10, 0, 0, None if cost is None else Decimal(cost), unpriced)
    assert en in line_text("today", row, "en") and zh in line_text("today", row, "zh")


def test_what_a_limit_allows_and_what_is_used_of_it_is_never_rounded_to_nothing() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    cents = Meter(Level.USER, "picousd", "day", "", 2_000_000_000)
    used = Spent(cents, 4_000_000, at)
    assert "less than 0.01 of 0.002 US dollars" in spent_text(used, "en")
    assert "不到 0.01 / 0.002 美元" in spent_text(used, "zh")
    assert "0.00 of 0.002" in spent_text(replace(used, used=0), "en")
    one = Meter(Level.USER, "requests", "minute", "", 1, 1)
    assert "1 of 1 question right now" in spent_text(Spent(one, 1, at), "en")
    allowance = Allowance(
        Level.USER, "", {"requests_per_minute": 1, "tokens_per_day": 2, "usd_per_day": Decimal("0.002")}
    )
    told = allowance_text(allowance, "en")
    assert "1 question a minute (up to 1 at once), 2 tokens a day, 0.002 US dollars a day" in told


def test_a_long_text_sums_up_the_small_ones() -> None:
    rows = [replace(SOME[0], key=f"k{number}", name=f"P{number}") for number in range(50)]
    text = as_text(rows, By.USER, MONTH, "en")
    assert len(text.splitlines()) == 22 and "31 others" in text
    assert "100 calls" in text.splitlines()[-1]


def test_a_spreadsheet_gets_numbers_and_no_formulas() -> None:
    table = list(csv.DictReader(io.StringIO(as_csv(SOME, By.USER, "en"))))
    assert [row["name"] for row in table] == ["'=HYPERLINK(1)", "小明`", "(forgotten)"]
    assert [row["usd"] for row in table] == ["0.5", "", "12.345"]
    assert table[0]["cached_tokens"] == "80" and table[2]["reserved_tokens"] == "3"


@pytest.mark.parametrize("by", By)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_picture_can_be_looked_at(by: By, language: str) -> None:
    rows = [replace(SOME[0], key=f"2026-11-{day:02}", name="$a_1$ 小明 " + "x" * 60) for day in range(1, 25)]
    picture = Image.open(io.BytesIO(draw(rows, by, MONTH, language)))
    assert picture.format == "PNG" and picture.width > 800
    colours = picture.convert("RGB").getcolors(maxcolors=1 << 20)
    assert colours is not None
    assert max(count for count, colour in colours if colour == (15, 107, 92)) > 5_000  # there are bars


@pytest.mark.parametrize(
    ("name", "since"),
    [("today", "2026-11-22"), ("month", "2026-11-01"), ("1d", "2026-11-22"), ("30d", "2026-10-24")],
)
def test_a_period_ends_with_today(name: str, since: str) -> None:
    found = span(name, datetime(2026, 11, 22, 23, 59, tzinfo=UTC))
    assert f"{found.since:%Y-%m-%d}" == since and f"{found.until:%Y-%m-%d}" == "2026-11-23"


@pytest.mark.parametrize("name", ["yesterday", "0d", "367d", "d", "1x"])
def test_a_period_that_is_none(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        span(name, datetime(2026, 11, 22, tzinfo=UTC))


# The command.


@pytest.mark.parametrize(
    ("argument", "asked"),
    [
        ("by user", Asked(By.USER)),
        ("model 30d", Asked(By.MODEL, "30d")),
        ("--everywhere day", Asked(By.DAY, "month", True)),
        ("by user csv", Asked(By.USER, shape=Shape.CSV)),
        ("picture by day 7d", Asked(By.DAY, "7d", shape=Shape.PICTURE)),
        ("BY Channel today —everywhere", Asked(By.CHANNEL, "today", True)),
    ],
)
def test_what_an_argument_asks_for(argument: str, asked: Asked) -> None:
    assert parse(argument) == asked
    assert takes(argument)


@pytest.mark.parametrize("argument", ["of coal in Poland", "by people of coal", "30d"])
def test_a_question_about_usage_is_a_question(argument: str) -> None:
    assert not takes(argument)


@pytest.fixture
def command(books: Desk) -> UsageCommand:
    stores = books.stores
    rulebook = Rulebook(operators=(f"fake:{OPERATOR.id}",))
    return UsageCommand(open_limits(stores, rulebook, books.clock), stores.reports, rulebook, books.clock)


async def said(command: UsageCommand, argument: str, author: Author = ROOT) -> str:
    text = await command.run(Invocation("k", CHANNEL, author, "usage", argument), "en")
    assert isinstance(text, str)
    return text


async def file_of(command: UsageCommand, argument: str) -> tuple[Said, Attached]:
    answer = await command.run(Invocation("k", CHANNEL, ROOT, "usage", argument), "en")
    assert isinstance(answer, Said)
    [file] = answer.files
    return answer, file


async def test_admins_see_their_own_installation(command: UsageCommand) -> None:
    text = await said(command, "by channel")
    assert "fake:T1:C1" in text and "T2" not in text
    assert "operator" in str(await said(command, "by channel --everywhere"))
    assert "fake:T2:C7" in str(await said(command, "by channel --everywhere 30d", OPERATOR))


async def test_a_report_comes_as_a_file_to_the_asker_alone(command: UsageCommand) -> None:
    answer, file = await file_of(command, "by channel csv")
    assert answer.private and answer.text.startswith("Use by channel, 2026-11-01 to 2026-11-22 (UTC):")
    assert "4 calls" in answer.text and "fake:T1:C1" not in answer.text
    assert (file.name, file.media_type) == ("usage-by-channel-2026-11-01.csv", "text/csv")
    rows = list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig"))))
    assert {row["name"]: row["calls"] for row in rows} == {
        "fake:T1:C1": "3",
        "fake:T1:(direct messages)": "1",
    }
    _, picture = await file_of(command, "picture by day 7d")
    assert (picture.name, picture.media_type) == ("usage-by-day-2026-11-16.png", "image/png")
    assert Image.open(io.BytesIO(picture.data)).format == "PNG"


async def test_of_nothing_there_is_no_file(command: UsageCommand, books: Desk) -> None:
    books.clock.advance(timedelta(days=60).total_seconds())
    assert "Nothing was used." in await said(command, "by user today csv")


async def test_without_the_library_it_says_what_to_install(
    command: UsageCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install matplotlib" in await said(command, "by day picture")


def test_files_never_go_with_words_for_all() -> None:
    with pytest.raises(ValueError, match="alone"):
        Said("look", private=False, files=(Attached("a.csv", "text/csv", b"1"),))


async def test_everybody_sees_what_they_have_used_themselves(command: UsageCommand, books: Desk) -> None:
    key = command._limits.person(CHANNEL, ADA)
    await spend(books.stores, books.clock.now, Usage(1000, 200, cached=500), "0.25", person=key)
    await spend(books.stores, books.clock.now - timedelta(days=3), Usage(10, 10), "1", person=key)
    limits, today, month = (await said(command, "", ADA)).splitlines()[1:]
    cached = "(50% of the prompts from the cache)"
    assert today == f"- today (UTC): 1 call, 1,200 tokens {cached}, 0.2500 US dollars"
    assert month.startswith("- this month (UTC): 2 calls, 1,220 tokens") and "1.25 US dollars" in month
    assert limits == "No limits are set for you."
    nothing = (await said(command, "", GRACE)).splitlines()[2]
    assert nothing == "- today (UTC): 0 calls, 0 tokens (0% of the prompts from the cache), no cost"


async def test_others_see_only_themselves(command: UsageCommand) -> None:
    assert "admin" in str(await said(command, "by user", ADA))
    assert "usage by" not in str(await said(command, "", ADA))
    assert "usage by user" in str(await said(command, ""))


async def test_a_period_that_is_none_is_told_how_to_write_one(command: UsageCommand) -> None:
    assert "30d" in await said(command, "day 900d")


# The command line.


def printed(rows: Sequence[Row], form: str) -> str:
    out = io.StringIO()
    show_usage(rows, By.USER, MONTH, form, Console(file=out, width=120, highlight=False))
    return out.getvalue()


def test_operators_read_the_same_at_the_command_line(tmp_path: Path) -> None:
    table = printed(SOME, "table")
    assert "(forgotten)" in table and "all together" in table and "cost unknown" in table
    assert printed(SOME, "csv") == as_csv(SOME, By.USER, "en")
    assert [row["usd"] for row in json.loads(printed(SOME, "json"))] == ["0.5", None, "12.345"]
    show_usage(SOME, By.USER, MONTH, "picture", Console(file=io.StringIO()), tmp_path / "u.png")
    assert Image.open(tmp_path / "u.png").format == "PNG"


@pytest.mark.parametrize("command", ["usage", "turns"])
def test_a_form_that_there_is_not_is_turned_away(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--as", "xml"])
    assert result.exit_code == 2 and "say one of table" in result.output


def test_the_clock_of_the_fixtures_is_in_the_month() -> None:
    assert MONTH.since <= FakeClock().now < MONTH.until
