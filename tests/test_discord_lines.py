"""Which part of Discord a connection hears, and by which name that is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.ports import History
from tests.delivery_rig import discord_adapter
from tests.emulators.discord import DiscordEmulator


class Recorder:
    """Keeps which lines are heard."""

    def __init__(self) -> None:
        self.heard: set[str] = set()
        self.history: History | None = None

    async def run(self, history: History) -> None:
        self.history = history
        await asyncio.Event().wait()

    def back(self, line: str) -> None:
        self.heard.add(line)

    def resumed(self, line: str) -> None:
        self.heard.add(line)

    def away(self, line: str) -> None:
        self.heard.discard(line)


@pytest.mark.parametrize(("shards", "lines"), [(1, ["0"]), (2, ["0/2", "1/2"])])
async def test_a_line_is_named_by_its_shard_and_by_how_many_there_are(
    shards: int, lines: Sequence[str]
) -> None:
    """With another number of shards, each hears something else: what it was heard until says nothing of that."""
    async with DiscordEmulator(shards=shards) as discord:
        guilds = [discord.add_guild(f"G{shard}", guild_id=(1_000 + shard) << 22) for shard in range(2)]
        ada = discord.add_user("Ada")
        for guild in guilds:
            discord.say(ada, discord.add_channel(guild, "general"), "hello")
        watch: Any = Recorder()
        adapter = discord_adapter(discord, watch=watch)
        connected = asyncio.Event()
        running = asyncio.create_task(adapter.run(lambda _: connected.set()))
        async with asyncio.timeout(30):
            await connected.wait()
            assert sorted(watch.heard) == lines
            since = datetime.now(UTC) - timedelta(hours=1)
            found = {line: await watch.history.places(line, since, []) for line in lines}
        running.cancel()
        await adapter.aclose()
        await asyncio.gather(running, return_exceptions=True)
    told = [[place.installation for place in places] for places in found.values()]
    mine = [str(guild.id) for guild in guilds]
    assert [sorted(one) for one in told] == ([mine] if shards == 1 else [[one] for one in mine])
