"""What the model sees over a long conversation, and what people see and decide of it: `context`, `pin`, `unpin`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.chat import Author, Message, Usage
from bot.commands.table import spoken_command
from bot.context import Window
from tests.fakes import ADA, CHANNEL, GRACE, answer
from tests.test_engine import Start, start

__all__ = ["start"]

EMAIL = "ada" + "@" + "example.org"
LONG = "of many, many words that take some room in what the model can see"


async def test_prompts_begin_alike_until_the_conversation_drops_to_the_low_water_mark(start: Start) -> None:
    bot = await start(window=Window(400, 50))
    steps: list[int] = []
    before: tuple[Message, ...] = ()
    for number in range(24):
        await bot.ask(f"question number {number} {LONG}", author=ADA if number % 3 else GRACE)
        heard = bot.provider.prompts[-1].messages
        if heard[: len(before)] != before:
            steps.append(number)
        before = heard
    assert len(steps) == 2  # dropping one at a time would have been 14 of them
    assert {prompt.cache_key for prompt in bot.provider.prompts} == {bot.provider.prompts[0].cache_key}
    assert {message.name for message in before} == {"Ada", "Grace", ""}
    text = await bot.command("context")
    assert f"the oldest {24 - (len(before) + 1) // 2} turns" in text
    await bot.ask("In a thread.", place=replace(CHANNEL, thread="M24"))
    threaded = bot.provider.prompts[-1]
    assert threaded.messages[: len(before)] == before
    assert threaded.cache_key == bot.provider.prompts[0].cache_key
    await bot.ask("Elsewhere.", place=replace(CHANNEL, channel="C2"))
    assert bot.provider.prompts[-1].cache_key != threaded.cache_key


async def test_what_is_pinned_stays_when_all_around_it_has_gone(start: Start) -> None:
    bot = await start(answer("It is 4711."), window=Window(400, 50))
    assert "nothing to pin" in await bot.command("pin")
    await bot.ask("What is the number?")
    assert await bot.command("pin") == "Pinned: `What is the number?`. It stays in view."
    await bot.say(f"pin: We deploy on Fridays, ask {EMAIL}", author=GRACE)
    assert bot.receipt.said is not None and not bot.receipt.said.private
    assert bot.receipt.said.text == "Pinned: `We deploy on Fridays, ask [FILTERED:email]`. It stays in view."
    for number in range(20):
        await bot.ask(f"question number {number} {LONG}")
    pinned = [
        "What is the number?",
        "It is 4711.",
        "[Pinned note]\nWe deploy on Fridays, ask [FILTERED:email]",
    ]
    assert bot.heard[:3] == pinned
    assert "question number 0" not in "".join(bot.heard)
    text = await bot.command("context")
    assert "- pinned: " in text
    assert text.endswith("Pinned:\n1. `What is the number?`\n2. `We deploy on Fridays, ask [FILTERED:email]`")
    assert "no such pin" in await bot.command("unpin", "3")
    await bot.say("unpin 1")
    await bot.ask("And now?")
    assert bot.heard[0] == pinned[2]
    assert "No longer pinned: `We deploy" in await bot.command("unpin")
    assert "no such pin" in await bot.command("unpin")


async def test_no_more_can_be_pinned_than_is_good(start: Start) -> None:
    bot = await start()
    for number in range(20):
        assert "Pinned" in await bot.command("pin", f"note {number}")
    assert "No more than 20" in await bot.command("pin", "one more")


async def test_context_tells_what_came_from_the_cache(start: Start) -> None:
    bot = await start(answer("Fine.", usage=Usage(prompt=3_000, output=5, cached=2_048)))
    assert "cache" not in await bot.command("context")
    await bot.ask("Are you well?")
    assert "Of the last prompt's 3000 tokens, 2048 came from the provider's cache." in await bot.command(
        "context"
    )


async def test_one_persons_own_conversation_needs_no_names(start: Start) -> None:
    bot = await start()
    await bot.command("settings", "scope user", author=Author("U9", "Root", admin=True))
    await bot.ask("Who am I?")
    assert [message.name for message in bot.provider.prompts[-1].messages] == [""]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("pin", ("pin", "")),
        ("Pin: Our deploys\nare on Fridays", ("pin", "Our deploys\nare on Fridays")),
        ("/pin something", ("pin", "something")),
        ("pin the tail on the donkey", None),
        ("unpin 2", ("unpin", "2")),
        ("unpin everything", None),
        ("reset: what does it do?", None),
    ],
)
def test_a_colon_or_a_slash_makes_words_a_commands(text: str, command: tuple[str, str] | None) -> None:
    assert spoken_command(text) == command
