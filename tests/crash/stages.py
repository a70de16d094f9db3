"""Slack and Discord as people there use and see them, and the troubles an ordinary day has there."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from tests.crash.answers import question
from tests.emulators.discord import RESET, DiscordEmulator, Limits
from tests.emulators.slack import SlackEmulator, SlackLimits

RETRIES = (0.3, 1.0, 2.0, 3.0, *[5.0] * 60)
"""Slack's are 0, 60 and 300 seconds: here everything dies a hundred times as often, so it also comes again as often."""
REFUSALS: tuple[Literal["reset"] | int, ...] = (429, 500, 503, RESET)


@dataclass(frozen=True)
class Question:
    """A question as it was asked. `id` is the platform's of the message, `under` where its answer belongs."""

    number: int
    words: int
    platform: str
    person: int
    channel: str
    thread: str
    id: str
    under: str


@dataclass(frozen=True)
class Spoken:
    """A message of the bot's as it stands. `times`: when it appeared, and whenever its words changed."""

    id: str
    channel: str
    under: str
    text: str
    stoppable: bool
    times: tuple[float, ...]


class Stage(Protocol):
    platform: str
    people: int

    def environment(self, process: int, of: int) -> dict[str, str]:
        """How a bot process reaches it: the `process`th `of` so many."""

    async def ask(self, person: int, number: int, words: int, *, directly: bool = False) -> Question: ...

    def spoken(self, channel: str = "", since: str = "") -> list[Spoken]:
        """What the bot said, oldest first."""

    def story(self, question: Question) -> str:
        """For one that was never answered: what is known of its way to the bot."""

    def looks(self, message: str) -> list[tuple[float, str]]:
        """How a message looked, from when on: the ends of its words."""

    async def trouble(self) -> str:
        """Something that happens on an ordinary day; what it was."""


class SlackStage:
    """A workspace with some channels. `http`: events come to the processes in turn, as from a load balancer; else by Socket Mode."""

    platform = "slack"

    def __init__(self, rng: random.Random, *, people: int = 4, http: bool = False) -> None:
        self._rng, self.people, self._http = rng, people, http
        self.emulator = SlackEmulator(
            limits=SlackLimits(
                update_per_minute=600,
                read_per_minute=600,
                start_stream_per_minute=200,
                stop_stream_per_minute=200,
                post_per_second=3.0,
                post_burst=6,
            ),  # each process begins with a full budget, and begins a hundred times as often
            ack_timeout=3.0,
            retry_delays=RETRIES,
        )
        self._users = [self.emulator.add_user(f"P{number}") for number in range(people)]
        self._channels = [self.emulator.add_channel(name) for name in ("general", "random", "help")]
        self._roots: dict[int, Any] = {}

    def environment(self, process: int, of: int) -> dict[str, str]:
        slack = self.emulator
        reach = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_API_URL": slack.api_url}
        if self._http:
            return reach | {"SLACK_SIGNING_SECRET": slack.signing_secret}
        return reach | {"SLACK_APP_TOKEN": slack.app_token}

    def serve_at(self, ports: Sequence[int]) -> None:
        if self._http:
            self.emulator.request_urls = [f"http://127.0.0.1:{port}/slack/events" for port in ports]

    async def ask(self, person: int, number: int, words: int, *, directly: bool = False) -> Question:
        """In a channel, in the thread of an earlier question, or directly."""
        user, root = self._users[person], self._roots.get(person)
        where = self._rng.random()
        if directly or where < 0.2:
            room = self.emulator.open_im(user)
            said = await self.emulator.say(user, room, question(number, words))
        elif where < 0.45 and root is not None:
            room = root.channel
            said = await self.emulator.say(user, room, question(number, words), mention_bot=True, thread=root)
        else:
            room = self._rng.choice(self._channels)
            said = await self.emulator.say(user, room, question(number, words), mention_bot=True)
            self._roots[person] = said
        thread = "" if said.thread_ts in (None, said.ts) else str(said.thread_ts)
        return Question(number, words, self.platform, person, room.id, thread, said.ts, said.root_ts)

    def spoken(self, channel: str = "", since: str = "") -> list[Spoken]:
        rooms = [channel] if channel else list(self.emulator.core.world.channels)
        return [
            Spoken(
                message.ts,
                room,
                message.root_ts,
                message.shown,
                message.streaming or "rejoinder:stop" in str(message.blocks),
                tuple(revision.time for revision in message.revisions),
            )
            for room in rooms
            for message in self.emulator.bot_messages(room)
            if message.ts > since and message.ephemeral_to is None
        ]

    def story(self, question: Question) -> str:
        """How often the bot was told of a question, and what it said to that."""
        return "; ".join(
            f"{delivery.name} "
            + " ".join(f"{a.outcome.reason or 'taken'}@{a.time:.1f}" for a in delivery.attempts)
            for delivery in self.emulator.deliveries
            if delivery.event.get("ts") == question.id
        )

    def looks(self, message: str) -> list[tuple[float, str]]:
        return [(revision.time, revision.text[-20:]) for revision in self.emulator.history(message)]

    async def trouble(self) -> str:
        slack, rng = self.emulator, self._rng
        match rng.randrange(8):
            case 0 | 1:
                slack.twins = rng.choice(["mention_first", "message_first", "together"])
                return f"twins {slack.twins}"
            case 2 | 3 if slack.deliveries:
                await slack.office.again(rng.choice(slack.deliveries[-20:]))
                return "delivered again"
            case 4 if not self._http:
                await slack.drop_connections(abrupt=rng.random() < 0.7)
                return "sockets dropped"
            case 5 if not self._http:
                await slack.send_disconnect()
                return "asked to reconnect"
            case _:
                method = rng.choice(
                    [
                        "chat.postMessage",
                        "chat.update",
                        "chat.startStream",
                        "chat.appendStream",
                        "chat.stopStream",
                        "conversations.replies",
                    ]
                )
                how = rng.choice(REFUSALS)
                after = how != 429 and rng.random() < 0.5
                slack.fail_next(method, how, after=after)
                return f"{method} {how}{' after it took effect' if after else ''}"


