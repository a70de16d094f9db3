"""Buttons under answers on each platform, from outside: one story, told by people who press, over a restart of the bot."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest

from bot.notices import notice
from tests.emulators.llm import Break, End, How, LLMEmulator, say
from tests.fakes_playground import Visitor
from tests.nursery import ForkedProcess
from tests.test_discord_end_to_end import Scene as DiscordScene
from tests.test_discord_end_to_end import scene as discord_scene
from tests.test_slack_end_to_end import Scene as SlackScene
from tests.test_slack_end_to_end import scene as slack_scene

pytestmark = pytest.mark.slow(8)

FOX = "The quick brown fox jumps over the lazy dog and sleeps under a tree."
LONG = "".join(f"Sentence number {number} of a long answer. " for number in range(400)) + "The end."
SOON = {"REJOINDER_MESSAGES_PER_ANSWER": "2"}
FULL = ["regenerate", "up", "down"]
REFUSALS = [notice("press_others", language) for language in ("en", "zh")]


@dataclass(frozen=True)
class Chip:
    """A button as a person sees it; `id` is what pressing it sends."""

    id: str
    name: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Seen:
    """A message of the bot's as a person sees it."""

    text: str
    chips: Sequence[Chip] = ()
    files: int = 0

    @property
    def names(self) -> list[str]:
        return [chip.name for chip in self.chips]


class Stage(Protocol):
    """A platform with the bot on it, Ada who asks, and somebody else (`eve`)."""

    llm: LLMEmulator
    bot: ForkedProcess

    async def ask(self, text: str) -> Any: ...

    async def see(self, question: Any) -> list[Seen]:
        """The answer to a question as it stands now."""

    async def press(self, question: Any, name: str, *, eve: bool = False, hurried: bool = False) -> str:
        """Press a button under the answer; what is said to whoever pressed, alone (`hurried`: by the time it is acknowledged)."""


def chip(id: str, label: str, chosen: bool) -> Chip:
    return Chip(id, id.split(":")[1], label, chosen)


@dataclass
class OnDiscord:
    scene: DiscordScene

    def __post_init__(self) -> None:
        self.llm, self.bot, self.eve = self.scene.llm, self.scene.bot, self.scene.discord.add_user("Eve")
        self.questions: list[Any] = []

    async def ask(self, text: str) -> Any:
        self.questions.append(self.scene.ask(text))
        return self.questions[-1]

    def _mine(self, question: Any) -> list[Any]:
        later = [one.id for one in self.questions if one.id > question.id]
        return [
            m
            for m in self.scene.discord.bot_messages(self.scene.channel)
            if m.id > question.id and (not later or m.id < later[0]) and not m.ephemeral
        ]

    async def see(self, question: Any) -> list[Seen]:
        return [
            Seen(
                m.text,
                [
                    chip(part["custom_id"], part["label"], part["style"] == 3)
                    for row in m.components
                    for part in row["components"]
                ],
                len(m.attachments),
            )
            for m in self._mine(question)
        ]

    async def press(self, question: Any, name: str, *, eve: bool = False, hurried: bool = False) -> str:
        message = self._mine(question)[-1]
        (pressed,) = [one for one in (await self.see(question))[-1].chips if one.name == name]
        who = self.eve if eve else self.scene.ada
        click = self.scene.discord.press(who, message, pressed.id)
        await self.scene.discord.wait_for(lambda: click.done, timeout=10)
        assert not click.failed
        if name in ("up", "down") and not eve and not hurried:
            await self.scene.discord.wait_for(lambda: click.followups, timeout=10)
        told = [*click.followups, *([click.response] if click.response is not message else [])]
        assert all(one.ephemeral for one in told if one is not None)
        return " ".join(one.text for one in told if one is not None)


