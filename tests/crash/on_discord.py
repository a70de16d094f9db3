"""Discord, as people there use and see it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from tests.crash.answers import is_about
from tests.crash.answers import question as asking
from tests.crash.questions import Pressed, Question, Whim
from tests.crash.stages import PATIENCE, REFUSALS, SURE, Spoken, is_reset
from tests.emulators.discord import DiscordEmulator, Limits
from tests.emulators.discord.message import Callback, walk


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

    async def ask(
        self, person: int, number: int, words: int, whim: Whim | None = None, *, directly: bool = False
    ) -> Question:
        """In a channel, in a thread of one's own, or directly."""
        user, where = self._users[person], self._rng.random()
        text = asking(number, words, whim)
        if directly or where < 0.15:
            room = self.emulator.open_dm(user)
            said = self.emulator.say(user, room, text)
        elif where < 0.3:
            if person not in self._threads:
                self._threads[person] = self.emulator.start_thread(
                    user, self._rng.choice(self._channels), "more"
                )
            room = self._threads[person]
            said = self.emulator.say(user, room, text, mention_bot=True)
        else:
            room = self._rng.choice(self._channels)
            said = self.emulator.say(user, room, text, mention_bot=True)
        rooms = frozenset(str(one.id) for one in (room, room.parent) if one is not None)
        place = (self.platform, person, str(room.id), "", str(said.id), str(said.id), rooms)
        return Question(number, words, *place, whim)

    async def edit(self, question: Question, number: int, words: int) -> None:
        said = self._message(question)
        mention = f"{self.emulator.bot.mention} " if self.emulator.bot.mention in said.content else ""
        self.emulator.edit(said, mention + asking(number, words))

    async def delete(self, question: Question) -> None:
        self.emulator.delete(self._message(question))

    def offers(self, question: Question, button: str) -> bool:
        return self._button(question, button) is not None

    def stops_all(self, question: Question) -> bool:
        return False

    async def press(self, question: Question, button: str) -> Pressed:
        found = self._button(question, button)
        if found is None:
            return Pressed.ABSENT
        click = self.emulator.press(self._users[question.person], *found)
        with suppress(TimeoutError):
            await self.emulator.wait_for(lambda: click.done, PATIENCE)
        if click.failed or click.acknowledged_at is None:
            return Pressed.UNSURE
        if click.callback is Callback.MESSAGE:
            return Pressed.REFUSED
        return Pressed.DONE if click.acknowledged_at - click.created_at < SURE else Pressed.UNSURE

    async def reset(self, question: Question) -> bool:
        room = self._message(question).channel
        command = self.emulator.slash(self._users[question.person], room, "reset")
        with suppress(TimeoutError):
            await self.emulator.wait_for(lambda: command.done, PATIENCE)
        return is_reset(command.content or "")

    def _message(self, question: Question) -> Any:
        return self.emulator.world.messages[int(question.id)]

    def _button(self, question: Question, button: str) -> tuple[Any, str] | None:
        """The message of its answer that has that button, and the button's id."""
        for message in self._standing(question.channel):
            answers = message.reference is not None and str(message.reference[1]) == question.id
            if answers or is_about(message.text, question.number):
                for part in walk(message.components):
                    if str(part.get("custom_id")).startswith(f"rejoinder:{button}:"):
                        return message, part["custom_id"]
        return None

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
            answers = message.author is world.bot and message.interaction is None and not message.deleted
            if answers and channel in ("", str(message.channel.id)):
                yield message

    def story(self, question: Question) -> str:
        """Where it was asked, and what happened to the gateway after it."""
        message = self._message(question)
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
