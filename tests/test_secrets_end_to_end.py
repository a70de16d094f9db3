"""Marked secrets in everything that goes in, on each platform: from outside, none of them is found where it must not be, and people read
their own words again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.emulators.discord import Permission, Upload
from tests.emulators.llm import Answer, LLMEmulator, say
from tests.emulators.llm import Request as Asked
from tests.nursery import ForkedProcess
from tests.test_discord_end_to_end import Scene as DiscordScene
from tests.test_discord_end_to_end import scene as discord_scene
from tests.test_slack_end_to_end import scene as slack_scene

pytestmark = pytest.mark.slow(8)

PLACES = (
    "system",
    "question",
    "edit",
    "thread",
    "file",
    "name",
    "channel",
    "pin",
    "instructions",
    "model",
    "missed",
    "aside",
    "wrong",
)
"""Where one of each is planted."""


def key(place: str) -> str:
    """A secret that is masked. It may stand in a channel's name too."""
    return "ghp_" + hashlib.sha256(place.encode()).hexdigest()[:36]


def mail(place: str) -> str:
    """Something personal, which is exchanged."""
    return f"planted.{place}@example.org"


def both(place: str) -> str:
    return f"{mail(place)} and {key(place)}"


def masked(place: str) -> str:
    """As its people read it again."""
    return f"{mail(place)} and [FILTERED:api_key]"


def echo(request: Asked) -> Answer:
    """A model that says again what it was asked, and then something of its own, in small pieces."""
    text = f"You said: {request.question} I add {both('model')}, that is all."
    return say(*(text[start : start + 3] for start in range(0, len(text), 3)))


CARD = "4111 1111 1111 1111"
"""Whoever says it is told that it is blocked."""

ENVIRONMENT = {
    "REJOINDER_FILTER_ACTIONS": "card=block",
    "REJOINDER_SECRET_KEY": "a key of the tests",
    "REJOINDER_SYSTEM_PROMPT": f"Never tell of {both('system')}.",
    "REJOINDER_LOG_LEVEL": "DEBUG",
}


async def search(bot: ForkedProcess, llm: LLMEmulator, met: str) -> None:
    """Look for all of them in whatever left the bot, and in whatever it keeps; `met` are its metrics."""
    asked = "\n".join(f"{request.path} {dict(request.headers)} {request.body}" for request in llm.requests)
    places: dict[str, bytes] = {
        "the model's API": asked.encode(),
        "the log": bot.output.encode(),
        "the metrics": met.encode(),
    }
    places |= {str(path): path.read_bytes() for path in bot.data.rglob("*") if path.is_file()}
    assert any(name.endswith("rejoinder.db") for name in places)
    planted = [words for place in PLACES for words in (key(place), f"planted.{place}")]
    for words in (*planted, CARD, "a payment card"):
        assert not [where for where, found in places.items() if words.encode() in found], words


async def metrics(bot: ForkedProcess) -> str:
    url = next(line.split()[-1] for line in reversed(bot.lines) if line.startswith("metrics at "))
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        return await answer.text()


def told(llm: LLMEmulator) -> str:
    """What the model was asked last."""
    return llm.requests[-1].question


async def test_nothing_planted_on_slack_gets_out_or_stays(tmp_path: Path) -> None:
    async with slack_scene(tmp_path, more=ENVIRONMENT) as at:
        at.llm.rule = echo
        admin = at.slack.add_user("Root", admin=True)
        named = at.slack.add_user(f"Eve {both('name')}")
        room = at.slack.add_channel(key("channel"))

        async def answered(question: Any) -> str:
            return "\n".join(message.shown for message in await at.answered(question))

        question = await at.ask(f"I am {both('question')} in #{room.name}")
        text = await answered(question)
        assert f"You said: Ada: I am {masked('question')}" in text
        assert f"I add {masked('model')}, that is all." in text
        assert "<EMAIL_1>" in told(at.llm) and "[FILTERED:api_key]" in told(at.llm)

        await at.slack.edit(question, f"@rejoinder rather {both('edit')}")
        await at.slack.wait_for(lambda: "rather" in told(at.llm), 10)
        assert f"rather {masked('edit')}" in await answered(question)

        more = await at.slack.say(named, at.channel, f"and {both('thread')}", thread=question)
        assert f"and {masked('thread')}" in await answered(more)

        name = f"{both('file')}.txt"
        with_file = await at.ask("see this", files=[(name, both("file").encode(), "text/plain")])
        assert f"{masked('file')}\n" in await answered(with_file)

        pinned = await at.slack.slash(at.ada, at.channel, "/rejoinder", f"pin remember {both('pin')}")
        assert masked("pin") in "".join(message.shown for message in pinned.messages)
        said = await at.slack.slash(
            admin, at.channel, "/rejoinder", f"settings system_prompt Say {both('instructions')}"
        )
        assert "system_prompt" in "".join(message.shown for message in said.ephemerals)
        await at.slack.slash(at.ada, at.channel, "/rejoinder", f"why {both('wrong')}")
        await at.slack.say(at.ada, at.channel, f"nobody asks the bot: {both('aside')}")
        paying = await at.ask(f"I pay with {CARD}")
        [notice] = await at.slack.wait_for(
            lambda: [m for m in at.slack.messages(at.channel) if m.ephemeral_to and m.ts > paying.ts], 10
        )
        assert "a payment card" in notice.shown and CARD not in notice.shown

        met = await metrics(at.bot)
        await at.bot.kill()
        missed = await at.ask(f"you missed {both('missed')}")
        await at.bot.start()
        assert f"you missed {masked('missed')}" in await answered(missed)
        await search(at.bot, at.llm, met + await metrics(at.bot))
        await at.bot.terminate()
        await search(at.bot, at.llm, met)


