"""What one turn costs: `python -m benchmarks.turn [slack|discord]`.

Runs the bot as a process of its own against the emulators, and prints: start to ready; event to API request; first token to first
visible text; processor time of a 400-token answer; peak memory. Medians of some turns; nothing here is asserted.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil

from tests.bot_process import BotProcess
from tests.emulators.discord import DiscordEmulator
from tests.emulators.llm import LLMEmulator, say
from tests.emulators.slack import SlackEmulator

TURNS = 15
LONG = [f"word{number} " for number in range(400)]


async def measure(
    environment: dict[str, str],
    ask: Callable[[str], Awaitable[Any]],
    first_shown: Callable[[Any], float | None],
    done: Callable[[Any], bool],
    llm: LLMEmulator,
) -> None:
    environment |= {
        "OPENAI_API_KEY": "x",
        "OPENAI_BASE_URL": llm.openai_url,
        "REJOINDER_MODEL": "openai-chat:gpt-4o-mini",
        "REJOINDER_USER_REQUESTS_PER_MINUTE": "none",
        "REJOINDER_USER_TOKENS_PER_DAY": "none",
    }
    to_request, to_text = [], []
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        async with BotProcess(Path(folder) / "data", environment) as bot:
            print(f"start to ready            {time.perf_counter() - began:8.2f} s")
            process = psutil.Process(bot.pid)
            for number in range(TURNS):
                llm.script(say("First ", *["word "] * 20, pace=0.02))
                asked, wall = time.monotonic(), time.time()
                question = await ask(f"question {number}")
                await until(lambda question=question: done(question))
                request = llm.requests[-1]
                shown = first_shown(question)
                if number and shown is not None and request.first_chunk is not None:  # the first one warms up
                    to_request.append(request.arrived - asked)
                    to_text.append((shown - wall) - (request.first_chunk - asked))
                await asyncio.sleep(1.1)
            before = process.cpu_times()
            llm.script(say(*LONG, pace=0.01))
            question = await ask("a long answer")
            await until(lambda: done(question))
            after = process.cpu_times()
            print(
                f"event to API request      {statistics.median(to_request) * 1000:8.1f} ms (median of {len(to_request)})"
            )
            print(f"first token to first text {statistics.median(to_text) * 1000:8.1f} ms")
            print(
                f"CPU of a 400-token turn   {(after.user + after.system) - (before.user + before.system):8.2f} s"
            )
            print(f"memory                    {process.memory_info().rss / 1e6:8.0f} MB")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - two emulators, one condition
            await asyncio.sleep(0.002)


async def on_slack() -> None:
    async with SlackEmulator() as slack, LLMEmulator() as llm:
        ada = slack.add_user("Ada")
        channel = slack.add_channel("general", members=[ada])
        tokens = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
        }

        def mine(question: Any) -> list[Any]:
            return slack.bot_messages(channel, question)

        def grows(message: Any) -> bool:
            return message.streaming or "rejoinder:stop" in str(message.blocks)

        await measure(
            tokens,
            lambda text: slack.say(ada, channel, text, mention_bot=True),
            lambda question: slack.history(mine(question)[0])[0].time,
            lambda question: bool(mine(question)) and not grows(mine(question)[-1]),
            llm,
        )


async def on_discord() -> None:
    async with DiscordEmulator() as discord, LLMEmulator() as llm:
        guild = discord.add_guild("Acme")
        ada = discord.add_user("Ada")
        channel = discord.add_channel(guild, "general")
        tokens = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_GATEWAY_URL": discord.gateway_url,
        }

        def mine(question: Any) -> list[Any]:
            return [
                message
                for message in discord.bot_messages(channel)
                if str(question.id) in str(message.reference)
            ]

        async def ask(text: str) -> Any:
            return discord.say(ada, channel, text, mention_bot=True)

        await measure(
            tokens,
            ask,
            lambda question: discord.history(mine(question)[0].id)[0][0],
            lambda question: (
                bool(mine(question)) and "rejoinder:stop" not in str(mine(question)[-1].components)
            ),
            llm,
        )


if __name__ == "__main__":
    asyncio.run(on_discord() if "discord" in sys.argv else on_slack())
