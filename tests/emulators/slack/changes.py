"""Waiting for something to become true without polling: every change of the world wakes the waiters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """A condition of one event loop: `notify` after a change, `wait_for` a predicate over the world."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def wait_for(
        self, predicate: Callable[[], T], timeout: float, describe: Callable[[], str] = lambda: ""
    ) -> T:
        """The first truthy value of `predicate`; a `TimeoutError` that describes after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while not (value := predicate()):
                    future = asyncio.get_running_loop().create_future()
                    self._waiting.add(future)
                    await future
                return value
        except TimeoutError:
            raise TimeoutError(f"not seen within {timeout} s. {describe()}".strip()) from None