class DiscordStage:
    """Servers for each shard, some channels each."""

    platform = "discord"

    def __init__(self, rng: random.Random, *, people: int = 4, shards: int = 1) -> None:
        self._rng, self.people, self._shards = rng, people, shards
        self.emulator = DiscordEmulator(shards=shards, limits=Limits(nonce_told=rng.random() < 0.5))
        discord = self.emulator
        guilds = [
            discord.add_guild(f"G{shard}", guild_id=(1_000 + shard) << 22) for shard in range(max(shards, 2))
        ]
        self._channels = [discord.add_channel(guild, name) for guild in guilds for name in ("talk", "work")]
        self._users = [discord.add_user(f"D{number}") for number in range(people)]
        self._threads: dict[int, Any] = {}

    def environment(self, process: int, of: int) -> dict[str, str]:
        discord = self.emulator
        reach = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_GATEWAY_URL": discord.gateway_url,
        }
        if of == 1:
            return reach
        mine = [str(shard) for shard in range(self._shards) if shard % of == process]
        return reach | {"DISCORD_SHARD_IDS": ",".join(mine), "DISCORD_SHARD_COUNT": str(self._shards)}

    async def ask(self, person: int, number: int, words: int, *, directly: bool = False) -> Question:
        user, where = self._users[person], self._rng.random()
        if directly or where < 0.15:
            room = self.emulator.open_dm(user)
            said = self.emulator.say(user, room, question(number, words))
        elif where < 0.3:
            if person not in self._threads:
                self._threads[person] = self.emulator.start_thread(
                    user, self._rng.choice(self._channels), "more"
                )
            room = self._threads[person]
            said = self.emulator.say(user, room, question(number, words), mention_bot=True)
        else:
            room = self._rng.choice(self._channels)
            said = self.emulator.say(user, room, question(number, words), mention_bot=True)
        return Question(number, words, self.platform, person, str(room.id), "", str(said.id), str(said.id))

    def spoken(self, channel: str = "", since: str = "") -> list[Spoken]:
        return [
            Spoken(
                str(message.id),
                str(message.channel.id),
                str(message.reference[1]) if message.reference else "",
                message.text,
                "rejoinder:stop" in str(message.components),
                tuple(revision.time for revision in message.revisions),
            )
            for message in self._standing(channel)
            if message.id > int(since or 0)
        ]

    def _standing(self, channel: str) -> Iterator[Any]:
        world = self.emulator.world
        for message in list(world.messages.values()):
            if (
                message.author is world.bot
                and not message.deleted
                and channel in ("", str(message.channel.id))
            ):
                yield message

    def story(self, question: Question) -> str:
        """Where it was asked, and what happened to the gateway after it."""
        message = self.emulator.world.messages[int(question.id)]
        return f"{message.channel.kind.name} {message.channel.name} at {message.created_at:.1f}"

    def looks(self, message: str) -> list[tuple[float, str]]:
        return [(revision.time, revision.content[-20:]) for revision in self.emulator.history(int(message))]

    async def trouble(self) -> str:
        discord, rng = self.emulator, self._rng
        match rng.randrange(7):
            case 0 | 1 if "MESSAGE_CREATE" in discord.gateway._last:
                discord.replay_last_event()
                return "replayed"
            case 2:
                discord.drop_connections()
                return "gateway dropped"
            case 3:
                discord.ask_reconnect()
                return "asked to reconnect"
            case 4:
                discord.invalidate_sessions(resumable=rng.random() < 0.7)
                return "sessions invalidated"
            case _:
                method, route = rng.choice(
                    [("POST", "/channels/*/messages"), ("PATCH", "/channels/*/messages/*")]
                )
                how = rng.choice(REFUSALS)
                after = how != 429 and rng.random() < 0.5
                discord.fail_next(method, route, how, after=after, everything=False)
                return f"{method} {how}{' after it took effect' if after else ''}"
