"""What the dialects of the three APIs have in common: a request as it was understood, and an answer as it
will be put.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from tests.emulators.llm.answers import Answer, Counted, End, How, Refusal
from tests.emulators.llm.counting import count


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream, as it goes over the wire. `text`: it carries a chunk of the answer's text."""

    wire: bytes
    text: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, in no vendor's words. `messages` are role and text, the instructions among them as
    `system`.
    """

    model: str
    messages: tuple[tuple[str, str], ...]
    cap: int | None
    stream: bool
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Plan:
    """An answer as it will be given: cut at the cap, with its tokens counted. `usage` is None where none is
    to be reported.
    """

    id: str
    asked: Asked
    body: dict[str, Any]
    chunks: tuple[str, ...]
    end: End
    reasoning: int
    counted: Counted
    report_usage: bool

    @property
    def text(self) -> str:
        return "".join(self.chunks)


class Dialect(Protocol):
    name: str
    path: str

    def ask(self, body: dict[str, Any]) -> Asked: ...

    def check(self, body: dict[str, Any]) -> Refusal | None:
        """What the vendor would refuse of it, whatever the script says."""

    def events(self, plan: Plan) -> list[Event]: ...

    def whole(self, plan: Plan) -> dict[str, Any]: ...

    def error(self, refusal: Refusal, message: str) -> dict[str, Any]: ...

    def failing(self, how: How) -> bytes: ...


def plan(answer: Answer, asked: Asked, body: dict[str, Any], number: int) -> Plan:
    """Decide what is said. Reasoning uses up the cap first; a chunk that does not fit any more ends the
    answer.
    """
    room = asked.cap if asked.cap is not None else 1 << 40
    reasoning = min(answer.reasoning, room)
    chunks: list[str] = []
    used, end = reasoning, answer.end
    for chunk in answer.chunks:
        tokens = count(chunk)
        if used + tokens > room:
            end = End.LENGTH
            break
        chunks.append(chunk)
        used += tokens
    output = reasoning + count("".join(chunks))
    counted = answer.counted or Counted(asked.prompt_tokens, output, reasoning=reasoning)
    return Plan(
        f"emulated-{number}", asked, body, tuple(chunks), end, reasoning, counted, answer.report_usage
    )


def sse(data: dict[str, Any] | str, event: str = "", *, text: bool = False) -> Event:
    """A server-sent event."""
    line = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    head = f"event: {event}\n" if event else ""
    return Event(f"{head}data: {line}\n\n".encode(), text)
