"""What people do about a question besides waiting: they edit or delete it, stop its answer, have it given anew or gone on with, or reset
the place. What they may find in the end is written down with the question."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Sequence

from tests.crash.questions import Early, Pressed, Question, Reset, Whim
from tests.crash.stages import Stage

LIKELY = {
    Whim.EDIT: 3,
    Whim.DELETE: 2,
    Whim.STOP: 3,
    Whim.REGENERATE: 3,
    Whim.CONTINUE: 2,
    Whim.RETRY: 2,
    Whim.RESET: 1,
}
SOON, LATER = 0.7, 3.0
"""Seconds after which somebody has acted, at most: in the middle of an answer, or when it is there."""
AGAIN = 0.25
"""Share of questions about which somebody does two things."""
WAIT = 12.0
"""Seconds that somebody waits for a button."""
TRIES = 3
"""How often a button is pressed that seems to do nothing."""

Rest = Callable[[float], Awaitable[None]]


class Whims:
    """Those of the people on one stage. `asked` are all questions there, `rest` waits so many seconds, or until the day is `over`."""

    def __init__(
        self,
        stage: Stage,
        rng: random.Random,
        numbers: itertools.count[int],
        lengths: Sequence[int],
        asked: list[Question],
        rest: Rest,
        over: asyncio.Event,
    ) -> None:
        self._stage, self._rng, self._numbers, self._lengths = stage, rng, numbers, lengths
        self._asked, self._rest, self._over = asked, rest, over
        self.resets: list[Reset] = []

    def draw(self, share: float) -> Whim | None:
        """What is to become of a question, if anything: it begins with how it is asked."""
        if self._rng.random() >= share:
            return None
        return self._rng.choices(list(LIKELY), list(LIKELY.values()))[0]

    async def follow(self, question: Question) -> None:
        """Do it; and sometimes something else is still to be done about it."""
        if question.whim is not None:
            await self._act(question, question.whim)
            if not question.deleted and self._rng.random() < AGAIN:
                await self._act(question, self._rng.choice((Whim.EDIT, Whim.DELETE)))

    async def _act(self, question: Question, whim: Whim) -> None:
        match whim:
            case Whim.EDIT:
                await self._linger(self._rng.choice((SOON, LATER)))
                question.edited(next(self._numbers), self._rng.choice(self._lengths))
                await self._stage.edit(question, question.number, question.words)
            case Whim.DELETE:
                await self._linger(self._rng.choice((SOON, LATER)))
                question.deleted = True
                await self._stage.delete(question)
            case Whim.STOP:
                await self._stop(question)
            case Whim.REGENERATE | Whim.CONTINUE | Whim.RETRY as button:
                await self._press(question, button)
            case Whim.RESET:
                await self._reset(question)

    async def _stop(self, question: Question) -> None:
        if not await self._offered(question, Whim.STOP):
            return
        await self._linger(SOON)
        alone = not self._stage.stops_all(question)
        ended = [question] if alone else [one for one in self._asked if _together(one, question)]
        for one in ended:
            one.early.add(Early.STOPPED)
        match await self._stage.press(question, Whim.STOP):
            case Pressed.DONE:
                question.stopped = time.monotonic()
                question.done[Whim.STOP] += alone
            case Pressed.REFUSED | Pressed.ABSENT if alone:
                question.early.discard(Early.STOPPED)

    async def _press(self, question: Question, button: Whim) -> None:
        """Until something happens, as people do."""
        for _ in range(TRIES):
            if not await self._offered(question, button):
                return
            pressed = await self._stage.press(question, button)
            question.tried[button] += pressed is not Pressed.ABSENT
            question.done[button] += pressed is Pressed.DONE
            if pressed is Pressed.DONE:
                return

    async def _reset(self, question: Question) -> None:
        """What was asked in that place before may be ended by it; nothing that is asked later, whenever the reset is heard of."""
        await self._linger(LATER)
        room, began = question.channel, time.monotonic()
        for one in self._asked:
            if room in one.rooms:
                one.early.add(Early.RESET)
        if await self._stage.reset(question):
            question.done[Whim.RESET] += 1
            self.resets.append(Reset(room, began, time.monotonic()))

    async def _linger(self, most: float) -> None:
        await self._rest(self._rng.uniform(0, most))

    async def _offered(self, question: Question, button: Whim) -> bool:
        """Whether that button comes."""
        until = time.monotonic() + WAIT
        while not self._stage.offers(question, button):
            if self._over.is_set() or time.monotonic() > until:
                return False
            await self._rest(0.1)
        return True


def _together(one: Question, other: Question) -> bool:
    """Whether one person asked both in one thread."""
    return (one.person, one.channel, one.under) == (other.person, other.channel, other.under)
