"""The admin page: sums on a real database, over real HTTP, in a real browser; and who may see it."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from adapters.admin import AdminPage
from adapters.playground.guard import Guard
from adapters.playground.server import build_app
from bot.chat import Author, Place, State, Usage
from bot.errors import StoreUnavailable
from bot.limits.pictures import draw
from bot.limits.reports import span
from bot.ports import By, Call, Settlement, Taken, Waiting, Whose
from storage.stores import Stores, open_stores
from tests.desk import Desk
from tests.fakes import FakeClock
from tests.playground_rig import complaint, launched, missing

pytest_plugins = ["tests.databases"]
pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "an-admin-token"
IMAGES = Path(__file__).parent.parent / "docs" / "images"
WORKSPACE = Place("slack", "T012AB3CD", "C0GENERAL")
SERVER = Place("discord", "80351110224678912", "80351110224678999")
MODELS = (
    ("openai", "gpt-6-luna", "0.9"),
    ("anthropic", "claude-haiku-5-5", "1.4"),
    ("openai-chat", "qwen", None),
)
PEOPLE = (
    "Ada",
    "Grace",
    "Zoë",
    "Katherine",
    "Dorothy",
    "Hedy",
    "Radia",
    "Joan",
    "Lin",
    "Mary",
    "Annie",
    "Jean",
)


@dataclass
class Admin:
    """An admin page that is served, with what stands behind it."""

    url: str
    stores: Stores
    clock: FakeClock
    live: list[Waiting] = field(default_factory=list)
    away: bool = False

    async def turns(self) -> Sequence[Waiting]:
        if self.away:
            raise StoreUnavailable("away")
        return [*await self.stores.inbox.unfinished(), *self.live]


@asynccontextmanager
async def serving(url: str, clock: FakeClock) -> AsyncIterator[Admin]:
    stores = open_stores(url, clock)
    admin = Admin("", stores, clock)
    app = build_app(Guard("127.0.0.1", 0, None, TOKEN))
    AdminPage(stores.reports, admin.turns, clock).add_routes(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    admin.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield admin
    finally:
        await runner.cleanup()
        await stores.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def admin(sqlite_store: str) -> AsyncIterator[Admin]:
    async with serving(sqlite_store, FakeClock()) as admin:
        yield admin


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with launched(chromium) as browser:
        yield browser


async def month_of_use(admin: Admin) -> None:
    """Four weeks of calls by a dozen people on three models, in two installations; one in three without a known price. No dice: the
    same every time."""
    desk, today = Desk(admin.stores, admin.clock, platforms=("slack", "discord")), admin.clock.now
    turns = [
        (await desk.converse("what?", "that", author=Author(f"U{number}", name), place=WORKSPACE)).id
        for number, name in enumerate(PEOPLE)
    ]
    for day in range(28):
        for number in range(2 + (day * 5 + day % 7 * 3) % 11):
            who = (day * number + number) % len(PEOPLE)
            provider, model, price = MODELS[(day + number * number) % 3]
            place = SERVER if number % 4 == 3 else WORKSPACE
            at = today - timedelta(days=27 - day, minutes=7 * number)
            tokens = 900 + 411 * (number % 5) + 37 * day
            usage = Usage(tokens, 200 + 31 * number, cached=tokens * (day + number) // 45)
            cost = None if price is None else Decimal(price) * tokens / 100_000
            taken = await admin.stores.ledger.reserve(
                Call(turns[who], place, False, f"person{who}", provider, model, tokens, 400, 50), [], at
            )
            assert isinstance(taken, Taken)
            pace = 180 * (1 + (day + number) % 9) ** 2
            await admin.stores.ledger.settle(taken, Settlement(usage, cost, "stop", pace), at)


async def some_turns(admin: Admin) -> None:
    """One waits, one runs; one failed."""
    desk = Desk(admin.stores, admin.clock, platforms=("slack", "discord"))
    await desk.ask("now?", message="n1", place=WORKSPACE)
    await desk.claimed("host:4711:a1b2")
    await desk.ask("and then?", message="n2", place=WORKSPACE)
    admin.clock.advance(41)
    admin.live.append(
        Waiting(99, SERVER, State.FAILED, timedelta(hours=2, minutes=5), "", 3, "overloaded", "7F3A")
    )


@asynccontextmanager
async def visiting(browser: Browser, admin: Admin, **options: Any) -> AsyncIterator[Page]:
    """The page as the start line's link opens it. What it complains about, or wants from elsewhere, fails the test."""
    options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options}
    context = await browser.new_context(**options)
    complaints: list[str] = []
    page = await context.new_page()
    page.on("console", lambda message: complaints.extend(complaint(message)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith(admin.url) else complaints.append(sent.url))
    page.on(
        "response",
        lambda response: complaints.extend(missing(response)) if "/api/" not in response.url else None,
    )
    await page.goto(f"{admin.url}/admin?token={TOKEN}")
    await expect(page.locator("#updated")).not_to_be_empty()
    await expect(page.locator("#live-count")).not_to_be_empty()
    try:
        yield page
    finally:
        await context.close()
    assert not complaints


async def is_sound(page: Page) -> None:
    results = await Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def card(page: Page, name: str) -> Any:
    return page.locator(f"#cards .card:has(dt:text-is('{name}')) dd")


# Who may see it.


async def fetched(admin: Admin, path: str, **headers: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(admin.url + path, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status, answer.headers.get("Location") or await answer.text()


async def test_a_token_is_asked_for_on_loopback_too(admin: Admin) -> None:
    for path in (
        "/admin",
        "/admin/api/report",
        "/admin/api/report.csv",
        "/admin/api/turns",
        "/admin/assets/app.js",
    ):
        assert (await fetched(admin, path))[0] == 401
        assert (await fetched(admin, path, Authorization="Bearer wrong"))[0] == 401
        assert (await fetched(admin, path, Authorization=f"Bearer {TOKEN}"))[0] == 200 or path.endswith("csv")
    assert (await fetched(admin, "/admin?token=wrong"))[0] == 401
    assert await fetched(admin, "/admin", Accept="text/html") == (303, "/sign-in?to=/admin")


async def test_a_foreign_name_or_page_is_kept_out_though_it_knows_the_token(admin: Admin) -> None:
    token = f"Bearer {TOKEN}"
    for headers in (
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert (await fetched(admin, "/admin/api/report", Authorization=token, **headers))[0] == 403


async def test_without_any_token_nobody_gets_in(sqlite_store: str) -> None:
    stores = open_stores(sqlite_store, FakeClock())
    app = build_app(Guard("127.0.0.1", 0))
    AdminPage(stores.reports, stores.inbox.unfinished, FakeClock()).add_routes(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    shut = Admin(f"http://127.0.0.1:{runner.addresses[0][1]}", stores, FakeClock())
    for path in ("/admin", "/admin?token=", "/admin/api/turns"):
        assert (await fetched(shut, path))[0] == 401
        assert (await fetched(shut, path, Authorization="Bearer "))[0] == 401
    await runner.cleanup()
    await stores.aclose()


# What it tells.


async def told(admin: Admin, path: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
        session.get(admin.url + path) as answer,
    ):
        if answer.content_type == "application/json":
            return answer.status, await answer.json()
        return answer.status, await answer.read()


async def test_the_numbers_are_those_of_the_ledger(admin: Admin) -> None:
    await month_of_use(admin)
    status, report = await told(admin, "/admin/api/report?period=30d")
    assert status == 200 and report["days"] == 30 and len(report["by_day"]) == 28
    for by in ("user", "channel", "model", "day"):
        rows = report[f"by_{by}"]
        assert sum(row["calls"] for row in rows) == report["total"]["calls"]
        assert sum(Decimal(row["usd"] or 0) for row in rows) == Decimal(report["total"]["usd"])
    assert len(report["by_user"]) == 11 and report["by_user"][-1]["rest"]
    assert sum(calls for _, calls in report["health"]["paces"]) == report["total"]["calls"]
    assert report["installations"] == ["discord:80351110224678912", "slack:T012AB3CD"]
    _, there = await told(admin, "/admin/api/report?period=30d&of=discord:80351110224678912")
    assert 0 < there["total"]["calls"] < report["total"]["calls"]
    assert [row["name"] for row in there["by_channel"]] == [
        f"{SERVER.platform}:{SERVER.installation}:{SERVER.channel}"
    ]
    status, table = await told(admin, "/admin/api/report.csv?by=user&period=30d")
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    assert {row["name"] for row in rows} == set(PEOPLE)
    assert sum(int(row["calls"]) for row in rows) == report["total"]["calls"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("report?period=900d", "30d"),
        ("report?of=slack", "platform:id"),
        ("report.csv?by=mood&period=30d", "user, channel, model or day"),
    ],
)
async def test_what_can_not_be_understood_is_told_plainly(admin: Admin, path: str, words: str) -> None:
    status, answer = await told(admin, f"/admin/api/{path}")
    assert status == 400 and words in answer["message"]


# The page.


async def test_a_visit(browser: Browser, admin: Admin) -> None:
    await month_of_use(admin)
    await some_turns(admin)
    _, report = await told(admin, "/admin/api/report?period=30d")
    async with visiting(browser, admin) as page:
        assert page.url == f"{admin.url}/admin"  # the token is gone from the address
        await expect(card(page, "Calls")).to_have_text(str(report["total"]["calls"]))
        await expect(card(page, "Cost")).to_have_text(f"≥ ${Decimal(report['total']['usd']):.2f}")
        await expect(page.locator("#note")).to_contain_text("is not known")
        await expect(page.locator("#chart .fill")).to_have_count(30)
        await expect(page.locator("#by-user tbody tr")).to_have_count(11)
        await expect(page.locator("#by-model")).to_contain_text("anthropic:claude-haiku-5-5")
        await expect(page.locator("#finishes")).to_contain_text("stop")
        await expect(page.locator("#live-count")).to_have_text(
            "1 running, 1 waiting, 1 failed in the last day"
        )
        await expect(page.locator("#live")).to_contain_text("overloaded (reference 7F3A)")
        await page.get_by_label("Tokens").check()
        await expect(page.locator("#chart svg")).to_have_attribute("aria-label", _starts("Tokens by day"))
        await page.get_by_label("From the cache").check()
        await expect(page.locator("#chart .tick").filter(has_text="100%")).to_have_count(1)
        await page.get_by_label("7 days").check()
        await expect(page.locator("#chart .fill")).to_have_count(7)
        await page.select_option("#of", "discord:80351110224678912")
        await expect(page.locator("#by-channel tbody tr")).to_have_count(1)
        async with page.expect_download() as download:
            await page.locator('a.file[data-by="model"]').click()
        path = await (await download.value).path()
        assert (await download.value).suggested_filename.startswith("usage-by-model-")
        assert path.read_text(encoding="utf-8-sig").startswith("name,calls,")


def _starts(words: str) -> Any:
    import re

    return re.compile(f"^{words}")


async def test_live_turns_and_a_database_that_is_away_are_seen_without_a_reload(
    browser: Browser, admin: Admin
) -> None:
    async with visiting(browser, admin) as page:
        await expect(page.locator("#empty")).to_be_visible()
        await expect(page.locator("#live")).to_be_hidden()
        await some_turns(admin)
        await expect(page.locator("#live-count")).to_have_text(
            "1 running, 1 waiting, 1 failed in the last day"
        )
        admin.away = True
        await expect(page.locator("#trouble")).to_contain_text("The database does not answer")
        admin.away = False
        await expect(page.locator("#trouble")).to_be_hidden()


async def test_without_the_link_one_signs_in(browser: Browser, admin: Admin) -> None:
    page = await browser.new_page()
    await page.goto(f"{admin.url}/admin")
    for token in ("wrong", TOKEN):
        await page.get_by_label("Token").fill(token)
        await page.get_by_role("button", name="Sign in").click()
        if token == "wrong":
            await expect(page.locator("#wrong")).to_have_text("That is not the token.")
    await expect(page.get_by_role("heading", name="Usage")).to_be_visible()
    assert page.url == f"{admin.url}/admin"
    await page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_is_for_everybody(browser: Browser, admin: Admin, theme: Literal["light", "dark"]) -> None:
    async with visiting(browser, admin, color_scheme=theme, reduced_motion="reduce") as page:
        await is_sound(page)
        await month_of_use(admin)
        await some_turns(admin)
        await page.reload()
        await expect(page.locator("#chart .fill")).to_have_count(30)
        await page.locator("summary").click()
        await is_sound(page)
        await page.set_viewport_size({"width": 380, "height": 720})
        await expect(page.locator("#chart svg")).to_have_attribute("width", _starts("3"))
        await is_sound(page)
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 380


async def test_by_keyboard_alone(browser: Browser, admin: Admin) -> None:
    await month_of_use(admin)
    async with visiting(browser, admin) as page:
        await page.keyboard.press("Tab")
        await expect(page.locator(":focus")).to_have_text("Skip to the numbers")
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("30 days")).to_be_focused()
        await page.keyboard.press("ArrowLeft")
        await expect(page.locator("#chart .fill")).to_have_count(7)
        stops = []
        for _ in range(14):
            await page.keyboard.press("Tab")
            stops.append(
                await page.evaluate(
                    """() => {
                        const focused = document.activeElement;
                        const ring = focused.matches("input") ? focused.nextElementSibling : focused;
                        return [focused.id || focused.name || focused.dataset.by || focused.tagName,
                            focused === document.body || getComputedStyle(ring).outlineStyle !== "none"];
                    }"""
                )
            )
        assert all(seen for _, seen in stops)
        assert {"of", "theme", "measure", "day", "SUMMARY", "by-user", "model"} <= {name for name, _ in stops}


@pytest.mark.skipif(
    "SCREENSHOTS" not in os.environ, reason="set SCREENSHOTS=1 to take the pictures of the docs anew"
)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_pictures_for_the_docs(browser: Browser, admin: Admin, theme: Literal["light", "dark"]) -> None:
    await month_of_use(admin)
    await some_turns(admin)
    look = {
        "color_scheme": theme,
        "device_scale_factor": 1.5,
        "timezone_id": "UTC",
        "reduced_motion": "reduce",
    }
    async with visiting(browser, admin, viewport={"width": 1280, "height": 1000}, **look) as page:
        await page.clock.set_fixed_time(admin.clock())
        await page.reload()
        await expect(page.locator("#chart .fill")).to_have_count(30)
        await page.screenshot(path=IMAGES / f"admin-{theme}.png", full_page=True)
    period = span("30d", admin.clock())
    for by in (By.DAY, By.USER):
        rows = await admin.stores.reports.rows(by, period.since, period.until, Whose())
        (IMAGES / f"usage-by-{by}.png").write_bytes(draw(rows, by, period, "en"))
