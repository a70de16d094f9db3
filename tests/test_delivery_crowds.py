"""Fifty answers at once on each platform, whose limits are enforced: none is refused, and all are shown whole."""

from __future__ import annotations

import asyncio

import pytest

from tests.delivery_rig import Notebook, Stage, stage

FASTER = 20.0
ANSWERS = 50


async def speak(at: Stage, number: int, channels: int) -> str:
    """One answer, said within a second that is twenty; what is shown of it in the end."""
    book = Notebook()
    reply = at.reply(await at.turn(f"channel-{number % channels}"), book)
    words = [f"word{index} " for index in range(60)]
    reply.start()
    for index in range(1, len(words)):
        reply.update("".join(words[:index]).strip())
        await asyncio.sleep(0.015)
    await reply.finish("".join(words).strip())
    return " ".join(at.revisions(part.message or "")[-1][1] for part in book.parts)


@pytest.mark.parametrize("channels", [1, 50], ids=["one channel", "fifty channels"])
@pytest.mark.parametrize("platform", ["slack", "discord", "playground"])
async def test_fifty_answers_at_once_are_never_refused(platform: str, channels: int) -> None:
    async with stage(platform, faster=FASTER) as at:
        shown = await asyncio.gather(*(speak(at, number, channels) for number in range(ANSWERS)))
        assert set(shown) == {" ".join(f"word{index}" for index in range(60))}
        assert at.refused == 0