@dataclass
class OnSlack:
    scene: SlackScene

    def __post_init__(self) -> None:
        self.llm, self.bot = self.scene.llm, self.scene.bot
        self.eve = self.scene.slack.add_user("Eve")
        self.scene.channel.members.append(self.eve.id)

    async def ask(self, text: str) -> Any:
        return await self.scene.ask(text)

    def _mine(self, question: Any) -> list[Any]:
        said = self.scene.slack.bot_messages(question.channel, question.ts)
        return [one for one in said if one.ephemeral_to is None]

    def _private(self) -> list[Any]:
        said = self.scene.slack.bot_messages(self.scene.channel)
        return [one for one in said if one.ephemeral_to is not None]

    async def see(self, question: Any) -> list[Seen]:
        return [
            Seen(
                m.shown,
                [
                    chip(id, str(one["text"]["text"]), one.get("style") == "primary")
                    for id, one in m.actions.items()
                ],
                len(m.files),
            )
            for m in self._mine(question)
        ]

    async def press(self, question: Any, name: str, *, eve: bool = False, hurried: bool = False) -> str:
        message = self._mine(question)[-1]
        (pressed,) = [one for one in (await self.see(question))[-1].chips if one.name == name]
        before = len(self._private())
        who = self.eve if eve else self.scene.ada
        click = await self.scene.slack.press(who, message, pressed.id)
        assert click.acknowledged_in is not None and click.acknowledged_in < 3
        if (eve or name in ("up", "down")) and not hurried:
            await self.scene.slack.wait_for(lambda: len(self._private()) > before, 10)
        told = self._private()[before:]
        assert all(one.ephemeral_to is who for one in told)
        return " ".join(one.shown for one in told)


@dataclass
class OnThePlayground:
    llm: LLMEmulator
    bot: ForkedProcess
    session: aiohttp.ClientSession
    keys: Any = field(default_factory=lambda: itertools.count(1))

    async def _visitor(self, person: str) -> Visitor:
        lines = [line for line in self.bot.lines if line.startswith("playground at")]
        return Visitor(self.session, lines[-1].rpartition(" ")[2].rstrip("/"), person)

    async def ask(self, text: str) -> Any:
        ada = await self._visitor("ada")
        return await ada.say(f"@Rejoinder {text}", nonce=f"nonce-{next(self.keys):08d}")

    async def _mine(self, question: Any, person: str = "ada") -> list[Any]:
        messages = await (await self._visitor(person)).messages()
        later = [m["id"] for m in messages if m["author"] == "ada" and m["id"] > question["id"]]
        return [
            m
            for m in messages
            if m["author"] == "rejoinder" and m["id"] > question["id"] and (not later or m["id"] < later[0])
        ]

    async def see(self, question: Any) -> list[Seen]:
        return [
            Seen(
                m["text"],
                [Chip(one["id"], one["name"], one["mark"], one["chosen"]) for one in m["buttons"]],
                1 if m["file"] else 0,
            )
            for m in await self._mine(question)
            if not m["private"]
        ]

    async def press(self, question: Any, name: str, *, eve: bool = False, hurried: bool = False) -> str:
        person = "lin" if eve else "ada"
        message = [m for m in await self._mine(question) if not m["private"]][-1]
        (pressed,) = [one for one in message["buttons"] if one["name"] == name]
        visitor = await self._visitor(person)
        before = [m for m in await visitor.messages() if m["private"]]
        press = {"message": message["id"], "button": pressed["id"], "key": f"press-{next(self.keys):08d}"}
        status, _ = await visitor.call("POST", "/api/buttons", **press)
        assert status == 200
        told = [m for m in await visitor.messages() if m["private"]][len(before) :]
        return " ".join(m["text"] for m in told)


@asynccontextmanager
async def on_discord(tmp_path: Path) -> AsyncIterator[Stage]:
    async with discord_scene(tmp_path, REJOINDER_MESSAGES_PER_ANSWER="2") as scene:
        yield OnDiscord(scene)


@asynccontextmanager
async def on_slack(tmp_path: Path) -> AsyncIterator[Stage]:
    async with slack_scene(tmp_path, more=SOON) as scene:
        yield OnSlack(scene)


@asynccontextmanager
async def on_the_playground(tmp_path: Path) -> AsyncIterator[Stage]:
    async with LLMEmulator() as llm, aiohttp.ClientSession() as session:
        environment = {
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": llm.openai_url,
            "REJOINDER_MODEL": "openai-chat:gpt-4o-mini",
            "REJOINDER_USER_REQUESTS_PER_MINUTE": "none",
            "REJOINDER_MAX_OUTPUT_TOKENS": "8000",
        }
        async with ForkedProcess(tmp_path / "data", environment | SOON) as bot:
            yield OnThePlayground(llm, bot, session)


async def until(at: Stage, question: Any, holds: Callable[[list[Seen]], bool]) -> list[Seen]:
    """The answer, once it is whole and as it should be."""
    seen: list[Seen] = []
    try:
        async with asyncio.timeout(40):
            while True:
                seen = await at.see(question)
                if seen and not any("stop" in one.names for one in seen) and holds(seen):
                    return seen
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(seen) from None


@pytest.mark.parametrize("stage", [on_discord, on_slack, on_the_playground])
async def test_answers_are_given_anew_leafed_through_judged_and_gone_on_with(
    stage: Callable[[Path], Any], tmp_path: Path
) -> None:
    async with stage(tmp_path) as at:
        await _anew(at)
        await _gone_on_with(at)


