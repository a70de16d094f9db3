"""What admins decide for a place holds there, from the next question on: whose memory it is, who may talk, which model answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.chat import Author, Place, Standing
from bot.marking import INSTRUCTIONS, instructed
from bot.models.catalogue import load_models
from bot.ports import Button, Change, Outcome, Receipt
from bot.preferences import Decided, Preferences
from bot.settings import Settings, read_settings
from bot.voices import Switchboard
from storage.stores import Stores, open_stores
from tests.fakes import ADA, CHANNEL, GRACE, ROOT, FakeClock, answer, incoming
from tests.test_engine import Start, start

__all__ = ["start"]

EVE = Author("U5", "Eve", roles=("7",))


async def test_each_person_has_a_conversation_of_their_own_in_scope_user(start: Start) -> None:
    bot = await start(*(answer(f"Fine {number}.") for number in range(9)))
    await bot.ask("Before anybody had one.")
    assert "now `user`" in await bot.command("settings", "scope user", author=ROOT)
    await bot.ask("I am Ada.", author=ADA)
    await bot.ask("I am Grace.", author=GRACE)
    assert bot.heard == ["I am Grace."]
    question = await bot.say("Who am I?", author=ADA)
    await bot.settled()
    assert bot.heard == ["I am Ada.", "Fine 1.", "Who am I?"]
    assert "2 earlier turns" in await bot.command("context", author=ADA)
    assert "1 earlier turn:" in await bot.command("context", author=GRACE)
    thread = replace(CHANNEL, thread=question)
    await bot.ask("Go on here.", author=GRACE, place=thread)
    assert bot.heard == ["I am Grace.", "Fine 2.", "Go on here."]
    await bot.ask("And I?", author=ADA, place=thread, mentioned=False)
    assert bot.heard == ["I am Ada.", "Fine 1.", "Who am I?", "Fine 3.", "And I?"]
    assert "forgotten the 3 earlier turns" in await bot.command("reset", author=ADA)
    assert "1 earlier turn:" in await bot.command("context", author=GRACE)
    await bot.command("settings", "scope default", author=ROOT)
    assert "1 earlier turn:" in await bot.command("context", author=ADA)  # the channel's own is as it was


async def test_a_thread_begins_with_nothing_but_its_root_in_scope_thread(start: Start) -> None:
    bot = await start(*(answer(f"Fine {number}.") for number in range(9)))
    await bot.ask("Long ago.")
    root = await bot.say("What is a monad?")
    await bot.settled()
    thread = replace(CHANNEL, thread=root)
    await bot.command("settings", "scope thread", author=ROOT)
    await bot.ask("Say it shorter.", place=thread)
    assert bot.heard == ["What is a monad?", "Fine 1.", "Say it shorter."]
    assert "2 earlier turns" in await bot.command("context", place=thread)
    await bot.ask("And here?", place=replace(CHANNEL, thread="elsewhere"))
    assert bot.heard == ["And here?"]
    await bot.command("settings", "scope default", author=ROOT)
    await bot.ask("Once more.", place=thread)
    assert bot.heard[0] == "Long ago."


async def test_only_those_who_may_talk_are_answered_and_others_are_told_when_they_mention_the_bot(
    start: Start,
) -> None:
    bot = await start()
    thread = replace(CHANNEL, thread="t1")
    first = await bot.say("Hello", author=EVE)
    await bot.ask("Hello", author=EVE, place=thread)
    await bot.command("settings", "talk <@U1> <@&8>", author=ROOT)

    async def asks(author: Author, **how: Any) -> Receipt:
        await bot.say("May I?", author=author, **how)
        return bot.receipt

    for author in (ADA, ROOT, replace(EVE, roles=("8",))):
        assert (await asks(author)).outcome is Outcome.ACCEPTED
        await bot.settled()
    refused = await asks(EVE)
    assert refused.outcome is Outcome.NOT_ADMITTED
    assert refused.said is not None and refused.said.private
    assert await asks(EVE, place=thread, mentioned=False) == Receipt(Outcome.NOT_ADMITTED)
    for verb in ("reset", "context", "leave"):
        assert "admins have named" in await bot.command(verb, author=EVE)
    assert "settings NAME" in await bot.command("settings", author=EVE)
    pressed = await bot.press(Button.RETRY, int(first[1:]), author=EVE)
    assert pressed.said is not None and "admins have named" in pressed.said.text
    calls = len(bot.provider.prompts)
    await bot.settled()
    assert len(bot.provider.prompts) == calls


async def test_who_is_mentioned_in_a_command_is_meant_by_id(start: Start) -> None:
    bot = await start()
    named = {"@Grace": "<@U2>", "@Grace Hopper": "<@U3>"}
    said = incoming(
        "settings talk @Grace Hopper, @Grace", message="M1", author=ROOT, sent_at=bot.clock.advance(1)
    )
    receipt = await bot.desk.said(replace(said, named=named))
    assert receipt.said is not None
    assert receipt.said.text == "`talk` is now <@U3> <@U2> here."


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    opened = open_stores(f"sqlite:///{tmp_path / 'bot.db'}", FakeClock())
    await opened.upgrade()
    yield opened
    await opened.aclose()


async def test_the_model_and_the_instructions_of_a_place_are_those_its_admins_chose(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    settings = read_settings(
        openai_api_key="sk-x", fallback_models=("openai:gpt-6-sol",), guest_model="openai:gpt-6.1-terra"
    )
    models = load_models()
    decided = Decided(stores.preferences, lambda _: Preferences("openai:gpt-6-luna", "Be kind."))
    async with AsyncExitStack() as stack:
        board = Switchboard(
            settings,
            models,
            decided,
            stores.calibrations,
            stack,
            print,
            priced=False,
            today=lambda: date(2026, 11, 22),
        )
        await board.open()

        async def speaks(place: Place = CHANNEL) -> list[tuple[str, str]]:
            voices = await board.candidates(place)
            assert all(voice.system.endswith(f"\n\n{INSTRUCTIONS}") for voice in voices)
            return [(voice.model.name, voice.system.partition("\n")[0]) for voice in voices]

        async def decide(name: str, value: str) -> None:
            change = Change(CHANNEL, "U9", "settings", name, value)
            await stores.preferences.change(change, FakeClock().now)

        assert await speaks() == [("gpt-6-luna", "Be kind."), ("gpt-6-sol", "Be kind.")]
        guest = Author("U6", "Gus", standing=Standing.GUEST)
        assert len(await board.candidates(CHANNEL, guest)) == 2
        await decide("guests", "small")
        [small] = await board.candidates(CHANNEL, guest)
        assert (small.model.name, small.system, small.aside) == (
            "gpt-6.1-terra",
            instructed("Be kind."),
            True,
        )
        assert len(await board.candidates(CHANNEL, replace(guest, standing=Standing.EXTERNAL))) == 2
        await decide("model", "openai:gpt-6-sol")
        await decide("system_prompt", "Be brief.")
        assert await speaks() == [("gpt-6-sol", "Be brief."), ("gpt-6-luna", "Be brief.")]
        assert await speaks(replace(CHANNEL, channel="C2")) == [
            ("gpt-6-luna", "Be kind."),
            ("gpt-6-sol", "Be kind."),
        ]
        await decide("model", "openai:gpt-6.1-terra")
        assert [name for name, _ in await speaks()] == ["gpt-6.1-terra", "gpt-6-luna", "gpt-6-sol"]
        await decide("model", "anthropic:claude-haiku-5-5")  # chosen when there was a key for it
        assert [name for name, _ in await speaks()] == ["gpt-6-luna", "gpt-6-sol"]
