"""What the reception makes of a history: questions in order, no commands, nothing twice, nothing too old."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.chat import Incoming, Place, Text
from bot.ports import Outcome, Story
from tests.fakes import CHANNEL, GRACE, answer, incoming
from tests.test_engine import Bot, Start, start

__all__ = ["start"]

HOUR = timedelta(hours=1)
THREAD = replace(CHANNEL, thread="t1")


def said(bot: Bot, message: str, minutes_ago: float = 1, *, text: str = "", **more: object) -> Incoming:
    return incoming(
        text or f"question {message}",
        message=message,
        sent_at=bot.clock.now - timedelta(minutes=minutes_ago),
        **more,  # type: ignore[arg-type]
    )


async def missed(bot: Bot, *found: Incoming, most: int = 9) -> int:
    taken = await bot.desk.missed(found, back=bot.clock.now, not_before=bot.clock.now - HOUR, most=most)
    await bot.settled()
    return taken


async def outcome(bot: Bot, message: str, place: Place = CHANNEL) -> Outcome | None:
    await bot.desk._notebook.write()
    story: Story | None = await bot.stores.records.story(place, message)
    assert story is not None
    return story.outcome


async def test_what_was_missed_is_answered_in_order_and_once(start: Start) -> None:
    bot = await start()
    found = [said(bot, "M3", 1), said(bot, "M1", 3), said(bot, "M2", 2)]
    assert await missed(bot, *found) == 3
    assert [prompt.messages[-1].text for prompt in bot.provider.prompts] == [
        f"question M{n}" for n in (1, 2, 3)
    ]
    assert all(bot.shown(f"M{number}").finished for number in (1, 2, 3))
    assert await missed(bot, *found) == 0
    assert len(bot.provider.prompts) == 3


async def test_what_was_left_out_stays_so_when_it_is_found_or_delivered_again(start: Start) -> None:
    """A connection that is lost again and again does not have more answered than one absence may."""
    bot = await start()
    found = [said(bot, f"M{n}", 9 - n) for n in range(4)]
    assert await missed(bot, *found, most=2) == 2
    assert await missed(bot, *found, most=2) == 0
    assert (await bot.desk.said(found[0])).outcome is Outcome.DUPLICATE
    assert await outcome(bot, "M1") is Outcome.LEFT_OUT
    assert len(bot.provider.prompts) == 2
    asked_anew = replace(found[0], revision="1")
    assert await missed(bot, asked_anew) == 1


async def test_what_is_just_being_delivered_is_answered_though_no_more_may_be_caught_up(start: Start) -> None:
    """The history is read when the line is heard again: it holds what is on its way, too."""
    bot = await start()
    missed_once, on_its_way = said(bot, "M1", 9), said(bot, "M2", 1)
    back = bot.clock.now - timedelta(minutes=2)
    assert await bot.desk.missed([missed_once, on_its_way], back=back, not_before=back - HOUR, most=0) == 0
    received = [(await bot.desk.said(one)).outcome for one in (missed_once, on_its_way)]
    assert received == [Outcome.DUPLICATE, Outcome.ACCEPTED]


async def test_not_everything_that_was_missed_is_a_question(start: Start) -> None:
    bot = await start()
    taken = await missed(
        bot,
        said(bot, "chatter", mentioned=False),
        said(bot, "command", text="reset"),
        said(bot, "empty", text=" "),
        said(bot, "old", 61),
        said(bot, "older", 600, author=GRACE),
        said(bot, "first", 5),
        said(bot, "second", 4),
        said(bot, "third", 3),
        most=3,
    )
    assert taken == 2  # the empty one was chosen, too
    verdicts = {
        "chatter": Outcome.NOT_ADDRESSED,
        "command": Outcome.COMMAND_MISSED,
        "empty": Outcome.EMPTY,
        "old": Outcome.TOO_OLD,
        "older": Outcome.TOO_OLD,
        "first": Outcome.LEFT_OUT,
        "second": None,
        "third": None,
    }
    assert {message: await outcome(bot, message) for message in verdicts} == verdicts
    assert "reset" not in str(bot.provider.prompts)


async def test_an_edit_that_was_missed_is_answered_as_it_stands_now(start: Start) -> None:
    bot = await start(answer("Berlin."), answer("Rome."), answer("Paris."))
    question = await bot.say("capital of Germany?")
    await bot.settled()
    edited = said(bot, question, text="capital of France?", revision="1")
    assert await missed(bot, edited, said(bot, "new", text="capital of Italy?", revision="1")) == 1
    # The edit may be taken up before the new question is there: what was asked decides whose answer is whose.
    first, second = (prompt.messages[-1].text for prompt in bot.provider.prompts[1:])
    given = {first: "Rome.", second: "Paris."}
    assert bot.shown(question).text.startswith(given["capital of France?"])
    assert bot.shown("new").text.startswith(given["capital of Italy?"])
    assert await missed(bot, edited) == 0
    assert len(bot.provider.prompts) == 3
    late = replace(edited, content=(Text("capital of Germany?"),), revision="0")
    await bot.desk.edited(late)  # the event of an earlier edit, overtaken by the history
    await bot.settled()
    assert len(bot.provider.prompts) == 3


async def test_a_followed_thread_is_followed_and_no_queue_is_too_full_for_what_was_missed(
    start: Start,
) -> None:
    bot = await start(working=False)
    await bot.stores.conversations.follow(THREAD, True)
    found = [
        said(bot, f"T{n}", 9 - n, place=THREAD, mentioned=False, branched_at=bot.clock.now) for n in range(5)
    ]
    assert (
        await bot.desk.missed(found, back=bot.clock.now, not_before=bot.clock.now - HOUR, most=9) == 5
    )  # three may wait
    assert await outcome(bot, "T3", THREAD) is None
    other = replace(CHANNEL, thread="t2")
    stranger = said(bot, "X", place=other, mentioned=False)
    assert await bot.desk.missed([stranger], back=bot.clock.now, not_before=bot.clock.now - HOUR, most=9) == 0
    assert await outcome(bot, "X", other) is Outcome.NOT_ADDRESSED
