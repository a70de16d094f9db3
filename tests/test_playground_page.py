"""The playground's page in a real browser, with a scripted bot behind it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from bot.ports import Button, Control
from tests.fakes_playground import ScriptedBot, Served, serving
from tests.playground_rig import launched, speak_as, visiting, write

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANSWER = "Of course.\n\n```python\nprint('hello')\n```\n\n| a | b |\n| --- | --: |\n| 1 | 2 |"


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
        yield page


class TestSayingSomething:
    async def test_a_message_stands_in_the_channel_under_its_authors_name(self, page: Page) -> None:
        await write(page, "Good *morning*, https://example.com")
        message = page.locator("#conversation .message")
        await expect(message.locator(".head b")).to_have_text("Ada")
        await expect(message.locator("em")).to_have_text("morning")
        await expect(message.locator("a")).to_have_attribute("rel", "noopener nofollow")

    async def test_an_empty_message_is_not_sent(self, page: Page) -> None:
        await page.press("#input", "Enter")
        await page.fill("#input", "   \n ")
        await page.press("#input", "Enter")
        await write(page, "something")
        await expect(page.locator("#conversation .message")).to_have_count(1)

    async def test_what_is_written_while_the_last_message_is_on_its_way_follows_it(self, page: Page) -> None:
        async def slowly(route: Route) -> None:
            await asyncio.sleep(0.3)
            await route.continue_()

        await page.route("**/api/messages", slowly)
        await page.click("#input")
        for text in ("one", "two", "three"):
            await page.keyboard.type(text)
            await page.keyboard.press("Enter")
        await expect(page.locator(".message .body")).to_have_text(["one", "two", "three"])
        await expect(page.locator("#input")).to_have_value("")

    async def test_shift_enter_starts_a_line(self, page: Page) -> None:
        await page.locator("#input").press_sequentially("one")
        await page.press("#input", "Shift+Enter")
        await page.locator("#input").press_sequentially("two")
        await page.press("#input", "Enter")
        await expect(page.locator(".message .body p")).to_have_text("one\ntwo", use_inner_text=True)

    async def test_messages_of_one_person_stand_together(self, page: Page) -> None:
        await write(page, "one")
        await write(page, "two")
        await expect(page.locator(".message.joined .body")).to_have_text("two")

    async def test_what_is_too_long_is_not_sent_and_says_so(self, page: Page) -> None:
        await page.fill("#input", "x" * 4_001)
        await expect(page.locator("#input-hint")).to_contain_text("-1 characters left")
        await page.press("#input", "Enter")
        await expect(page.locator("#input")).to_have_value("x" * 4_001)

    async def test_a_draft_stays_with_its_place_over_a_reload(self, page: Page) -> None:
        await page.fill("#input", "half a thought")
        await page.click("text=random")
        await expect(page.locator("#input")).to_have_value("")
        await page.reload()
        await page.click("text=general")
        await expect(page.locator("#input")).to_have_value("half a thought")


class TestAnswers:
    async def test_an_answer_grows_before_ones_eyes(self, page: Page, served: Served) -> None:
        gates = [asyncio.Event() for _ in range(3)]
        served.bot.script = lambda _: [gates[0], "One ", gates[1], "two ", gates[2], "three."]
        await write(page, "@Rejoinder count")
        await expect(page.locator("#conversation .typing")).to_have_text("Rejoinder is typing…")
        body = page.locator(".message.from-bot .body")
        for gate, text in zip(gates, ("One", "One two", "One two three."), strict=True):
            gate.set()
            await expect(body).to_have_text(text)
        await expect(page.locator(".message.open")).to_have_count(0)
        await expect(page.locator("#conversation .typing")).to_be_empty()
        await expect(page.locator(".message.from-bot .quote")).to_contain_text("@Rejoinder count")

    async def test_what_stands_already_is_left_alone_while_the_answer_grows(
        self, page: Page, served: Served
    ) -> None:
        gate = asyncio.Event()
        served.bot.script = lambda _: ["First.\n\nSecond", gate, " and third."]
        await write(page, "@Rejoinder go")
        first = page.locator(".message.from-bot .body p").first
        await expect(first).to_have_text("First.")
        await expect(page.locator(".message.from-bot .body")).to_contain_text("Second")
        handle = await first.element_handle()
        stop = page.locator(".chip.stop")
        await stop.focus()
        gate.set()
        await expect(page.locator(".message.from-bot .body")).to_contain_text("third")
        assert handle is not None
        assert await handle.evaluate("element => element.isConnected")

    async def test_stop_ends_an_answer_and_retry_begins_it_anew(self, page: Page, served: Served) -> None:
        gate = asyncio.Event()
        served.bot.script = lambda _: ["Half of it", gate]
        await write(page, "@Rejoinder go")
        await page.click(".chip.stop")
        await expect(page.locator(".message.open")).to_have_count(0)
        await expect(page.locator(".message.from-bot .body")).to_have_text("Half of it")
        served.bot.script = lambda _: ["All of it"]
        await page.click("text=Try again")
        await expect(page.locator(".message.from-bot .body")).to_have_text("All of it")
        await expect(page.locator(".message.from-bot .chip")).to_have_count(0)

    async def test_buttons_say_what_they_are_and_which_is_chosen(self, page: Page, served: Served) -> None:
        thumbs = (Control(Button.UP, 1), Control(Button.DOWN, 1))
        served.bot.under = (Control(Button.REGENERATE, 1), *thumbs, Control(Button.EARLIER, 1, "1/2"))
        await write(page, "@Rejoinder go")
        up, down = (page.get_by_role("button", name=f"{what} answer") for what in ("Good", "Bad"))
        await expect(up).to_have_attribute("aria-pressed", "false")
        await expect(page.get_by_role("button", name="Earlier answer 1/2")).to_have_text("1/2")
        await up.click()
        await expect(up).to_have_attribute("aria-pressed", "true")
        await expect(down).to_have_attribute("aria-pressed", "false")
        await expect(page.locator(".message.from-bot").last).to_contain_text("Noted.")
        served.bot.under = ()
        await page.get_by_role("button", name="Regenerate").click()
        await expect(up).to_have_count(0)

    async def test_a_reload_in_mid_answer_misses_nothing(self, page: Page, served: Served) -> None:
        gate = asyncio.Event()
        served.bot.script = lambda _: ["The beginning", gate, " and the end"]
        await write(page, "@Rejoinder go")
        await expect(page.locator(".message.open .body")).to_have_text("The beginning")
        await page.reload()
        await expect(page.locator(".message.open .body")).to_have_text("The beginning")
        gate.set()
        await expect(page.locator(".message.from-bot .body")).to_have_text("The beginning and the end")
        await expect(page.locator(".message.open")).to_have_count(0)

    async def test_code_can_be_copied(self, page: Page, served: Served) -> None:
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        served.bot.script = lambda _: [ANSWER]
        await write(page, "@Rejoinder go")
        await expect(page.locator(".code .code-language")).to_have_text("python")
        await page.click(".code button")
        await expect(page.locator(".code button")).to_have_text("Copied")
        assert await page.evaluate("navigator.clipboard.readText()") == "print('hello')"
        await expect(page.locator("td.right")).to_have_text("2")

    async def test_the_quote_leads_to_the_question(self, page: Page) -> None:
        await write(page, "@Rejoinder first")
        await expect(page.locator(".message.from-bot:not(.open)")).to_have_count(1)
        await page.click(".quote")
        await expect(page.locator(".message:focus .body")).to_have_text("@Rejoinder first")


class TestChanging:
    async def test_editing_a_question_changes_its_answer(self, page: Page, served: Served) -> None:
        await write(page, "@Rejoinder one")
        await expect(page.locator(".message.from-bot .body")).to_have_text("You said: one")
        await page.hover(".message >> nth=0")
        await page.click('.message >> nth=0 >> [aria-label="Edit"]')
        box = page.locator('[aria-label="Edit the message"]')
        await expect(box).to_be_focused()
        await box.fill("@Rejoinder two")
        await box.press("Enter")
        await expect(page.locator(".message.from-bot .body")).to_have_text("You said: two")
        await expect(page.locator(".edited")).to_have_text("edited")
        await expect(page.locator(".message")).to_have_count(2)

    async def test_escape_leaves_an_edit_without_changing_anything(self, page: Page) -> None:
        await write(page, "one")
        await expect(page.locator(".message")).to_have_count(1)
        await page.press("#input", "ArrowUp")
        await page.locator('[aria-label="Edit the message"]').fill("two")
        await page.keyboard.press("Escape")
        await expect(page.locator(".message .body")).to_have_text("one")
        await expect(page.locator(".message")).to_be_focused()

    async def test_a_message_is_deleted_after_a_question(self, page: Page) -> None:
        await write(page, "@Rejoinder one")
        await expect(page.locator(".message")).to_have_count(2)
        await page.hover(".message >> nth=0")
        await page.click('.message >> nth=0 >> [aria-label="Delete"]')
        dialog = page.get_by_role("dialog", name="Delete this message?")
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(dialog).to_be_hidden()
        await expect(page.locator(".message")).to_have_count(2)
        await page.hover(".message >> nth=0")
        await page.click('.message >> nth=0 >> [aria-label="Delete"]')
        await dialog.get_by_role("button", name="Delete").click()
        await expect(page.locator(".message")).to_have_count(0)
        await expect(page.locator(".empty h2")).to_have_text("Welcome to #general")

    async def test_what_others_said_cannot_be_changed(self, page: Page) -> None:
        await write(page, "mine")
        await speak_as(page, "Lin")
        await page.hover(".message")
        tools = page.locator(".message .tools button")
        await expect(tools).to_have_count(2)
        await speak_as(page, "Grace")
        await page.hover(".message")
        await expect(tools.last).to_have_attribute("aria-label", "Delete")


class TestPlaces:
    async def test_a_thread_opens_beside_the_channel(self, page: Page, served: Served) -> None:
        await write(page, "root")
        await page.hover(".message")
        await page.click('[aria-label="Reply in thread"]')
        await expect(page.locator("#thread-input")).to_be_focused()
        await write(page, "@Rejoinder in here", "#thread-input")
        replies = page.locator("#thread .message")
        await expect(replies).to_have_count(3)
        await expect(replies.last.locator(".body")).to_have_text("You said: in here")
        await expect(page.locator("#conversation .message")).to_have_count(1)
        await expect(page.locator("#conversation .replies b")).to_have_text("2 replies")
        await page.keyboard.press("Escape")
        await expect(page.locator("#thread")).to_be_hidden()
        await page.go_back()
        await expect(replies).to_have_count(3)

    async def test_a_thread_outlives_its_deleted_root(self, page: Page) -> None:
        await write(page, "root")
        await page.press("#conversation .message", "t")
        await write(page, "reply", "#thread-input")
        await page.hover("#conversation .message")
        await page.click('#conversation .message [aria-label="Delete"]')
        await page.get_by_role("button", name="Delete").last.click()
        await expect(page.locator("#conversation .deleted-words")).to_be_visible()
        await expect(page.locator("#thread .message").last.locator(".body")).to_have_text("reply")

    async def test_a_direct_conversation_needs_no_mention(self, page: Page) -> None:
        await page.click("#directs a")
        await expect(page.locator("#topic")).to_have_text("Only Ada and Rejoinder are here")
        await write(page, "hello")
        await expect(page.locator(".message.from-bot .body")).to_have_text("You said: hello")
        await speak_as(page, "Lin")
        await expect(page.locator(".empty h2")).to_have_text("Talk with Rejoinder")
        await expect(page.locator(".message")).to_have_count(0)

    async def test_what_is_written_while_a_place_loads_goes_there(self, page: Page, served: Served) -> None:
        loading, loaded = asyncio.Event(), asyncio.Event()

        async def slowly(route: Route) -> None:
            if route.request.method == "GET":
                loading.set()
                await loaded.wait()
            await route.continue_()

        await page.route("**/api/messages**", slowly)
        await page.click("#directs a")
        await loading.wait()
        await write(page, "for your eyes only")
        await page.click("#channels a >> nth=1")
        await expect(page.locator("#input")).to_have_attribute("placeholder", "Message #random")
        await write(page, "for all")
        loaded.set()
        await expect(page.locator("#conversation .message .body")).to_have_text("for all")
        world = served.playground.world
        where = {message.text: message.channel for message in world.messages.values()}
        assert (where["for your eyes only"], where["for all"]) == ("dm-ada", "random")

    async def test_a_channel_can_be_made(self, page: Page) -> None:
        await page.click("#add-channel")
        await page.get_by_role("textbox", name="Name").fill("general")
        await page.keyboard.press("Enter")
        await expect(page.locator("#channel-dialog .wrong")).to_have_text(
            "There is already a channel called general."
        )
        await page.get_by_role("textbox", name="Name").fill("Next steps")
        await page.get_by_role("textbox", name="Topic").fill("What to do now")
        await page.keyboard.press("Enter")
        await expect(page.locator("#title")).to_have_text("next-steps")
        await expect(page.locator("#topic")).to_have_text("What to do now")

    async def test_a_person_can_be_added_and_speaks(self, page: Page, served: Served) -> None:
        await page.click("#me")
        await page.click("text=Add a person…")
        await page.get_by_role("textbox", name="Name").fill("Katherine Johnson")
        await page.get_by_label("Language").select_option("zh-CN")
        await page.get_by_label("Is an admin").check()
        await page.click("text=Add and speak as")
        await expect(page.locator("#me")).to_contain_text("Katherine Johnson")
        await write(page, "@Rejoinder hello")
        await expect(page.locator(".message .badge.dull")).to_have_text("Admin")
        author = served.bot.incoming[0].author
        assert (author.name, author.admin, author.language) == ("Katherine Johnson", True, "zh-CN")

    async def test_what_is_unread_is_marked_until_it_is_read(
        self, browser: Browser, page: Page, served: Served
    ) -> None:
        async with visiting(browser, served, "/#/random") as other:
            await speak_as(other, "Grace")
            await write(other, "look, @Ada")
            await write(other, "and this")
            place = page.locator('.place[data-channel="random"]')
            await expect(place.locator(".count")).to_have_text(re.compile("^2"))
            await expect(place.locator(".count")).to_have_class(re.compile("loud"))
            await expect(page).to_have_title("(1) #general · Playground")
            await place.click()
            await expect(place.locator(".count")).to_have_count(0)
            await expect(page.locator(".day.new")).to_have_text("New")
            await expect(page.locator(".mention.you")).to_have_text("@Ada")
            await expect(page).to_have_title("#random · Playground")
            await page.reload()
            await expect(page.locator(".message")).to_have_count(2)
            await expect(page.locator(".day.new")).to_have_count(0)

    async def test_two_tabs_can_be_two_people(self, browser: Browser, page: Page, served: Served) -> None:
        other = await page.context.new_page()
        await other.goto(served.url)
        await speak_as(other, "Grace")
        await write(other, "hi")
        await page.reload()
        await expect(page.locator("#me")).to_contain_text("Ada")
        await expect(page.locator(".message .head b")).to_have_text("Grace")

    async def test_older_messages_are_loaded_when_asked_for(self, page: Page, served: Served) -> None:
        for number in range(75):
            await page.evaluate(
                """async (number) => fetch("/api/messages", { method: "POST",
                    headers: { "Content-Type": "application/json" },
                    body: JSON.stringify({ as: "ada", channel: "random", text: `m${number}`, nonce: `a-nonce-${number}` })
                })""",
                number,
            )
        await page.click("text=random")
        await expect(page.locator(".message")).to_have_count(60)
        await expect(page.locator(".message").last).to_be_in_viewport()
        await page.click("text=Earlier messages")
        await expect(page.locator(".message")).to_have_count(75)
        await expect(page.locator("text=Earlier messages")).to_be_hidden()
        await expect(page.locator(".message:focus .body")).to_have_text("m15")
        await expect(page.locator("#conversation .latest")).to_be_visible()
        await page.click(".latest")
        await expect(page.locator(".message").last).to_be_in_viewport()


class TestCommands:
    async def test_a_private_answer_is_marked_so_and_can_be_dismissed(self, page: Page) -> None:
        await write(page, "/usage")
        notice = page.locator(".message.private")
        await expect(notice.locator(".only-you")).to_have_text("Only visible to you")
        await expect(notice.locator(".about")).to_have_text("You used /usage")
        await expect(notice.locator(".body")).to_have_text("This is what /usage tells.")
        await speak_as(page, "Grace")
        await expect(page.locator(".message")).to_have_count(0)
        await speak_as(page, "Ada")
        await notice.hover()
        await page.click('[aria-label="Dismiss"]')
        await expect(notice).to_have_count(0)

    async def test_a_public_answer_is_for_everybody(self, page: Page) -> None:
        await write(page, "/reset")
        await speak_as(page, "Grace")
        await expect(page.locator(".message .about")).to_have_text("In answer to /reset")

    async def test_an_unknown_command_is_not_said_aloud(self, page: Page) -> None:
        await page.fill("#input", "/destroy everything")
        await page.press("#input", "Enter")
        await expect(page.locator(".toast")).to_contain_text("There is no command /destroy.")
        await expect(page.locator("#input")).to_have_value("/destroy everything")
        await expect(page.locator(".message")).to_have_count(0)

    async def test_what_a_command_takes_is_proposed_and_never_sent_unasked(
        self, page: Page, served: Served
    ) -> None:
        options = page.locator("#conversation .options [role=option]")
        await page.fill("#input", "")
        await page.type("#input", "/settings ")
        await expect(options).to_have_text(["model", "model small", "model large", "scope", "scope user"])
        await page.type("#input", "model s")
        await expect(options).to_have_text(["model small"])
        await page.press("#input", "Tab")
        await expect(page.locator("#input")).to_have_value("/settings model small ")
        await page.press("#input", "Enter")
        await expect(page.locator(".message .about")).to_have_text("You used /settings model small")
        await page.type("#input", "/settings ")
        await expect(options.first).to_be_visible()
        await page.press("#input", "Enter")
        await expect(page.locator(".message .about")).to_have_count(2)
        assert [one.argument for one in served.bot.invocations] == ["model small", ""]

    async def test_a_path_is_no_command(self, page: Page) -> None:
        await write(page, "/etc/hosts is a file")
        await expect(page.locator(".message .body")).to_have_text("/etc/hosts is a file")

    async def test_a_bot_that_cannot_take_it_now_says_so_and_the_words_stay(
        self, page: Page, served: Served
    ) -> None:
        served.bot.broken = True
        await page.fill("#input", "/usage")
        await page.keyboard.press("Escape")
        await page.press("#input", "Enter")
        await expect(page.locator(".toast")).to_contain_text("cannot take this in right now")
        await expect(page.locator("#input")).to_have_value("/usage")
        served.bot.broken = False
        await page.press("#input", "Enter")
        await expect(page.locator(".message.private")).to_have_count(1)


class TestConnection:
    async def test_after_a_restart_of_the_server_the_page_goes_on_by_itself(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        gate = asyncio.Event()
        async with serving(tmp_path, ScriptedBot(lambda _: ["Before", gate])) as served:
            port = served.port
            context = await browser.new_context(viewport={"width": 1280, "height": 800})
            page = await context.new_page()
            await page.goto(served.url)
            await write(page, "@Rejoinder go")
            await expect(page.locator(".message.open .body")).to_have_text("Before")
        await expect(page.locator("#connection")).to_have_text("Connecting again…")
        await page.fill("#input", "said while nobody listened")
        await page.press("#input", "Enter")
        await expect(page.locator(".toast")).to_contain_text("cannot be reached")
        async with serving(tmp_path, port=port) as served:
            await expect(page.locator("#connection")).to_be_empty()
            await page.press("#input", "Enter")
            await expect(page.locator("#input")).to_have_value("")
            await write(page, "@Rejoinder again")
            await expect(page.locator(".message.from-bot .body").last).to_have_text("You said: again")
            said = page.locator(".message .body", has_text="said while nobody listened")
            await expect(said).to_have_count(1)
        await context.close()

    async def test_a_page_of_another_world_loads_everything_anew(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        async with serving(tmp_path / "one") as served:
            port = served.port
            context = await browser.new_context()
            page = await context.new_page()
            await page.goto(served.url)
            await write(page, "in the first world")
        async with serving(tmp_path / "two", port=port):
            await expect(page.locator(".message")).to_have_count(0, timeout=15_000)
            await write(page, "in the second")
            await expect(page.locator(".message .body")).to_have_text("in the second")
        await context.close()

    async def test_one_signs_in_where_a_token_is_set(self, browser: Browser, tmp_path: Path) -> None:
        async with serving(tmp_path, token="open-sesame") as served:
            context = await browser.new_context()
            page = await context.new_page()
            await page.goto(served.url)
            await expect(page.get_by_role("heading")).to_have_text("Sign in")
            await page.get_by_label("Token").fill("wrong")
            await page.keyboard.press("Enter")
            await expect(page.locator("#wrong")).to_have_text("That is not the token.")
            await page.get_by_label("Token").fill("open-sesame")
            await page.keyboard.press("Enter")
            await write(page, "@Rejoinder hello")
            await expect(page.locator(".message.from-bot .body")).to_have_text("You said: hello")
            await context.close()
