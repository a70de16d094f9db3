"""The platforms as an answer on its way meets them: the real adapters with their real SDKs against the emulators, without an engine.

`async with stage("slack") as at:` gives a `Stage`; `at.turn(...)` asks a question, `at.reply(turn, journal)` opens the answer to it.
With `faster=20` a minute of the platform's limits passes in three seconds, for the emulator and for the bot alike.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from adapters.delivery.pacer import Rate
from adapters.discord import Discord
from adapters.discord import surface as discord_surface
from adapters.playground import Playground
from adapters.playground import surface as playground_surface
from adapters.playground.values import Message as PlaygroundMessage
from adapters.slack import Slack
from adapters.slack import surface as slack_surface
from bot.absence import Watch
from bot.chat import Author, Place, Posted, Text, Turn
from bot.ports import Adapter, Reception, Reply
from tests.emulators.discord import DiscordEmulator, Limits
from tests.emulators.slack import SlackEmulator

NOBODY = cast("Reception", None)
NO_WATCH = cast("Watch", None)
"""The adapters are not run here, so that nothing comes in."""
Revisions = Sequence[tuple[float, str]]
"""What a message showed, from when on."""


class Clock:
    """The emulator's time, and the bot's: it may run faster, and be put forward."""

    def __init__(self, faster: float) -> None:
        self._began, self._faster, self._skipped = time.time(), faster, 0.0

    def __call__(self) -> float:
        return self._began + (time.time() - self._began) * self._faster + self._skipped

    def advance(self, seconds: float) -> None:
        self._skipped += seconds


@dataclass
class Notebook:
    """A journal in memory, beside those of `others`."""

    parts: Sequence[Posted] = ()
    others: Sequence[Notebook] = ()

    def check(self) -> None:
        """Its lease never ends."""

    async def intend(self, index: int, nonce: str) -> None:
        self._put(Posted(index, nonce))

    async def posted(self, index: int, message: str) -> bool:
        if any(message == part.message for other in self.others for part in other.parts):
            return False
        self._put(replace(self._known(index), message=message))
        return True

    async def finished(self, index: int, text: str) -> None:
        self._put(replace(self._known(index), text=text))

    async def removed(self, index: int) -> None:
        self.parts = tuple(part for part in self.parts if part.index != index)

    def _known(self, index: int) -> Posted:
        return next(part for part in self.parts if part.index == index)

    def _put(self, posted: Posted) -> None:
        others = (part for part in self.parts if part.index != posted.index)
        self.parts = tuple(sorted((*others, posted), key=lambda part: part.index))


@dataclass
class Stage:
    """One platform. `requests` are the calls it got so far, as (method, status, what was sent)."""

    platform: str
    adapter: Adapter
    ask: Callable[[str, str], Any]
    """Say something in a channel of that name, which is made when there is none; gives place and address."""
    revisions: Callable[[str], Revisions]
    requests: Callable[[], list[tuple[str, int, Any]]]
    emulator: Any = None
    clock: Clock | None = None
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def turn(self, channel: str = "general", text: str = "a question") -> Turn:
        place, address, message = await self.ask(channel, text)
        author = Author(str(address.get("user", "ada")), "Ada")
        number = next(self.numbers)
        return Turn(number, place, 1, 0, message, author, (Text(text),), address, datetime.now(UTC))

    def reply(self, turn: Turn, journal: Notebook) -> Reply:
        return self.adapter.reply(turn, journal)

    @property
    def refused(self) -> int:
        """How many calls got a 429."""
        return sum(status == 429 for _, status, _ in self.requests())


def hastened(rates: Mapping[str, Rate], faster: float) -> dict[str, Rate]:
    return {name: Rate(rate.count, rate.seconds / faster) for name, rate in rates.items()}


@asynccontextmanager
async def stage(platform: str, *, faster: float = 1.0) -> AsyncIterator[Stage]:
    opening = {"slack": slack_stage, "discord": discord_stage, "playground": playground_stage}[platform]
    async with opening(faster) as opened:
        try:
            yield opened
        finally:
            await opened.adapter.aclose()


@asynccontextmanager
async def slack_stage(faster: float) -> AsyncIterator[Stage]:
    clock = Clock(faster)
    async with SlackEmulator(clock=clock) as slack:
        ada = slack.add_user("Ada")
        channels: dict[str, Any] = {}

        async def ask(name: str, text: str) -> tuple[Place, dict[str, Any], str]:
            if name not in channels:
                channels[name] = slack.add_channel(name, members=[ada])
            question = slack.core.world.post(channels[name], ada, text)
            address = {"v": 1, "team": slack.team.id, "channel": channels[name].id}
            address |= {"thread": question.ts, "question": question.ts, "user": ada.id}
            return Place("slack", slack.team.id, channels[name].id), address, question.ts

        adapter = Slack(
            bot_token=slack.bot_token,
            app_token=slack.app_token,
            signing_secret="",
            api_url=slack.api_url,
            reception=NOBODY,
            watch=NO_WATCH,
            language="en",
            clock=lambda: datetime.fromtimestamp(clock(), UTC),
            rates=hastened(slack_surface.RATES, faster),
        )
        yield Stage(
            "slack",
            adapter,
            ask,
            lambda ts: [(revision.time, revision.text) for revision in slack.history(ts)],
            lambda: [(request.method, request.status, request.params) for request in slack.requests],
            slack,
            clock,
        )


def discord_adapter(discord: DiscordEmulator, **other: Any) -> Discord:
    """An adapter for an emulated Discord, which hears all its shards; `other` than that nobody listens to it."""
    usual: dict[str, Any] = {
        "token": discord.token,
        "api_url": discord.api_url,
        "gateway_url": discord.gateway_url,
        "message_content": True,
        "shard_ids": (),
        "shard_count": None,
        "reception": NOBODY,
        "watch": NO_WATCH,
        "commands": (),
        "language": "en",
        "clock": lambda: datetime.now(UTC),
    }
    return Discord(**usual | other)


@asynccontextmanager
async def discord_stage(faster: float) -> AsyncIterator[Stage]:
    async with DiscordEmulator(limits=Limits().faster(faster)) as discord:
        guild = discord.add_guild("Acme")
        ada = discord.add_user("Ada")
        channels: dict[str, Any] = {}

        async def ask(name: str, text: str) -> tuple[Place, dict[str, Any], str]:
            if name not in channels:
                channels[name] = discord.add_channel(guild, name)
            question = discord.say(ada, channels[name], text)
            address = {"v": 1, "channel": str(channels[name].id), "question": str(question.id)}
            return Place("discord", str(guild.id), str(channels[name].id)), address, str(question.id)

        adapter = discord_adapter(discord, rates=hastened(discord_surface.RATES, faster))
        yield Stage(
            "discord",
            adapter,
            ask,
            lambda number: [(one.time, one.content) for one in discord.history(int(number))],
            lambda: [(f"{one.method} {one.route}", one.status, one.body) for one in discord.requests],
            discord,
        )


@asynccontextmanager
async def playground_stage(faster: float) -> AsyncIterator[Stage]:
    with TemporaryDirectory() as folder:
        adapter = Playground(
            data=Path(folder),
            http=("127.0.0.1", 0),
            commands=(),
            clock=lambda: datetime.now(UTC),
            reception=NOBODY,
            rates=hastened(playground_surface.RATES, faster),
        )
        world, seen, calls = adapter.world, dict[str, list[tuple[float, str]]](), list[tuple[str, int, Any]]()
        roots: dict[str, int] = {}  # other channels are threads: a world has only so many channels

        def listen(record: Any) -> None:
            if record["do"] in ("post", "grow"):
                message = world.messages[int(record["id"])]
                seen.setdefault(str(message.id), []).append((time.time(), message.text))
                calls.append((record["do"], 200, record))

        world.listeners.append(listen)

        async def ask(name: str, text: str) -> tuple[Place, dict[str, Any], str]:
            if name not in roots:
                roots[name] = (
                    0 if name == "general" else world.post(PlaygroundMessage("general", "ada", name)).id
                )
            thread = roots[name]
            question = world.post(PlaygroundMessage("general", "ada", text, thread=thread))
            address = {"v": 1, "channel": "general", "thread": thread, "question": question.id}
            return Place("playground", "local", "general", str(thread or "")), address, str(question.id)

        yield Stage("playground", adapter, ask, lambda number: seen.get(number, []), lambda: calls, adapter)
