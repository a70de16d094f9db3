"""`python -m bot run` with nothing set: the playground in a real browser, and the real model on this machine behind it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.bot_process import BotProcess
from tests.playground_rig import launched, write

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
    async with BotProcess(data, {"REJOINDER_MAX_OUTPUT_TOKENS": "60"}) as bot, launched(chromium) as browser:
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
