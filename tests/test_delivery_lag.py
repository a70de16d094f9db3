"""What is shown lags behind what is said by little more than the platform's limit wants: at most 1.2 times, in virtual time, so that it
is the bot that is measured, not the machine."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from adapters.delivery.pacer import Key, Pacer, Rate
from adapters.delivery.reply import EditedReply
from adapters.delivery.surface import Call, Look
from adapters.discord import surface as discord
from adapters.discord.rest import EVERYTHING
from adapters.playground import surface as playground
from benchmarks.delivery import SCENES, TICK, WORD, Measured, Scene, least
from tests import virtual_time
from tests.fakes_delivery import FakeJournal, FakeSurface, a_turn

RATE, SECONDS = 60.0, 20.0
"""Characters a second, and for how long, of one answer."""


@dataclass(frozen=True)
class Platform:
    """Its limits, the buckets beside those of a channel, and how long a call takes."""

    name: str
    rates: Mapping[str, Rate]
    beside: tuple[Key, ...] = ()
    takes: float = 0.0


PLATFORMS = [
    Platform("discord", discord.RATES, (EVERYTHING,), 0.05),
    Platform("playground", playground.RATES),
]
PLAYED = [(on, scene) for on in PLATFORMS for scene in SCENES if scene.channels == 1 or on.beside]
"""Where channels share nothing, a hundred are a hundred times one."""


class Channel(FakeSurface):
    """Remembers when how much was shown."""

    def __init__(self, platform: Platform, name: str) -> None:
        super().__init__(length=discord.LENGTH)
        self._platform, self._name = platform, name
        self.shown_at: list[tuple[float, int]] = []

    def buckets(self, call: Call, look: Look | None = None, message: str | None = None) -> tuple[Key, ...]:
        return ((call, self._name), *self._platform.beside)

    async def post(self, look: Look, *, nonce: str, first: bool) -> str:
        message = await super().post(look, nonce=nonce, first=first)
        await self._seen(look)
        return message

    async def edit(self, message: str, look: Look, *, nonce: str) -> None:
        await super().edit(message, look, nonce=nonce)
        await self._seen(look)

    async def _seen(self, look: Look) -> None:
        await asyncio.sleep(self._platform.takes)
        self.shown_at.append((now(), len(look.text)))


def now() -> float:
    return asyncio.get_running_loop().time()


async def said(channel: Channel, pacer: Pacer, length: int) -> Measured:
    """One answer, said at an even pace."""
    reply = EditedReply(channel, FakeJournal({}), pacer, a_turn())
    text, began = (WORD * 1000)[: length - 1].strip() + ".", now()
    while (end := int((now() - began + TICK) * RATE)) < len(text):
        reply.update(text[:end])
        await asyncio.sleep(TICK)
    await reply.finish(text)
    return Measured(len(text), began, channel.shown_at)


async def together(platform: Platform, scene: Scene) -> list[Measured]:
    pacer = Pacer(platform.rates)
    answers = (
        said(Channel(platform, scene.channel(number)), pacer, scene.length(number, RATE * SECONDS))
        for number in range(scene.answers)
    )
    return await asyncio.gather(*answers)


@pytest.mark.parametrize(("platform", "scene"), PLAYED, ids=lambda one: one.name)
def test_the_lag_is_within_a_fifth_of_the_least_that_the_limit_permits(
    platform: Platform, scene: Scene
) -> None:
    answers = virtual_time.run(together(platform, scene))
    lag = statistics.mean(answer.lag(RATE) for answer in answers)
    assert lag <= 1.2 * least(platform.name, scene, RATE, SECONDS)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_the_first_words_are_shown_a_round_trip_after_the_first_token(platform: Platform) -> None:
    [answer] = virtual_time.run(together(platform, SCENES[0]))
    assert answer.shown[0][0] == pytest.approx(platform.takes)
