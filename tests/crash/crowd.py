"""The people: each asks, waits for the answer (or loses patience and asks on), and asks again. And an ordinary day's troubles."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from dataclasses import dataclass, field

from tests.crash.answers import is_about, said_words
from tests.crash.questions import Question, Whim
from tests.crash.stages import Spoken, Stage
from tests.crash.whims import Whims

LENGTHS = (8, 15, 40, 40, 120, 400)
"""Words of the answers asked for; the last fill several messages."""
MEETING = 180.0
"""Seconds for everybody's first answer, on a machine that is busy with other things."""


def words_for(question: Question, spoken: list[Spoken]) -> list[int]:
    """The numbered words shown in answer to a question, in the order of the messages."""
    words = (word for message in spoken for word in said_words(message.text))
    return [word for number, word in words if number == question.number]


def complete(stage: Stage, question: Question) -> bool:
    spoken = stage.spoken(question.channel, question.id)
    mine = [one for one in spoken if is_about(one.text, question.number)]
    return words_for(question, mine) == list(range(question.words)) and not any(one.stoppable for one in mine)


def settled(stage: Stage, question: Question) -> bool:
    """Whether there is nothing more to wait for."""
    spoken = stage.spoken(question.channel, question.id)
    endings = question.endings
    ended = endings and any(
        is_about(one.text, question.number) and re.search(endings, one.text) for one in spoken
    )
    return question.deleted or bool(ended) or complete(stage, question)


@dataclass
class Crowd:
    """Everybody on one stage. `numbers` are shared by all stages, so that no two questions bear the same. `whims` is the share of
    questions about which somebody does something besides waiting."""

    stage: Stage
    rng: random.Random
    numbers: itertools.count[int]
    whims: float = 0.0
    patience: float = 15.0
    idle: float = 0.8
    asked: list[Question] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.does = Whims(self.stage, self.rng, self.numbers, LENGTHS, self.asked, self._rest, self.over)

    async def meet(self) -> None:
        """Everybody writes to the bot directly, once: Discord tells nobody of a direct message that nobody ever heard of."""
        for person in range(self.stage.people):
            self.asked.append(await self.stage.ask(person, next(self.numbers), LENGTHS[0], directly=True))
        async with asyncio.timeout(MEETING):
            while not all(complete(self.stage, question) for question in self.asked):  # noqa: ASYNC110 - two emulators
                await asyncio.sleep(0.1)

    async def talk(self, troubled: float = 0.0) -> None:
        """Until it is `over`. `troubled`: seconds between two troubles, on average; 0 for none."""
        async with asyncio.TaskGroup() as group:
            for person in range(self.stage.people):
                group.create_task(self._person(person))
            if troubled:
                group.create_task(self._troubles(troubled))

    async def _person(self, person: int) -> None:
        while not self.over.is_set():
            mine = [await self._ask(person) for _ in range(1 if self.rng.random() < 0.8 else 2)]
            for question in mine:
                await self.does.follow(question)
            await self._wait_for(mine)
            await self._rest(self.rng.uniform(0, self.idle))

    async def _ask(self, person: int) -> Question:
        whim = self.does.draw(self.whims)
        words = LENGTHS[-1] if whim is Whim.STOP else self.rng.choice(LENGTHS)
        question = await self.stage.ask(person, next(self.numbers), words, whim)
        self.asked.append(question)
        return question

    async def _wait_for(self, questions: list[Question]) -> None:
        waited = 0.0
        while waited < self.patience and not self.over.is_set():
            if all(settled(self.stage, question) for question in questions):
                return
            await self._rest(0.2)
            waited += 0.2

    async def _troubles(self, seconds: float) -> None:
        while not self.over.is_set():
            await self._rest(self.rng.expovariate(1 / seconds))
            if not self.over.is_set():
                self.troubles.append(f"{self.stage.platform}: {await self.stage.trouble()}")

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.over.wait(), seconds)
        except TimeoutError:
            return
