"""A small working bot behind the playground, and the playground on a real port, for its tests.

The bot answers by script, through the adapter's own `Reply`: so the page's tests see answers grow, stop, change and vanish
without an engine, a database or a model.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from adapters.playground import Playground
from bot.chat import Incoming, Invocation, Place, Posted, Turn
from bot.errors import StoreUnavailable
from bot.ports import (
    Attached,
    Button,
    Control,
    Form,
    Outcome,
    Press,
    Pressed,
    Receipt,
    Reply,
    Said,
    Slash,
    Word,
)

COMMANDS = (
    Slash("help", "What I can do"),
    Slash("reset", "Forget this conversation and begin anew"),
    Slash("context", "What I still remember here"),
    Slash("usage", "What you have used so far"),
    Slash("leave", "Stop following this thread"),
    Slash("settings", "What holds here", (Word("setting"), Word("value"))),
)

PICTURE = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGPgz44BIgYIBQAWQgNZaagwUQAAAABJRU5ErkJggg=="
)
"""Four green dots."""

Step = str | float | asyncio.Event
"""Of an answer: more text, a pause in seconds, or a gate that the test opens."""


@dataclass
class Record:
    """Keeps what a journal keeps."""

    parts: Sequence[Posted] = ()

    def check(self) -> None:
        """Its lease never ends."""

    async def intend(self, index: int, nonce: str) -> None:
        self.parts = (*self.parts[:index], Posted(index, nonce))

    async def posted(self, index: int, message: str) -> bool:
        self._put(replace(self.parts[index], message=message))
        return True

    async def finished(self, index: int, text: str) -> None:
        self._put(replace(self.parts[index], text=text))

    async def removed(self, index: int) -> None:
        self.parts = self.parts[:index]

    def _put(self, part: Posted) -> None:
        self.parts = (*self.parts[: part.index], part, *self.parts[part.index + 1 :])


@dataclass
class Answering:
    """A question, and the answer that is being given to it."""

    turn: Turn
    record: Record
    steps: Sequence[Step]
    task: asyncio.Task[None] | None = None
    text: str = ""


class ScriptedBot:
    """A `Reception` that answers what is addressed to it. `script` chooses the steps, `under` is what stands under an answer; `broken`
    makes it unavailable."""

    def __init__(self, script: Callable[[str], Sequence[Step]] | None = None) -> None:
        self.script = script or (lambda text: [f"You said: {text}"])
        self.playground: Playground
        self.under: tuple[Control, ...] = ()
        self.broken = False
        self.in_thread = False
        self.incoming: list[Incoming] = []
        self.edits: list[Incoming] = []
        self.gone: list[tuple[Place, str]] = []
        self.invocations: list[Invocation] = []
        self.answers: dict[str, Answering] = {}
        self._following: set[Place] = set()

    async def answers_in_thread(self, place: Place) -> bool:
        return self.in_thread

    async def said(self, incoming: Incoming) -> Receipt:
        self._check()
        self.incoming.append(incoming)
        if not (incoming.mentioned or incoming.direct or incoming.place in self._following):
            return Receipt(Outcome.NOT_ADDRESSED)
        if not incoming.text:
            return Receipt(Outcome.EMPTY, Said("What would you like to know?"))
        if incoming.message in self.answers:
            return Receipt(Outcome.DUPLICATE)
        if incoming.place.thread:
            self._following.add(incoming.place)
        turn = Turn(
            len(self.answers) + 1,
            incoming.place,
            1,
            1,
            incoming.message,
            incoming.author,
            incoming.content,
            incoming.address,
            incoming.sent_at,
        )
        self._answer(Answering(turn, Record(), self.script(incoming.text)))
        return Receipt(Outcome.ACCEPTED)

    async def complete(self, invocation: Invocation) -> Sequence[str]:
        values = ("model", "model small", "model large", "scope", "scope user")
        return [value for value in values if value.startswith(invocation.argument)]

    async def form(self, invocation: Invocation) -> Form | Said:
        return Said("There are no forms here.")

    async def submitted(self, invocation: Invocation, values: Mapping[str, str]) -> Said:
        return Said("There are no forms here.")

    async def edited(self, incoming: Incoming) -> Receipt:
        self._check()
        answering = self.answers.get(incoming.message)
        if answering is None:
            self.edits.append(incoming)
            return Receipt(Outcome.UNKNOWN_EDIT)
        await self._interrupt(answering)
        turn = replace(answering.turn, version=answering.turn.version + 1, content=incoming.content)
        self._again(turn, answering.record, self.script(incoming.text))
        self.edits.append(incoming)
        return Receipt(Outcome.ACCEPTED)

    async def missed(
        self, found: Sequence[Incoming], *, back: datetime, not_before: datetime, most: int
    ) -> int:
        return len([await self.said(incoming) for incoming in found])

    async def deleted(self, place: Place, message: str) -> None:
        self._check()
        self.gone.append((place, message))
        answering = self.answers.get(message)
        if answering is not None:
            await self._interrupt(answering)
            await self._reply(answering).withdraw()

    async def invoked(self, invocation: Invocation) -> Said:
        self._check()
        self.invocations.append(invocation)
        if invocation.verb == "reset":
            return Said("Forgotten: 3 turns. A new conversation begins here.", private=False)
        if invocation.argument == "as files":
            files = (
                Attached("días.csv", "text/csv", "día,1\n".encode()),
                Attached("p.png", "image/png", PICTURE),
            )
            return Said("Here they are.", files=files)
        return Said(f"This is what `/{invocation.verb}` tells.")

    async def pressed(self, invocation: Invocation, press: Press) -> Pressed:
        self._check()
        self.invocations.append(invocation)
        answering = next(answering for answering in self.answers.values() if answering.turn.id == press.turn)
        if answering.turn.author.id != invocation.author.id:
            return Pressed(Said("Only the person who asked can do that."))
        if press.button in (Button.UP, Button.DOWN):
            row = tuple(replace(one, chosen=one.button is press.button) for one in self.under)
            return Pressed(Said("Noted."), row)
        await self._interrupt(answering)
        if press.button is Button.STOP:
            again = [Control(Button.RETRY, press.version)]
            await self._reply(answering).finish(answering.text or "Stopped.", buttons=again)
        else:
            turn_again = replace(answering.turn, version=answering.turn.version + 1)
            self._again(turn_again, answering.record, self.script(answering.turn.text))
        return Pressed()

    async def stopped(self, invocation: Invocation, root: str) -> Said | None:
        raise AssertionError("the playground has no Stop of its own")

    async def removed(self, platform: str, installation: str) -> None:
        raise AssertionError("nobody uninstalls the playground")

    async def aclose(self) -> None:
        for answering in self.answers.values():
            await self._interrupt(answering)

    async def settled(self) -> None:
        """Until every answer that has begun is finished."""
        await asyncio.gather(*(answering.task for answering in self.answers.values() if answering.task))

    def _check(self) -> None:
        if self.broken:
            raise StoreUnavailable

    def _again(self, turn: Turn, record: Record, steps: Sequence[Step]) -> None:
        record.parts = tuple(replace(part, text=None) for part in record.parts)
        self._answer(Answering(replace(turn, parts=record.parts), record, steps))

    def _answer(self, answering: Answering) -> None:
        self.answers[answering.turn.message] = answering
        answering.task = asyncio.create_task(self._speak(answering))

    async def _speak(self, answering: Answering) -> None:
        reply = self._reply(answering)
        reply.start()
        try:
            for step in answering.steps:
                if isinstance(step, str):
                    answering.text += step
                    reply.update(answering.text)
                elif isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    await asyncio.sleep(step)
            await reply.finish(answering.text, buttons=self.under)
        except asyncio.CancelledError:
            await reply.abandon()
            raise

    async def _interrupt(self, answering: Answering) -> None:
        if answering.task is not None:
            answering.task.cancel()
            with suppress(asyncio.CancelledError):
                await answering.task

    def _reply(self, answering: Answering) -> Reply:
        return self.playground.reply(answering.turn, answering.record)


@dataclass
class Served:
    """A playground that runs, with its bot."""

    playground: Playground
    bot: ScriptedBot
    lines: list[str]
    running: asyncio.Task[None]

    @property
    def port(self) -> int:
        return self.playground.address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def serving(
    data: Path, bot: ScriptedBot | None = None, *, port: int = 0, **options: Any
) -> AsyncIterator[Served]:
    """Run a playground on loopback, on a free port unless one is given."""
    bot = bot or ScriptedBot()
    options = {"http": ("127.0.0.1", port), "clock": now, "redeliver": 0.01, **options}
    playground = Playground(data=data, commands=COMMANDS, **options)
    playground.bind(bot)
    bot.playground = playground
    lines: list[str] = []
    connected = asyncio.Event()

    def ready(line: str) -> None:
        lines.append(line)
        connected.set()

    running = asyncio.create_task(playground.run(ready))
    waiting = asyncio.create_task(connected.wait())
    try:
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        yield Served(playground, bot, lines, running)
    finally:
        waiting.cancel()
        await playground.stop()
        await bot.aclose()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await playground.aclose()


class Visitor:
    """Somebody who uses the interface without a page."""

    def __init__(self, session: aiohttp.ClientSession, url: str, person: str = "ada") -> None:
        self.session, self.url, self.person = session, url, person
        self._asked = 0

    async def call(self, method: str, path: str, **values: Any) -> tuple[int, Any]:
        """Status and answer. `person` speaks."""
        values.setdefault("as", self.person)
        how: dict[str, Any] = {"params": values} if method == "GET" else {"json": values}
        async with self.session.request(method, self.url + path, **how) as response:
            return response.status, await response.json()

    async def upload(self, name: str, data: bytes, media_type: str = "", *, status: int = 201) -> str:
        """The number of a file that waits to be said."""
        about = {"as": self.person, "name": name, "type": media_type}
        headers = {"Content-Type": "application/octet-stream"}
        sending = self.session.post(f"{self.url}/api/files", params=about, data=data, headers=headers)
        async with sending as response:
            answer = await response.json()
            assert response.status == status, answer
            return str(answer.get("id", answer.get("message")))

    async def say(self, text: str, channel: str = "general", **values: Any) -> Any:
        self._asked += 1
        values.setdefault("nonce", f"{self.person}-nonce-{self._asked}")
        status, answer = await self.call("POST", "/api/messages", channel=channel, text=text, **values)
        assert status == 201, answer
        return answer

    async def messages(self, channel: str = "general", thread: int = 0) -> list[Any]:
        status, answer = await self.call("GET", "/api/messages", channel=channel, thread=thread)
        assert status == 200, answer
        messages: list[Any] = answer["messages"]
        return messages


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait for something that a real server does in its own time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for lies behind a socket and sets no event
            await asyncio.sleep(0.005)
