"""What the tests of the providers share: each provider against the emulator, a prompt, and a record of what
a stream brought.
"""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from bot.chat import Delta, Finish, Message, Prompt, Role, Usage
from bot.errors import ProviderError
from bot.models.catalogue import Model, Models, load_models
from bot.ports import Provider
from bot.providers.anthropic_messages import AnthropicMessages
from bot.providers.openai_chat import OpenAIChat
from bot.providers.openai_line import OpenAILine
from bot.providers.openai_responses import OpenAIResponses
from bot.providers.wire import TIMEOUTS, Timeouts

P = TypeVar("P", bound=Provider)

APIS: Final = ("chat", "responses", "anthropic")
KEY: Final = "sk-very-secret-key-0123456789"
SECRET: Final = "Where does Ada hide the saffron?"
MODELS: Final[Models] = load_models()
FAST: Final = replace(TIMEOUTS, connect=2.0, read=0.15)
"""Seconds; a stall is noticed soon."""


def profile(name: str) -> Model:
    return MODELS.get(name)


def make(
    api: str,
    url: str,
    *,
    timeouts: Timeouts = TIMEOUTS,
    compatible: bool = False,
    temperature: float | None = None,
    key: str = KEY,
) -> OpenAIChat | OpenAIResponses | AnthropicMessages:
    """A provider with the emulator's root as its address."""
    if api == "anthropic":
        return AnthropicMessages(profile, api_key=key, base_url=url, timeouts=timeouts)
    line = OpenAILine(name=api, api_key=key, base_url=f"{url}/v1", compatible=compatible, timeouts=timeouts)
    made = OpenAIChat if api == "chat" else OpenAIResponses
    return made(line, profile, temperature=temperature)


@asynccontextmanager
async def opened(provider: P) -> AsyncIterator[P]:
    """Closes the provider afterwards."""
    try:
        yield provider
    finally:
        await provider.aclose()


def model_of(api: str) -> str:
    return "claude-haiku-5-5" if api == "anthropic" else "gpt-6-luna"


def prompt_for(
    api: str, *messages: Message, cap: int = 500, model: str = "", system: str = "Be brief."
) -> Prompt:
    return Prompt(
        model=model or model_of(api),
        system=system,
        messages=messages or (Message(Role.USER, SECRET),),
        max_output_tokens=cap,
        user="hashed-person",
        cache_key="conversation-7",
    )


@dataclass(slots=True)
class Heard:
    """What a stream brought until it ended, and what it raised."""

    texts: list[str]
    usages: list[Usage]
    finishes: list[Finish]
    order: list[str]
    error: ProviderError | None = None

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def usage(self) -> Usage | None:
        return self.usages[-1] if self.usages else None

    @property
    def finish(self) -> Finish | None:
        return self.finishes[-1] if self.finishes else None


async def hear(deltas: AsyncIterator[Delta]) -> Heard:
    heard = Heard([], [], [], [])
    try:
        async for delta in deltas:
            if delta.text:
                heard.texts.append(delta.text)
                heard.order.append("text")
            if delta.usage is not None:
                heard.usages.append(delta.usage)
                heard.order.append("usage")
            if delta.finish is not None:
                heard.finishes.append(delta.finish)
                heard.order.append("finish")
    except ProviderError as error:
        heard.error = error
    return heard


async def ask(provider: Provider, api: str, *messages: Message, cap: int = 500, model: str = "") -> Heard:
    return await hear(provider.stream(prompt_for(api, *messages, cap=cap, model=model)))


def assert_tells_nothing(error: ProviderError) -> None:
    """Neither the error nor anything printed with it quotes the key or the prompt, though the vendor did."""
    printed = "".join(traceback.format_exception(error)) + repr(vars(error)) + repr(error.args)
    assert KEY not in printed
    assert "saffron" not in printed
    assert error.__cause__ is None
    assert error.__context__ is None
