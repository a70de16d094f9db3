"""`python -m bot run` with nothing set: the playground in a real browser, and the real model on this machine behind it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, expect

from tests.bot_process import BotProcess
from tests.emulators.llm import LLMEmulator, say
from tests.fakes_playground import Visitor, until
from tests.nursery import ForkedProcess
from tests.playground_rig import launched, write

pytestmark = pytest.mark.slow(12)

IMAGES = Path(__file__).parent.parent / "docs" / "images"
TURNS = (
    "What is the capital of France?",
    "Name two rivers of that country.",
    "Write one sentence about bread.",
)


@pytest.mark.browser
@pytest.mark.local_model
@pytest.mark.timeout(240)
async def test_a_conversation_of_several_turns_with_the_real_model(
    tmp_path: Path, local_model_data: Path, chromium: str
) -> None:
    data = tmp_path / "data"
    _share(local_model_data, data)
    environment = {"REJOINDER_MAX_OUTPUT_TOKENS": "120"}
    async with BotProcess(data, environment) as bot, launched(chromium) as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 860}, locale="en-GB")
        await page.goto(f"http://127.0.0.1:{await bot.port('playground')}/")
        for number, question in enumerate(TURNS):
            await write(page, f"@Rejoinder {question}")
            await _answered(page, number + 1)
        first = page.locator("#conversation .message:has(.badge)").first
        await expect(first).to_contain_text("Paris")
        await expect(first).to_contain_text("I keep our conversation")
        await _picture(page, "conversation.png")
        await write(page, "/context")
        await expect(page.locator("#conversation")).to_contain_text("3 earlier turns")
        await write(page, "/reset")
        await expect(page.locator("#conversation")).to_contain_text("forgotten the 3 earlier turns")
    assert "capital of France" not in bot.output


@pytest.mark.browser
@pytest.mark.local_model
@pytest.mark.timeout(240)
async def test_everything_is_still_there_after_a_restart(
    tmp_path: Path, local_model_data: Path, chromium: str
) -> None:
    data = tmp_path / "data"
    _share(local_model_data, data)
    environment = {"REJOINDER_MAX_OUTPUT_TOKENS": "60"}
    async with ForkedProcess(data, environment) as bot, launched(chromium) as browser:
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{await bot.port('playground')}/")
        await write(page, "@Rejoinder Say hello.")
        await _answered(page, 1)
        await bot.terminate()
        before = len(bot.lines)
        await bot.start()
        line = await bot.wait_for_line("^playground at", since=before)
        await page.goto(line.rpartition(" ")[2])
        await expect(page.locator("#conversation")).to_contain_text("Say hello.")
        await write(page, "/context")
        await expect(page.locator("#conversation")).to_contain_text("1 earlier turn")


async def test_every_way_to_speak_to_the_bot_without_a_page(tmp_path: Path) -> None:
    async with LLMEmulator() as llm, aiohttp.ClientSession() as session:
        environment = {
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": llm.openai_url,
            "REJOINDER_MODEL": "openai-chat:gpt-4o-mini",
        }
        llm.rule = lambda request: say("I heard: ", str(request.body["messages"][-1]["content"]))
        async with ForkedProcess(tmp_path / "data", environment) as bot:
            url = f"http://127.0.0.1:{await bot.port('playground')}"
            ada, grace = Visitor(session, url, "ada"), Visitor(session, url, "grace")

            async def answer(number: int, saying: str = "", **where: Any) -> str:
                """The bot's message of that number, once it is whole and says that."""
                async with asyncio.timeout(15):
                    while True:
                        said = [m for m in await ada.messages(**where) if m["author"] == "rejoinder"]
                        chosen = said[number - 1] if len(said) >= number else None
                        if chosen and not chosen["open"] and saying in chosen["text"]:
                            return str(chosen["text"])
                        await asyncio.sleep(0.02)

            question = await ada.say("@Rejoinder one")
            first = await answer(1)
            assert first.startswith("I heard: Ada: one")
            assert "I keep our conversation" in first
            await ada.say("nobody is asked")
            await grace.say("@Rejoinder write to grace" + "@" + "example.org")
            masked = await answer(2)
            assert "[FILTERED:email]" in masked and "masked before anyone saw it" in masked

            await ada.say("@Rejoinder in here", thread=question["id"])
            assert await answer(1, thread=question["id"]) == "I heard: Ada: in here"
            await ada.say("and on", thread=question["id"])
            assert await answer(2, thread=question["id"]) == "I heard: Ada: and on"
            await ada.say("@Rejoinder leave", thread=question["id"])
            assert "quiet in this thread" in await answer(3, thread=question["id"])
            await ada.say("still there?", thread=question["id"])

            room = {"channel": "dm-ada"}
            await ada.say("psst", **room)
            assert await answer(1, **room) == "I heard: psst"
            status, _ = await grace.call("GET", "/api/messages", channel="dm-ada")
            assert status in (403, 404)

            await ada.call("PATCH", f"/api/messages/{question['id']}", text="@Rejoinder two")
            await until(lambda: len(llm.requests) == 6)
            await answer(1, "I heard: Ada: two")
            await ada.say("@Rejoinder reset")
            await answer(3, "forgotten the 4 earlier turns")
            assert len(llm.requests) == 6
            await _the_admin_page_stands_beside_it(bot, session, url)
        assert "psst" not in bot.output


async def _the_admin_page_stands_beside_it(bot: BotProcess, session: aiohttp.ClientSession, url: str) -> None:
    """On the same port; the playground is open on loopback, the admin page is not."""
    link = (await bot.wait_for_line("^admin page at ")).removeprefix("admin page at ")
    page, _, token = link.partition("?token=")
    assert page == f"{url}/admin"
    for path, expected in ((f"{page}/api/report", 401), (page, 401), (f"{url}/api/state", 200)):
        async with session.get(path) as answer:
            assert answer.status == expected
    async with session.get(f"{page}/api/report", headers={"Authorization": f"Bearer {token}"}) as answer:
        assert (await answer.json())["total"]["calls"] == 6


def _share(installed: Path, data: Path) -> None:
    """The model is installed once a clone; every data folder may use it."""
    data.mkdir()
    (data / "local-model").symlink_to(installed / "local-model")


async def _answered(page: Page, count: int) -> None:
    """So many answers are there, and none can be stopped any more."""
    answers = page.locator("#conversation .message:has(.badge)")
    await expect(answers).to_have_count(count, timeout=60_000)
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=60_000)


async def _picture(page: Page, name: str) -> None:
    if "SCREENSHOTS" in os.environ:
        await page.screenshot(path=IMAGES / name)
