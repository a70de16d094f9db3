"""Trouble on purpose.

Answers that fail, answers that get lost, and requests that hang until the test lets go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

RESET: Literal["reset"] = "reset"
Trouble = int | Literal["reset"]
"""An HTTP status, or a connection that is reset without an answer."""


@dataclass
class Fault:
    """A trouble waiting for its requests. `after`: the request takes effect and only its answer is lost."""

    method: str
    pattern: str
    trouble: Trouble
    times: int
    after: bool
    retry_after: float
    everything: bool


@dataclass(eq=False)
class Gate:
    """Requests of a route stop here until `release`; `waiting` counts those that stand."""

    method: str
    pattern: str
    after: bool
    waiting: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let all waiting and all later requests through."""
        self.opened.set()


def matches(method: str, pattern: str, asked_method: str, template: str, path: str) -> bool:
    """Whether a request is meant.

    By its route ("/channels/{channel_id}/messages") or by a shell pattern of its path.
    """
    return method in ("*", asked_method) and (pattern == template or fnmatchcase(path, pattern))


class Faults:
    """The troubles in store."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._faults: list[Fault] = []
        self._gates: list[Gate] = []

    def add(self, fault: Fault) -> None:
        """Plan a trouble."""
        self._faults.append(fault)

    def take(self, method: str, template: str, path: str) -> Fault | None:
        """The trouble this request meets, used up once."""
        for fault in self._faults:
            if matches(fault.method, fault.pattern, method, template, path):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def hold(self, method: str, pattern: str, *, after: bool) -> Gate:
        """Close a gate in front of a route, or behind it."""
        gate = Gate(method, pattern, after)
        self._gates.append(gate)
        return gate

    async def wait_at_gates(self, method: str, template: str, path: str, *, after: bool) -> None:
        """Stand still while a gate of this route is closed."""
        for gate in self._gates:
            if gate.after is after and matches(gate.method, gate.pattern, method, template, path):
                gate.waiting += 1
                self._changed()
                await gate.opened.wait()
                gate.waiting -= 1

    def release_all(self) -> None:
        """Open every gate, so that nothing hangs when the emulator stops."""
        for gate in self._gates:
            gate.release()
