"""A second opinion on our own emulator: the same failures by llmock, a mock of the models' APIs by somebody else, which also judges how its
client took them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from bot.chat import State
from storage.stores import open_stores
from tests.fakes import FakeClock
from tests.provider_rig import FAST, make, model_of, opened, profile
from tests.speaking_rig import Rig, at_once, voice

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

pytest_plugins = ["tests.databases"]

APIS = {"chat": "openai", "responses": "openai", "anthropic": "anthropic"}
Fault = Callable[["LLMock"], object]
TIMES: Final = replace(FAST, read=1.0)
HEALED: dict[str, tuple[Fault, int]] = {
    "rate limit": (lambda mock: mock.rate_limit(times=2, retry_after=0.2), 3),
    "overload": (lambda mock: mock.fail(529), 2),
    "truncated": (lambda mock: mock.truncate(after_chunks=6), 2),
    "disconnected": (lambda mock: mock.disconnect(after_chunks=6), 2),
    "malformed": (lambda mock: mock.corrupt(after_chunks=6), 2),
    "stalled": (lambda mock: mock.stall(after_chunks=6, seconds=4.0), 2),
}
"""Failures that pass, and how many requests it then takes."""
GONE_ON: Final = {"truncated", "disconnected", "malformed", "stalled"}
"""Here we ask for the rest; the judge only knows of asking for the same again."""
TOLD: dict[str, tuple[Fault, str]] = {
    "key": (lambda mock: mock.fail(401), "not set up right"),
    "context": (lambda mock: mock.context_overflow(), "more than the model can read"),
    "outage": (lambda mock: mock.outage(), "too busy"),
}
"""Failures that stay, and what people read."""


@pytest.fixture
async def rig(sqlite_store: str, clock: FakeClock) -> AsyncIterator[Rig]:
    stores = open_stores(sqlite_store, clock)
    yield Rig(stores, clock, sleep=asyncio.sleep)
    await stores.aclose()


@pytest.mark.parametrize("api", APIS)
async def test_what_passes_is_got_over_and_the_judge_finds_no_fault(
    rig: Rig, api: str, llmock: LLMock
) -> None:
    async with opened(make(api, _root(llmock, api), timeouts=TIMES)) as provider:
        for name, (fault, requests) in HEALED.items():
            llmock.reset()
            fault(llmock)
            rig.open(voice(provider, profile(model_of(api))))
            outcome = await rig.ask("Tell me about bread, at some length.", channel=name)
            assert outcome.state is State.DONE, name
            assert outcome.turn.answer, name
            assert len(llmock.requests) == requests, name
            if name not in GONE_ON:
                llmock.assert_resilient()


@pytest.mark.parametrize("api", APIS)
async def test_what_stays_is_told(rig: Rig, api: str, llmock: LLMock) -> None:
    rig.sleep = at_once
    async with opened(make(api, _root(llmock, api), timeouts=TIMES)) as provider:
        for name, (fault, words) in TOLD.items():
            llmock.reset()
            fault(llmock)
            rig.open(voice(provider, profile(model_of(api))))
            outcome = await rig.ask("Tell me about bread.", channel=name)
            assert words in outcome.text, name
            assert outcome.state is State.FAILED


def _root(llmock: LLMock, api: str) -> str:
    return llmock.base_url(APIS[api]).removesuffix("/v1")