async def _anew(at: Stage) -> None:
    at.llm.script(say("The first answer."), say(*[LONG[at : at + 400] for at in range(0, len(LONG), 400)]))
    question = await at.ask("tell me")
    [first] = await until(at, question, lambda seen: seen[-1].text.startswith("The first answer."))
    assert first.names == FULL
    for name in FULL:
        assert await at.press(question, name, eve=True) in REFUSALS
    assert "noted as a good answer" in await at.press(question, "up")
    await until(at, question, lambda seen: [one.name for one in seen[-1].chips if one.chosen] == ["up"])
    assert (await at.see(question))[0].text == first.text

    assert not await at.press(question, "regenerate")
    seen = await until(at, question, lambda seen: bool(seen[-1].files))
    assert [one.names for one in seen] == [[], [], [*FULL, "earlier"]], "below the file, which comes last"
    assert seen[-1].chips[-1].label.strip("‹ ") == "1/2" and not any(one.chosen for one in seen[-1].chips)
    assert seen[0].text.startswith("Sentence number 0 of a long answer.")

    await at.bot.terminate()
    await at.bot.start()
    assert not await at.press(question, "earlier")
    [shown] = await until(at, question, lambda seen: seen[-1].text.startswith("The first answer."))
    assert shown.names == [*FULL, "later"]
    assert [one.name for one in shown.chips if one.chosen] == ["up"]
    asked = len(at.llm.requests)
    at.llm.script(say("The last answer."))
    last = await at.ask("and now?")
    await until(at, last, lambda seen: seen[-1].text.startswith("The last answer."))
    assert len(at.llm.requests) == asked + 1
    heard = str(at.llm.requests[-1].body["messages"])
    assert "The first answer." in heard and "Sentence number" not in heard


async def _gone_on_with(at: Stage) -> None:
    at.llm.script(say("One two three ", "four", end=End.LENGTH), say(" five ", "six."))
    question = await at.ask("count")
    [cut] = await until(at, question, lambda seen: "continue" in seen[-1].names)
    assert cut.text.startswith("One two three four\n") and cut.names == ["continue", *FULL]
    assert await at.press(question, "continue", eve=True) in REFUSALS
    assert not await at.press(question, "continue")
    [whole] = await until(at, question, lambda seen: "six." in seen[-1].text)
    assert whole.text == "One two three four five six." and whole.names == FULL

    words = [word + " " for word in FOX[:44].split()]
    at.llm.script(
        say(*words, "never said", breaks=Break(How.DISCONNECT, at=len(words) + 1)),
        say("I apologize for the interruption. Let me begin anew with a fox that runs."),
        say("I am sorry. Here is another story altogether, of a cat that climbs a roof."),
        say(FOX[20:]),
    )
    question = await at.ask("a story")
    [broken] = await until(at, question, lambda seen: "broke off here" in seen[-1].text)
    assert broken.text.startswith("The quick brown fox") and "apologize" not in broken.text
    assert broken.names == ["continue", "retry"]
    await at.press(question, "continue")
    [whole] = await until(at, question, lambda seen: "tree." in seen[-1].text)
    assert whole.text == FOX and whole.names == FULL


@pytest.mark.parametrize("stage", [on_discord, on_slack])
async def test_a_press_is_acknowledged_in_time_and_a_death_while_answering_anew_loses_nothing(
    stage: Callable[[Path], Any], tmp_path: Path
) -> None:
    async with stage(tmp_path) as at:
        at.llm.script(say("The first."), say("The second ", "unheard", hold=1), say("The second, whole."))
        question = await at.ask("tell me")
        await until(at, question, lambda seen: seen[-1].names == FULL)
        with closing(sqlite3.connect(at.bot.data / "rejoinder.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert not await at.press(question, "up", hurried=True)
            other.execute("ROLLBACK")
        await until(at, question, lambda seen: [one.name for one in seen[-1].chips if one.chosen] == ["up"])

        await at.press(question, "regenerate")
        async with asyncio.timeout(20):
            while not (await at.see(question))[0].text.startswith("The second"):  # noqa: ASYNC110 - a platform tells nobody
                await asyncio.sleep(0.05)
        await at.bot.kill()
        await at.bot.start()
        [whole] = await until(at, question, lambda seen: "whole." in seen[-1].text)
        assert whole.text.startswith("The second, whole.") and whole.names == [*FULL, "earlier"]
