"""Answers called off while they are being said: by the Stop button, a deleted, an edited question, a reset. On every platform, on both
databases, and with the act delivered to another process than the one that speaks.

The lease is long here, so that nothing but a signal can be what stopped the answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import psycopg
import pytest

from tests.emulators.discord import DiscordEmulator
from tests.emulators.discord.model import Permission
from tests.emulators.llm import LLMEmulator, say
from tests.emulators.llm import Request as Asked
from tests.emulators.slack import SlackEmulator
from tests.nursery import ForkedProcess

pytest_plugins = ["tests.databases"]
pytestmark = pytest.mark.slow(12)

TALE = ("Once upon a time ", "there was a king ", "who said nothing more.")
LONG = [f"Line {number} of a long list of things that nobody needs to know.\n" for number in range(160)]
MODEL = {
    "OPENAI_API_KEY": "x",
    "REJOINDER_MODEL": "openai-chat:gpt-4o-mini",
    "REJOINDER_USER_REQUESTS_PER_MINUTE": "none",
    "REJOINDER_MAX_OUTPUT_TOKENS": "8000",
    "REJOINDER_LEASE_SECONDS": "90",
    "REJOINDER_LOCAL_MODEL": "off",
}


class Stage(Protocol):
    """A platform on which somebody asks, sees answers, and calls them off."""

    llm: LLMEmulator

    async def ask(self, text: str) -> Any: ...

    async def shown(self, question: Any) -> list[str]:
        """The answer's messages as they stand."""

    async def growing(self, question: Any) -> bool:
        """Can the answer be stopped?"""

    async def aim(self, question: Any) -> None:
        """See to it that what comes next is delivered to another process than the one that answers this question."""

    async def stop(self, question: Any) -> None: ...

    async def edit(self, question: Any, text: str) -> None: ...

    async def delete(self, question: Any) -> None: ...

    async def reset(self) -> None: ...

    async def let_interrupt(self) -> None:
        """An admin has it so that the next message interrupts."""


