"""What the emulator remembers of each request, and the gate at which a test may hold its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.llm.answers import Answer
from tests.emulators.llm.counting import Shown, pictures
from tests.emulators.llm.dialect import Asked


@dataclass(slots=True)
class Request:
    """One request. `arrived`, `first_chunk` and `finished` are seconds by the emulator's clock.

    `events` and `chunks` count what was sent: events of the stream, and those of them that carried text.
    `closed_early`: the client went away before its answer had ended.
    """

    number: int
    api: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    asked: Asked
    arrived: float
    query: Mapping[str, str] = field(default_factory=dict)
    answer: Answer | None = None
    status: int = 0
    events: int = 0
    chunks: int = 0
    bytes: int = 0
    held: bool = False
    closed_early: bool = False
    first_chunk: float | None = None
    finished: float | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def model(self) -> str:
        return self.asked.model

    @property
    def key(self) -> str:
        """The API key it came with."""
        return self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def messages(self) -> tuple[tuple[str, str], ...]:
        """Role and text of every message, the instructions among them."""
        return self.asked.messages

    @property
    def pictures(self) -> list[Shown]:
        """All pictures of the request, in order."""
        messages = self.body.get("messages") or self.body.get("input") or []
        return [one for message in messages for one in pictures(message["content"])]

    @property
    def question(self) -> str:
        """The text of the last message."""
        return self.asked.messages[-1][1] if self.asked.messages else ""

    def release(self) -> None:
        """Let an answer that is held at its gate go on."""
        self.gate.set()
