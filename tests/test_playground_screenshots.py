"""The pictures of the README, taken from the page itself. Only with SCREENSHOTS=1, since they are files of the tree."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from playwright.async_api import Browser, Page, expect

from tests.fakes import FakeClock
from tests.fakes_playground import ScriptedBot, Step, Visitor, serving, until
from tests.playground_rig import launched, visiting

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        "SCREENSHOTS" not in os.environ, reason="set SCREENSHOTS=1 to take the README's pictures anew"
    ),
]

IMAGES = Path(__file__).parent.parent / "docs" / "images"

SLOW = """\
Most often it is not the export itself but what it waits for. I would look in this order:

1. **A sort that spills to disk.** `EXPLAIN (ANALYZE, BUFFERS)` shows `external merge` when `work_mem` is too small.
2. **A missing index**, so that the whole table is read for one day of it.
3. **A long transaction** that keeps vacuum from cleaning up.

```sql
-- who has been waiting, and for what
SELECT pid, state, wait_event, now() - xact_start AS age
FROM pg_stat_activity
WHERE state <> 'idle'
ORDER BY age DESC NULLS LAST;
```

| suspect | takes | to rule out |
| --- | --: | --- |
| spilled sort | 10 to 30 min | raise `work_mem` for this session |
| missing index | 5 to 20 min | look for `Seq Scan` |
"""
INDEX = """\
For one day at a time an index on the date is enough. Build it without locking anybody out:

```sql
CREATE INDEX CONCURRENTLY orders_day
ON orders (created_at);
```

Then the export reads"""
CHINESE = (
    "可以。三步：先用 `EXPLAIN` 看排序是否写到磁盘，再检查日期列有没有索引，最后找出占用时间最长的事务。"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with launched(chromium) as browser:
        yield browser


def script(gate: asyncio.Event) -> ScriptedBot:
    def steps(text: str) -> Sequence[Step]:
        if "index" in text:
            return [INDEX, gate]
        return [CHINESE if "中文" in text else SLOW]

    return ScriptedBot(steps)


async def hold_a_conversation(url: str, bot: ScriptedBot, clock: FakeClock) -> int:
    """What is to be seen; answers the root of the thread."""

    async def settled(answers: int) -> None:
        await until(lambda: len(bot.answers) == answers)
        await bot.settled()

    async with ClientSession() as session:
        ada, grace, lin = (Visitor(session, url, person) for person in ("ada", "grace", "lin"))
        clock.advance(-3 * 3600)
        await grace.say("Morning! The nightly export is slow again: *41 minutes* for two million rows.")
        clock.advance(140)
        question = await ada.say("@Rejoinder what usually makes such an export slow in PostgreSQL?")
        clock.advance(6)
        await settled(1)
        clock.advance(300)
        await lin.say("@Rejoinder 能用中文总结一下吗？")
        clock.advance(4)
        await settled(2)
        answer = (await ada.messages())[2]
        assert answer["reply_to"]["id"] == question["id"]
        clock.advance(95)
        await grace.say("It reads the whole table, no index on the date.", thread=answer["id"])
        await ada.say("Off for lunch, who is in?", channel="random")
        await grace.say("Me! And @Ada owes me a coffee.", channel="random")
        clock.advance(60)
        await ada.say("@Rejoinder so which index would you add?", thread=answer["id"])
        await until(lambda: len(bot.answers) == 3)
        clock.advance(5)
        root: int = answer["id"]
        return root


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_pictures_for_the_readme(
    browser: Browser, tmp_path: Path, theme: Literal["light", "dark"]
) -> None:
    gate, clock = asyncio.Event(), FakeClock()
    bot = script(gate)
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with serving(tmp_path, bot, clock=clock) as served:
        root = await hold_a_conversation(served.url, bot, clock)
        look = {
            "color_scheme": theme,
            "timezone_id": "UTC",
            "reduced_motion": "reduce",
            "device_scale_factor": 1.5,
        }
        wide = {"width": 1360, "height": 960}
        async with visiting(browser, served, f"/#/general/{root}", viewport=wide, **look) as page:
            await on_the_day(page, clock)
            await expect(page.locator("#thread .message.open .code")).to_be_visible()
            await page.screenshot(path=IMAGES / f"playground-{theme}.png")
        narrow = {"width": 390, "height": 800}
        async with visiting(browser, served, "/#/general", viewport=narrow, **look) as page:
            await on_the_day(page, clock)
            await page.screenshot(path=IMAGES / f"playground-narrow-{theme}.png")
        gate.set()


async def on_the_day(page: Page, clock: FakeClock) -> None:
    """So that it is the conversation's own day, whenever the pictures are taken."""
    await page.clock.set_fixed_time(clock())
    await page.reload()
    await expect(page.locator(".day").first).to_have_text("Today")
    await page.evaluate("document.fonts.ready")
    await page.mouse.move(0, 0)