async def until(condition: Callable[[], Awaitable[object]], seconds: float = 20) -> None:
    """Wait for it; what is waited for comes at once, or with the next lease's renewal, which is later than this."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - whatever the condition looks at
            await asyncio.sleep(0.02)


async def all_acts(stage: Stage) -> None:
    """Every way to call an answer off, one after another."""
    await stops(stage)
    await deletes(stage)
    await edits(stage)
    await resets(stage)
    await rewrites_and_removes_what_was_done(stage)
    await interrupts(stage)


async def begun(stage: Stage, text: str) -> tuple[Any, Asked]:
    """An answer that is half said and held there."""
    before = len(stage.llm.requests)
    stage.llm.script(say(*TALE, hold=2))
    question = await stage.ask(text)
    await until(lambda: half_said(stage, question))
    await stage.aim(question)
    assert len(stage.llm.requests) == before + 1
    return question, stage.llm.requests[-1]


async def half_said(stage: Stage, question: Any) -> bool:
    return "there was a king" in "".join(await stage.shown(question)) and await stage.growing(question)


async def closed(asked: Asked, began: float, what: str) -> None:
    """Nothing more is generated, and paid for."""

    async def hung_up() -> bool:
        return asked.closed_early

    await until(hung_up)
    print(f"{what}: the stream was closed after {time.monotonic() - began:.3f} s")
    assert asked.chunks == 2


async def stops(stage: Stage) -> None:
    question, asked = await begun(stage, "a tale to be stopped")
    began = time.monotonic()
    await stage.stop(question)
    await closed(asked, began, "stop")

    async def kept() -> bool:
        text = "".join(await stage.shown(question))
        return "Stopped." in text and "there was a king" in text and not await stage.growing(question)

    await until(kept)


async def deletes(stage: Stage) -> None:
    question, asked = await begun(stage, "a tale to be deleted")
    began = time.monotonic()
    await stage.delete(question)
    await closed(asked, began, "delete")
    await until(lambda: nothing_shown(stage, question))


async def nothing_shown(stage: Stage, question: Any) -> bool:
    return not await stage.shown(question)


async def edits(stage: Stage) -> None:
    question, asked = await begun(stage, "a tale to be edited")
    stage.llm.script(say("Another tale."))
    began = time.monotonic()
    await stage.edit(question, "another tale")
    await closed(asked, began, "edit")

    async def rewritten() -> bool:
        return one(await stage.shown(question), "Another tale.") and not await stage.growing(question)

    await until(rewritten)
    assert stage.llm.requests[-1].question.endswith("another tale")


def one(shown: list[str], text: str) -> bool:
    """Only that, with whatever notes the bot adds below."""
    return len(shown) == 1 and shown[0].startswith(text)


async def resets(stage: Stage) -> None:
    question, asked = await begun(stage, "a tale to be forgotten")
    began = time.monotonic()
    await stage.reset()
    await closed(asked, began, "reset")

    async def marked() -> bool:
        return "the conversation was reset" in "".join(await stage.shown(question))

    await until(marked)


async def interrupts(stage: Stage) -> None:
    await stage.let_interrupt()
    question, asked = await begun(stage, "a tale to be interrupted")
    stage.llm.script(say("At once."))
    began = time.monotonic()
    following = await stage.ask("something else")
    await closed(asked, began, "interrupt")

    async def marked() -> bool:
        return "Interrupted by your next message." in "".join(await stage.shown(question))

    async def answered() -> bool:
        return "At once." in "".join(await stage.shown(following))

    await until(marked)
    await until(answered)


async def rewrites_and_removes_what_was_done(stage: Stage) -> None:
    """An answer of several messages, done: its question is edited to have a short one, then deleted."""
    stage.llm.script(say(*LONG), say("In short."))
    question = await stage.ask("a long list")

    async def whole() -> bool:
        return "Line 159 of" in "".join(await stage.shown(question)) and not await stage.growing(question)

    await until(whole, 60)
    assert len(await stage.shown(question)) > 1
    await stage.edit(question, "a short list")

    async def short() -> bool:
        return one(await stage.shown(question), "In short.") and not await stage.growing(question)

    await until(short, 60)
    await stage.delete(question)
    await until(lambda: nothing_shown(stage, question))


# ---- the stages


class OnSlack:
    """Behind a load balancer: `processes` are the bots and where each takes Slack's events."""

    def __init__(
        self, slack: SlackEmulator, llm: LLMEmulator, database: str, processes: Mapping[int, str]
    ) -> None:
        self.slack, self.llm, self._database, self._processes = slack, llm, database, processes
        self._ada = slack.add_user("Ada")
        self._channel = slack.add_channel("general", members=[self._ada])

    async def ask(self, text: str) -> Any:
        self.slack.request_urls = self._processes.values()
        return await self.slack.say(self._ada, self._channel, text, mention_bot=True)

    def _mine(self, question: Any) -> list[Any]:
        return self.slack.bot_messages(self._channel, question)

    async def shown(self, question: Any) -> list[str]:
        return [message.shown.strip() for message in self._mine(question)]

    async def growing(self, question: Any) -> bool:
        return any(
            message.streaming or any("rejoinder:stop" in name for name in message.actions)
            for message in self._mine(question)
        )

    async def aim(self, question: Any) -> None:
        if len(self._processes) > 1:
            async with await psycopg.AsyncConnection.connect(self._database) as connection:
                found = await connection.execute("SELECT owner FROM turn WHERE message = %s", (question.ts,))
                [(owner,)] = await found.fetchall()
            idle = [url for pid, url in self._processes.items() if f":{pid}:" not in owner]
            self.slack.request_urls = idle

    async def stop(self, question: Any) -> None:
        message = self._mine(question)[-1]
        if message.streaming:
            await self.slack.stop_session(self._ada, self._channel, question)
            return
        button = next(name for name in message.actions if name.startswith("rejoinder:stop"))
        await self.slack.press(self._ada, message, button)

    async def edit(self, question: Any, text: str) -> None:
        await self.slack.edit(question, f"@rejoinder {text}")

    async def delete(self, question: Any) -> None:
        await self.slack.delete(question)

    async def reset(self) -> None:
        await self.slack.slash(self._ada, self._channel, "/rejoinder", "reset")

    async def let_interrupt(self) -> None:
        root = self.slack.add_user("Root", admin=True)
        self._channel.members.append(root.id)
        told = await self.slack.slash(root, self._channel, "/rejoinder", "settings overlap interrupt")
        assert "now `interrupt`" in told.ephemerals[0].shown


