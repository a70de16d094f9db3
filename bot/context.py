"""Fit a conversation into a token budget: the instructions, what is pinned and the newest turns stay, the answer has room.

When the budget is full, what is told of the conversation drops to a low-water mark in one step, and the turn it then begins with is
remembered. So every prompt begins with all of the one before it until the next such step, and the provider's cache serves that part;
dropping one turn at a time would change the beginning of every prompt.

Pure but for the history it is handed, which it reads newest first and no further than what fits. Sizes that were stored with a
turn are used as they are when the same vocabulary made them, so that a long history costs nothing to skip.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Final

from bot.chat import Exchange, Mark, Message, Note, Picture, Role, Size
from bot.errors import TooLong
from bot.marking import NOTED, SUMMED_UP
from bot.ports import Beginning
from bot.tokens.counting import Counter

LOW_WATER: Final = 0.5
"""What is left of the room for the past after such a step. Less remembers less, more takes such a step more often: benchmarks/context.py
weighs both."""
SHARE: Final = 4
"""One part in so many of a prompt is the most that pins may take, and as much the gist."""
NO_SIZE: Final = Size()
NO_PICTURES: Final[Mapping[int, tuple[Picture, ...]]] = {}


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
    """What the model will see, its size, and what it comes to, in tokens by part.

    `since` is the first turn that is told, None where none is; `moved`: the conversation had to drop to the low-water mark, and is told
    from there on from now on. `dropped`: there are older turns.
    """

    messages: tuple[Message, ...]
    size: Size
    system: int
    pinned: int
    summary: int
    history: int
    question: int
    turns: int
    since: Mark | None
    moved: bool
    dropped: bool

    @property
    def total(self) -> int:
        return self.system + self.pinned + self.summary + self.history + self.question


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a prompt: a turn (with its `mark`), something that is pinned, or the gist of what was left behind."""

    messages: tuple[Message, ...] = ()
    size: Size = NO_SIZE
    mark: Mark | None = None


async def fit(
    history: AsyncIterator[Exchange],
    question: Message,
    *,
    beginning: Beginning,
    system: str,
    window: Window,
    counter: Counter,
    named: bool,
    low: float = LOW_WATER,
    shown: Mapping[int, tuple[Picture, ...]] = NO_PICTURES,
) -> Fitted:
    """Choose what the model sees. `history` begins no earlier than `beginning` says. `named`: several people speak here, so each turn
    carries its speaker's name. `low` is the low-water mark; at 1 all is told that fits. `shown` are the pictures that are
    shown again, by their turns.

    Raises `TooLong` when the question alone does not fit.
    """
    head = message_size(counter, Message(Role.USER, system)) if system else Size()
    alone = head + message_size(counter, question)
    if counter.most(alone) > window.prompt:
        raise TooLong(f"{counter.most(alone)} tokens do not fit into {window.prompt}")
    pins, gist = _pins(beginning, window, counter, named), _gist(beginning, window, counter)
    if counter.most(_total(alone, gist, *pins)) > window.prompt:
        pins, gist = [], Piece()
    turns = (_turn(exchange, counter, named, shown.get(exchange.turn, ())) async for exchange in history)
    told, moved = await _told(turns, alone, gist, pins, window, counter, low)
    pins = _unless_told(pins, told)
    sizes = (head, alone, _total(alone, *pins), _total(alone, gist, *pins), _total(alone, gist, *pins, *told))
    system_tokens, alone_tokens, pinned, opening, whole = map(counter.tokens, sizes)
    return Fitted(
        messages=(*_lasting(*pins, gist), *_lasting(*reversed(told)), question),
        size=sizes[-1],
        system=system_tokens,
        pinned=pinned - alone_tokens,
        summary=opening - pinned,
        history=whole - opening,
        question=alone_tokens - system_tokens,
        turns=len(told),
        since=told[-1].mark if told else None,
        moved=moved,
        dropped=moved or beginning.since is not None,
    )


async def _told(
    history: AsyncIterator[Piece],
    alone: Size,
    gist: Piece,
    pins: Sequence[Piece],
    window: Window,
    counter: Counter,
    low: float,
) -> tuple[list[Piece], bool]:
    """The turns that are told, newest first: all that fit, or those below the low-water mark; and whether it was the latter.

    A pinned turn stands before the history only when it is not part of it.
    """
    mark = counter.most(alone) + (window.prompt - counter.most(alone)) * low
    told: list[Piece] = []
    below, spoken, front = 0, Size(), _total(alone, gist, *pins)
    async for turn in history:
        told.append(turn)
        spoken += turn.size
        if any(pin.mark == turn.mark for pin in pins):
            front = _total(alone, gist, *_unless_told(pins, told))
        most = counter.most(front + spoken)
        if most > window.prompt:
            return told[:below], True
        if most <= mark:
            below = len(told)
    return told, False


def _lasting(*pieces: Piece) -> list[Message]:
    """Their messages. What is pinned and summed up stays until the next step, and the turns as long as nothing but more is said."""
    messages = [message for piece in pieces for message in piece.messages]
    return [*messages[:-1], replace(messages[-1], lasting=True)] if messages else []


def _unless_told(pins: Sequence[Piece], told: Sequence[Piece]) -> list[Piece]:
    marks = {turn.mark for turn in told}
    return [pin for pin in pins if pin.mark is None or pin.mark not in marks]


def _pins(beginning: Beginning, window: Window, counter: Counter, named: bool) -> list[Piece]:
    """The newest pins that take no more than their share, in their order."""
    pieces: list[Piece] = []
    for pin in reversed(beginning.pins):
        what = pin.pinned
        piece = _noted(NOTED, what, counter) if isinstance(what, Note) else _turn(what, counter, named)
        if counter.most(_total(piece.size, *pieces)) > window.prompt // SHARE:
            break
        pieces.insert(0, piece)
    return pieces


def _gist(beginning: Beginning, window: Window, counter: Counter) -> Piece:
    if beginning.summary is None:
        return Piece()
    piece = _noted(SUMMED_UP, beginning.summary.note, counter)
    return piece if counter.most(piece.size) <= window.prompt // SHARE else Piece()


def _noted(title: str, note: Note, counter: Counter) -> Piece:
    size = note.size if note.counter == counter.name else counter.measure(note.text)
    lead = f"{title}\n"
    message = Message(Role.USER, lead + note.text)
    return Piece((message,), size + counter.measure_lead(lead, note.text) + Size(messages=1))


def _turn(exchange: Exchange, counter: Counter, named: bool, pictures: tuple[Picture, ...] = ()) -> Piece:
    """Question and answer, as they were measured when they were stored, if the same vocabulary did it."""
    question = Message(Role.USER, exchange.question, exchange.name if named else "", pictures)
    answer = Message(Role.ASSISTANT, exchange.answer)
    if exchange.counter == counter.name:
        size = exchange.question_size + exchange.answer_size + _beside(counter, question)
        return Piece((question, answer), size + Size(messages=2), exchange.mark)
    size = message_size(counter, question) + message_size(counter, answer)
    return Piece((question, answer), size, exchange.mark)


def _total(first: Size, *more: Piece) -> Size:
    return reduce(add, (piece.size for piece in more), first)


def message_size(counter: Counter, message: Message) -> Size:
    """The size of one message of a prompt, its speaker's name and its pictures included."""
    return counter.measure(message.text) + _beside(counter, message) + Size(messages=1)


def _beside(counter: Counter, message: Message) -> Size:
    """What a message holds beside its words."""
    pictures = (counter.measure_picture(picture) for picture in message.pictures)
    return reduce(add, pictures, counter.measure_name(message.name, message.text))
