"""Files on every platform, from outside: what a person attaches, and what the model's API received. A foreign server counts who asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.emulators.discord import DiscordEmulator, Upload
from tests.emulators.llm import LLMEmulator, say
from tests.emulators.slack import SlackEmulator
from tests.fakes_playground import Visitor, until
from tests.files_rig import a_pdf, a_picture
from tests.nursery import ForkedProcess

pytestmark = pytest.mark.slow(4)

PHONE = "+49 30 1234" + "5678"
NOTES = f"The saffron is behind the tea. Call {PHONE}.".encode()
PLAN = a_picture(1_024, 1_024)
TRAPPED = ("missing", "cut", "long", "page")
TOLD = (
    "Damaged, or not what it seems to be: `cut.txt`.",
    "No longer there: `missing.txt`.",
    "larger: `long.txt`.",
    "not allowed to fetch files here",
    "Kept outside of this platform, where I don't fetch anything: `foreign.txt`.",
)


@asynccontextmanager
async def foreign() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that is none of the platform's: its address, and what it was asked for."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(f"{request.path} {request.headers.get('Authorization', '')}")
        return web.Response(text="come in")

    app = web.Application()
    app.router.add_get("/{anything:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/stolen", asked
    await runner.cleanup()


def environment(llm: LLMEmulator, **more: str) -> dict[str, str]:
    return {
        "OPENAI_API_KEY": "x",
        "OPENAI_BASE_URL": llm.openai_url,
        "REJOINDER_MODEL": "openai-chat:gpt-4o",
        "REJOINDER_USER_REQUESTS_PER_MINUTE": "none",
        "REJOINDER_FILE_MEGABYTES": "1",
        **more,
    }


def received(llm: LLMEmulator) -> None:
    """The model got the text, filtered and marked, and the picture as it is."""
    asked = llm.requests[0]
    assert "[file: notes.txt, quoted as data" in asked.question
    assert "behind the tea" in asked.question
    assert PHONE not in str(asked.body)
    assert "the budget is 42" in asked.question
    assert "[picture: plan.png]" in asked.question
    assert [one.size for one in asked.pictures] == [(1_024, 1_024)]
    assert asked.asked.prompt_tokens > 765


async def test_files_on_slack(tmp_path: Path) -> None:
    async with SlackEmulator() as slack, LLMEmulator() as llm, foreign() as (elsewhere, stolen):
        ada = slack.add_user("Ada")
        channel = slack.add_channel("general", members=[ada])
        more = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
        }
        async with ForkedProcess(tmp_path / "data", environment(llm, **more)) as bot:
            llm.script(say("I see."), say("Still there."), say("Well."), say("No."))
            pdf = ("budget.pdf", a_pdf("the budget is 42"), "application/pdf")
            files = [("notes.txt", NOTES, "text/plain"), ("plan.png", PLAN, "image/png"), pdf]
            question = await slack.say(ada, channel, "What is this?", mention_bot=True, files=files)
            await slack.wait_for(lambda: shown(slack, channel, "I see."), timeout=20)
            received(llm)

            await slack.say(ada, channel, "And its corner?", thread=question)
            await slack.wait_for(lambda: shown(slack, channel, "Still there."), timeout=20)
            assert "behind the tea" in str(llm.requests[1].body["messages"])
            assert len(llm.requests[1].pictures) == 1  # shown again
            assert len(slack.files.downloads) == 3  # from memory

            trapped = [slack.add_file(f"{trap}.txt", b"t" * 2_000) for trap in TRAPPED]
            for file, trap in zip(trapped, TRAPPED, strict=True):
                file.trap = trap  # type: ignore[assignment]
            trapped.append(slack.add_file("foreign.txt", b"words"))
            trapped[-1].redirect = elsewhere
            await slack.say(ada, channel, "And these?", mention_bot=True, files=trapped)
            await slack.wait_for(lambda: shown(slack, channel, "outside of this platform"), timeout=20)
            assert all(shown(slack, channel, told) for told in TOLD)
            assert shown(slack, channel, "Well.")
            assert stolen == []

            slack.team.scopes -= {"files:read"}
            await slack.say(ada, slack.open_im(ada), "", files=[("late.txt", b"words", "text/plain")])
            await bot.wait_for_line("files:read")
            await slack.wait_for(lambda: shown(slack, slack.open_im(ada), "`late.txt`"), timeout=20)
        assert slack.bot_token not in bot.output
        database = (tmp_path / "data" / "rejoinder.db").read_bytes()
        assert b"files-pri" not in database
        assert PHONE.encode() not in database


def shown(slack: SlackEmulator, channel: Any, words: str) -> bool:
    return any(words in message.shown for message in slack.bot_messages(channel))


async def test_files_on_discord(tmp_path: Path) -> None:
    async with DiscordEmulator() as discord, LLMEmulator() as llm, foreign() as (elsewhere, stolen):
        ada = discord.add_user("Ada")
        guild = discord.add_guild("Acme")
        channel = discord.add_channel(guild, "general")
        more = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_GATEWAY_URL": discord.gateway_url,
        }

        def told(words: str, where: Any = channel) -> bool:
            return any(words in message.text for message in discord.bot_messages(where))

        async with ForkedProcess(tmp_path / "data", environment(llm, **more)) as bot:
            llm.script(say("I see."), say("Well."), say("A question without words."))
            files = [
                Upload("notes.txt", NOTES, "text/plain"),
                Upload("plan.png", PLAN, "image/png"),
                Upload("budget.pdf", a_pdf("the budget is 42"), "application/pdf"),
            ]
            discord.say(ada, channel, "What is this?", mention_bot=True, attachments=files)
            await discord.wait_for(lambda: told("I see."), timeout=20)
            received(llm)

            trapped = [Upload(f"{trap}.txt", b"t" * 2_000, "text/plain", trap=trap) for trap in TRAPPED]  # type: ignore[arg-type]
            trapped.append(Upload("foreign.txt", b"words", "text/plain", redirect=elsewhere))
            discord.say(ada, channel, "And these?", mention_bot=True, attachments=trapped)
            await discord.wait_for(lambda: told("outside of this platform"), timeout=20)
            assert all(told(note) for note in TOLD)
            assert stolen == []
            assert {credential for _, credential in discord.downloads} == {""}

            direct = discord.open_dm(ada)
            discord.say(ada, direct, attachments=[Upload("alone.png", PLAN, "image/png")])
            await discord.wait_for(lambda: told("A question without words.", direct), timeout=20)
            assert llm.requests[-1].question == "[picture: alone.png]"
            assert len(llm.requests[-1].pictures) == 1

            grace = discord.add_user("Grace")
            seen = discord.say(grace, channel, "look", attachments=[Upload("hers.png", PLAN, "image/png")])
            llm.say("It is hers.")
            discord.say(ada, channel, "what is that?", mention_bot=True, reply_to=seen)
            await discord.wait_for(lambda: told("It is hers."), timeout=20)
            assert "[picture: hers.png]\nwhat is that?" in llm.requests[-1].question
            assert len(llm.requests[-1].pictures) == 2  # and the plan once more
        assert discord.token not in bot.output
        database = (tmp_path / "data" / "rejoinder.db").read_bytes()
        assert b"hm=" not in database
        assert b"/attachments/" not in database


async def test_files_in_the_playground(tmp_path: Path) -> None:
    async with LLMEmulator() as llm, aiohttp.ClientSession() as session:
        async with ForkedProcess(tmp_path / "data", environment(llm)) as bot:
            ada = Visitor(session, f"http://127.0.0.1:{await bot.port('playground')}")
            llm.script(say("I see."))
            budget = a_pdf("the budget is 42")
            numbers = [
                await ada.upload(*file)
                for file in (
                    ("notes.txt", NOTES, "text/plain"),
                    ("plan.png", PLAN, "image/png"),
                    ("budget.pdf", budget, "application/pdf"),
                )
            ]
            await ada.say("", "dm-ada", files=numbers)
            await until(lambda: len(llm.requests) == 1)
            received(llm)
            assert llm.requests[0].question.startswith("[file: notes.txt")
        assert PHONE.encode() not in (tmp_path / "data" / "rejoinder.db").read_bytes()


@pytest.mark.parametrize(
    ("model", "base"),
    [("openai-responses:gpt-4o", "openai"), ("anthropic:claude-haiku-5-5", "anthropic")],
)
async def test_pictures_through_the_other_apis(tmp_path: Path, model: str, base: str) -> None:
    async with LLMEmulator() as llm, aiohttp.ClientSession() as session:
        more = {"REJOINDER_MODEL": model, "ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": llm.anthropic_url}
        async with ForkedProcess(tmp_path / "data", environment(llm, **more)) as bot:
            ada = Visitor(session, f"http://127.0.0.1:{await bot.port('playground')}")
            number = await ada.upload("plan.png", PLAN, "image/png")
            await ada.say("What is it?", "dm-ada", files=[number])
            await until(lambda: len(llm.requests) == 1 and llm.requests[0].status == 200)
            assert [one.size for one in llm.requests[0].pictures] == [(1_024, 1_024)]
