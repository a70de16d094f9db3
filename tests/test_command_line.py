"""`python -m bot …` as an operator types it: what it says, and that every fault is named with its cure."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bot import app
from bot.errors import ConfigError
from bot.operator import actions
from bot.settings import read_settings
from storage import migrations
from tests.bot_process import BotProcess
from tests.emulators.discord import DiscordEmulator
from tests.emulators.llm import LLMEmulator, say
from tests.emulators.slack import SlackEmulator
from tests.nursery import ForkedProcess

MODEL = {"OPENAI_API_KEY": "x", "REJOINDER_MODEL": "openai-chat:gpt-4o-mini"}


async def outcome(
    data: Path, command: str, environment: dict[str, str], kind: type[BotProcess] = ForkedProcess
) -> tuple[int, str]:
    process = kind(data, environment, command=command, until="")
    await process.start()
    code = await process.wait()
    return code, process.output


async def test_check_finds_all_well(tmp_path: Path) -> None:
    async with SlackEmulator() as slack, DiscordEmulator() as discord, LLMEmulator() as llm:
        environment = MODEL | {
            "OPENAI_BASE_URL": llm.openai_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "REJOINDER_SECRET_KEY": "a-key",
        }
        code, output = await outcome(tmp_path / "data", "check", environment, BotProcess)
    assert code == 0, output
    assert "✗" not in output
    for said in (
        "SQLite",
        "answers",
        "Slack: Acme as @rejoinder",
        "Socket Mode connects",
        "the slash commands are registered at the next start",
        "oauth2/authorize?client_id=",
    ):
        assert said in output


async def test_slash_commands_are_registered_with_discord_on_demand(tmp_path: Path) -> None:
    said: list[str] = []
    async with DiscordEmulator() as discord:
        there = {"REJOINDER_DATA": tmp_path, "DISCORD_API_URL": discord.api_url}
        settings = read_settings(DISCORD_TOKEN=discord.token, **there)
        await actions.sync(settings, said.append)
        await actions.sync(settings, said.append)
        assert said[0].startswith("Discord now knows /help, /reset")
        assert said[1].startswith("Discord knew already /help")
        assert len(list(discord.calls("PUT", "/applications/*/commands"))) == 1
        with pytest.raises(ConfigError, match=r"^DISCORD_TOKEN: Discord refuses it"):
            await actions.sync(read_settings(DISCORD_TOKEN="wrong", **there), said.append)
        with pytest.raises(ConfigError, match=r"^DISCORD_TOKEN: is missing"):
            await actions.sync(read_settings(**there), said.append)


async def test_check_names_each_fault_and_its_cure(tmp_path: Path) -> None:
    async with (
        SlackEmulator(scopes=["chat:write"]) as slack,
        DiscordEmulator(privileged=()) as discord,
        LLMEmulator(key="right") as llm,
    ):
        environment = MODEL | {
            "OPENAI_BASE_URL": llm.openai_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": "xapp-wrong",
            "SLACK_API_URL": slack.api_url,
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        }
        code, output = await outcome(tmp_path / "data", "check", environment)
    assert code == 1
    for fault, cure in (
        ("database does not answer", "Start it"),
        ("does not answer: Misconfigured", "Check the key"),
        ("scopes are missing: app_mentions:read", "install the app again"),
        ("SLACK_APP_TOKEN: Slack refuses it", "Copy the token"),
        ("message content intent is not granted", "DISCORD_MESSAGE_CONTENT=off"),
    ):
        assert fault in output
        assert cure in output
    assert "xapp-wrong" not in output


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"REJOINDER_LOCAL_MODEL": "off"}, "OPENAI_API_KEY: no model can be reached"),
        ({"OPENAI_API_KEY": "x", "REJOINDER_MODEL": "openai:gpt-4"}, "was shut down"),
        (MODEL | {"REJOINDER_HTTP": "nonsense"}, "REJOINDER_HTTP"),
        (
            MODEL | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
            "DATABASE_URL: the database does not answer",
        ),
        (MODEL | {"REJOINDER_FILTER_WORDS": "/nowhere/words"}, "REJOINDER_FILTER_WORDS: can't be read"),
    ],
)
async def test_what_the_operator_has_to_mend_is_one_readable_line(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    code, output = await outcome(tmp_path / "data", "run", environment)
    assert code == 78
    assert said in output
    assert "Traceback" not in output


async def test_a_database_of_another_version_is_not_touched(tmp_path: Path) -> None:
    settings = read_settings(REJOINDER_DATA=tmp_path, DATABASE_URL=f"sqlite:///{tmp_path / 'a.db'}")
    with pytest.raises(ConfigError, match=r"has no tables yet.*Run `python -m bot migrate`"):
        await actions.turns(settings)
    said: list[str] = []
    await actions.migrate(settings, said.append)
    assert said == [f"the database is at revision {migrations.head()}"]
    assert await actions.turns(settings) == []
    with sqlite3.connect(tmp_path / "a.db") as sql:
        sql.execute("UPDATE alembic_version SET version_num = '9999'")
    for work in (
        actions.turns(settings),
        actions.migrate(settings, said.append),
        app.run(settings, said.append),
    ):
        with pytest.raises(ConfigError, match="a newer version brought the database to revision 9999"):
            await work
    assert len(said) == 1


async def test_a_folder_that_cannot_be_written_to_is_the_operators_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"REJOINDER_DATA: .*/file/data can't be written to"):
        await app.run(read_settings(REJOINDER_DATA=tmp_path / "file" / "data"), print)
    url = f"sqlite:///{tmp_path / 'file' / 'a.db'}"
    with pytest.raises(ConfigError, match=r"DATABASE_URL: .*/file can't be made"):
        await app.run(read_settings(REJOINDER_DATA=tmp_path / "data", DATABASE_URL=url), print)


async def test_a_refused_token_or_intent_is_the_operators_to_mend(tmp_path: Path) -> None:
    async with SlackEmulator() as slack, DiscordEmulator(privileged=()) as discord:
        wrong = MODEL | {
            "SLACK_BOT_TOKEN": "xoxb-wrong",
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
        }
        code, output = await outcome(tmp_path / "slack", "run", wrong)
        assert code == 78
        assert "SLACK_BOT_TOKEN: Slack refuses it (invalid_auth)" in output
        urls = {"DISCORD_API_URL": discord.api_url, "DISCORD_GATEWAY_URL": discord.gateway_url}
        code, output = await outcome(
            tmp_path / "discord", "run", MODEL | urls | {"DISCORD_TOKEN": discord.token}
        )
        assert code == 78
        assert "DISCORD_MESSAGE_CONTENT: the intent is not granted" in output
        assert "Traceback" not in output


async def test_a_second_process_on_the_same_sqlite_is_turned_away(tmp_path: Path) -> None:
    async with ForkedProcess(tmp_path / "data", MODEL):
        code, output = await outcome(tmp_path / "data", "run", MODEL)
    assert code == 78
    assert "in use by another Rejoinder" in output


async def test_settings_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REJOINDER_LANGUAGE=tlh\n", encoding="utf-8")
    code, output = await outcome(tmp_path / "data", "run", MODEL)
    assert code == 78
    assert "REJOINDER_LANGUAGE" in output


async def test_on_postgresql_migrating_is_a_step_of_its_own(tmp_path: Path, postgres_url: str) -> None:
    async with SlackEmulator() as slack, LLMEmulator() as llm:
        environment = MODEL | {
            "DATABASE_URL": postgres_url,
            "OPENAI_BASE_URL": llm.openai_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
        }
        code, output = await outcome(tmp_path / "data", "run", environment)
        assert code == 78
        assert "Run `python -m bot migrate`" in output
        code, output = await outcome(tmp_path / "data", "migrate", environment)
        assert code == 0
        llm.script(say("From PostgreSQL."))
        ada = slack.add_user("Ada")
        channel = slack.add_channel("general", members=[ada])
        async with BotProcess(tmp_path / "data", environment) as bot:
            assert "database: PostgreSQL" in bot.output
            question = await slack.say(ada, channel, "where from?", mention_bot=True)
            await slack.wait_for(
                lambda: any("From PostgreSQL." in m.shown for m in slack.bot_messages(channel, question)), 20
            )
        code, output = await outcome(tmp_path / "data", "turns", environment)
        assert code == 0
        assert "owner" in output and "reference" in output
