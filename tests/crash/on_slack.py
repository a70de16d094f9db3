"""Slack, as people there use and see it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tests.crash.answers import is_about
from tests.crash.answers import question as asking
from tests.crash.questions import Pressed, Question, Whim
from tests.crash.stages import PATIENCE, REFUSALS, SURE, Spoken, is_reset
from tests.emulators.slack import SlackEmulator, SlackLimits

RETRIES = (0.3, 1.0, 2.0, 3.0, *[5.0] * 60)
"""Slack's are 0, 60 and 300 seconds: here everything dies a hundred times as often, so it also comes again as often."""


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

    async def ask(
        self, person: int, number: int, words: int, whim: Whim | None = None, *, directly: bool = False
    ) -> Question:
        """In a channel, in the thread of an earlier question, or directly."""
        user, root = self._users[person], self._roots.get(person)
        text = asking(number, words, whim)
        where = self._rng.random()
        if directly or where < 0.2:
            room = self.emulator.open_im(user)
            said = await self.emulator.say(user, room, text)
        elif where < 0.45 and root is not None and not root.deleted:
            room = root.channel
            said = await self.emulator.say(user, room, text, mention_bot=True, thread=root)
        else:
            room = self._rng.choice(self._channels)
            said = await self.emulator.say(user, room, text, mention_bot=True)
            self._roots[person] = said
        thread = "" if said.thread_ts in (None, said.ts) else str(said.thread_ts)
        place = (self.platform, person, room.id, thread, said.ts, said.root_ts, frozenset({room.id}))
        return Question(number, words, *place, whim)

    async def edit(self, question: Question, number: int, words: int) -> None:
        said = self.emulator.message(question.id)
        mention = f"{self.emulator.team.bot.mention} " if self.emulator.team.bot.mention in said.text else ""
        await self.emulator.edit(said, mention + asking(number, words), raw=True)

    async def delete(self, question: Question) -> None:
        await self.emulator.delete(self.emulator.message(question.id))

    def offers(self, question: Question, button: str) -> bool:
        return self._with_button(question, button) is not None

    def stops_all(self, question: Question) -> bool:
        message = self._with_button(question, Whim.STOP)
        return message is not None and message.streaming

    async def press(self, question: Question, button: str) -> Pressed:
        message, user = self._with_button(question, button), self._users[question.person]
        if message is None:
            return Pressed.ABSENT
        if message.streaming:
            return await self._stop_session(message, user)
        action = next(name for name in message.actions if name.startswith(f"rejoinder:{button}:"))
        before = self._told(message, user)
        took = (await self.emulator.press(user, message, action)).acknowledged_in
        if self._told(message, user) > before:
            return Pressed.REFUSED
        return Pressed.UNSURE if took is None or took > SURE else Pressed.DONE

    async def _stop_session(self, message: Any, user: Any) -> Pressed:
        """Slack's own Stop, shown while an answer streams; the bot is told of it, as often as it takes."""
        try:
            await self.emulator.stop_session(user, message.channel, message)
        except LookupError:
            return Pressed.ABSENT
        told = self.emulator.deliveries[-1]
        with suppress(TimeoutError):
            await self.emulator.wait_for(lambda: told.acknowledged, PATIENCE)
        return Pressed.DONE if told.acknowledged else Pressed.UNSURE

    async def reset(self, question: Question) -> bool:
        """By a word, not by a slash command: it comes again when a process dies over it, and Slack tells when it was said."""
        user, room = self._users[question.person], self.emulator.core.world.channels[question.channel]
        said = await self.emulator.say(user, room, "reset", mention_bot=room.kind != "im")

        def told() -> bool:
            later = (one for one in self.emulator.bot_messages(room) if one.ts > said.ts)
            return any(is_reset(one.shown) for one in later)

        with suppress(TimeoutError):
            await self.emulator.wait_for(told, PATIENCE)
        return told()

    def _with_button(self, question: Question, button: str) -> Any:
        """The message of its answer that has that button, or that streams and can be stopped."""
        for message in self.emulator.bot_messages(question.channel):
            stop = button == Whim.STOP and message.streaming
            pressable = any(name.startswith(f"rejoinder:{button}:") for name in message.actions)
            mine = is_about(message.shown, question.number)
            if button == Whim.RETRY:  # there are no words of an answer
                mine = message.ts > question.id and message.root_ts == question.under
            if (stop or pressable) and mine:
                return message
        return None

    def _told(self, message: Any, user: Any) -> int:
        """How often somebody was told something there, alone."""
        said = self.emulator.bot_messages(message.channel)
        return sum(one.ephemeral_to is user for one in said)

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
            if message.ts > since and message.ephemeral_to is None and not is_reset(message.shown)
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
            case 2 | 3 if events := [one for one in slack.deliveries[-20:] if one.kind == "events_api"]:
                await slack.office.again(rng.choice(events))  # a press comes once
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
