"""Fit a conversation into a token budget: the instructions and the newest turns stay, whole turns are dropped, the answer has room.

Pure but for the history it is handed, which it reads newest first and no further than what fits. Counts that were stored with a
turn are used as they are when the same tokenizer made them, so that a long history costs nothing to skip.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from bot.chat import Exchange, Message, Role
from bot.errors import TooLong
from bot.tokens import PER_MESSAGE, PER_NAME, PER_REPLY, PER_ROLE

ESTIMATE_MARGIN = 1.15
"""What is only estimated may be this much larger in truth."""


class Counter(Protocol):
    """A tokenizer: its name, whether it is the model's own, and how many tokens a text has."""

    @property
    def name(self) -> str: ...

    @property
    def exact(self) -> bool: ...

    def count(self, text: str) -> int: ...


def upper_bound(tokens: int, counter: Counter) -> int:
    """How many tokens it may be in truth."""
    return tokens if counter.exact else math.ceil(tokens * ESTIMATE_MARGIN)


class Estimate:
    """A tokenizer that stands in for a model's own, which makes `ratio` times as many tokens."""

    exact = False

    def __init__(self, counter: Counter, ratio: float) -> None:
        self._counter, self._ratio = counter, ratio
        self.name = counter.name if ratio == 1 else f"{counter.name}×{ratio:g}"

    def count(self, text: str) -> int:
        return math.ceil(self._counter.count(text) * self._ratio)


@dataclass(frozen=True, slots=True)
class Window:
    """How much fits: `prompt` tokens at most, beside `answer` tokens kept free for the answer."""

    prompt: int
    answer: int


def window_for(
    model_window: int, model_output: int, *, context_tokens: int, max_output_tokens: int
) -> Window:
    """Share a model's window between prompt and answer as the operator wishes; a small window is shared half and half."""
    answer = min(max_output_tokens, model_output, model_window // 2)
    return Window(prompt=min(context_tokens, model_window - answer), answer=answer)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the model will see, and what it costs, in tokens by part. `dropped`: older turns did not fit."""

    messages: tuple[Message, ...]
    system: int
    history: int
    question: int
    turns: int
    dropped: bool

    @property
    def total(self) -> int:
        return self.system + self.history + self.question


async def fit(
    history: AsyncIterator[Exchange],
    question: Message,
    *,
    system: str,
    window: Window,
    counter: Counter,
    named: bool,
) -> Fitted:
    """Choose what the model sees. `named`: several people speak here, so each turn carries its speaker's name.

    Raises `TooLong` when the question alone does not fit.
    """
    cost = _costs(counter)
    budget = window.prompt if counter.exact else int(window.prompt / ESTIMATE_MARGIN)
    system_tokens = PER_REPLY + (cost(Message(Role.USER, system)) if system else 0)
    question_tokens = cost(question)
    left = budget - system_tokens - question_tokens
    if left < 0:
        raise TooLong(f"{system_tokens + question_tokens} tokens do not fit into {budget}")
    newest_first: list[Exchange] = []
    history_tokens, dropped = 0, False
    async for exchange in history:
        tokens = _exchange_tokens(exchange, counter, cost, named)
        if history_tokens + tokens > left:
            dropped = True
            break
        history_tokens += tokens
        newest_first.append(exchange)
    messages = [message for exchange in reversed(newest_first) for message in _as_messages(exchange, named)]
    return Fitted(
        (*messages, question), system_tokens, history_tokens, question_tokens, len(newest_first), dropped
    )


def _as_messages(exchange: Exchange, named: bool) -> tuple[Message, Message]:
    return (
        Message(Role.USER, exchange.question, exchange.name if named else ""),
        Message(Role.ASSISTANT, exchange.answer),
    )


def _costs(counter: Counter) -> Callable[[Message], int]:
    def cost(message: Message) -> int:
        name = PER_NAME + counter.count(message.name) if message.name else 0
        return PER_MESSAGE + PER_ROLE + name + counter.count(message.text)

    return cost


def _exchange_tokens(
    exchange: Exchange, counter: Counter, cost: Callable[[Message], int], named: bool
) -> int:
    if exchange.counter != counter.name:
        return sum(cost(message) for message in _as_messages(exchange, named))
    name = PER_NAME + counter.count(exchange.name) if named and exchange.name else 0
    return 2 * (PER_MESSAGE + PER_ROLE) + name + exchange.question_tokens + exchange.answer_tokens
