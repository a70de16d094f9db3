"""A stop that ends in time, whatever hangs.

All that comes after the last answers (saying goodbye, closing, ending) shares a few seconds. What does not end in them is named in the log
and left behind; and should even that not end the process, it is ended. Nothing is lost by it: what was not finished is taken up by
whoever comes next, as after any death.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Final

log = logging.getLogger(__name__)

LEAVING: Final = 5.0
"""Seconds after the grace that answers have."""
LEAST: Final = 0.5
"""Seconds that each step has, also when all are used up."""
BEYOND: Final = 5.0
"""Seconds more, after which the process is ended: its event loop is blocked, or a thread does not come back."""


class Stop:
    """`give_up` ends the process; it is called from a thread, since the loop may turn no more."""

    def __init__(self, give_up: Callable[[], object] | None = None) -> None:
        self._give_up = give_up
        self._until: float | None = None

    def begin(self, grace: float) -> None:
        """From now on the time counts."""
        self._until = asyncio.get_running_loop().time() + grace + LEAVING
        if self._give_up is not None:
            watchdog = threading.Timer(grace + LEAVING + BEYOND, self._give_up)
            watchdog.daemon = True  # it does not keep a process that has ended
            watchdog.start()

    async def within(self, what: str, *works: Awaitable[object]) -> None:
        """Do this side by side, and return when it is done or when the time is up."""
        tasks = [asyncio.ensure_future(work) for work in works]
        if not tasks:
            return
        done, hanging = await asyncio.wait(tasks, timeout=self._left())
        for task in hanging:
            task.cancel()
            log.warning("stopping: %s takes too long and is left behind (%r)", what, task)
        for task in done.difference(work for work in works if isinstance(work, asyncio.Task)):
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("stopping: %s failed", what, exc_info=error)

    def _left(self) -> float:
        """Seconds."""
        if self._until is None:
            raise RuntimeError("the stop has not begun")
        return max(self._until - asyncio.get_running_loop().time(), LEAST)


def end_by_force() -> None:
    """Whoever blocks the loop may hold the log's lock: this line goes past it."""
    os.write(2, b"rejoinder: stopping took too long: ended by force\n")
    os._exit(os.EX_SOFTWARE)
