"""The bot's processes: each is killed, started again, killed again, at a step or at any moment."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bot_process import BotProcess
from tests.crash.blade import VARIABLE
from tests.crash.steps import Step
from tests.nursery import ForkedProcess, Nursery

TOO_LONG = 9.0
"""Seconds after `ready` until a process whose step does not come is killed all the same."""
READY = 120.0
"""Seconds that a start may take, on a machine that is busy with other things."""
MOST_STARTS = 120
"""How often a process that ends by itself is started again, a second apart, as a supervisor would."""
AT_ANY_MOMENT = "at any moment"
WHILE_STARTING = "while it starts"


@dataclass(frozen=True)
class Kill:
    """One death: at the n-th time of a step, or `after` so many seconds (of its start, where it does not even get `ready`).
    `again`: that step did not come before, and is waited for longer."""

    step: Step | None
    nth: int = 1
    after: float = 0.0
    starting: bool = False
    again: bool = False


def kills(rng: random.Random, count: int, steps: Sequence[Step], haste: float = 1.0) -> list[Kill]:
    """So many deaths: half of them at steps, each step in turn, the others at any moment, some of those while it starts."""
    planned = []
    for number in range(count):
        if number % 2 == 0:
            step = steps[number // 2 % len(steps)]
            planned.append(Kill(step, rng.randint(1, step.most)))
        elif rng.random() < 0.15:
            planned.append(Kill(None, after=rng.uniform(0.1, 2.0), starting=True))
        else:
            planned.append(Kill(None, after=rng.uniform(0.0, 3.0) / haste))
    return planned


@dataclass
class Tally:
    """What happened to all processes of a round. `missed` are the steps that were to be died at and did not come."""

    deaths: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    missed: deque[Step] = field(default_factory=deque)

    @property
    def killed(self) -> int:
        return sum(self.deaths.values())


@dataclass
class House:
    """One process after another, in one place. `excused` says whether a process may end by itself just now (no database)."""

    name: str
    data: Path
    environment: Mapping[str, str]
    tally: Tally
    nursery: Nursery
    stops: float = 0.0
    haste: float = 1.0
    rng: random.Random = field(default_factory=random.Random)
    database_away: asyncio.Event = field(default_factory=asyncio.Event)
    bots: list[BotProcess] = field(default_factory=list)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self, deaths: Iterator[Kill], met: asyncio.Event) -> None:
        """Live until everybody has `met` the bot, die each of these deaths, then live."""
        await self._start({})
        if not await self._ready():
            raise RuntimeError(f"{self.name} does not start: {self.output[-2000:]}")
        self.opened.set()
        await met.wait()
        if next(deaths, None) is not None:
            await self.bots[-1].kill()
            self.tally.deaths[AT_ANY_MOMENT] += 1
        for death in deaths:
            again = death.step is not None and self.tally.missed
            await self._die_surely(Kill(self.tally.missed.popleft(), again=True) if again else death)
            if self.rng.random() < self.stops:
                await self._stop_in_the_middle()
        await self._start({})
        await self._ready()

    async def stop(self) -> None:
        """SIGTERM, as an operator does; it must end well, and in time."""
        began, bot = time.monotonic(), self.bots[-1]
        try:
            code = await bot.terminate()
        except TimeoutError:
            os.kill(bot.pid, signal.SIGUSR1)
            await asyncio.sleep(1)
            await bot.kill()
            self._fault("did not end after SIGTERM")
            return
        self.tally.stops.append(time.monotonic() - began)
        if code != 0:
            self._fault(f"ended with {code} after SIGTERM: {bot.output[-600:]}")

    @property
    def output(self) -> str:
        return "\n".join(bot.output for bot in self.bots)

    async def _start(self, more: Mapping[str, str]) -> BotProcess:
        environment = {**self.environment, **more}
        bot = ForkedProcess(self.data, environment, until="", nursery=self.nursery)
        self.bots.append(bot)
        await bot.start()
        return bot

    async def _ready(self) -> bool:
        """True when it is; False when it has died before."""
        try:
            await self.bots[-1].wait_for_line("^ready$", timeout=READY)
        except AssertionError:
            return False
        return True

    async def _die_surely(self, death: Kill) -> None:
        for _ in range(MOST_STARTS):
            if await self._die(death):
                return
            await asyncio.sleep(1)
        raise RuntimeError(f"{self.name} does not start: {self.bots[-1].output[-600:]}")

    async def _die(self, death: Kill) -> bool:
        """One life. False when it ended by itself because there was no database."""
        step = death.step
        blade = {} if step is None else {VARIABLE: step.at(death.nth)}
        bot = await self._start(blade)
        dead = asyncio.create_task(bot.died())
        how = WHILE_STARTING if death.starting else AT_ANY_MOMENT
        if not death.starting:
            await self._ready()
        patience = TOO_LONG / self.haste * (2 if death.again else 1)
        try:
            await asyncio.wait_for(asyncio.shield(dead), patience if step else death.after)
            how = step.name if step else how
        except TimeoutError:
            if step is not None and not death.again:
                self.tally.missed.append(step)
        if not dead.done():
            await bot.kill()
        code = await dead
        if code == -signal.SIGKILL:
            self.tally.deaths[how] += 1
            return True
        if not self.database_away.is_set() or "the database does not answer" not in bot.output:
            self._fault(f"ended by itself with {code}: {bot.output[-600:]}")
        return False

    async def _stop_in_the_middle(self) -> None:
        """A stop under load: what was being said is finished, or gone on with by the next."""
        bot = await self._start({})
        if await self._ready():
            await asyncio.sleep(self.rng.uniform(0.5, 3.0))
            await self.stop()
        else:
            await bot.kill()

    def _fault(self, what: str) -> None:
        self.tally.faults.append(f"{self.name}: {what}")
