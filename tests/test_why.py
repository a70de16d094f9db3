"""Why a message was, or was not, answered: told to its author and to admins in full, to others only as far as it is theirs to know."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.chat import Cancel, Incoming, State, Text
from bot.commands.table import spoken_command
from bot.commands.why import story_lines
from bot.errors import LimitReached, Misconfigured, RejoinderError, Unreadable
from bot.limits.admission import meters_of
from bot.limits.rules import LEVELS, METRICS, Rulebook
from bot.notices import TEXTS, notice
from bot.ports import Fate, Outcome, Story
from bot.redaction import KINDS
from tests.fakes import ADA, CHANNEL, GRACE, HERE, ROOT, FakeClock, Gate, answer, incoming
from tests.test_engine import Bot, Start, start
from tests.test_notices import all_errors

__all__ = ["start"]

THREAD = replace(CHANNEL, thread="t1")
EMAIL = "ada" + "@" + "example.org"


def test_every_outcome_and_every_reason_can_be_told() -> None:
    for texts in TEXTS.values():
        assert all(f"why_{outcome}" in texts for outcome in Outcome if outcome is not Outcome.ACCEPTED)
        assert all(f"why_cancelled_{reason}" in texts for reason in Cancel)


@pytest.mark.parametrize(
    ("text", "called", "command"),
    [
        ("why", True, ("why", "")),
        ("Why", True, ("why", "")),
        ("why", False, None),
        ("/why", False, ("why", "")),
        ("!why", False, ("why", "")),
        ("why?", True, None),
        ("why is the sky blue", True, None),
        ("why 42", True, None),
        ("why 1790000000.123456", True, ("why", "1790000000.123456")),
        ("why https://acme.slack.com/archives/C1/p1790000000123456", True, ("why", "https://acme.slack.com/archives/C1/p1790000000123456")),
        ("reset", False, ("reset", "")),
    ],
)  # fmt: skip
def test_why_is_a_word_that_people_use(text: str, called: bool, command: tuple[str, str] | None) -> None:
    assert spoken_command(text, called=called) == command


async def why(bot: Bot, message: str = "", **more: object) -> str:
    """What the bot says to `/why`, without its first line."""
    said = await bot.command("why", message, **more)  # type: ignore[arg-type]
    return said.partition("\n")[2] or said


async def test_what_became_of_a_question_is_told_at_every_stage(start: Start) -> None:
    gate = Gate()
    bot = await start(["Once upon ", gate, "a time"], answer("Two."))
    first = await bot.say(f"a story for {EMAIL}")
    await gate.reached.wait()
    second = await bot.say("another", direct=True, mentioned=False)
    bot.clock.advance(5)
    told = (await why(bot, first)).splitlines()
    assert told == [
        "- It mentions me.",
        "- I have been answering it for 6 seconds (attempt 1).",
        "- Masked before it was kept or sent: an e-mail address. Admins decide what is: `settings filter`.",
    ]
    waiting = await why(bot)
    assert waiting == await why(bot, second)
    assert "It is a direct message" in waiting and "1 earlier unanswered" in waiting
    gate.open.set()
    await bot.settled()
    assert "I answered it (2026-11-22 12:00 UTC)." in await why(bot, first)


async def test_what_went_wrong_is_told_as_it_was_told_before(start: Start) -> None:
    bot = await start([Misconfigured("no")], [Gate()])
    failed = await bot.say("hello")
    await bot.settled()
    told = await why(bot, failed)
    assert "It failed" in told and "my link to the model is not set up right" in told
    [row] = await bot.stores.records.failed(bot.clock.now - timedelta(hours=1), 5)
    assert row.state is State.FAILED and row.reference in told
    reset = await bot.say("a story")
    await bot.until(lambda: len(bot.provider.prompts) == 2)
    await bot.command("reset")
    await bot.settled()
    assert "called off: the conversation was reset" in await why(bot, reset)


async def test_limits_and_masks_are_only_for_the_author_and_admins(start: Start) -> None:
    bot = await start(rules=Rulebook(usual={"requests_per_minute": 1}))
    await bot.ask("one")
    refused = await bot.say(f"two for {EMAIL}")
    await bot.settled()
    for person, tells in ((ADA, True), (ROOT, True), (GRACE, False)):
        told = await why(bot, refused, author=person)
        assert (
            "Its author's limit of questions a minute was reached (2026-11-22 12:00 UTC)" in told
        ) is tells
        assert ("ask again in a minute" in told, "an e-mail address" in told) == (tells, tells)
        assert ("A limit was reached" in told) is not tells


@pytest.mark.parametrize("language", TEXTS)
def test_every_limit_and_every_mask_is_told_in_words(language: str) -> None:
    """By no name that only code has: neither of a limit, nor of a kind of what is masked."""
    at = FakeClock().now
    for level, name in itertools.product(LEVELS, METRICS):
        meter = meters_of(level, "", {name: 1})[0]
        fate = Fate(State.REFUSED, at, error=LimitReached(meter, 0, at).limit, finished_at=at)
        refused = story_lines(Story("U1", at, fate), at, language, mine=True)[-1]
        assert "_" not in refused and meter.level not in refused.lower().split()
        assert notice(f"why_again_{meter.period}", language) in refused
    masked = Fate(State.DONE, at, masked=tuple(kind.name for kind in KINDS), finished_at=at)
    told = story_lines(Story("U1", at, masked), at, language, mine=True)[-1]
    assert "_" not in told and all(notice(f"kind_{kind.name}", language) in told for kind in KINDS)


@pytest.mark.parametrize("language", TEXTS)
def test_every_failure_can_be_told_again(language: str) -> None:
    at = FakeClock().now
    for error in {*all_errors(RejoinderError)} - {Unreadable}:  # a file that can't be read fails no turn
        fate = Fate(State.FAILED, at, error=error.code, reference="abc", finished_at=at)
        assert story_lines(Story("U1", at, fate), at, language, mine=True)


async def test_what_is_no_question_has_a_verdict(start: Start) -> None:
    bot = await start()
    chatter = await bot.say("nice weather", mentioned=False)
    assert "It did not speak to me" in await why(bot)
    assert await why(bot, chatter) == await why(bot, chatter, author=GRACE)
    said = incoming("hello", message="M9", sent_at=bot.clock.now)
    for _ in range(3):
        await bot.desk.said(said)
    await bot.settled()
    assert "It reached me 3 times; I count it once." in await why(bot, "M9")
    await bot.desk.edited(
        incoming("nicer", message=chatter, sent_at=bot.clock.now, mentioned=False, revision="1")
    )
    assert "It was edited" in await why(bot, chatter)
    assert "I know nothing of that message" in await why(bot, "M404")
    assert "I know of nothing that you said here" in await why(bot, author=GRACE)


async def test_why_can_be_said_and_is_not_what_it_is_asked_about(start: Start) -> None:
    bot = await start()
    await bot.ask("hello")

    async def say(said: Incoming) -> str:
        receipt = await bot.desk.said(said)
        return receipt.said.text if receipt.said is not None else receipt.outcome

    named = incoming("why", message="W1", sent_at=bot.clock.advance(1))
    assert "I answered it" in await say(replace(named, called=True))
    assert await say(replace(named, message="W2")) == Outcome.ACCEPTED  # a reply to an answer is a question
    about = replace(named, message="W3", called=True, about="M404")
    assert "I know nothing" in await say(about)
    quoting = replace(about, message="W4", about="M1", content=(Text("> Ada: hello"), Text("why")))
    assert "I answered it" in await say(quoting)
    await bot.settled()


async def test_an_answer_tells_of_its_question(start: Start) -> None:
    bot = await start(working=False)
    await bot.say("hello")
    turn = await bot.stores.inbox.claim(
        "w", bot.clock.now, timedelta(seconds=30), platforms=HERE, abreast=1, attempts=1
    )
    assert turn is not None
    journal = bot.stores.inbox.journal(turn, "w")
    await journal.intend(0, "n0")
    await journal.posted(0, "answer-0")
    assert "I have been answering it" in await why(bot, "answer-0")
    assert "I know nothing" in await why(bot, "answer-1")
