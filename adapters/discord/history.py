"""What Discord remembers of the time when nobody listened.

Every channel and thread tells the id of its last message, which is a time, so that only those are read in which something was said
since. Direct messages are told by nobody: those that are known are read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import discord

from adapters.discord.calls import discord_errors
from adapters.discord.incoming import by_a_person, place_of
from bot.chat import Incoming, Place
from bot.errors import PlaceRefused
from bot.ports import Clock, Gap, Page

MOST_READ: Final = 200
"""Messages of a place that are read, the newest: two calls."""
MOST_PLACES: Final = 100
SERVERS: Final = 60.0
"""Seconds after the beginning of a session in which its servers are told."""
DIRECT_SHARD: Final = 0
"""The shard that hears direct messages ("Gateway", sharding)."""

Talk = discord.TextChannel | discord.VoiceChannel | discord.Thread


class DiscordHistory:
    """Implements the `History` port; a line is a shard, of how many where there are more (`1/4`). `understand` makes a message what the
    bot understands."""

    def __init__(
        self,
        client: discord.AutoShardedClient,
        understand: Callable[[discord.Message, str], Awaitable[Incoming]],
        clock: Clock,
    ) -> None:
        self._client, self._understand, self._clock = client, understand, clock

    async def places(self, line: str, since: datetime, known: Sequence[Place]) -> Sequence[Place]:
        """Known direct messages, then the channels and threads where something was said since, the latest first."""
        me = self._client.user
        assert me is not None  # noqa: S101 - known once logged in
        shard = int(line.partition("/")[0])
        await self._all_servers(shard)
        direct = [place for place in known if place.installation == str(me.id) and shard == DIRECT_SHARD]
        spoken = sorted(
            ((last, talk) for talk in self._talks(shard) if (last := talk.last_message_id) is not None),
            key=lambda pair: -pair[0],
        )
        lively = [
            place_of(talk.guild.id, talk, me.id)
            for last, talk in spoken
            if discord.utils.snowflake_time(last) > since and _readable(talk)
        ]
        return [*direct, *lively][:MOST_PLACES]

    async def read(self, gap: Gap) -> Page:
        now = self._clock()
        with discord_errors():
            talk = await self._talk(int(gap.place.thread or gap.place.channel))
            messages = [
                message
                async for message in talk.history(limit=MOST_READ, after=gap.since, oldest_first=False)
            ]
        whole = len(messages) < MOST_READ
        people = [message for message in reversed(messages) if by_a_person(message)]
        found = [await self._understand(message, _revision(message)) for message in people]
        return Page(found, gap.since if whole else messages[-1].created_at, now)

    async def _all_servers(self, shard: int) -> None:
        """Servers are told one by one after a session has begun, however slowly. One that Discord has lost itself is not waited for
        for ever: nobody can speak there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SERVERS):
                while any(guild.unavailable and guild.shard_id == shard for guild in self._client.guilds):  # noqa: ASYNC110 - discord.py tells of some of them only
                    await asyncio.sleep(0.1)

    def _talks(self, shard: int) -> Iterator[Talk]:
        for guild in self._client.guilds:
            if guild.shard_id == shard:
                yield from guild.text_channels
                yield from guild.voice_channels
                yield from guild.threads

    async def _talk(self, channel: int) -> Any:
        """A channel where people talk, by its id."""
        found = self._client.get_channel(channel) or await self._client.fetch_channel(channel)
        if not isinstance(found, discord.abc.Messageable):
            raise PlaceRefused("no_messages")
        return found


def _readable(talk: Talk) -> bool:
    granted = talk.permissions_for(talk.guild.me)
    return granted.view_channel and granted.read_message_history


def _revision(message: discord.Message) -> str:
    return message.edited_at.isoformat() if message.edited_at is not None else ""
