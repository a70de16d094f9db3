"""Limits as people meet them on Slack and on Discord: a warning, a refusal, the admins' channel, and the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.emulators.discord import DiscordEmulator, Permission
from tests.emulators.llm import LLMEmulator, say
from tests.emulators.llm.answers import Counted
from tests.emulators.slack import SlackEmulator
from tests.nursery import ForkedProcess

pytestmark = pytest.mark.slow(4)

RULES = """
[user]
tokens_per_day = 1_000
[user.model."gpt-4o-mini"]
tokens_per_day = 5_000
[place]
requests_per_minute = 50
"""
COMMON = {
    "OPENAI_API_KEY": "x",
    "REJOINDER_MODEL": "openai-chat:gpt-4o-mini",
    "REJOINDER_MAX_OUTPUT_TOKENS": "400",
}
NEARLY = say("Hello Ada.", counted=Counted(prompt=500, output=400))
WARNING = "limit of 1,000 tokens a day is used to 90 percent (900)"


def rules_in(folder: Path) -> dict[str, str]:
    file = folder / "limits.toml"
    file.write_text(RULES, "utf-8")
    return COMMON | {"REJOINDER_LIMITS": str(file)}


async def test_on_slack_only_the_asker_sees_a_warning_and_a_refusal(tmp_path: Path) -> None:
    async with SlackEmulator() as slack, LLMEmulator() as llm:
        ada, root = slack.add_user("Ada"), slack.add_user("Root", admin=True)
        general = slack.add_channel("general", members=[ada, root])
        admins = slack.add_channel("admins", members=[root])
        environment = rules_in(tmp_path) | {
            "OPENAI_BASE_URL": llm.openai_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "REJOINDER_ADMIN_CHANNELS": f"slack:{slack.team.id}:{admins.id}",
        }

        async def whispered(words: str) -> None:
            def found() -> list[object]:
                mine = [m for m in slack.bot_messages(general) if words in m.shown]
                assert all(m.ephemeral_to is ada for m in mine)
                return list(mine)

            await slack.wait_for(found, 15)

        async with ForkedProcess(tmp_path / "data", environment):
            llm.script(NEARLY)
            await slack.say(ada, general, "hello", mention_bot=True)
            await whispered(f"Your {WARNING}")
            await slack.wait_for(
                lambda: [m for m in slack.bot_messages(admins) if f"Ada's {WARNING}" in m.shown], 10
            )
            await slack.say(ada, general, "and now?", mention_bot=True)
            await whispered(
                "Your limit of 1,000 tokens a day is reached (100 left). It starts anew at 00:00 UTC, in"
            )
            await slack.wait_for(
                lambda: [m for m in slack.bot_messages(admins) if "is used up" in m.shown], 10
            )
            assert len(llm.requests) == 1

            refused = await slack.slash(ada, general, "/rejoinder", "limits here usd_per_day 5")
            assert "Only the admins" in refused.ephemerals[0].shown
            done = await slack.slash(root, general, "/rejoinder", "limits here usd_per_day 5")
            assert "`here usd_per_day` is now 5." in done.ephemerals[0].shown
            seen = await slack.slash(ada, general, "/rejoinder", "limits")
            assert "5,000 tokens a day" in seen.ephemerals[0].shown
            assert "this channel: 50 questions a minute" in seen.ephemerals[0].shown
            assert "5.00 US dollars a day" in seen.ephemerals[0].shown


async def test_on_discord_a_warning_stands_below_the_answer_and_a_refusal_beside_the_question(
    tmp_path: Path,
) -> None:
    async with DiscordEmulator() as discord, LLMEmulator() as llm:
        guild = discord.add_guild("Acme")
        ada, root = discord.add_user("Ada"), discord.add_user("Root")
        discord.add_role(guild, "keepers", permissions=Permission.MANAGE_GUILD, members=[root])
        general, admins = discord.add_channel(guild, "general"), discord.add_channel(guild, "admins")
        environment = rules_in(tmp_path) | {
            "OPENAI_BASE_URL": llm.openai_url,
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_GATEWAY_URL": discord.gateway_url,
            "REJOINDER_ADMIN_CHANNELS": f"discord:{guild.id}:{admins.id}",
        }

        async def said(channel: Any, words: str) -> None:
            await discord.wait_for(
                lambda: [m for m in discord.bot_messages(channel) if words in m.text], timeout=15
            )

        async with ForkedProcess(tmp_path / "data", environment):
            llm.script(NEARLY)
            discord.say(ada, general, "hello", mention_bot=True)
            await said(general, f"Your {WARNING}")
            await said(admins, f"Ada's {WARNING}")
            discord.say(ada, general, "and now?", mention_bot=True)
            await said(general, "Your limit of 1,000 tokens a day is reached (100 left)")
            await said(admins, "is used up")
            given = {
                "whose": "user",
                "number": "tokens_per_day",
                "value": "700",
                "model": "openai:gpt-4o-mini",
            }
            done = discord.slash(root, general, "limits", given)
            await discord.wait_for(lambda: done.done)
            assert "`user tokens_per_day --model openai:gpt-4o-mini` is now 700." in str(done.content)
