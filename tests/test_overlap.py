"""What the same person says while their question is being answered: it waits its turn, or interrupts, as the place has it."""

from __future__ import annotations

from dataclasses import replace

from bot.chat import State
from bot.engine import UNSAID
from bot.ports import Outcome
from tests.fakes import ADA, CHANNEL, GRACE, ROOT, Gate, answer
from tests.test_engine import Bot, Start, start

__all__ = ["start"]

THREAD = replace(CHANNEL, thread="t1")


async def interrupting(bot: Bot) -> Bot:
    assert "now `interrupt`" in await bot.command("settings", "overlap interrupt", author=ROOT)
    return bot


async def test_what_is_said_meanwhile_waits_unless_the_place_has_it_otherwise(start: Start) -> None:
    gate = Gate()
    bot = await start(["Once upon ", gate, "a time."], answer("Two."))
    first = await bot.say("a story")
    await gate.reached.wait()
    second = await bot.say("and now?")
    states = [row.state for row in await bot.stores.inbox.unfinished()]
    assert states == [State.RUNNING, State.WAITING] and len(bot.provider.prompts) == 1
    gate.open.set()
    await bot.settled()
    assert "a time." in bot.shown(first).text and bot.shown(second).finished


async def test_a_full_queue_tells_the_position(start: Start) -> None:
    bot = await start(working=False)
    for number in range(3):
        await bot.say(f"question {number}")
    await bot.say("one too many")
    assert bot.receipt.outcome is Outcome.CROWDED and bot.receipt.said is not None
    assert "3 unanswered" in bot.receipt.said.text and "number 4" in bot.receipt.said.text


async def test_the_next_message_interrupts_the_answer_which_keeps_what_was_said(start: Start) -> None:
    gate = Gate()
    bot = await interrupting(await start(["Once upon ", gate, "a time."], answer("Two.")))
    first = await bot.say("a story")
    await gate.reached.wait()
    second = await bot.ask("never mind, what is 1 + 1?")
    shown = bot.shown(first)
    assert "Once upon" in shown.text and "Interrupted by your next message." in shown.text
    assert "a time" not in shown.text and second.text.startswith("Two.")
    assert bot.provider.closed_early == 1
    assert bot.heard == ["a story", "Once upon ", "never mind, what is 1 + 1?"]
    assert "interrupted it" in await bot.command("why", first)


async def test_an_answer_interrupted_before_its_first_word_shows_nothing_but_its_question_is_remembered(
    start: Start,
) -> None:
    gate = Gate()
    bot = await interrupting(await start([gate], answer("Fine.")))
    first = await bot.say("I have a question.")
    await gate.reached.wait()
    await bot.ask("It is this one.")
    assert bot.shown(first).withdrawn and not bot.shown(first).text
    assert bot.heard == ["I have a question.", UNSAID, "It is this one."]


async def test_only_the_persons_own_answer_in_that_very_place_is_interrupted(start: Start) -> None:
    gates = [Gate() for _ in range(3)]
    bot = await interrupting(
        await start(*([f"Answer {n} ", gate] for n, gate in enumerate(gates)), answer("Last."))
    )
    mine = await bot.say("one")
    await gates[0].reached.wait()
    theirs = await bot.say("two", author=GRACE)
    await gates[1].reached.wait()
    elsewhere = await bot.say("three", place=THREAD)
    await gates[2].reached.wait()
    await bot.say("four", author=ADA)
    await bot.until(lambda: bot.shown(mine).finished)
    assert not bot.shown(theirs).finished and not bot.shown(elsewhere).finished
    for gate in gates[1:]:
        gate.open.set()
    await bot.settled()
    assert "Interrupted" in bot.shown(mine).text
    assert "Interrupted" not in bot.shown(theirs).text + bot.shown(elsewhere).text
