"""OpenAI's Responses API. Nothing is stored there, and every event is read as it comes: the SDK's helper
insists on an order.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from openai import AsyncStream
from openai.types.responses import (
    Response,
    ResponseStreamEvent,
    ResponseUsage,
)

from bot.chat import Delta, Finish, Message, Prompt, Quota, Usage
from bot.errors import ContentFiltered, CutOff
from bot.models.catalogue import Announced, Model
from bot.providers.failures import word
from bot.providers.openai_line import FAULTS, OpenAILine, request_id
from bot.providers.wire import NOTHING, Piece, relay
from bot.providers.wording import data_url, insists_on_turns, worded
from bot.tokens.pictures import Detail

PARAGRAPH: Final = "\n\n"


class OpenAIResponses:
    """`profile` tells what is known of a model by its name."""

    def __init__(
        self,
        line: OpenAILine,
        profile: Callable[[str], Model],
        *,
        temperature: float | None = None,
        detail: Detail = "high",
    ) -> None:
        self.name = line.name
        self._line, self._profile, self._temperature, self._detail = line, profile, temperature, detail

    @property
    def quota(self) -> Quota:
        return self._line.quota

    async def aclose(self) -> None:
        await self._line.aclose()

    async def announced(self, model: str) -> Announced:
        return await self._line.announced(model)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Delta]:
        left = self._line.countdown()
        create = self._line.client.responses.create
        stream: AsyncStream[ResponseStreamEvent] = await self._line.open(create, self._body(prompt), left)
        async with stream:
            cap = prompt.max_output_tokens if self._line.compatible else None
            pieces = relay(
                aiter(stream),
                _Reader(self._line, cap).read,
                failure=partial(self._line.failure, streaming=True),
                faults=FAULTS,
                left=left,
                request_id=request_id(stream.response),
            )
            async with aclosing(pieces) as deltas:
                async for delta in deltas:
                    yield delta

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        model, compatible = self._profile(prompt.model), self._line.compatible
        alternate = insists_on_turns(model, compatible=compatible)
        messages = worded(prompt.messages, name_field=False, alternate=alternate)
        body: dict[str, Any] = {
            "model": prompt.model,
            "input": [
                {"role": message.role.value, "content": self._content(message)} for message in messages
            ],
            "max_output_tokens": prompt.max_output_tokens,
            "store": False,
            "stream": True,
        }
        if prompt.system:
            body["instructions"] = prompt.system
        if self._temperature is not None and (model.temperature or not model.known):
            body["temperature"] = self._temperature
        if compatible:
            return body
        body["stream_options"] = {"include_obfuscation": False}
        if model.effort:
            body["reasoning"] = {"effort": model.effort}
        optional = {"safety_identifier": prompt.user, "prompt_cache_key": prompt.cache_key}
        return body | {key: value for key, value in optional.items() if value}

    def _content(self, message: Message) -> str | list[dict[str, Any]]:
        if not message.pictures:
            return message.text
        shown = [
            {"type": "input_image", "image_url": data_url(picture), "detail": self._detail}
            for picture in message.pictures
        ]
        return [{"type": "input_text", "text": message.text}, *shown]


class _Reader:
    """Reads the events of one answer. Those that tell of a failure are ordinary events here: the SDK raises
    nothing for them.

    `cap`: some compatible servers call an answer completed that their output cap cut off.
    """

    def __init__(self, line: OpenAILine, cap: int | None) -> None:
        self._line, self._cap = line, cap
        self._refused = False
        self._item: int | None = None

    def read(self, event: ResponseStreamEvent) -> Piece:
        match event.type:
            case "response.output_text.delta":
                return Piece(self._spaced(event.output_index) + event.delta)
            case "response.refusal.delta":
                self._refused = True
                return Piece(self._spaced(event.output_index) + event.delta)
            case "response.completed":
                return self._completed(event.response)
            case "response.incomplete":
                return self._incomplete(event.response)
            case "response.failed":
                error, number = event.response.error, word(event.response.id)
                judged = self._line.judged(code=error.code if error else None, request_id=number)
                return Piece(usage=_usage(event.response.usage), error=judged)
            case "error":
                return Piece(error=self._line.judged(code=event.code))
            case _:
                return NOTHING

    def _completed(self, response: Response) -> Piece:
        usage = _usage(response.usage)
        if self._cap is not None and usage is not None and usage.output >= self._cap:
            return Piece(usage=usage, finish=Finish.LENGTH, word="completed at the cap")
        return Piece(usage=usage, finish=Finish.REFUSED if self._refused else Finish.STOP, word="completed")

    def _incomplete(self, response: Response) -> Piece:
        usage = _usage(response.usage)
        reason = response.incomplete_details.reason if response.incomplete_details else None
        match reason:
            case "max_output_tokens":
                return Piece(usage=usage, finish=Finish.LENGTH, word=reason)
            case "content_filter":
                return Piece(usage=usage, finish=Finish.FILTERED, word=reason, if_blank=ContentFiltered)
            case _:
                return Piece(usage=usage, error=CutOff("incomplete", vendor_code=word(reason)))

    def _spaced(self, item: int) -> str:
        """What separates a further output item from the text before it."""
        before, self._item = self._item, item
        return PARAGRAPH if before is not None and before != item else ""


def _usage(usage: ResponseUsage | None) -> Usage | None:
    if usage is None:
        return None
    read, written = usage.input_tokens_details, usage.output_tokens_details
    return Usage(
        prompt=usage.input_tokens or 0,
        output=usage.output_tokens or 0,
        cached=(read.cached_tokens or 0) if read else 0,
        cache_written=(getattr(read, "cache_write_tokens", 0) or 0) if read else 0,
        reasoning=(written.reasoning_tokens or 0) if written else 0,
    )