async def response(at: DiscordScene, interaction: Any) -> str:
    await at.discord.wait_for(lambda: interaction.done, timeout=10)
    return interaction.content or ""


async def test_nothing_planted_on_discord_gets_out_or_stays(tmp_path: Path) -> None:
    async with discord_scene(tmp_path, privileged=("message_content",), **ENVIRONMENT) as at:
        at.llm.rule = echo
        root = at.discord.add_user("Root")
        at.discord.add_role(at.guild, "keepers", permissions=Permission.MANAGE_GUILD, members=[root])
        named = at.discord.add_user(f"Eve {mail('name')}"[:32])
        room = at.discord.add_channel(at.guild, key("channel"))

        async def answered(question: Any, channel: Any = None) -> str:
            return "\n".join(message.text for message in await at.answered(question, channel))

        question = at.ask(f"I am {both('question')} in <#{room.id}>")
        text = await answered(question)
        assert f"You said: Ada: I am {masked('question')}" in text
        assert f"I add {masked('model')}, that is all." in text
        assert "<EMAIL_1>" in told(at.llm) and "[FILTERED:api_key]" in told(at.llm)

        at.discord.edit(question, f"{at.discord.bot.mention} rather {both('edit')}")
        await at.discord.wait_for(lambda: "rather" in told(at.llm), timeout=10)
        assert f"rather {masked('edit')}" in await answered(question)

        thread = at.discord.start_thread(at.ada, at.channel, key("channel"), from_message=question)
        more = at.discord.say(named, thread, f"and {both('thread')}", mention_bot=True)
        assert f"and {masked('thread')}" in await answered(more, thread)

        upload = Upload(f"{both('file')}.txt", both("file").encode(), "text/plain")
        assert f"{masked('file')}\n" in await answered(at.ask("see this", attachments=[upload]))

        pinned = at.discord.slash(at.ada, at.channel, "pin", {"note": f"remember {both('pin')}"})
        assert masked("pin") in await response(at, pinned)
        change = {"setting": "system_prompt", "value": f"Say {both('instructions')}"}
        assert "system_prompt" in await response(at, at.discord.slash(root, at.channel, "settings", change))
        await response(at, at.discord.slash(at.ada, at.channel, "why", {"message": both("wrong")}))
        at.discord.say(at.ada, at.channel, f"nobody asks the bot: {both('aside')}")
        paying = at.ask(f"I pay with {CARD}")
        [notice] = await at.discord.wait_for(lambda: at.answers_to(paying), timeout=10)
        assert "a payment card" in notice.text and CARD not in notice.text

        met = await metrics(at.bot)
        await at.bot.kill()
        missed = at.ask(f"you missed {both('missed')}")
        await at.bot.start()
        assert f"you missed {masked('missed')}" in await answered(missed)
        await search(at.bot, at.llm, met + await metrics(at.bot))
        await at.bot.terminate()
        await search(at.bot, at.llm, met)


async def test_an_answer_that_was_killed_in_its_second_message_is_gone_on_with_in_the_words_of_its_people(
    tmp_path: Path,
) -> None:
    """What was shown for good is recorded with placeholders; whoever takes over shows originals all the same."""
    environment = {**ENVIRONMENT, "REJOINDER_LEASE_SECONDS": "2"}
    async with discord_scene(tmp_path, privileged=("message_content",), **environment) as at:
        lines = [f"Line {number} is for <EMAIL_1>, and for {mail('model')}.\n" for number in range(90)]
        whole = "".join(lines).replace("<EMAIL_1>", mail("question")).strip()

        def go_on(request: Asked) -> Answer:
            """From the last line that it is told it said on."""
            said = next((text for role, text in request.messages if role == "assistant"), "").splitlines()
            last = max(0, len(said) - 1)
            return say(*(line.replace(mail("model"), "<EMAIL_2>") for line in lines[last:]))

        at.llm.rule = go_on
        at.llm.script(say(*lines, hold=60))
        question = at.ask(f"I am {mail('question')}")
        await at.discord.wait_for(lambda: len(at.answers_to(question)) and "Line 50" in shown(at), timeout=20)
        await at.bot.kill()
        await search(at.bot, at.llm, "")
        await at.bot.start()
        await at.discord.wait_for(lambda: "Line 89" in shown(at), timeout=30)
        await at.answered(question)
        assert shown(at).startswith(whole) and "<EMAIL" not in shown(at)


def shown(at: DiscordScene) -> str:
    return "\n".join(message.text.strip() for message in at.discord.bot_messages(at.channel))
