"""Try again to open a stream, as long as nothing of it has been shown: what a person has read is never said
twice.

Only an `Overloaded` that cost nothing is tried again: all attempts stand under one reservation. The wait is at
least what the provider asked for; where that is more than the budget has left, there is no second try, and the
error tells when to come back.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from bot.chat import Delta, Prompt
from bot.errors import Overloaded, ProviderError
from bot.ports import Provider

log = logging.getLogger(__name__)

OnRetry = Callable[[int, ProviderError], None]
"""Told of each attempt that failed and will be followed by another: its number, from 1, and its error."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`total` seconds may have passed when the last attempt begins. Waits double from `first` to `longest`,
    each of them drawn between half of itself and all of it, so that many who were turned away together do
    not come back together.
    """

    attempts: int = 4
    total: float = 30.0
    first: float = 0.5
    longest: float = 8.0

    def wait(self, attempt: int, error: BaseException | None, draw: float) -> float:
        """Seconds to wait after a failed attempt (counted from 1); `draw` is a random number from 0 to 1."""
        step = min(self.longest, self.first * 2.0 ** (attempt - 1))
        asked = error.retry_after if isinstance(error, ProviderError) else None
        return max(step * (0.5 + draw / 2), asked or 0.0)


POLICY: Final = Policy()
IMPATIENT: Final = Policy(attempts=2, total=3.0)
"""While another model stands by."""


async def open_stream(
    provider: Provider,
    prompt: Prompt,
    *,
    policy: Policy = POLICY,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
    draw: Callable[[], float] = random.random,
    on_retry: OnRetry | None = None,
) -> AsyncGenerator[Delta]:
    """Stream an answer; the first delta comes once an attempt has brought one. Closing it closes the
    connection.
    """
    first, rest = await _opened(provider, prompt, policy, sleep, clock, draw, on_retry or _logged)
    try:
        if first is not None:
            yield first
            async for delta in rest:
                yield delta
    finally:
        await _close(rest)


async def _opened(
    provider: Provider,
    prompt: Prompt,
    policy: Policy,
    sleep: Callable[[float], Awaitable[None]],
    clock: Callable[[], float],
    draw: Callable[[], float],
    on_retry: OnRetry,
) -> tuple[Delta | None, AsyncIterator[Delta]]:
    """A stream whose first delta has arrived (None: it ended without one), after as many attempts as it
    takes and may take.
    """
    began = clock()

    def wait(state: RetryCallState) -> float:
        return policy.wait(state.attempt_number, _error(state), draw())

    def enough(state: RetryCallState) -> bool:
        late = clock() - began + state.upcoming_sleep > policy.total
        return state.attempt_number >= policy.attempts or late

    def tell(state: RetryCallState) -> None:
        if isinstance(error := _error(state), ProviderError):
            on_retry(state.attempt_number, error)

    retrying = AsyncRetrying(
        retry=retry_if_exception(_is_worth_it),
        stop=enough,
        wait=wait,
        sleep=sleep,
        before_sleep=tell,
        reraise=True,
    )
    return await retrying(_begin, provider, prompt)


async def _begin(provider: Provider, prompt: Prompt) -> tuple[Delta | None, AsyncIterator[Delta]]:
    stream = provider.stream(prompt)
    try:
        return await anext(stream, None), stream
    except BaseException:
        await _close(stream)
        raise


async def _close(stream: AsyncIterator[Delta]) -> None:
    if isinstance(stream, AsyncGenerator):
        await stream.aclose()


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None


def _is_worth_it(error: BaseException) -> bool:
    return isinstance(error, Overloaded) and error.free


def _logged(attempt: int, error: ProviderError) -> None:
    log.info("attempt %s to reach the model failed (%s: %s), trying again", attempt, error.code, error)
