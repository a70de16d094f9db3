"""Opening a stream again: what is tried again, when, how often, and what is never said twice. Time is
virtual.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import Delta, Finish, Message, Prompt, Quota, Role, Usage
from bot.errors import (
    BadResponse,
    ContentFiltered,
    CutOff,
    EmptyAnswer,
    Misconfigured,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    TooLong,
)
from bot.providers.retries import Policy, open_stream
from tests.emulators.llm import LLMEmulator, refuse, say
from tests.emulators.llm.faults import REFUSALS
from tests.provider_rig import APIS, Heard, hear, make, opened, prompt_for

PROMPT = Prompt("any", "", (Message(Role.USER, "Hi"),), 100)
WELL = (Delta("Hello"), Delta(" there"), Delta(usage=Usage(3, 2)), Delta(finish=Finish.STOP))

Course = Sequence[Delta | BaseException]
"""What one attempt brings, in order; an exception ends it."""


def busy(detail: str = "", retry_after: float | None = None) -> Overloaded:
    return Overloaded(detail, retry_after=retry_after, free=True)


class Scripted:
    """A provider whose attempts go as written, each taking `takes` seconds of virtual time before it brings
    anything.
    """

    name = "scripted"
    quota = Quota()

    def __init__(self, *attempts: Course, takes: float = 0.0) -> None:
        self.now = 1_000.0
        self.began: list[float] = []
        self.waits: list[float] = []
        self.closed = 0
        self._attempts, self._takes = attempts, takes

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
        course = self._attempts[min(len(self.began), len(self._attempts) - 1)]
        self.began.append(self.now)
        self.now += self._takes
        try:
            for step in course:
                if isinstance(step, BaseException):
                    raise step
                yield step
        finally:
            self.closed += 1

    async def aclose(self) -> None:
        pass

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    async def hear(self, policy: Policy | None = None, draw: float = 1.0) -> Heard:
        stream = open_stream(
            self,
            PROMPT,
            policy=policy or Policy(),
            sleep=self.sleep,
            clock=lambda: self.now,
            draw=lambda: draw,
        )
        return await hear(stream)


async def test_an_overload_is_tried_again_after_growing_waits() -> None:
    provider = Scripted([busy()], [busy()], [busy()], WELL)
    heard = await provider.hear()
    assert heard.error is None
    assert heard.text == "Hello there"
    assert heard.order == ["text", "text", "usage", "finish"]
    assert provider.waits == [0.5, 1.0, 2.0]
    assert provider.closed == 4


async def test_after_the_last_attempt_the_last_error_is_raised() -> None:
    provider = Scripted([busy("first")], [busy("second")], [busy("third")], [busy("fourth")], WELL)
    heard = await provider.hear()
    assert str(heard.error) == "fourth"
    assert len(provider.began) == 4


@pytest.mark.parametrize(
    "error",
    [
        CutOff(),
        Overloaded("it may have cost something"),
        EmptyAnswer(),
        QuotaExhausted(),
        Misconfigured(),
        TooLong(),
        ContentFiltered(),
        BadResponse(),
        ProviderError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_nothing_but_an_overload_that_cost_nothing_is_tried_again(error: ProviderError) -> None:
    provider = Scripted([error], WELL)
    heard = await provider.hear()
    assert heard.error is error
    assert len(provider.began) == 1
    assert not provider.waits


async def test_cut_off_is_not_retried_after_words_were_shown() -> None:
    provider = Scripted([Delta("Hello"), CutOff()], WELL)
    heard = await provider.hear()
    assert heard.text == "Hello"
    assert isinstance(heard.error, CutOff)
    assert len(provider.began) == 1


async def test_an_overload_after_the_first_words_is_not_retried() -> None:
    provider = Scripted([Delta("Hello"), busy()], WELL)
    heard = await provider.hear()
    assert heard.text == "Hello"
    assert isinstance(heard.error, Overloaded)
    assert len(provider.began) == 1


async def test_what_was_paid_for_is_passed_on_and_not_tried_again() -> None:
    paid = Usage(10, 500, reasoning=500)
    provider = Scripted([Delta(usage=paid), EmptyAnswer()], WELL)
    heard = await provider.hear()
    assert heard.usages == [paid]
    assert isinstance(heard.error, EmptyAnswer)
    assert len(provider.began) == 1


async def test_the_wait_is_at_least_what_the_provider_asks_for() -> None:
    provider = Scripted([busy(retry_after=7)], [busy(retry_after=0.1)], WELL)
    heard = await provider.hear()
    assert heard.error is None
    assert provider.waits == [7, 1.0]


async def test_a_wait_beyond_the_budget_gives_up_at_once_and_is_told() -> None:
    provider = Scripted([busy(retry_after=3600)], WELL)
    heard = await provider.hear()
    assert isinstance(heard.error, Overloaded)
    assert heard.error.retry_after == 3600
    assert len(provider.began) == 1
    assert not provider.waits


async def test_a_wait_that_was_within_the_budget_is_too_long_for_what_is_left_of_it() -> None:
    provider = Scripted([busy(retry_after=20)], [busy(retry_after=20)], WELL)
    heard = await provider.hear()
    assert isinstance(heard.error, Overloaded)
    assert heard.error.retry_after == 20
    assert provider.waits == [20]


async def test_slow_attempts_use_the_budget_up_too() -> None:
    provider = Scripted([busy()], takes=14)
    heard = await provider.hear()
    assert isinstance(heard.error, Overloaded)
    assert len(provider.began) == 3
    assert provider.began[-1] - provider.began[0] <= 30


@given(
    asked=st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=1, max_size=8),
    draw=st.floats(0, 1),
    takes=st.floats(0, 40),
    attempts=st.integers(1, 6),
    total=st.floats(0, 60),
)
async def test_no_attempt_begins_too_late_or_too_soon(
    asked: list[float | None], draw: float, takes: float, attempts: int, total: float
) -> None:
    provider = Scripted(*([busy(retry_after=wait)] for wait in asked), takes=takes)
    heard = await provider.hear(Policy(attempts=attempts, total=total), draw)
    assert isinstance(heard.error, Overloaded)
    assert 1 <= len(provider.began) <= attempts
    assert provider.began[-1] - provider.began[0] <= total + 1e-6
    for number, wait in enumerate(provider.waits):
        assert wait >= (asked[min(number, len(asked) - 1)] or 0)
        assert wait >= min(8.0, 0.5 * 2**number) / 2


async def test_a_cancelled_opening_stays_cancelled_and_hangs_up() -> None:
    """A retry that caught every exception would go on after a cancellation."""
    provider = Scripted([asyncio.CancelledError()], WELL)
    with pytest.raises(asyncio.CancelledError):
        await provider.hear()
    assert len(provider.began) == 1
    assert provider.closed == 1


async def test_a_cancelled_wait_makes_no_further_attempt() -> None:
    provider = Scripted([busy()], WELL)
    waiting = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(hear(open_stream(provider, PROMPT, sleep=sleep)))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(provider.began) == 1


async def test_closing_it_closes_the_providers_stream() -> None:
    provider = Scripted(WELL)
    stream = open_stream(provider, PROMPT)
    assert (await anext(stream)).text == "Hello"
    assert provider.closed == 0
    await stream.aclose()
    assert provider.closed == 1


async def test_closing_one_that_was_never_begun_opens_nothing() -> None:
    provider = Scripted(WELL)
    await open_stream(provider, PROMPT).aclose()
    assert not provider.began


async def test_a_stream_that_brings_nothing_at_all_just_ends() -> None:
    heard = await Scripted([]).hear()
    assert heard.error is None
    assert not heard.order


async def test_each_failed_attempt_is_told_but_for_the_last() -> None:
    told: list[tuple[int, str]] = []
    provider = Scripted([busy("a")], [busy("b")], [Misconfigured("c")])
    stream = open_stream(
        provider,
        PROMPT,
        sleep=provider.sleep,
        on_retry=lambda attempt, error: told.append((attempt, str(error))),
    )
    heard = await hear(stream)
    assert str(heard.error) == "c"
    assert told == [(1, "a"), (2, "b")]


async def test_without_a_listener_retries_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    provider = Scripted([busy("503 slow_down")], WELL)
    with caplog.at_level("INFO", logger="bot.providers.retries"):
        await provider.hear()
    assert "attempt 1" in caplog.text
    assert "503 slow_down" in caplog.text


@pytest.mark.parametrize("api", APIS)
async def test_a_rate_limit_of_the_real_api_is_waited_out(api: str) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        limited = refuse(REFUSALS["rate_limited"], retry_after="4")
        llm.script(limited, limited, say("At", " last."))
        heard = await hear(open_stream(provider, prompt_for(api), sleep=sleep))
    assert heard.error is None
    assert heard.text == "At last."
    assert waits == [4.0, 4.0]
    assert len(llm.requests) == 3
