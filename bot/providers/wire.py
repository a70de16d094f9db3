"""What all providers share on the wire: time-outs, rate headers, and the rule that only a finish reason
proves an answer whole.

Neither SDK raises when a stream just ends, and both let some network errors of a running stream through;
`relay` is where a stream becomes either a whole answer or one `ProviderError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Final, TypeVar

import httpx2

from bot.chat import Delta, Finish, Quota, Usage
from bot.errors import BadResponse, CutOff, EmptyAnswer, Overloaded, ProviderError

E = TypeVar("E")

ASKING: Final = 3.0
"""Seconds that an API has to say when a model ends."""
FAREWELL: Final = 5.0
"""Seconds to wait for what may still follow a finish reason (the usage), before the answer is taken as it
is.
"""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `read` is the longest silence between two pieces of an answer, `whole` the longest time for
    all of it.
    """

    connect: float = 5.0
    read: float = 75.0
    write: float = 10.0
    pool: float = 5.0
    whole: float = 300.0

    def of_client(self) -> httpx2.Timeout:
        return httpx2.Timeout(connect=self.connect, read=self.read, write=self.write, pool=self.pool)


TIMEOUTS: Final = Timeouts()


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event of a stream says.

    `usage` stands only where it is final: a count so far would be taken for the bill when the stream
    breaks. `word` is the vendor's own name of the ending, `if_blank` what it amounts to if nothing was said
    before it. `error` ends the stream.
    """

    text: str = ""
    usage: Usage | None = None
    finish: Finish | None = None
    word: str = ""
    if_blank: type[ProviderError] = EmptyAnswer
    error: ProviderError | None = None


NOTHING: Final = Piece()


async def relay(
    events: AsyncIterator[E],
    read: Callable[[E], Piece],
    *,
    failure: Callable[[Exception], ProviderError],
    faults: tuple[type[Exception], ...],
    left: Callable[[], float],
    request_id: str | None,
) -> AsyncGenerator[Delta]:
    """Pass a stream's text and usage on, and at last how it finished. Raises `ProviderError`s only.

    `failure` tells what one of `faults` means, `left` how many seconds this answer may still take. A
    failure after the finish reason is none: the answer is whole.
    """
    said, blank, ending = False, True, NOTHING
    while True:
        seconds = min(left(), FAREWELL) if ending.finish else left()
        piece = await _next(events, read, failure, faults, seconds)
        if piece is None or (ending.finish and piece.error):
            break
        if piece.text:
            said, blank = True, blank and not piece.text.strip()
            yield Delta(text=piece.text)
        if piece.usage is not None:
            yield Delta(usage=piece.usage)
        if piece.error is not None:
            raise _after(said, piece.error)
        if piece.finish is not None:
            ending = piece
    if ending.finish is None:
        raise CutOff("the stream ended without a finish reason", request_id=request_id)
    if blank:
        raise ending.if_blank(f"nothing said ({ending.word})", request_id=request_id, vendor_code=ending.word)
    yield Delta(finish=ending.finish)


async def _next(
    events: AsyncIterator[E],
    read: Callable[[E], Piece],
    failure: Callable[[Exception], ProviderError],
    faults: tuple[type[Exception], ...],
    seconds: float,
) -> Piece | None:
    """The next piece, None at the end. A failure is a piece too, with no trace of the SDK's own error."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            event = await anext(events)
        return read(event)
    except StopAsyncIteration:
        return None
    except (AttributeError, TypeError, KeyError) as error:
        return Piece(error=BadResponse(f"an event of an unknown shape ({type(error).__name__})"))
    except faults as error:
        return Piece(error=failure(error))


def _after(said: bool, error: ProviderError) -> ProviderError:
    """A provider that gives up or talks nonsense, for no fault of the prompt's, after some text has cut its answer off. One that
    says before any text that it is overloaded has refused.
    """
    if not said and isinstance(error, Overloaded):
        error.free = True
    if not said or not (isinstance(error, Overloaded | BadResponse) or type(error) is ProviderError):
        return error
    return CutOff(
        str(error),
        status=error.status,
        request_id=error.request_id,
        vendor_code=error.vendor_code,
        retry_after=error.retry_after,
    )


def is_event_stream(headers: Mapping[str, str]) -> bool:
    """Whether the answer is a stream of events; a missing content type is given the benefit of the doubt."""
    content_type = headers.get("content-type", "")
    return not content_type or content_type.lower().startswith("text/event-stream")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the provider asks to wait, in seconds: `retry-after-ms`, else `Retry-After` as seconds or as
    a date (RFC 9110, 10.2.3).

    A date counts from the answer's own `Date`, so that a clock that is wrong here does no harm.
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if (seconds := _number(value)) is not None:
        return seconds
    at = _date(value)
    return None if at is None else max(0.0, (at - (_date(headers.get("date")) or now)).total_seconds())


def quota_from(headers: Mapping[str, str], pattern: str, last: Quota, now: datetime) -> Quota:
    """Read the rate headers, named by a pattern of `{unit}` and `{what}`. `last` stands where there are
    none.
    """

    def value(unit: str, what: str) -> int | None:
        text = headers.get(pattern.format(unit=unit, what=what), "")
        return int(text) if text.isascii() and text.isdigit() else None

    quota = Quota(
        value("requests", "limit"),
        value("requests", "remaining"),
        value("tokens", "limit"),
        value("tokens", "remaining"),
    )
    return last if quota == Quota() else replace(quota, at=now)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if isfinite(number) and number >= 0 else None


def _date(value: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
