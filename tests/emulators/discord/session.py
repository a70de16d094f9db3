"""A gateway session: what one client asked to hear, what it was told, and what it still has to be told.

A session outlives its connection: events go on being written down, and a resume replays those the client
missed.
"""

from __future__ import annotations

import secrets
from typing import Any

from .connection import Connection, Op
from .errors import Json
from .model import Guild, can_see
from .world import Event, Intent, World

PRIVILEGED = {
    "members": Intent.GUILD_MEMBERS,
    "presences": Intent.GUILD_PRESENCES,
    "message_content": Intent.MESSAGE_CONTENT,
}
KNOWN_INTENTS = sum(1 << bit for bit in (*range(17), 20, 21, 24, 25))


class Session:
    """What the gateway remembers of one IDENTIFY."""

    def __init__(self, world: World, intents: int, shard: tuple[int, int]) -> None:
        self.id = secrets.token_hex(16)
        self.intents = intents
        self.shard = shard
        self.connection: Connection | None = None
        self.lost_at: float | None = None
        self._world = world
        self._log: list[tuple[str, Json]] = []
        self._told = 0
        self.paused = False

    @property
    def seq(self) -> int:
        """The number of the last event written down."""
        return len(self._log)

    def serves(self, guild: Guild | None) -> bool:
        """Whether events of this guild, or of direct messages (None), belong to the session's shard."""
        number, count = self.shard
        return number == ((guild.id >> 22) % count if guild else 0)

    def hear(self, event: Event) -> None:
        """Take an event that concerns this session, as far as its intents show it."""
        bot = self._world.bot
        if not self.serves(event.guild) or (event.intent and not event.intent & self.intents):
            return
        if event.guild is not None and bot.id not in event.guild.members:
            return
        if event.channel is not None and not can_see(event.channel, bot):
            return
        full = event.without_content is None or self.intents & Intent.MESSAGE_CONTENT
        self.push(event.name, event.data if full else event.without_content)

    def push(self, name: str, data: Any) -> None:
        """Write an event down and send it if somebody is there."""
        self._log.append((name, data))
        self.flush()

    def flush(self) -> None:
        """Send what is written down and not yet told."""
        if self.connection is None or self.paused:
            return
        while self._told < len(self._log):
            name, data = self._log[self._told]
            self._told += 1
            self.connection.send({"op": Op.DISPATCH, "t": name, "s": self._told, "d": data})

    def attach(self, connection: Connection) -> None:
        """Put a client on the line."""
        self.connection = connection
        self.lost_at = None

    def detach(self) -> None:
        """The client is gone; from now on events wait for a resume."""
        self.connection = None
        self.lost_at = self._world.clock.monotonic()

    def rewind(self, seq: int) -> None:
        """Go back to the last event the client says it has."""
        self._told = seq
