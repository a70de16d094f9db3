"""Fit a conversation into a token budget: the instructions and the newest turns stay, whole turns are dropped, the answer has room.

Pure but for the history it is handed, which it reads newest first and no further than what fits. Sizes that were stored with a
turn are used as they are when the same vocabulary made them, so that a long history costs nothing to skip.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from bot.chat import Exchange, Message, Role, Size
from bot.counting import Counter
from bot.errors import TooLong
from bot.tokens import PER_NAME


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
    """What the model will see, its size, and what it comes to, in tokens by part. `dropped`: older turns did not fit."""

    messages: tuple[Message, ...]
    size: Size
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
    head = message_size(counter, Message(Role.USER, system)) if system else Size()
    alone = head + message_size(counter, question)
    if counter.most(alone) > window.prompt:
        raise TooLong(f"{counter.most(alone)} tokens do not fit into {window.prompt}")
    newest_first: list[Exchange] = []
    whole, dropped = alone, False
    async for exchange in history:
        larger = whole + _exchange_size(exchange, counter, named)
        if counter.most(larger) > window.prompt:
            dropped = True
            break
        whole = larger
        newest_first.append(exchange)
    messages = [message for exchange in reversed(newest_first) for message in _as_messages(exchange, named)]
    system_tokens, alone_tokens = counter.tokens(head), counter.tokens(alone)
    return Fitted(
        (*messages, question),
        whole,
        system_tokens,
        counter.tokens(whole) - alone_tokens,
        alone_tokens - system_tokens,
        len(newest_first),
        dropped,
    )


def message_size(counter: Counter, message: Message) -> Size:
    """The size of one message of a prompt, its speaker's name included."""
    return counter.measure(message.text) + _name_size(counter, message.name) + Size(messages=1)


def _name_size(counter: Counter, name: str) -> Size:
    return counter.measure(name) + Size(tokens=PER_NAME) if name else Size()


def _as_messages(exchange: Exchange, named: bool) -> tuple[Message, Message]:
    return (
        Message(Role.USER, exchange.question, exchange.name if named else ""),
        Message(Role.ASSISTANT, exchange.answer),
    )


def _exchange_size(exchange: Exchange, counter: Counter, named: bool) -> Size:
    """As it was measured when it was stored, if the same vocabulary did it."""
    question, answer = _as_messages(exchange, named)
    if exchange.counter != counter.name:
        return message_size(counter, question) + message_size(counter, answer)
    name = _name_size(counter, question.name)
    return exchange.question_size + exchange.answer_size + name + Size(messages=2)
