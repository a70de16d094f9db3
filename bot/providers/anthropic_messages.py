"""Anthropic's Messages API, read by its raw events: the SDK's helper adds events of its own beside them,
which would double the text.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import anthropic
import httpx2
from anthropic import AsyncAnthropic, AsyncStream
from anthropic.types import MessageDeltaUsage, RawMessageStreamEvent
from anthropic.types import Usage as FirstUsage

from bot.chat import Delta, Finish, Prompt, Quota, Usage
from bot.errors import (
    BadResponse,
    ContentFiltered,
    CutOff,
    EmptyAnswer,
    Misconfigured,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    TooLong,
)
from bot.models.catalogue import NOT_ANNOUNCED, Announced, Model
from bot.providers.anthropic_turns import EPHEMERAL, MARK, instructions, turns
from bot.providers.failures import NETWORK, by_status, of_network, word
from bot.providers.wire import (
    ASKING,
    NOTHING,
    TIMEOUTS,
    Piece,
    Timeouts,
    is_event_stream,
    quota_from,
    relay,
    retry_after,
)
from bot.providers.wording import worded

log = logging.getLogger(__name__)

FAULTS: Final = (anthropic.AnthropicError, *NETWORK)
"""All that a call or its stream may raise: the errors of a running stream come from the HTTP client as they
are.
"""

KINDS: Final[Mapping[str, type[ProviderError]]] = {
    "authentication_error": Misconfigured,
    "permission_error": Misconfigured,
    "not_found_error": Misconfigured,
    "billing_error": QuotaExhausted,
    "contract_spend_limit_reached": QuotaExhausted,
    "enforced_spend_limit_reached": QuotaExhausted,
    "linked_organization_spend_limit_reached": QuotaExhausted,
    "request_too_large": TooLong,
    "rate_limit_error": Overloaded,
    "overloaded_error": Overloaded,
    "api_error": Overloaded,
    "timeout_error": Overloaded,
    "conflict_error": Overloaded,
}
SAID_ONLY_IN_WORDS: Final = (
    (re.compile(r"prompt is too long|context (?:limit|window|length)"), TooLong),
    (re.compile(r"credit balance is too low"), QuotaExhausted),
    (re.compile(r"content filtering policy"), ContentFiltered),
)
"""Causes that come as `invalid_request_error` without a code of their own."""

ENDINGS: Final[Mapping[str, tuple[Finish, type[ProviderError]]]] = {
    "max_tokens": (Finish.LENGTH, EmptyAnswer),
    "model_context_window_exceeded": (Finish.LENGTH, TooLong),
    "refusal": (Finish.REFUSED, ContentFiltered),
}
"""What a stop reason means, and what it amounts to when nothing was said before it; all others are a plain
end.
"""


class AnthropicMessages:
    """`profile` tells what is known of a model by its name."""

    def __init__(
        self,
        profile: Callable[[str], Model],
        *,
        name: str = "anthropic",
        api_key: str,
        base_url: str,
        timeouts: Timeouts = TIMEOUTS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name, self.quota = name, Quota()
        self._profile, self._timeouts, self._clock, self._now = profile, timeouts, clock, now
        self._client = AsyncAnthropic(
            api_key=api_key, base_url=base_url, timeout=timeouts.of_client(), max_retries=0
        )

    async def aclose(self) -> None:
        await self._client.close()

    async def announced(self, model: str) -> Announced:
        """What the list of models says of one's end."""
        try:
            async with asyncio.timeout(ASKING):
                async for row in self._client.models.list(limit=1_000):
                    if row.id == model:
                        return Announced(
                            deprecated=row.lifecycle == "deprecated", retired=row.lifecycle == "retired"
                        )
        except (*FAULTS, AttributeError) as error:
            log.info("%s does not say when its models end (%s)", self.name, type(error).__name__)
        return NOT_ANNOUNCED

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta]:
        until = self._clock() + self._timeouts.whole

        def left() -> float:
            return until - self._clock()

        stream = await self._open(self._body(prompt), left)
        async with stream:
            pieces = relay(
                aiter(stream),
                _Reader().read,
                failure=partial(self._failure, streaming=True),
                faults=FAULTS,
                left=left,
                request_id=_request_id(stream.response),
            )
            async with aclosing(pieces) as deltas:
                async for delta in deltas:
                    yield delta

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        model = self._profile(prompt.model)
        caching = model.caching == "explicit"
        messages = worded(prompt.messages, name_field=False, alternate=False)
        body: dict[str, Any] = {
            "model": prompt.model,
            "messages": turns(messages, before=len(prompt.system), marking=caching),
            "max_tokens": prompt.max_output_tokens,
            "stream": True,
        }
        if prompt.system:
            body["system"] = instructions(prompt.system, marking=caching)
        if prompt.user:
            body["metadata"] = {"user_id": prompt.user}
        if caching:
            body[MARK] = EPHEMERAL
        if model.effort:
            body["output_config"] = {"effort": model.effort}
        return body

    async def _open(
        self, body: dict[str, Any], left: Callable[[], float]
    ) -> AsyncStream[RawMessageStreamEvent]:
        stream: AsyncStream[RawMessageStreamEvent] | None = None
        try:
            async with asyncio.timeout(max(0.0, left())):
                stream = await self._client.messages.create(**body)
        except FAULTS as error:
            if isinstance(error, anthropic.APIStatusError):
                self._note(error.response)
            failed = self._failure(error)
        else:
            self._note(stream.response)
            if is_event_stream(stream.response.headers):
                return stream
            await stream.close()
            kind = word(stream.response.headers["content-type"].partition(";")[0])
            failed = BadResponse(
                f"not a stream but {kind}",
                status=stream.response.status_code,
                request_id=_request_id(stream.response),
            )
        raise failed

    def _note(self, response: httpx2.Response) -> None:
        self.quota = quota_from(
            response.headers, "anthropic-ratelimit-{unit}-{what}", self.quota, self._now()
        )

    def _failure(self, error: Exception, *, streaming: bool = False) -> ProviderError:
        """What an error means: by its code, then its type, then its status (an overload of a running stream
        has status 200).

        Only codes and ids of it are kept: its message may quote the key or the prompt.
        """
        if not isinstance(error, anthropic.APIStatusError):
            return of_network(error, anthropic.APIConnectionError, streaming=streaming)
        code, kind, status = word(error.error_code), word(error.type), error.status_code
        found = KINDS.get(code or "") or KINDS.get(kind or "") or by_status(status)
        if found is None:
            said = error.api_message if isinstance(error.api_message, str) else ""
            found = next((meaning for words, meaning in SAID_ONLY_IN_WORDS if words.search(said)), None)
        return (found or ProviderError)(
            " ".join(str(part) for part in (status, code or kind) if part),
            status=status,
            request_id=_request_id(error.response),
            vendor_code=code or kind,
            retry_after=retry_after(error.response.headers, self._now()),
            free=not streaming,
        )


