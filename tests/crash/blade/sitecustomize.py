"""Kills this process with SIGKILL at one step: when a function of the bot is entered, or has returned, for the n-th time.

Python loads a module of this name at its start, before anything else, where it stands on the path. `REJOINDER_CRASH_AT` is
`module:name:when:n`; `when` is `before`, `after`, or `after_some` (only returns of something other than None count). At SIGUSR1 the
process says what all its tasks wait for.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import inspect
import itertools
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

VARIABLE = "REJOINDER_CRASH_AT"


class Blade(MetaPathFinder):
    """Waits for its module to be imported, and hangs itself over the function."""

    def __init__(self, module: str, name: str, when: str, fall_at: int) -> None:
        self._module, self._name, self._when = module, name, when
        self._count = (number == fall_at for number in itertools.count(1))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                self._hang(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def _hang(self, module: ModuleType) -> None:
        *path, last = self._name.split(".")
        try:
            owner: Any = functools.reduce(getattr, path, module)
            function = getattr(owner, last)
        except AttributeError:
            print(f"{VARIABLE}: there is no {self._module}:{self._name}", flush=True)
            os._exit(70)
        setattr(owner, last, self._under_the_blade(function))

    def _under_the_blade(self, function: Callable[..., Any]) -> Callable[..., Any]:
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


signal.signal(signal.SIGUSR1, _say_where_it_stands)
if VARIABLE in os.environ:
    _module, _name, _when, _number = os.environ[VARIABLE].split(":")
    sys.meta_path.insert(0, Blade(_module, _name, _when, int(_number)))
