"""Kills this process with SIGKILL at one step: when a function of the bot is entered, or has returned, for the n-th time.

`REJOINDER_CRASH_AT` is `module:Class.name:when:n`; `when` is `before`, `after`, or `after_some` (only returns of something other than
None count). At SIGUSR1 the process says what all its tasks wait for.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import itertools
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

VARIABLE: Final = "REJOINDER_CRASH_AT"


def hang(environment: Mapping[str, str]) -> None:
    """Hang it over the function that the environment names, if it does."""
    signal.signal(signal.SIGUSR1, _say_where_it_stands)
    if VARIABLE not in environment:
        return
    module, where, when, number = environment[VARIABLE].split(":")
    *path, name = where.split(".")
    owner = functools.reduce(getattr, path, importlib.import_module(module))
    setattr(owner, name, Blade(when, int(number)).over(getattr(owner, name)))


class Blade:
    def __init__(self, when: str, fall_at: int) -> None:
        self._when = when
        self._count = (number == fall_at for number in itertools.count(1))

    def over(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with the blade over it."""
        if self._when == "before":

            @functools.wraps(function)
            def entered(*args: Any, **kwargs: Any) -> Any:
                self._fall()
                return function(*args, **kwargs)

            return entered

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                result = await function(*args, **kwargs)
                self._returned(result)
                return result

            return awaited

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            self._returned(result)
            return result

        return called

    def _returned(self, result: object) -> None:
        if result is not None or self._when == "after":
            self._fall()

    def _fall(self) -> None:
        if next(self._count):
            os.kill(os.getpid(), signal.SIGKILL)


def _say_where_it_stands(_number: int, _frame: object) -> None:
    for task in asyncio.all_tasks():
        task.print_stack(file=sys.stderr)
