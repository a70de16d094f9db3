"""Small working stand-ins for what lies outside the engine: a platform that shows replies, a provider that speaks from a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from bot.chat import Author, Delta, File, Finish, Incoming, Place, Prompt, Quota, Text, Turn, Usage
from bot.commands.menu import Menu
from bot.errors import RejoinderError, Unreadable, Why
from bot.models.catalogue import Spec, load_models
from bot.ports import Button, Control, Fetched, Journal
from bot.providers import Access
from bot.redaction import restore

ADA = Author("U1", "Ada")
GRACE = Author("U2", "Grace")
ROOT = Author("U9", "Root", admin=True)
CHANNEL = Place("fake", "T1", "C1")
HERE = ("fake",)
"""The platforms that are spoken to."""


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


def incoming(
    text: str,
    *,
    message: str,
    author: Author = ADA,
    place: Place = CHANNEL,
    sent_at: datetime,
    mentioned: bool = True,
    direct: bool = False,
    revision: str = "",
    branched_at: datetime | None = None,
    files: Sequence[File] = (),
) -> Incoming:
    content = ((Text(text),) if text else ()) + tuple(files)
    address = {"v": 1, "message": message}
    return Incoming(
        place, message, author, content, address, sent_at, mentioned, direct, revision, branched_at
    )


def a_menu(*, priced: bool = False) -> Menu:
    """Models of OpenAI can be reached, those of others can't."""
    access, usual = Access(openai_api_key="k"), Spec("openai", "gpt-6-luna")
    return Menu(load_models(), access, usual, priced=priced, today=lambda: date(2026, 11, 22))


@dataclass
class Shown:
    """What a person sees of one answer."""

    updates: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    text: str = ""
    notice: str = ""
    controls: tuple[Control, ...] = ()
    finished: bool = False
    withdrawn: bool = False
    abandoned: bool = False

    @property
    def buttons(self) -> tuple[Button, ...]:
        return tuple(control.button for control in self.controls)


class FakeReply:
    """Shows everything at once, as one part."""

    def __init__(self, shown: Shown, journal: Journal, failures: list[RejoinderError]) -> None:
        self._shown, self._failures = shown, failures
        self.kept = "".join(part.text for part in journal.parts if part.text is not None)
        self.originals: dict[str, str] = {}

    def start(self) -> None:
        self._shown.finished = False

    def wait(self, notice: str) -> None:
        self._shown.waits.append(notice)

    def update(self, text: str) -> None:
        self._shown.text = restore(text, self.originals)
        self._shown.updates.append(self._shown.text)

    async def finish(self, text: str, *, buttons: Sequence[Control] = ()) -> None:
        self._fail_as_told()
        self._shown.text, self._shown.controls = restore(text, self.originals), tuple(buttons)
        self._shown.finished = True

    async def fail(self, notice: str, *, buttons: Sequence[Control] = ()) -> None:
        self._fail_as_told()
        self._shown.notice, self._shown.controls, self._shown.finished = notice, tuple(buttons), True

    async def withdraw(self) -> None:
        self._shown.withdrawn = True

    async def abandon(self) -> None:
        self._shown.abandoned = True

    def _fail_as_told(self) -> None:
        if self._failures:
            raise self._failures.pop(0)


class FakePlatform:
    """Keeps what is shown per question; `whispers` is what only the asker saw."""

    platform = "fake"

    def __init__(self, *, whispering: bool = False) -> None:
        self.shown: dict[str, Shown] = {}
        self.whispers: list[str] = []
        self.announced: list[tuple[Place, str]] = []
        self.failures: list[RejoinderError] = []
        self.files: dict[str, bytes | Fetched | Unreadable] = {}
        self.fetched: list[str] = []
        self._whispering = whispering

    async def run(self, ready: Callable[[str], None]) -> None:
        ready("the fake platform")
        await asyncio.Event().wait()

    def reply(self, turn: Turn, journal: Journal) -> FakeReply:
        return FakeReply(self.shown.setdefault(turn.message, Shown()), journal, self.failures)

    async def whisper(self, turn: Turn, notice: str) -> bool:
        if self._whispering:
            self.whispers.append(notice)
        return self._whispering

    async def announce(self, place: Place, notice: str) -> None:
        self.announced.append((place, notice))

    async def fetch(self, file: File, most: int, seconds: float) -> Fetched:
        """What a test put into `files`, by its reference's id; an error in there is raised."""
        self.fetched.append(file.name)
        found = self.files.get(str(file.reference["id"]), Unreadable(Why.GONE))
        if isinstance(found, Unreadable):
            raise found
        return found if isinstance(found, Fetched) else Fetched(found)

    async def stop(self) -> None:
        return

    async def aclose(self) -> None:
        return


class Gate:
    """In a script: the provider waits here until the test opens it."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()


FULL: tuple[Button, ...] = (Button.REGENERATE, Button.UP, Button.DOWN)
"""What stands under a finished answer."""

USAGE = Usage(prompt=10, output=5)

Step = str | Usage | Finish | Gate | RejoinderError
Script = Sequence[Step]


class ScriptedProvider:
    """Speaks its scripts, one a call; keeps every prompt; notes how many streams were closed before their end."""

    name = "scripted"

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.prompts: list[Prompt] = []
        self.closed_early = 0
        self.quota = Quota()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
        self.prompts.append(prompt)
        script = self.scripts.pop(0) if self.scripts else answer("Fine.")
        done = False
        try:
            for step in script:
                if isinstance(step, RejoinderError):
                    raise step
                if isinstance(step, Gate):
                    step.reached.set()
                    await step.open.wait()
                else:
                    yield _delta(step)
            done = True
        finally:
            self.closed_early += not done

    async def aclose(self) -> None:
        return


def answer(
    text: str,
    *,
    pieces: int = 3,
    usage: Usage | None = USAGE,
    finish: Finish | None = Finish.STOP,
) -> list[Step]:
    """A script that says the text in some pieces and ends as told."""
    size = max(1, -(-len(text) // pieces))
    steps: list[Step] = [text[start : start + size] for start in range(0, len(text), size)]
    return steps + [step for step in (usage, finish) if step is not None]


def _delta(step: str | Usage | Finish) -> Delta:
    if isinstance(step, Usage):
        return Delta(usage=step)
    if isinstance(step, Finish):
        return Delta(finish=step)
    return Delta(text=step)
