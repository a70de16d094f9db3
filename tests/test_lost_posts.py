"""A message of an answer that was posted, and of which nobody could write down that it was: found again, however busy the place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from adapters.slack.surface import NEAR, PAGE, metadata
from bot.chat import Posted, Turn
from tests.delivery_rig import Notebook, Stage, stage
from tests.fakes_playground import until

NONCE = "1-0-abcdef"


@pytest.fixture
async def slack() -> AsyncIterator[Stage]:
    async with stage("slack", faster=500) as opened:
        yield opened


async def asked(at: Stage, *, in_thread: bool) -> tuple[Turn, Any]:
    """A question that is answered a second time, and its channel."""
    turn = await at.turn()
    thread = turn.address["question"] if in_thread else ""
    turn = replace(turn, address={**turn.address, "thread": thread}, attempts=2)
    return turn, at.emulator.core.world.channels[turn.address["channel"]]


def chatter(at: Stage, channel: Any, many: int, thread: str) -> None:
    ada = next(iter(at.emulator.core.world.users.values()))
    for number in range(many):
        at.emulator.core.world.post(channel, ada, f"chatter {number}", thread_ts=thread or None)


def lost(at: Stage, channel: Any, thread: str) -> Any:
    team, posted = at.emulator.team, {"thread_ts": thread or None, "metadata": metadata(NONCE)}
    return at.emulator.core.world.post(channel, team.bot, "Half", bot_id=team.bot_id, **posted)


@pytest.mark.parametrize("in_thread", [True, False])
@pytest.mark.parametrize(("before", "after"), [(0, 9 * PAGE), (9 * PAGE, 2)])
async def test_on_slack_it_is_found_among_all_that_was_said_since(
    slack: Stage, in_thread: bool, before: int, after: int
) -> None:
    turn, channel = await asked(slack, in_thread=in_thread)
    thread = str(turn.address["thread"])
    chatter(slack, channel, before, thread)
    message = lost(slack, channel, thread)
    chatter(slack, channel, after, thread)
    book = Notebook((Posted(0, NONCE),))
    await slack.reply(turn, book).finish("The whole answer.")
    assert book.parts[0].message == message.ts
    assert [one.shown for one in slack.emulator.bot_messages(channel)] == ["The whole answer."]
    looks = [params for method, _, params in slack.requests() if method.startswith("conversations.")]
    assert all(int(params["limit"]) <= 15 for params in looks)


async def test_on_slack_a_channel_is_looked_through_from_both_ends(slack: Stage) -> None:
    """More was said since than is ever looked at: the answer stands near its question, or it is new."""
    assert slack.clock is not None
    for new in (False, True):
        turn, channel = await asked(slack, in_thread=False)
        message = None if new else lost(slack, channel, "")
        chatter(slack, channel, PAGE, "")
        slack.clock.advance(NEAR)
        chatter(slack, channel, 50 * PAGE, "")
        message = message or lost(slack, channel, "")
        chatter(slack, channel, PAGE, "")
        book = Notebook((Posted(0, NONCE),))
        await slack.reply(turn, book).finish("The whole answer.")
        assert book.parts[0].message == message.ts
    assert len(slack.emulator.bot_messages(channel)) == 2


async def test_on_slack_a_search_goes_on_where_it_was_told_to_wait(slack: Stage) -> None:
    turn, channel = await asked(slack, in_thread=False)
    message = lost(slack, channel, "")
    chatter(slack, channel, 4 * PAGE, "")
    slack.emulator.fail_next("conversations.history", 429, retry_after=1)
    book = Notebook((Posted(0, NONCE),))
    await slack.reply(turn, book).finish("The whole answer.")
    assert book.parts[0].message == message.ts
    looks = [
        params.get("cursor")
        for method, status, params in slack.requests()
        if status == 200 and "history" in method
    ]
    assert len(looks) == len(set(looks)) == 5


async def test_what_was_never_posted_on_slack_is_posted_once_it_was_looked_for(slack: Stage) -> None:
    turn, channel = await asked(slack, in_thread=False)
    chatter(slack, channel, 50 * PAGE, "")
    await slack.reply(turn, Notebook((Posted(0, NONCE),))).finish("The whole answer.")
    assert [one.shown for one in slack.emulator.bot_messages(channel)] == ["The whole answer."]
    assert len([method for method, _, _ in slack.requests() if method == "conversations.history"]) == 40


@pytest.mark.parametrize("told", [True, False])
async def test_on_discord_too_it_is_found_among_all_that_was_said_since(told: bool) -> None:
    async with stage("discord", faster=500) as at:
        world = at.emulator.world
        world.limits = replace(world.limits, nonce_told=told, nonce_memory=0.0)
        turn, book = await at.turn(), Notebook()
        channel, ada = world.channels[int(turn.address["channel"])], at.emulator.add_user("Chatty")

        def chat() -> None:
            for number in range(120):
                at.emulator.say(ada, channel, f"chatter {number}")

        chat()
        reply = at.reply(turn, book)
        reply.update("Half")
        await until(lambda: bool(book.parts) and book.parts[0].message is not None)
        await reply.abandon()
        chat()
        again = Notebook((Posted(0, book.parts[0].nonce),))
        await at.reply(turn, again).finish("The whole answer.")
        assert again.parts[0].message == book.parts[0].message
        assert [one.text for one in at.emulator.bot_messages(channel)] == ["The whole answer."]
