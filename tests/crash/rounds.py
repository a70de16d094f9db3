"""Rounds: which platforms, which database, how many processes, how many deaths; and the verdict."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bot.tokens import vocabularies
from storage.stores import open_stores
from tests.crash import evidence, judge
from tests.crash.answers import Model
from tests.crash.crowd import Crowd, complete
from tests.crash.house import House, Kill, Tally, kills
from tests.crash.on_discord import DiscordStage
from tests.crash.on_slack import SlackStage
from tests.crash.questions import Question
from tests.crash.steps import BY_WHIM, EVERYWHERE, ON_DISCORD, ON_SLACK, ON_SQLITE, STEPS, Step
from tests.emulators.llm import LLMEmulator
from tests.emulators.llm.server import refusing_port
from tests.nursery import Nursery
from tests.postgres import Postgres

PATIENCE = 120.0
"""Seconds without any news, in the database or on a platform, after which nobody waits for answers any more."""
ASKED_PER_KILL = 2
"""Questions that are asked at least, however soon all the kills are made."""


@dataclass(frozen=True)
class Setting:
    """What is put together: `processes` share a PostgreSQL; one alone on SQLite. `slack` is `socket` or `http`, empty: none. Lives are
    `haste` times shorter; a `lease` is so many seconds. On each platform are so many `people`, who do something about a share of their
    questions besides waiting: `whims`."""

    name: str
    processes: int = 1
    postgres: bool = False
    slack: str = "socket"
    discord: bool = True
    away: float = 0.0
    troubled: float = 1.5
    stops: float = 0.1
    people: int = 4
    haste: float = 2.0
    lease: int = 8
    whims: float = 0.3


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("sqlite"),
        Setting("sqlite-http", slack="http"),
        Setting("postgres", postgres=True),
        Setting("two", processes=2, postgres=True, slack="http"),
        Setting("two-sockets", processes=2, postgres=True),
        Setting("four", processes=4, postgres=True, slack="http"),
        Setting("restart", processes=2, postgres=True, slack="http", away=0.5),
        Setting("away", processes=2, postgres=True, slack="http", away=60.0),
    )
}


@dataclass
class Verdict:
    """What came of a round."""

    seed: str
    setting: Setting
    asked: int
    killed: dict[str, int]
    requests: int
    troubles: int
    whims: Counter[str]
    stops: list[float]
    seconds: float
    faults: list[str]
    output: str = field(repr=False, default="")

    def __str__(self) -> str:
        killed = sum(self.killed.values())
        stops = f", {len(self.stops)} stops (at most {max(self.stops):.1f} s)" if self.stops else ""
        whims = "".join(f", {count} {whim}" for whim, count in sorted(self.whims.items()))
        return (
            f"{self.setting.name} (seed {self.seed}): {killed} kills, {self.asked} questions{whims}, {self.requests} requests, "
            f"{self.troubles} troubles{stops}, {len(self.faults)} faults, {self.seconds:.0f} s"
        )


async def play(
    setting: Setting, count: int, seed: str, postgres: Postgres | None = None, first: int = 0
) -> Verdict:
    """One round with so many kills. `first` is the step to begin with, in an order that all rounds of a seed share."""
    began, rng = time.monotonic(), random.Random(seed)
    order = random.Random(seed.partition("/")[0]).sample(STEPS, len(STEPS))
    first %= len(order)
    with tempfile.TemporaryDirectory(prefix="rejoinder-crash-") as folder:
        async with Round(setting, rng, Path(folder), postgres) as round_:
            steps = [step for step in (*order[first:], *order[:first]) if step in round_.steps]
            await round_.play(kills(rng, count, steps, setting.haste))
            verdict = await round_.verdict()
    verdict.seed, verdict.seconds = seed, time.monotonic() - began
    return verdict


class Round:
    def __init__(self, setting: Setting, rng: random.Random, folder: Path, postgres: Postgres | None) -> None:
        self.setting, self._rng, self._folder, self._postgres = setting, rng, folder, postgres
        self._stack = AsyncExitStack()
        self.tally = Tally()
        self.model = Model(random.Random(rng.random()))
        self.llm = LLMEmulator(rule=self.model.rule)
        self.database_away = asyncio.Event()
        self.nursery = Nursery()
        numbers = itertools.count(1)
        self.stages: list[SlackStage | DiscordStage] = []
        if setting.slack:
            http = setting.slack == "http"
            self.stages.append(SlackStage(random.Random(rng.random()), people=setting.people, http=http))
        if setting.discord:
            draw = random.Random(rng.random())
            self.stages.append(DiscordStage(draw, people=setting.people, shards=setting.processes))
        self.crowds = [
            Crowd(stage, random.Random(rng.random()), numbers, setting.whims) for stage in self.stages
        ]
        self.houses: list[House] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.llm)
        for stage in self.stages:
            await self._stack.enter_async_context(stage.emulator)
        self._stack.enter_context(self.nursery)  # the last to come is the first to go, with all its children
        self.url = await self._database()
        ports = [refusing_port() for _ in range(self.setting.processes)]
        for stage in self.stages:
            if isinstance(stage, SlackStage):
                stage.serve_at(ports)
        self.houses = [self._house(process, port) for process, port in enumerate(ports)]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def steps(self) -> list[Step]:
        return [
            *EVERYWHERE,
            *([] if self.setting.postgres else ON_SQLITE),
            *(ON_SLACK if self.setting.slack else []),
            *(ON_DISCORD if self.setting.discord else []),
            *(BY_WHIM if self.setting.whims else []),
        ]

    async def play(self, planned: list[Kill]) -> None:
        """Let people talk while the processes die their deaths, and go on until all is answered."""
        deaths, met = iter(planned), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            living = [group.create_task(house.live(deaths, met)) for house in self.houses]
            await asyncio.gather(*(house.opened.wait() for house in self.houses))
            try:
                await asyncio.gather(*(crowd.meet() for crowd in self.crowds))
            except TimeoutError as error:
                unanswered = [
                    crowd.stage.story(question)
                    for crowd in self.crowds
                    for question in crowd.asked
                    if not complete(crowd.stage, question)
                ]
                said = [f"{house.name}: {house.output}" for house in self.houses]
                raise AssertionError(
                    "\n".join(["not everybody was answered at first", *unanswered, *said])
                ) from error
            met.set()
            for crowd in self.crowds:
                group.create_task(crowd.talk(self.setting.troubled))
            if self.setting.away:
                living.append(group.create_task(self._disturb()))
            await asyncio.gather(*living)
            await asyncio.sleep(1)
            while sum(len(crowd.asked) for crowd in self.crowds) < ASKED_PER_KILL * len(planned):  # noqa: ASYNC110 - people's own time
                await asyncio.sleep(0.1)
            for crowd in self.crowds:
                crowd.over.set()
        await self._calm_down()

    async def verdict(self) -> Verdict:
        """Stop everything, and judge."""
        await asyncio.gather(*(house.stop() for house in self.houses))
        known, asked = await evidence.rows(self.url), self.asked
        resets = [reset for crowd in self.crowds for reset in crowd.does.resets]
        faults = [*self.tally.faults, *self._wrong(known)]
        faults += judge.by_the_model(asked, resets, self.model, self.setting.lease)
        output = "\n".join([*self._stories(faults, known), *(house.output for house in self.houses)])
        faults += [
            f"{house.name} logged: {line}"
            for house in self.houses
            for line in evidence.complaints(house.output)
        ]
        troubles = sum(len(crowd.troubles) for crowd in self.crowds)
        return Verdict(
            "",
            self.setting,
            len(asked),
            dict(self.tally.deaths),
            sum(map(len, self.model.asked.values())),
            troubles,
            Counter(question.whim for question in asked if question.whim and question.had),
            self.tally.stops,
            0.0,
            faults,
            output,
        )

    @property
    def asked(self) -> list[Question]:
        return [question for crowd in self.crowds for question in crowd.asked]

    def _wrong(self, known: Sequence[evidence.Row]) -> list[str]:
        """What is not as it has to be in the end."""
        faults = []
        for crowd in self.crowds:
            stage, missing = crowd.stage, judge.missing(crowd.asked, known)
            faults += [f"q{one.number} has no turn: {stage.story(one)}" for one in missing]
            faults += judge.on_the_platform(crowd.asked, stage.spoken(), known)
            faults += judge.as_shown(crowd.asked, stage.spoken(), known)
        return [*faults, *judge.in_the_database(self.asked, known, self.model)]

    def _stories(self, faults: Sequence[str], known: Sequence[evidence.Row]) -> Iterator[str]:
        """For whoever looks into a fault: all that is known of the questions it names."""
        named = {int(number) for fault in faults for number in re.findall(r"\bq(\d+)\b", fault)}
        for crowd in self.crowds:
            for question in crowd.asked:
                if question.number in named:
                    rows = [row for row in known if row.message == question.id]
                    yield f"{question}\n    {rows}\n    {crowd.stage.story(question)}"
                    for row in rows:
                        yield from (
                            f"    {message}: {crowd.stage.looks(message)}"
                            for message in row.messages
                            if message
                        )

    async def _calm_down(self) -> None:
        """Wait until all is as it has to be, or nothing moves any more."""
        until, seen = time.monotonic() + PATIENCE, ""
        while time.monotonic() < until:
            known = await evidence.rows(self.url)
            looks = [one.times[-1:] for crowd in self.crowds for one in crowd.stage.spoken()]
            if seen != (seen := f"{known}{looks}"):
                until = time.monotonic() + PATIENCE
            if all(row.state not in ("waiting", "running") for row in known) and not self._wrong(known):
                return
            await asyncio.sleep(1)

    async def _disturb(self) -> None:
        """Take the database away in the middle."""
        assert self._postgres is not None
        await asyncio.sleep(self._rng.uniform(8, 15))
        self.database_away.set()
        await asyncio.to_thread(self._postgres.stop, self._rng.choice(["fast", "immediate"]))
        await asyncio.sleep(self.setting.away)
        await asyncio.to_thread(self._postgres.start)
        await asyncio.sleep(3)
        self.database_away.clear()

    async def _database(self) -> str:
        if not self.setting.postgres:
            return f"sqlite:///{self._folder / 'data' / 'rejoinder.db'}"
        assert self._postgres is not None
        url = self._postgres.create()
        stores = open_stores(url)
        await stores.upgrade()
        await stores.aclose()
        return url

    def _house(self, process: int, port: int) -> House:
        environment = {
            "OPENAI_API_KEY": "x",
            vocabularies.VARIABLE: os.environ[vocabularies.VARIABLE],
            "OPENAI_BASE_URL": self.llm.openai_url,
            "REJOINDER_MODEL": "openai-chat:gpt-4o-mini",
            "DATABASE_URL": self.url,
            "REJOINDER_SECRET_KEY": "c2VjcmV0IG9mIHRoZSBjcmFzaCB0ZXN0cyBvbmx5ISE",
            "REJOINDER_HTTP": f"127.0.0.1:{port}",
            "REJOINDER_USER_REQUESTS_PER_MINUTE": "none",
            "REJOINDER_USER_TOKENS_PER_DAY": "900000000",
            "REJOINDER_CONTEXT_TOKENS": "12000",
            "REJOINDER_MAX_OUTPUT_TOKENS": "5000",
            "REJOINDER_QUEUE": "1000",
            "REJOINDER_CATCH_UP_MOST": "1000",
            "REJOINDER_ATTEMPTS": "1000",
            "REJOINDER_LEASE_SECONDS": str(self.setting.lease),
        }
        for stage in self.stages:
            environment |= stage.environment(process, self.setting.processes)
        return House(
            f"{self.setting.name}/{process}",
            self._folder / f"data{process or ''}",
            environment,
            self.tally,
            self.nursery,
            self.setting.stops,
            self.setting.haste,
            random.Random(self._rng.random()),
            self.database_away,
        )
