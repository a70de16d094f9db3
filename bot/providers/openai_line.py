"""The line to OpenAI, or to a server that speaks like it: one client, its errors, and the parameters a
model turned down.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream

from bot.chat import Quota
from bot.errors import (
    BadResponse,
    ContentFiltered,
    Misconfigured,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    TooLong,
)
from bot.models.catalogue import NOT_ANNOUNCED, Announced
from bot.providers.failures import NETWORK, by_status, of_network, word
from bot.providers.wire import ASKING, TIMEOUTS, Timeouts, is_event_stream, quota_from, retry_after

log = logging.getLogger(__name__)

FAULTS: Final = (openai.OpenAIError, *NETWORK)
"""All that a call or its stream may raise."""

CODES: Final[Mapping[str, type[ProviderError]]] = {
    "insufficient_quota": QuotaExhausted,
    "billing_hard_limit_reached": QuotaExhausted,
    "billing_not_active": QuotaExhausted,
    "context_length_exceeded": TooLong,
    "string_above_max_length": TooLong,
    "exceed_context_size_error": TooLong,
    "content_filter": ContentFiltered,
    "content_policy_violation": ContentFiltered,
    "invalid_prompt": ContentFiltered,
    "bio_policy": ContentFiltered,
    "misalignment_policy_violation": ContentFiltered,
    "invalid_api_key": Misconfigured,
    "model_not_found": Misconfigured,
    "unsupported_parameter": Misconfigured,
    "unsupported_value": Misconfigured,
    "unknown_parameter": Misconfigured,
    "data_residency_mismatch": Misconfigured,
    "rate_limit_exceeded": Overloaded,
    "server_error": Overloaded,
    "server_is_overloaded": Overloaded,
    "overloaded": Overloaded,
    "overloaded_error": Overloaded,
    "slow_down": Overloaded,
}
RATES: Final = "x-ratelimit-{what}-{unit}"
TURNED_DOWN: Final = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
CAPS: Final = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
OPTIONAL: Final = ("temperature", "reasoning_effort", "reasoning", "stream_options", *CAPS)
"""What can be left out of a call when a model won't have it; a cap is sent by its other name, since it
guards the cost.
"""

_TOO_LONG = re.compile(r"context (?:length|size|window)|maximum context|too many tokens", re.IGNORECASE)


class OpenAILine:
    """`compatible`: another server than OpenAI's own, which is sent only what every such server knows. `azure`: one that
    takes its key in a header of its own, and the output cap by the model's own name for it. A query in the address
    (an `api-version`) goes along with every call.
    """

    def __init__(
        self,
        *,
        name: str,
        api_key: str,
        base_url: str,
        compatible: bool,
        azure: bool = False,
        timeouts: Timeouts = TIMEOUTS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name, self.compatible, self.azure, self.quota = name, compatible, azure, Quota()
        self._timeouts, self._clock, self._now = timeouts, clock, now
        self._turned_down: dict[str, set[str]] = {}
        address, _, query = base_url.partition("?")
        self._client = AsyncOpenAI(
            api_key=api_key,
            base_url=address,
            timeout=timeouts.of_client(),
            max_retries=0,
            default_query=dict(parse_qsl(query)),
            default_headers={"api-key": api_key} if azure else {},
        )

    @property
    def client(self) -> AsyncOpenAI:
        return self._client

    async def aclose(self) -> None:
        await self._client.close()

    async def announced(self, model: str) -> Announced:
        """What the list of models says of one's end; many servers have no such list, or no ends in it."""
        try:
            async with asyncio.timeout(ASKING):
                async for row in self._client.models.list():
                    if row.id == model and row.shutdown_date:
                        return Announced(date.fromisoformat(row.shutdown_date[:10]))
        except (*FAULTS, AttributeError) as error:
            log.info("%s does not say when its models end (%s)", self.name, type(error).__name__)
        return NOT_ANNOUNCED

    def countdown(self) -> Callable[[], float]:
        """Starts the clock of one answer: how many seconds of its overall time are left."""
        until = self._clock() + self._timeouts.whole
        return lambda: until - self._clock()

    async def open(
        self,
        create: Callable[..., Awaitable[Any]],
        body: Mapping[str, Any],
        left: Callable[[], float],
    ) -> AsyncStream[Any]:
        """Send a call and wait for its stream to begin. A parameter the model turns down is left out, now
        and from now on.
        """
        known = self._turned_down.setdefault(str(body["model"]), set())
        left_out = set(known)
        while True:
            sent = _without(body, left_out)
            try:
                async with asyncio.timeout(max(0.0, left())):
                    stream = await create(**sent)
            except FAULTS as error:
                self._note(error)
                failed, parameter = self.failure(error), self._refused(error, sent)
            else:
                self.quota = quota_from(stream.response.headers, RATES, self.quota, self._now())
                return await self._checked(stream)
            if parameter is None or parameter in left_out or CAPS.get(parameter) in left_out:
                raise failed
            left_out.add(parameter)
            known.add(parameter)

    async def _checked(self, stream: AsyncStream[Any]) -> AsyncStream[Any]:
        response = stream.response
        if is_event_stream(response.headers):
            return stream
        await stream.close()
        kind = word(response.headers["content-type"].partition(";")[0])
        raise BadResponse(
            f"not a stream but {kind}", status=response.status_code, request_id=request_id(response)
        )

    def _note(self, error: Exception) -> None:
        if isinstance(error, openai.APIStatusError):
            self.quota = quota_from(error.response.headers, RATES, self.quota, self._now())

    def _refused(self, error: Exception, sent: Mapping[str, Any]) -> str | None:
        """The parameter of this call that the model won't have, if that is what the error is about.

        OpenAI names it in `param`; a compatible server at best in its message, with whatever code.
        """
        if not isinstance(error, openai.APIStatusError) or error.status_code not in (400, 422):
            return None
        if self.compatible and not _TOO_LONG.search(error.message):
            named = " ".join((error.param or "", error.message))
        elif error.code in TURNED_DOWN:
            named = error.param or error.message
        else:
            return None
        return next((name for name in OPTIONAL if name in sent and re.search(rf"\b{name}\b", named)), None)

    def failure(self, error: Exception, *, streaming: bool = False) -> ProviderError:
        """What an error of the SDK means. Only codes and ids of it are kept: its message may quote the key
        or the prompt.
        """
        if not isinstance(error, openai.APIError) or isinstance(
            error, openai.APIConnectionError | openai.APIResponseValidationError
        ):
            return of_network(error, openai.APIConnectionError, streaming=streaming)
        status = error.status_code if isinstance(error, openai.APIStatusError) else None
        response = error.response if isinstance(error, openai.APIStatusError) else None
        return self.judged(
            code=_code(error),
            kind=error.type,
            message=error.message,
            status=status,
            request_id=request_id(response),
            wait=None if response is None else retry_after(response.headers, self._now()),
            free=not streaming,
        )

    def judged(
        self,
        *,
        code: str | None,
        kind: str | None = None,
        message: str = "",
        status: int | None = None,
        request_id: str | None = None,
        wait: float | None = None,
        free: bool = False,
    ) -> ProviderError:
        """The error of ours that stands for one of theirs: by its code, then its type, then its status.

        Some compatible servers put a status where the code should be, and say only in words that a prompt
        is too long.
        """
        code, kind = word(code), word(kind)
        number = status or (int(code) if code and code.isdigit() and len(code) == 3 else 0)
        error = CODES.get(code or "") or CODES.get(kind or "") or by_status(number)
        if error is None:
            error = TooLong if _TOO_LONG.search(message) else ProviderError
        name = code or kind
        detail = " ".join(str(part) for part in (status, name) if part) or "an error without a code"
        return error(
            detail, status=status, request_id=request_id, vendor_code=name, retry_after=wait, free=free
        )


def _code(error: openai.APIError) -> str | None:
    """The error's code. Routers tell by the side that it was their moderation which refused."""
    body = error.body if isinstance(error.body, Mapping) else {}
    details = body.get("metadata")
    if isinstance(details, Mapping) and "flagged_input" in details:
        return "content_filter"
    return error.code


def request_id(response: httpx2.Response | None) -> str | None:
    return None if response is None else word(response.headers.get("x-request-id"))


def _without(body: Mapping[str, Any], turned_down: set[str]) -> dict[str, Any]:
    sent = {key: value for key, value in body.items() if key not in turned_down}
    for name in turned_down & CAPS.keys() & body.keys():
        sent[CAPS[name]] = body[name]
    return sent
