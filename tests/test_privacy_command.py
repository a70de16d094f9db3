"""The `privacy` command, from what people say to what they read; and a bot that leaves alone whoever wants that."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest

from bot.chat import Author, Invocation, Place
from bot.commands import privacy as privacy_command
from bot.commands.table import spoken_command
from bot.limits.rules import Rulebook
from bot.notices import TEXTS
from bot.ports import Button, Outcome, Press, Said, Shortcut
from tests.fakes import ADA, CHANNEL, GRACE, ROOT, Gate, answer, incoming
from tests.test_engine import Bot, Start, start

__all__ = ["start"]

EMAIL = "ada" + "@" + "example.org"
ELSEWHERE = Place("fake", "T1", "C2")


def told(bot: Bot) -> str:
    """What was said to the last message, at once and privately."""
    said = bot.receipt.said
    assert said is None or said.private
    return said.text if said else ""


async def privacy(bot: Bot, argument: str = "", *, author: Author = ADA, place: Place = CHANNEL) -> Said:
    bot.said += 1
    return await bot.desk.invoked(Invocation(f"K{bot.said}", place, author, "privacy", argument))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("privacy", ("privacy", "")),
        ("Privacy show", ("privacy", "show")),
        ("/privacy forget YES", ("privacy", "forget YES")),
        ("privacy opt out", ("privacy", "opt out")),
        ("privacy opt-in.", ("privacy", "opt-in.")),
        ("privacy is what I want to read about", None),
        ("privacy forget it", None),
    ],
)
def test_privacy_is_a_word_that_people_use(text: str, command: tuple[str, str] | None) -> None:
    assert spoken_command(text) == command


async def test_what_is_kept_is_shown_to_the_asker_alone(start: Start) -> None:
    bot = await start()
    await bot.ask(f"write to {EMAIL}")
    await bot.ask("and in another channel", place=ELSEWHERE)
    await bot.command("pin")
    shown = await privacy(bot)
    assert shown.private and shown.apart
    assert "2 of your messages with my answers (the earliest of 2026-11-22)" in shown.text
    assert "1 things you pinned" in shown.text and "2 rows of what your questions cost" in shown.text
    assert "stay until you have them forgotten" in shown.text and "Admins of this place see" in shown.text
    assert "0 of your messages" in (await privacy(bot, author=GRACE)).text
    await bot.command("settings", "retention 30 days", author=ROOT)
    assert "deleted 30 days later" in (await privacy(bot)).text
    assert "from 1 to 3650" in await bot.command("settings", "retention 0d", author=ROOT)
    zh = await privacy(bot, author=replace(ADA, language="zh-CN"))
    assert "您的 2 条消息" in zh.text
    for asked in ("privacy-forget", "everything", "forget maybe"):
        assert (await privacy(bot, asked)).text == TEXTS["en"]["privacy_how"]


async def test_a_copy_comes_as_a_file_that_holds_all_of_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await start(answer("A cat."))
    await bot.ask(f"what purrs, {EMAIL}?")
    await bot.ask("not mine", author=GRACE)
    copied = await privacy(bot, "export")
    assert copied.private
    [file] = copied.files
    assert (file.name, file.media_type) == ("rejoinder-2026-11-22.json", "application/json")
    copy = json.loads(file.data)
    [message] = copy["messages"]
    assert (message["content"], message["answer"]) == ("what purrs, [FILTERED:email]?", "A cat.")
    assert copy["person"] == "U1" and len(copy["usage"]) == 1 and copy["pins"] == []
    assert b"not mine" not in file.data
    monkeypatch.setattr(privacy_command, "LARGEST", 10)
    [packed] = (await privacy(bot, "export")).files
    assert (
        packed.name.endswith(".json.gz")
        and json.loads(gzip.decompress(packed.data))["messages"] == copy["messages"]
    )


async def test_forgetting_is_asked_about_and_then_done_everywhere(start: Start) -> None:
    bot = await start(answer("A cat."), answer("A dog."), rules=Rulebook(usual={"tokens_per_day": 9_000}))
    await bot.ask("what purrs?")
    await bot.ask("what barks?", place=ELSEWHERE)
    await bot.ask("Grace's own", author=GRACE)
    asked = await privacy(bot, "forget")
    assert (
        asked.shortcut == Shortcut("Forget me", "privacy", "forget yes") and "can't be undone" in asked.text
    )
    await bot.ask("still here?")
    assert "what purrs?" in bot.heard
    before = await bot.command("usage")
    assert (await privacy(bot, "forget yes")).text == "Done: I have forgotten you here."
    assert "0 of your messages" in (await privacy(bot)).text
    after = await bot.command("usage")
    [budget] = [line for line in before.splitlines() if "of 9,000 tokens" in line]
    assert budget in after.splitlines()  # budgets go on counting
    assert "3 calls" in before and "0 calls" in after  # while what was used is nobody's any more
    await bot.ask("and now?")
    assert bot.heard == ["Grace's own", "Fine.", "and now?"]


async def test_what_is_being_answered_is_called_off_first(start: Start) -> None:
    gate = Gate()
    bot = await start(["Once upon ", gate, "a time"])
    message = await bot.say("a story")
    await gate.reached.wait()
    said = await privacy(bot, "forget yes")
    assert said.text in (TEXTS["en"]["privacy_forgotten"], TEXTS["en"]["privacy_forgetting"])
    await bot.settled()
    await bot.until(lambda: bot.shown(message).withdrawn)
    assert (await privacy(bot, "forget yes")).text == "Done: I have forgotten you here."
    gate.open.set()


async def test_whoever_opts_out_is_left_alone_and_told_so_once(start: Start) -> None:
    bot = await start()
    await bot.ask("kept")
    assert "neither keep nor answer" in (await privacy(bot, "opt out")).text
    assert "already" in (await privacy(bot, "opt-out")).text
    message = await bot.say("can you hear me?")
    assert bot.receipt.outcome is Outcome.OPTED_OUT and "`privacy opt-in`" in told(bot)
    await bot.say("and now?")
    assert told(bot) == ""
    await bot.say("in a thread", place=replace(CHANNEL, thread="t1"), mentioned=False)
    edited = incoming("another", message=message, sent_at=bot.clock.now, revision="1")
    assert (await bot.desk.edited(edited)).outcome is Outcome.OPTED_OUT
    since = bot.clock.now
    missed = incoming("missed", message="M77", sent_at=since)
    assert await bot.desk.missed([missed], back=bot.clock.now, not_before=since, most=9) == 0
    assert not await bot.stores.inbox.unfinished() and len(bot.provider.prompts) == 1
    assert "opted out" in await bot.command("pin", "my words") and "opted out" in await bot.command("reset")
    press = Invocation("P1", CHANNEL, ADA, "retry")
    pressed = await bot.desk.pressed(press, Press(Button.RETRY, 1, 0))
    assert pressed.said is not None and "opted out" in pressed.said.text
    assert "You have opted out" in (await privacy(bot)).text
    assert "opted out" in await bot.command("why")
    await bot.ask("Grace asks", author=GRACE)
    assert bot.heard == ["Grace asks"]
    assert "Welcome back" in (await privacy(bot, "opt-in")).text
    await bot.ask("here again")
    assert bot.heard == ["kept", "Fine.", "Grace asks", "Fine.", "here again"]