class _Reader:
    """Reads the events of one answer. The usage of its beginning and that of its end are one whole."""

    def __init__(self) -> None:
        self._first: FirstUsage | None = None

    def read(self, event: RawMessageStreamEvent) -> Piece:
        match event.type:
            case "message_start":
                self._first = event.message.usage
                return NOTHING
            case "content_block_delta" if event.delta.type == "text_delta":
                return Piece(event.delta.text)
            case "message_delta" if event.delta.stop_reason is not None:
                return self._ending(event.delta.stop_reason, event.usage)
            case _:
                return NOTHING

    def _ending(self, reason: str, last: MessageDeltaUsage) -> Piece:
        usage = self._usage(last)
        if reason == "pause_turn":
            return Piece(usage=usage, error=CutOff("the model paused", vendor_code=reason))
        finish, if_blank = ENDINGS.get(reason, (Finish.STOP, EmptyAnswer))
        return Piece(usage=usage, finish=finish, word=reason, if_blank=if_blank)

    def _usage(self, last: MessageDeltaUsage) -> Usage:
        """`input_tokens` leaves out what was read from the cache or written to it; ours counts all of the
        prompt.
        """

        def count(name: str) -> int:
            return getattr(last, name, None) or getattr(self._first, name, None) or 0

        cached, written = count("cache_read_input_tokens"), count("cache_creation_input_tokens")
        details = last.output_tokens_details
        return Usage(
            prompt=count("input_tokens") + cached + written,
            output=last.output_tokens or 0,
            cached=cached,
            cache_written=written,
            reasoning=details.thinking_tokens if details else 0,
        )


def _request_id(response: httpx2.Response) -> str | None:
    return word(response.headers.get("request-id"))
