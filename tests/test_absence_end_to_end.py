"""The bot was away: what was said meanwhile is found and answered once, on both platforms, from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.discord import DiscordEmulator
from tests.emulators.discord.model import Permission
from tests.emulators.llm import Answer, LLMEmulator, say
from tests.emulators.llm import Request as Asked
from tests.emulators.slack import Message, SlackEmulator
from tests.nursery import ForkedProcess
from tests.test_discord_end_to_end import Scene as DiscordScene
from tests.test_slack_end_to_end import scene, shown

pytestmark = pytest.mark.slow(12)

ECHO = "Answer to: "


def echo(request: Asked) -> Answer:
    """Says which question it answers, so that each answer can be told."""
    question = str(request.body["messages"][-1]["content"]).rpartition(": ")[2]
    return say(ECHO, question, ".")


def answered(llm: LLMEmulator) -> list[str]:
    """The questions that the model was asked, in alphabetical order."""
    return sorted(
        str(request.body["messages"][-1]["content"]).rpartition(": ")[2] for request in llm.requests
    )


@asynccontextmanager
async def lost(slack: SlackEmulator) -> AsyncIterator[None]:
    """Whatever happens meanwhile is delivered to nobody, now or later."""
    timeout, delays, before = slack.office.ack_timeout, slack.office.retry_delays, len(slack.deliveries)
    slack.office.ack_timeout, slack.office.retry_delays = 0.02, ()
    yield
    await slack.wait_for(lambda: all(delivery.finished for delivery in slack.deliveries[before:]))
    slack.office.ack_timeout, slack.office.retry_delays = timeout, delays


async def test_slack_is_caught_up_with_after_a_restart(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        slack = at.slack
        at.llm.rule = echo
        quiet = slack.add_channel("quiet", members=[at.ada])
        room = slack.open_im(at.ada)
        first = await at.ask("known and edited")
        await at.answered(first)
        await at.answered(await slack.say(at.ada, room, "known privately"))
        at.llm.script(say("Half of ", "it", hold=1))
        withdrawn = await at.ask("deleted while it was answered")
        await slack.wait_for(lambda: slack.bot_messages(at.channel, withdrawn), 10)
        await at.bot.kill()
        async with lost(slack):
            await at.ask("mentioned")
            await slack.say(at.ada, at.channel, "followed up", thread=first)
            await slack.say(at.ada, room, "privately")
            await slack.say(at.ada, quiet, "never spoken there", mention_bot=True)
            await slack.say(at.ada, at.channel, "nobody is asked")
            await at.ask("reset")
            await slack.say_as_app(at.channel, f"<@{slack.team.bot.id}> beep")
            await slack.delete(await at.ask("deleted"))
            await slack.edit(await at.ask("first wording"), "@rejoinder second wording")
            await slack.edit(first, "@rejoinder edited at last")
            await slack.delete(withdrawn)
        at.llm.requests.clear()
        slack.fail_next("conversations.history", 429, retry_after=1)
        await at.bot.start()
        wanted = [
            "edited at last",
            "followed up",
            "mentioned",
            "never spoken there",
            "privately",
            "second wording",
        ]
        await slack.wait_for(
            lambda: [q for q in answered(at.llm) if not q.startswith("deleted")] == wanted, 30
        )
        for text, channel in (("mentioned", at.channel), ("never spoken there", quiet), ("privately", room)):
            await slack.wait_for(partial(_said, slack, channel, f"{ECHO}{text}."), 15)
        await slack.wait_for(
            lambda: f"{ECHO}edited at last." in shown(slack.bot_messages(at.channel, first)), 15
        )
        await slack.wait_for(lambda: not slack.bot_messages(at.channel, withdrawn), 15)
        assert not any("earlier turn" in message.shown for message in slack.bot_messages(at.channel))
        looks = [*slack.calls("conversations.history"), *slack.calls("conversations.replies")]
        assert all(int(look.params["limit"]) <= 15 for look in looks)

        await at.bot.terminate()
        count = len(at.llm.requests)
        await at.bot.start()
        looked = len(slack.calls("conversations.history"))
        await slack.wait_for(lambda: len(slack.calls("conversations.history")) >= looked + 2, 20)
        await asyncio.sleep(0.5)
        assert len(at.llm.requests) == count
        assert len(_said(slack, at.channel, f"{ECHO}mentioned.")) == 1


async def test_slack_is_caught_up_with_after_a_lost_connection(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        slack = at.slack
        at.llm.rule = echo
        await at.answered(await at.ask("before"))
        async with lost(slack):
            await slack.drop_connections()
            await at.bot.wait_for_line("the connection is lost")
            await at.ask("meanwhile")
        await slack.connected(timeout=60)
        await slack.wait_for(lambda: _said(slack, at.channel, f"{ECHO}meanwhile."), 30)
        assert answered(at.llm) == ["before", "meanwhile"]


def _said(slack: SlackEmulator, channel: Any, text: str) -> list[Message]:
    return [message for message in slack.bot_messages(channel) if text in message.shown]


@asynccontextmanager
async def on_discord(tmp_path: Path) -> AsyncIterator[DiscordScene]:
    async with DiscordEmulator() as discord, LLMEmulator(rule=echo) as llm:
        guild = discord.add_guild("Acme")
        ada = discord.add_user("Ada")
        channel = discord.add_channel(guild, "general")
        environment = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_GATEWAY_URL": discord.gateway_url,
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": llm.openai_url,
            "REJOINDER_MODEL": "openai-chat:gpt-4o-mini",
            "REJOINDER_USER_REQUESTS_PER_MINUTE": "none",
        }
        async with ForkedProcess(tmp_path / "data", environment) as bot:
            yield DiscordScene(discord, llm, bot, guild, ada, channel)


async def test_discord_is_caught_up_with_after_a_restart(tmp_path: Path) -> None:
    async with on_discord(tmp_path) as at:
        discord = at.discord
        quiet, hidden = discord.add_channel(at.guild, "quiet"), discord.add_channel(at.guild, "hidden")
        discord.permit(hidden, discord.bot, deny=Permission.READ_MESSAGE_HISTORY)
        room = discord.open_dm(at.ada)
        first = at.ask("known and edited")
        await at.answered(first)
        await at.answered(discord.say(at.ada, room, "known privately"), room)
        thread = discord.start_thread(at.ada, at.channel, "more", from_message=first)
        await at.answered(discord.say(at.ada, thread, "known in a thread", mention_bot=True), thread)
        await at.bot.kill()
        at.ask("mentioned")
        discord.say(at.ada, thread, "followed up")
        discord.say(at.ada, room, "privately")
        discord.say(at.ada, quiet, "never spoken there", mention_bot=True)
        discord.say(at.ada, hidden, "not to be read", mention_bot=True)
        discord.say(at.ada, at.channel, "nobody is asked")
        at.ask("reset")
        discord.say(discord.add_user("Beeper", bot=True), at.channel, "beep", mention_bot=True)
        discord.delete(at.ask("deleted"))
        discord.edit(at.ask("first wording"), f"{discord.bot.mention} second wording")
        discord.edit(first, f"{discord.bot.mention} edited at last")
        at.llm.requests.clear()
        await at.bot.start()
        wanted = [
            "edited at last",
            "followed up",
            "mentioned",
            "never spoken there",
            "privately",
            "second wording",
        ]
        await discord.wait_for(lambda: answered(at.llm) == wanted, 30)
        for text, channel in (("mentioned", at.channel), ("never spoken there", quiet), ("privately", room)):
            await discord.wait_for(partial(_shown, discord, channel, f"{ECHO}{text}."), 15)
        await discord.wait_for(lambda: _shown(discord, at.channel, f"{ECHO}edited at last."), 15)
        assert not _shown(discord, at.channel, "earlier turn")

        await at.bot.terminate()
        await at.bot.start()
        await at.bot.wait_for_line(r"nobody listened .* places to look at", since=len(at.bot.lines) - 3)
        await asyncio.sleep(1)
        assert answered(at.llm) == wanted
        assert len(_shown(discord, at.channel, f"{ECHO}mentioned.")) == 1


async def test_a_server_that_discord_tells_late_of_is_caught_up_with_all_the_same(tmp_path: Path) -> None:
    async with on_discord(tmp_path) as at:
        await at.answered(at.ask("before"))
        await at.bot.kill()
        at.ask("meanwhile")
        at.discord.gateway.slow = True
        await at.bot.start()
        await asyncio.sleep(1)  # whoever does not wait for the server has looked everywhere else by now
        at.discord.gateway.tell_guilds()
        await at.discord.wait_for(lambda: _shown(at.discord, at.channel, f"{ECHO}meanwhile."), 40)
        assert answered(at.llm) == ["before", "meanwhile"]


async def test_discord_is_caught_up_with_after_a_lost_session(tmp_path: Path) -> None:
    async with on_discord(tmp_path) as at:
        await at.answered(at.ask("before"))
        at.discord.gateway.sessions.clear()
        at.discord.drop_connections()
        at.ask("meanwhile")
        await at.discord.wait_for(lambda: _shown(at.discord, at.channel, f"{ECHO}meanwhile."), 40)
        assert answered(at.llm) == ["before", "meanwhile"]


def _shown(discord: DiscordEmulator, channel: Any, text: str) -> list[Any]:
    return [message for message in discord.bot_messages(channel) if text in message.text]
