"""Pictures of thirty typical answers, as the playground shows them, for docs/answers.md. Only with SCREENSHOTS=1: they are files of the
tree."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from PIL import Image, ImageDraw, ImageFont
from playwright.async_api import Browser, FloatRect, Page, expect

from tests.fakes import FakeClock
from tests.fakes_playground import ScriptedBot, Visitor, serving, until
from tests.playground_rig import launched, visiting
from tests.recorded.recording import answer

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="set SCREENSHOTS=1 to take the pictures anew"),
]
IMAGES = Path(__file__).parent.parent / "docs" / "images" / "answers"
SHEETS = {
    "words": ["greeting", "paragraphs", "headings", "emphasis", "rules", "html", "pings"],
    "lists": ["nested-lists", "task-list", "quotes", "links", "mathematics", "long-list"],
    "tables": ["table", "table-chinese", "table-in-list", "table-wide", "long-table"],
    "code": ["code", "code-tildes", "code-in-list", "diff", "shell", "code-long"],
    "languages": ["chinese", "japanese-korean", "arabic", "hebrew-mixed", "emoji", "long-essay"],
}
"""What stands on which picture."""
TALLEST = 600
"""Pixels of one answer; the rest of a longer one is cut off."""
GAP = 14
COLOURS = 200


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with launched(chromium) as browser:
        yield browser


@pytest.mark.timeout(300)
@pytest.mark.parametrize("sheet", SHEETS)
async def test_pictures_of_the_answers(browser: Browser, tmp_path: Path, sheet: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    bot = ScriptedBot(lambda text: [answer(text.split()[-1])])
    async with serving(tmp_path, bot, clock=FakeClock()) as served:
        async with ClientSession() as session:
            ada = Visitor(session, served.url, "ada")
            for number, name in enumerate(SHEETS[sheet], 1):
                await ada.say(f"@Rejoinder show {name}")
                await until(lambda number=number: len(bot.answers) == number)  # type: ignore[misc]
                await bot.settled()
        look = {"color_scheme": "light", "timezone_id": "UTC", "reduced_motion": "reduce"}
        size = {"width": 1000, "height": 12_000}  # so tall that nothing is scrolled away or covered
        async with visiting(browser, served, "/#/general", viewport=size, **look) as page:
            shots = await answers_of(page, SHEETS[sheet])
        together(shots).save(IMAGES / f"{sheet}.png", optimize=True)


async def answers_of(page: Page, names: Sequence[str]) -> dict[str, Image.Image]:
    """The first message of each answer."""
    bodies = page.locator(".message.from-bot:not(.joined) .body")
    await expect(bodies).to_have_count(len(names))
    await page.evaluate("document.fonts.ready")
    await page.mouse.move(0, 0)
    shots: dict[str, Image.Image] = {}
    for name, body in zip(names, await bodies.all(), strict=True):
        box = await body.bounding_box()
        assert box is not None
        clip: FloatRect = {
            "x": box["x"] - 8,
            "y": box["y"],
            "width": box["width"] + 12,
            "height": min(box["height"] + 4, TALLEST),
        }
        shots[name] = Image.open(io.BytesIO(await page.screenshot(clip=clip)))
    return shots


def together(shots: Mapping[str, Image.Image]) -> Image.Image:
    """All in two columns, each under its name, in few colours, so that the file is small."""
    width = max(shot.width for shot in shots.values())
    page = Image.new("RGB", (2 * width + 3 * GAP, 2 * TALLEST * len(shots)), "white")
    draw, font, ends = ImageDraw.Draw(page), ImageFont.load_default(15), [GAP, GAP]
    for name, shot in shots.items():
        column = ends.index(min(ends))
        left, top = GAP + column * (width + GAP), ends[column]
        draw.text((left, top), name, "#6b6a63", font)
        draw.line((left, top + 22, left + width, top + 22), "#dddbd2")
        page.paste(shot, (left, top + 30))
        ends[column] = top + 30 + shot.height + 2 * GAP
    return page.crop((0, 0, page.width, max(ends))).quantize(COLOURS, dither=Image.Dither.NONE)
