"""An answer's messages on Discord that were posted and not recorded: found again, also where Discord tells no nonces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.chat import Posted, Turn
from tests.delivery_rig import Notebook, Stage, stage
from tests.fakes_playground import until

LONG = " ".join(f"word{number}" for number in range(300))


@pytest.fixture
async def at() -> AsyncIterator[Stage]:
    async with stage("discord", faster=50) as opened:
        world = opened.emulator.world
        world.limits = replace(world.limits, nonce_told=False, nonce_memory=0.0)
        yield opened


def standing(at: Stage) -> list[Any]:
    world = at.emulator.world
    return [one for one in world.messages.values() if one.author is world.bot and not one.deleted]


async def begun(at: Stage, text: str, messages: int) -> tuple[Turn, Notebook]:
    """A turn whose answer is left when so many of its messages stand there."""
    turn, book = await at.turn(), Notebook()
    reply = at.reply(turn, book)
    reply.update(text)
    await until(lambda: len(book.parts) == messages and book.parts[-1].message is not None)
    await reply.abandon()
    return turn, book


async def test_the_first_message_is_known_by_the_question_that_it_replies_to(at: Stage) -> None:
    turn, book = await begun(at, "First words", 1)
    again = Notebook((Posted(0, book.parts[0].nonce),))
    await at.reply(turn, again).finish("The whole answer.")
    assert [one.content for one in standing(at)] == ["The whole answer."]
    assert again.parts[0].message == book.parts[0].message


async def test_a_further_message_is_known_by_its_button(at: Stage) -> None:
    turn, book = await begun(at, LONG, 2)
    first, second = book.parts
    again = Notebook((first, Posted(1, second.nonce)))
    await at.reply(turn, again).finish(LONG)
    assert (
        [part.message for part in again.parts]
        == [str(one.id) for one in standing(at)]
        == [
            first.message,
            second.message,
        ]
    )


async def test_what_others_reply_is_not_taken_for_ours(at: Stage) -> None:
    turn = await at.turn()
    world = at.emulator.world
    channel, other = next(iter(world.channels.values())), at.emulator.add_user("Helper", bot=True)
    theirs = at.emulator.say(other, channel, "Theirs.", reply_to=world.messages[int(turn.message)])
    await at.reply(turn, Notebook((Posted(0, "never-posted"),))).finish("Ours.")
    assert theirs.content == "Theirs." and [one.content for one in standing(at)] == ["Ours."]
