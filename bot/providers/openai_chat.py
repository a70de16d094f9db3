"""Chat completions, at OpenAI or at any server that speaks them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from openai import AsyncStream
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk

from bot.chat import Delta, Finish, Message, Prompt, Quota, Usage
from bot.errors import BadResponse, ContentFiltered, CutOff, EmptyAnswer
from bot.models.catalogue import Announced, Model
from bot.providers.openai_line import FAULTS, OpenAILine, request_id
from bot.providers.wire import Piece, relay
from bot.providers.wording import data_url, insists_on_turns, worded
from bot.tokens.pictures import Detail

ENDINGS: Final[Mapping[str, Finish]] = {"length": Finish.LENGTH, "content_filter": Finish.FILTERED}
BROKEN: Final = frozenset({"error", "abort", "cancelled"})
"""What some compatible servers give as a finish reason when they did not finish."""


class OpenAIChat:
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
        create = self._line.client.chat.completions.create
        stream: AsyncStream[ChatCompletionChunk] = await self._line.open(create, self._body(prompt), left)
        async with stream:
            pieces = relay(
                aiter(stream),
                _Reader().read,
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
        body: dict[str, Any] = {
            "model": prompt.model,
            "messages": self._messages(prompt, model),
            self._cap(model): prompt.max_output_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._temperature is not None and (model.temperature or not model.known):
            body["temperature"] = self._temperature
        if compatible:
            return body
        body["stream_options"]["include_obfuscation"] = False
        body["store"] = False
        optional = {
            "reasoning_effort": model.effort,
            "safety_identifier": prompt.user,
            "prompt_cache_key": prompt.cache_key,
        }
        return body | {key: value for key, value in optional.items() if value}

    def _cap(self, model: Model) -> str:
        """What the output cap is called there."""
        line = self._line
        return "max_tokens" if line.compatible and not line.azure else model.cap_parameter

    def _messages(self, prompt: Prompt, model: Model) -> list[dict[str, Any]]:
        compatible = self._line.compatible
        messages = worded(
            prompt.messages,
            name_field=model.name_field and not compatible,
            alternate=insists_on_turns(model, compatible=compatible),
        )
        sent = [{"role": message.role.value, "content": self._content(message)} for message in messages]
        for entry, message in zip(sent, messages, strict=True):
            if message.name:
                entry["name"] = message.name
        if prompt.system:
            sent.insert(0, {"role": "system" if compatible else model.role, "content": prompt.system})
        return sent

    def _content(self, message: Message) -> str | list[dict[str, Any]]:
        """Words alone are a string, which every compatible server takes. Not all of those know of a detail."""
        if not message.pictures:
            return message.text
        detail = {} if self._line.compatible else {"detail": self._detail}
        shown = [
            {"type": "image_url", "image_url": {"url": data_url(picture), **detail}}
            for picture in message.pictures
        ]
        return [{"type": "text", "text": message.text}, *shown]


class _Reader:
    """Reads the chunks of one answer. A refusal comes as text of its own and then ends like any answer."""

    def __init__(self) -> None:
        self._refused = False

    def read(self, chunk: object) -> Piece:
        if not isinstance(chunk, ChatCompletionChunk):
            return Piece(error=BadResponse(f"a chunk that is a {type(chunk).__name__}"))
        usage = _usage(chunk.usage) if chunk.usage else None
        if not chunk.choices:
            return Piece(usage=usage)
        choice = chunk.choices[0]
        text = (choice.delta.content or "") if choice.delta else ""
        refusal = (choice.delta.refusal or "") if choice.delta else ""
        self._refused = self._refused or bool(refusal)
        if choice.finish_reason is None:
            return Piece(text + refusal, usage)
        if choice.finish_reason in BROKEN:
            return Piece(text, usage, error=CutOff("the server gave up", vendor_code=choice.finish_reason))
        finish = Finish.REFUSED if self._refused else ENDINGS.get(choice.finish_reason, Finish.STOP)
        blank = ContentFiltered if finish is Finish.FILTERED else EmptyAnswer
        return Piece(text + refusal, usage, finish, choice.finish_reason, blank)


def _usage(usage: CompletionUsage) -> Usage:
    prompt, output = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        prompt=usage.prompt_tokens or 0,
        output=usage.completion_tokens or 0,
        cached=(prompt.cached_tokens or 0) if prompt else 0,
        cache_written=(prompt.cache_write_tokens or 0) if prompt else 0,
        reasoning=(output.reasoning_tokens or 0) if output else 0,
    )