class OnDiscord:
    """Everything is heard by the process that has the server's shard."""

    def __init__(self, discord: DiscordEmulator, llm: LLMEmulator) -> None:
        self.discord, self.llm = discord, llm
        self._guild = discord.add_guild("Acme", guild_id=2 << 22)
        self._ada, self._eve = discord.add_user("Ada"), discord.add_user("Eve")
        self._channel = discord.add_channel(self._guild, "general")

    async def keep_busy(self) -> None:
        """Somebody's answer never ends."""
        self.llm.script(say("For ", "ever", hold=1))
        room = self.discord.open_dm(self._eve)
        self.discord.say(self._eve, room, "how long?")
        await self.discord.wait_for(lambda: self.discord.bot_messages(room), 20)

    async def ask(self, text: str) -> Any:
        return self.discord.say(self._ada, self._channel, text, mention_bot=True)

    def _mine(self, question: Any) -> list[Any]:
        mine = self.discord.bot_messages(self._channel)
        first = next((m.id for m in mine if m.reference and str(question.id) in str(m.reference)), None)
        return [] if first is None else [m for m in mine if m.id >= first]

    async def shown(self, question: Any) -> list[str]:
        return [message.text.strip() for message in self._mine(question)]

    async def growing(self, question: Any) -> bool:
        return any("rejoinder:stop" in str(message.components) for message in self._mine(question))

    async def aim(self, question: Any) -> None:
        return

    async def stop(self, question: Any) -> None:
        message = self._mine(question)[-1]
        button = next(
            one["custom_id"]
            for row in message.components
            for one in row["components"]
            if "stop" in one["custom_id"]
        )
        self.discord.press(self._ada, message, button)

    async def edit(self, question: Any, text: str) -> None:
        self.discord.edit(question, f"{self.discord.bot.mention} {text}")

    async def delete(self, question: Any) -> None:
        self.discord.delete(question)

    async def reset(self) -> None:
        self.discord.slash(self._ada, self._channel, "reset")

    async def let_interrupt(self) -> None:
        self.discord.add_role(self._guild, "admins", permissions=Permission.MANAGE_GUILD, members=[self._ada])
        options = {"setting": "overlap", "value": "interrupt"}
        told = self.discord.slash(self._ada, self._channel, "settings", options)
        await self.discord.wait_for(lambda: "now `interrupt`" in (told.content or ""))


class OnPlayground:
    def __init__(self, llm: LLMEmulator, http: aiohttp.ClientSession) -> None:
        self.llm, self._http, self._keys = llm, http, iter(range(10_000_000, 20_000_000))
        self._answers: dict[int, int] = {}  # the first message of an answer, by its question

    async def _call(self, method: str, path: str, **values: Any) -> Any:
        query: Any = {"params": values} if method == "GET" else {"json": {"as": "ada"} | values}
        async with self._http.request(method, f"/api/{path}", **query) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def ask(self, text: str) -> Any:
        said = {"channel": "general", "text": f"@Rejoinder {text}", "nonce": f"key-{next(self._keys)}"}
        return (await self._call("POST", "messages", **said))["id"]

    async def _mine(self, question: Any) -> list[Any]:
        page = await self._call("GET", "messages", channel="general", **{"as": "ada"})
        for message in page["messages"]:
            if (message["reply_to"] or {}).get("id") == question:
                self._answers[question] = message["id"]
        first = self._answers.get(question)
        answers = [
            m for m in page["messages"] if m["author"] == "rejoinder" and not m["about"] and not m["deleted"]
        ]
        return [message for message in answers if first is not None and message["id"] >= first]

    async def shown(self, question: Any) -> list[str]:
        return [message["text"].strip() for message in await self._mine(question)]

    async def growing(self, question: Any) -> bool:
        return any(
            button["name"] == "stop"
            for message in await self._mine(question)
            for button in message["buttons"]
        )

    async def aim(self, question: Any) -> None:
        return

    async def stop(self, question: Any) -> None:
        message = (await self._mine(question))[-1]
        press = {"message": message["id"], "button": message["buttons"][0]["id"]}
        await self._call("POST", "buttons", **press, key=f"key-{next(self._keys)}")

    async def edit(self, question: Any, text: str) -> None:
        await self._call("PATCH", f"messages/{question}", text=f"@Rejoinder {text}")

    async def delete(self, question: Any) -> None:
        await self._call("DELETE", f"messages/{question}")

    async def reset(self) -> None:
        await self._command("reset")

    async def let_interrupt(self) -> None:
        await self._command("settings", argument="overlap interrupt", **{"as": "grace"})

    async def _command(self, verb: str, **more: str) -> None:
        await self._call(
            "POST", "commands", channel="general", verb=verb, key=f"key-{next(self._keys)}", **more
        )


