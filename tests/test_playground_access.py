"""The playground's page for everybody: by keyboard alone, for screen readers, in both themes, in narrow windows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.fakes_playground import COMMANDS, Served, serving
from tests.playground_rig import launched, visiting, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

Theme = Literal["light", "dark"]
RICH = (
    "# Heading\n\nText with `code`, **bold**, a [link](https://example.com) and @Ada.\n\n"
    "```python\n# a comment\nclass Greeter:\n    @property\n    def hello(self) -> str:\n        return 'hi' * 2\n"
    "very_long = 'a line that does not fit into the width of the thread, and so has to be scrolled to the side'\n```\n\n"
    "| a | b |\n| --- | --: |\n| 1 | 2 |\n\n> a quotation\n\n1. one\n2. two\n\n~~gone~~"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with launched(chromium) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, served: Served) -> AsyncIterator[Page]:
    async with visiting(browser, served) as page:
        await expect(page.locator("#input")).to_be_focused()
        yield page


async def is_sound(page: Page) -> None:
    """Nothing that axe knows to be wrong, its advice on good practice included."""
    await page.evaluate(
        "Promise.all(document.getAnimations().map((a) => a.playState === 'running' && a.effect."
        "getTiming().iterations !== Infinity ? a.finished : null))"
    )
    results = await Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_accessibility_violations_in_any_state(
    browser: Browser, served: Served, theme: Theme
) -> None:
    gate = asyncio.Event()
    served.bot.script = lambda text: [RICH, gate] if "grow" in text else [RICH]
    async with visiting(browser, served, color_scheme=theme, reduced_motion="reduce") as page:
        await is_sound(page)
        await write(page, "@Rejoinder hello, and @Grace")
        await expect(page.locator(".message.from-bot:not(.open)")).to_have_count(1)
        await write(page, "@Rejoinder grow")
        await expect(page.locator(".chip.stop")).to_have_count(1)
        await write(page, "/usage")
        await write(page, "/reset")
        await is_sound(page)
        gate.set()
        await page.hover(".message >> nth=0")
        await is_sound(page)
        await page.press(".message >> nth=0", "e")
        await is_sound(page)
        await page.keyboard.press("Escape")
        await page.press(".message.from-bot >> nth=0", "t")
        await write(page, "a reply", "#thread-input")
        await page.locator("#thread-input").press_sequentially("@")
        await expect(page.locator("#thread .options")).to_be_visible()
        await is_sound(page)
        await page.keyboard.press("Escape")
        await page.fill("#input", "/")
        await is_sound(page)
        await page.fill("#input", "x" * 3_990)
        await is_sound(page)
        await page.fill("#input", "/nonsense")
        await page.press("#input", "Enter")
        await expect(page.locator(".toast")).to_be_visible()
        await is_sound(page)
        await page.click("#me")
        await is_sound(page)
        await page.keyboard.press("Escape")
        for opener, dialog in (("#help", "#help-dialog"), ("#add-channel", "#channel-dialog")):
            await page.click(opener)
            await expect(page.locator(dialog)).to_be_visible()
            await is_sound(page)
            await page.keyboard.press("Escape")
        await page.set_viewport_size({"width": 380, "height": 720})
        await is_sound(page)
        await page.click("#thread-close")
        await page.click("#sidebar-open")
        await expect(page.locator("#sidebar-close")).to_be_focused()
        await is_sound(page)


async def test_the_check_for_violations_finds_some_where_there_are_some(page: Page) -> None:
    await page.evaluate("document.querySelector('#topic').style.color = '#ccc'")
    with pytest.raises(AssertionError, match="color-contrast"):
        await is_sound(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_accessibility_violations_at_the_sign_in(
    browser: Browser, tmp_path: Path, theme: Theme
) -> None:
    async with serving(tmp_path, token="a-token") as served:
        context = await browser.new_context(color_scheme=theme)
        page = await context.new_page()
        await page.goto(f"{served.url}/sign-in?wrong")
        await expect(page.locator("#wrong")).not_to_be_empty()
        await is_sound(page)
        await context.close()


class TestKeyboardAlone:
    async def test_a_mention_is_completed(self, page: Page, served: Served) -> None:
        await page.keyboard.type("hey @r")
        option = page.get_by_role("option", selected=True)
        await expect(option).to_contain_text("Rejoinder")
        active = await page.get_attribute("#input", "aria-activedescendant")
        assert active == await option.get_attribute("id")
        await page.keyboard.press("Tab")
        await expect(page.locator("#input")).to_have_value("hey @Rejoinder ")
        await page.keyboard.type("and @")
        await expect(page.get_by_role("option")).to_have_count(3)
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.locator("#input")).to_have_value("hey @Rejoinder and @Lin ")
        await page.keyboard.press("Enter")
        await expect(page.locator(".message.from-bot .body")).to_have_text("You said: hey and @Lin")

    async def test_a_command_is_completed_and_run(self, page: Page, served: Served) -> None:
        await page.keyboard.type("/")
        await expect(page.get_by_role("option")).to_have_count(len(COMMANDS))
        await page.keyboard.type("us")
        await expect(page.get_by_role("option", selected=True)).to_contain_text("What you have used so far")
        await page.keyboard.press("Enter")
        await expect(page.locator("#input")).to_have_value("/usage ")
        await page.keyboard.press("Enter")
        await expect(page.locator(".message.private .about")).to_have_text("You used /usage")
        assert served.bot.invocations[0].verb == "usage"

    async def test_escape_closes_the_list_and_keeps_the_words(self, page: Page) -> None:
        await page.keyboard.type("/re")
        await expect(page.get_by_role("option")).to_have_count(1)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("option")).to_have_count(0)
        await expect(page.locator("#input")).to_have_value("/re")
        await expect(page.locator("#input")).to_be_focused()

    async def test_a_whole_visit(self, page: Page, served: Served) -> None:
        press, type_ = page.keyboard.press, page.keyboard.type
        focused = page.locator(":focus")
        await type_("first")
        await press("Enter")
        await type_("second")
        await press("Enter")
        await expect(page.locator("#conversation .message")).to_have_count(2)
        await press("Shift+F6")
        await expect(focused).to_contain_text("second")
        await press("ArrowUp")
        await expect(focused).to_contain_text("first")
        await press("End")
        await press("Home")
        await expect(focused).to_contain_text("first")
        await press("e")
        await expect(focused).to_have_attribute("aria-label", "Edit the message")
        await type_(", edited")
        await press("Enter")
        await expect(focused).to_contain_text("first, edited")
        await press("t")
        await expect(page.locator("#thread-input")).to_be_focused()
        await type_("@rej")
        await press("Tab")
        await type_("in the thread")
        await press("Enter")
        await expect(page.locator("#thread .message.from-bot .body")).to_have_text("You said: in the thread")
        await press("Escape")
        await expect(page.locator("#thread")).to_be_hidden()
        await expect(focused).to_contain_text("first, edited")
        await press("ArrowDown")
        await press("Delete")
        dialog = page.get_by_role("dialog", name="Delete this message?")
        await expect(dialog).to_be_visible()
        await press("Tab")
        await press("Enter")
        await expect(page.locator("#conversation .message")).to_have_count(1)
        await expect(page.locator("#input")).to_be_focused()
        await press("Alt+ArrowDown")
        await expect(page.locator("#title")).to_have_text("random")
        await press("Alt+p")
        await expect(focused).to_contain_text("Ada")
        await press("ArrowDown")
        await press("Enter")
        await expect(page.locator("#me")).to_contain_text("Grace")

    async def test_tab_goes_from_part_to_part_and_not_through_every_message(
        self, page: Page, served: Served
    ) -> None:
        served.bot.script = lambda _: [RICH]
        for number in range(3):
            await write(page, f"@Rejoinder {number}")
            await expect(page.locator(".message.from-bot:not(.open)")).to_have_count(number + 1)
        await page.keyboard.press("Shift+F6")
        stops = 0
        while not await page.locator("#input").evaluate("input => input === document.activeElement"):
            await page.keyboard.press("Tab")
            stops += 1
        assert stops <= 8

    async def test_the_list_of_shortcuts_opens_and_closes(self, page: Page) -> None:
        await page.keyboard.press("Control+/")
        dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
        await expect(dialog).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(page.locator("#input")).to_be_focused()
        await page.keyboard.type("?")
        await expect(page.locator("#input")).to_have_value("?")
        await page.press("#me", "?")
        await expect(dialog).to_be_visible()

    async def test_the_focus_is_always_to_be_seen(self, page: Page) -> None:
        await write(page, "hello")
        await page.locator("body").press("Tab")
        for _ in range(14):
            await page.keyboard.press("Tab")
            ring = await page.evaluate(
                """() => {
                    const focused = document.activeElement;
                    const box = focused.closest(".composer");
                    return focused === document.body || getComputedStyle(focused).outlineStyle !== "none"
                        || (box !== null && getComputedStyle(box).boxShadow !== "none");
                }"""
            )
            assert ring, await page.evaluate("document.activeElement.outerHTML")


class TestScreenReaders:
    async def test_an_answer_is_announced_when_it_begins_and_when_it_is_whole(
        self, page: Page, served: Served
    ) -> None:
        gate = asyncio.Event()
        served.bot.script = lambda _: ["One", 0.15, " two", 0.15, " **three**", gate, " & four"]
        await write(page, "@Rejoinder count")
        await expect(page.locator(".message.open .body")).to_have_text("One two three")
        said = page.locator("#announcer p")
        await expect(said).to_have_text(["Rejoinder is answering."])
        article = page.locator(".message.from-bot")
        await expect(article).to_have_attribute("aria-busy", "true")
        gate.set()
        await expect(said).to_have_text(["Rejoinder is answering.", "Rejoinder: One two three & four"])
        await expect(article).to_have_attribute("aria-busy", "false")
        await expect(article).to_have_attribute(
            "aria-label", re.compile("^Rejoinder, .*One two three & four")
        )

    async def test_ones_own_messages_are_not_announced_and_private_notices_are(self, page: Page) -> None:
        await write(page, "hello")
        await write(page, "/usage")
        await expect(page.locator("#announcer p")).to_have_text(
            ["Rejoinder, only visible to you: This is what /usage tells."]
        )

    async def test_nothing_that_grows_is_a_live_region(self, page: Page) -> None:
        await write(page, "hello")
        live = page.locator(".log [aria-live], .log[aria-live], [role=log]")
        await expect(live).to_have_count(0)


class TestLooks:
    async def test_the_theme_follows_the_system_and_the_switch_overrules_it(
        self, browser: Browser, served: Served
    ) -> None:
        async with visiting(browser, served, color_scheme="dark") as page:
            dark = await background(page)
            await page.get_by_role("radio", name="Light").click()
            light = await background(page)
            assert dark != light
            await page.reload()
            await expect(page.locator("#title")).not_to_be_empty()
            assert await background(page) == light
            await page.get_by_role("radio", name="As the system").click()
            assert await background(page) == dark
            await page.emulate_media(color_scheme="light")
            assert await background(page) == light

    async def test_nothing_moves_for_those_who_prefer_it_so(self, browser: Browser, served: Served) -> None:
        gate = asyncio.Event()
        served.bot.script = lambda _: ["growing", gate]
        async with visiting(browser, served, reduced_motion="reduce") as page:
            await write(page, "@Rejoinder go")
            await expect(page.locator(".message.open")).to_have_count(1)
            assert await page.evaluate("document.getAnimations().length") == 0

    async def test_a_narrow_window_has_the_channels_in_a_drawer(
        self, browser: Browser, served: Served
    ) -> None:
        async with visiting(browser, served, viewport={"width": 360, "height": 640}) as page:
            await expect(page.locator("#channels")).not_to_be_in_viewport()
            await page.click("#sidebar-open")
            await page.click("text=random")
            await expect(page.locator("#title")).to_have_text("random")
            await expect(page.locator("#channels")).not_to_be_in_viewport()
            served.bot.script = lambda _: [RICH]
            await write(page, "@Rejoinder go")
            await expect(page.locator(".message.from-bot:not(.open)")).to_have_count(1)
            await page.press(".message.from-bot", "t")
            await expect(page.locator("#thread-input")).to_be_in_viewport()
            too_wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not too_wide
            await page.click("#thread-close")
            await expect(page.locator("#input")).to_be_in_viewport()

    async def test_text_of_twice_the_size_still_fits(self, browser: Browser, served: Served) -> None:
        async with visiting(browser, served, viewport={"width": 640, "height": 400}) as page:
            await write(page, "hello")
            await expect(page.locator(".message .body")).to_be_in_viewport()
            await expect(page.locator("#input")).to_be_in_viewport()


async def background(page: Page) -> str:
    colour: str = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour
