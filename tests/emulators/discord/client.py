"""Turning discord.py, within the test's own process, to an emulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import discord
import yarl
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from .emulator import DiscordEmulator


@contextmanager
def discord_py_pointed_at(emulator: DiscordEmulator) -> Iterator[None]:
    """All clients of discord.py in this process talk to the emulator until the block ends."""
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = emulator.api_url, yarl.URL(emulator.gateway_url)
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


@asynccontextmanager
async def running(emulator: DiscordEmulator, client: discord.Client) -> AsyncIterator[None]:
    """Log a client in, wait until it is ready, and close it in the end.

    An error that ends its connection before it is ready is raised here. A client takes two seconds to become
    ready unless it was made with `guild_ready_timeout`.
    """
    with discord_py_pointed_at(emulator):
        async with client:
            await client.login(emulator.token)
            connection = asyncio.create_task(client.connect())
            ready = asyncio.create_task(client.wait_until_ready())
            await asyncio.wait([connection, ready], return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            if connection.done():
                connection.result()
            try:
                yield
            finally:
                await client.close()
                await connection


class AtOnce(discord.Client):
    """Identifies without the five seconds that Discord asks for in between; the emulator does not."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait for nothing."""


class Listener(AtOnce, commands.Bot):
    """A bot that queues what people say, edit and delete, for a test to take one by one."""

    def __init__(self, *, message_content: bool = True) -> None:
        intents = discord.Intents.default()
        intents.message_content = message_content
        super().__init__("!", intents=intents, guild_ready_timeout=0.02)
        self.messages: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.edits: asyncio.Queue[discord.RawMessageUpdateEvent] = asyncio.Queue()
        self.deletes: asyncio.Queue[discord.RawMessageDeleteEvent] = asyncio.Queue()

    async def on_message(self, message: discord.Message) -> None:
        if message.author != self.user:
            await self.messages.put(message)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        await self.edits.put(payload)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        await self.deletes.put(payload)

    async def hear(self) -> discord.Message:
        """The next message of somebody else, within five seconds."""
        return await asyncio.wait_for(self.messages.get(), 5)