# ---- the tests


@asynccontextmanager
async def on_slack(tmp_path: Path, database: str, processes: int) -> AsyncIterator[OnSlack]:
    async with SlackEmulator() as slack, LLMEmulator() as llm, AsyncExitStack() as stack:
        environment = MODEL | {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "SLACK_API_URL": slack.api_url,
            "OPENAI_BASE_URL": llm.openai_url,
            "DATABASE_URL": database,
        }
        bots = [ForkedProcess(tmp_path / f"data{number}", environment) for number in range(processes)]
        await asyncio.gather(*(stack.enter_async_context(bot) for bot in bots))
        urls = {bot.pid: f"http://127.0.0.1:{await bot.port('health')}/slack/events" for bot in bots}
        yield OnSlack(slack, llm, database, urls)


@asynccontextmanager
async def on_discord(tmp_path: Path, database: str, processes: int) -> AsyncIterator[OnDiscord]:
    """With two processes the one that hears is kept busy, so that the other one speaks."""
    async with DiscordEmulator() as discord, LLMEmulator() as llm, AsyncExitStack() as stack:
        stage = OnDiscord(discord, llm)
        environment = MODEL | {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_GATEWAY_URL": discord.gateway_url,
            "OPENAI_BASE_URL": llm.openai_url,
            "DATABASE_URL": database,
        }
        if processes == 1:
            await stack.enter_async_context(ForkedProcess(tmp_path / "data", environment))
        else:
            environment |= {"DISCORD_SHARD_COUNT": "2", "REJOINDER_WORKERS": "1"}
            hearing = ForkedProcess(tmp_path / "data0", environment | {"DISCORD_SHARD_IDS": "0"})
            await stack.enter_async_context(hearing)
            await stage.keep_busy()
            speaking = ForkedProcess(tmp_path / "data1", environment | {"DISCORD_SHARD_IDS": "1"})
            await stack.enter_async_context(speaking)
        yield stage


@asynccontextmanager
async def on_playground(tmp_path: Path, database: str, processes: int) -> AsyncIterator[OnPlayground]:
    async with LLMEmulator() as llm:
        environment = MODEL | {"OPENAI_BASE_URL": llm.openai_url, "DATABASE_URL": database}
        async with ForkedProcess(tmp_path / "data", environment) as bot:
            base = f"http://127.0.0.1:{await bot.port('playground')}"
            async with aiohttp.ClientSession(base) as http:
                yield OnPlayground(llm, http)


@pytest.mark.parametrize("open_stage", [on_slack, on_discord, on_playground])
async def test_an_answer_is_called_off_at_once(open_stage: Any, tmp_path: Path, sqlite_store: str) -> None:
    async with open_stage(tmp_path, sqlite_store, 1) as stage:
        await all_acts(stage)


@pytest.mark.parametrize("open_stage", [on_slack, on_discord])
async def test_an_answer_is_called_off_at_once_though_another_process_speaks(
    open_stage: Any, tmp_path: Path, postgres_store: str
) -> None:
    async with open_stage(tmp_path, postgres_store, 2) as stage:
        await all_acts(stage)
