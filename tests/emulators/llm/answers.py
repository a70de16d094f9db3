"""What the emulator is told to answer: words, how they end, and what goes wrong on the way. The same for
every API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class End(StrEnum):
    """How an answer ends, in no vendor's words."""

    STOP = "stop"
    LENGTH = "length"
    FILTERED = "filtered"
    REFUSED = "refused"
    WINDOW = "window"
    NONE = "none"
    """The stream is complete but for its finish reason."""


class How(StrEnum):
    """How a stream breaks."""

    EOF = "eof"
    """A clean end of the response, as if all were said."""
    MID_EVENT = "mid_event"
    """A clean end in the middle of an event."""
    DISCONNECT = "disconnect"
    """The connection is closed without ending the response."""
    RESET = "reset"
    """The connection is reset (RST)."""
    STALL = "stall"
    """Nothing more comes, until the client goes away."""
    MALFORMED = "malformed"
    """One event whose JSON is broken, in place of the one that was due."""
    STRANGE = "strange"
    """One event that is JSON, but not an object."""
    ERROR = "error"
    """An error object in the stream, which then ends."""
    OVERLOADED = "overloaded"
    """The vendor's own words, in the stream, for being overloaded."""
    FAILED = "failed"
    """Responses' own event for an answer that failed; an error object elsewhere."""


@dataclass(frozen=True, slots=True)
class Break:
    """`at` is how many events were sent before; `after_bytes`, where given, cuts at that byte of the whole
    stream instead.
    """

    how: How
    at: int = 0
    after_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens to report in place of those counted. `prompt` is all of the prompt, `output` all of the
    output.
    """

    prompt: int
    output: int
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error. `openai` is type, code and parameter, `anthropic` is type and error code.

    In `message` a vendor may quote what it was sent: `{key}` and `{prompt}` stand for it.
    """

    status: int
    openai: tuple[str, str | None, str | None]
    anthropic: tuple[str, str | None]
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `pace` is the wait before each chunk, in seconds. `reasoning` tokens come before the text
    and count as output.

    `hold`: wait at the gate after so many chunks, until the test lets it go on; -1 holds back even the
    headers. `counted`: None reports the truth, `report_usage=False` nothing. `page` is sent as HTML with
    status 200; `recorded` is a whole body as some other server would
    send it: with status 200 a stream of events, with any other `status` JSON.
    """

    chunks: tuple[str, ...] = ()
    pace: float = 0.0
    end: End = End.STOP
    reasoning: int = 0
    counted: Counted | None = None
    report_usage: bool = True
    hold: int | None = None
    breaks: Break | None = None
    refusal: Refusal | None = None
    page: str = ""
    recorded: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(self.chunks)


def say(*chunks: str, **more: object) -> Answer:
    """An answer that says these chunks."""
    return Answer(chunks, **more)  # type: ignore[arg-type]


def refuse(refusal: Refusal, **headers: str) -> Answer:
    """An answer that is an HTTP error, with these headers (an underscore stands for a hyphen)."""
    return Answer(refusal=refusal, headers={name.replace("_", "-"): value for name, value in headers.items()})


WORDS: Final = ("Bread", " needs", " flour", ", 水", " and", " time", ".")
"""An answer to take when any will do: several chunks, one of them of several bytes a character."""
