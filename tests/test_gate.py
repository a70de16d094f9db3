"""The line before a provider's own limits: shared, fair, exact, and patient only for so long."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.chat import Author, Message, Prompt, Quota, Role, Turn, Usage
from bot.errors import LimitReached, Overcrowded
from bot.limits.admission import Limits, Reservation
from bot.limits.rules import Rulebook, Scope
from bot.models.catalogue import Model
from bot.ports import Level, Line
from storage.stores import Stores
from tests.fakes import ADA, CHANNEL, GRACE, FakeClock
from tests.limits_rig import open_limits

pytest_plugins = ["tests.databases"]

MODEL = Model("openai", "gpt")
PROMPT = Prompt(MODEL.name, "", (Message(Role.USER, "hello"),), 100)
SIX_A_MINUTE = Rulebook(provider={"requests_per_minute": 6})


class Time(FakeClock):
    """A clock that jumps to the next moment anybody sleeps for, once all that runs has come to rest."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[datetime, int, asyncio.Event]] = []
        self._order = itertools.count()

    async def sleep(self, seconds: float) -> None:
        event = asyncio.Event()
        heapq.heappush(self._sleepers, (self.now + timedelta(seconds=seconds), next(self._order), event))
        await event.wait()

    async def run(self, *tasks: asyncio.Task[None]) -> None:
        """Let time pass until these are done. A task that is neither done nor asleep is at the database."""
        while not all(task.done() for task in tasks):
            while sum(not task.done() for task in tasks) > len(self._sleepers):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.001)
            if self._sleepers:
                self.now, _, event = heapq.heappop(self._sleepers)
                event.set()
        await asyncio.gather(*tasks)


@dataclass
class House:
    """What several processes admit, and what those who wait are told."""

    stores: list[Stores]
    time: Time
    rulebook: Rulebook = SIX_A_MINUTE
    patience: timedelta = timedelta(minutes=5)
    admitted: list[tuple[str, float]] = field(default_factory=list)
    told: dict[str, list[Line]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.began = self.time.now
        self.limits = [
            open_limits(stores, self.rulebook, self.time, patience=self.patience, sleep=self.time.sleep)
            for stores in self.stores
        ]
        self._next = itertools.cycle(self.limits)

    async def ask(self, name: str, author: Author = ADA, *, limits: Limits | None = None) -> Reservation:
        turn = Turn(0, CHANNEL, 0, 0, "m", author, (), {}, self.time.now, attempts=1)
        heard = self.told.setdefault(name, [])
        limits = limits or next(self._next)
        found = await limits.reserve(turn, MODEL, PROMPT, 50, self.time.now, heard.append)
        self.admitted.append((name, (self.time.now - self.began).total_seconds()))
        return found

    def begin(self, name: str, author: Author = ADA, *, after: float = 0) -> asyncio.Task[None]:
        async def later() -> None:
            if after:
                await self.time.sleep(after)
            await self.ask(name, author)

        return asyncio.create_task(later())

    @property
    def order(self) -> list[str]:
        return [name for name, _ in self.admitted]


@pytest.fixture
def house(houses: list[Stores]) -> House:
    return House(houses, Time())


async def test_all_processes_share_the_limits_and_nobody_waits_longer_than_needed(house: House) -> None:
    people = [Author(f"U{number}", "x") for number in range(12)]
    await house.time.run(*(house.begin(f"q{number}", person) for number, person in enumerate(people)))
    times = sorted(when for _, when in house.admitted)
    assert times == [0.0] * 6 + [10.0 * number for number in range(1, 7)]


async def test_those_who_asked_little_go_first_and_nothing_is_left_unused(house: House) -> None:
    """One request a second fits. Ada asks for ten at once; somebody new asks every other second."""
    house = House(house.stores, house.time, Rulebook(provider={"requests_per_minute": 60}))
    await asyncio.gather(*(house.ask(f"old{number}", Author(f"O{number}", "x")) for number in range(60)))
    asked = {f"ada{number}": 0.0 for number in range(10)} | {f"new{n}": 0.5 + 2 * n for n in range(8)}
    tasks = [
        house.begin(name, ADA if name.startswith("ada") else Author(name, "x"), after=after)
        for name, after in asked.items()
    ]
    await house.time.run(*tasks)
    waits = {name: when - asked[name] for name, when in house.admitted if name in asked}
    assert all(waits[f"new{number}"] <= 1.5 for number in range(8))
    assert sorted(when for name, when in house.admitted if name in asked) == [1.0 + n for n in range(18)]


async def test_who_waits_is_told_position_and_time_and_then_gets_in(house: House) -> None:
    for number in range(6):
        await house.ask(f"first{number}", GRACE)
    await house.time.run(house.begin("ada"), house.begin("eve", Author("U3", "Eve"), after=1))
    assert house.admitted[-2:] == [("ada", 10.0), ("eve", 20.0)]
    positions = [line.position for line in house.told["eve"]]
    assert (positions[0], positions[-1]) == (2, 1)
    assert {line.until for line in house.told["ada"]} == {house.began + timedelta(seconds=10)}
    assert house.told["first0"] == []


async def test_a_line_that_is_too_long_is_told_at_once(house: House) -> None:
    house = House(house.stores, house.time, patience=timedelta(seconds=15))
    for number in range(6):
        await house.ask(f"first{number}", GRACE)
    waiting = house.begin("ada")
    await asyncio.sleep(0.1)
    with pytest.raises(Overcrowded) as caught:
        await house.ask("eve", Author("U3", "Eve"))
    assert caught.value.until == house.began + timedelta(seconds=20)
    assert caught.value.position == 2
    await house.time.run(waiting)
    assert house.admitted[-1] == ("ada", 10.0)


async def test_who_gives_up_leaves_the_line_to_the_others(house: House) -> None:
    for number in range(6):
        await house.ask(f"first{number}", GRACE)
    stopped = asyncio.create_task(house.ask("ada"))
    await asyncio.sleep(0.1)
    stopped.cancel()
    await asyncio.gather(stopped, return_exceptions=True)
    house.time._sleepers.clear()
    await house.time.run(house.begin("eve", Author("U3", "Eve")))
    assert house.admitted[-1] == ("eve", 10.0)


async def test_a_limit_of_ours_is_held_for_those_who_waited_too(house: House) -> None:
    rules = Rulebook(filed={Scope(Level.USER): {"tokens_per_day": 170}}, provider={"requests_per_minute": 1})
    house = House(house.stores, house.time, rules)
    tasks = [house.begin("one"), house.begin("two", after=1)]
    with pytest.raises(LimitReached):
        await house.time.run(*tasks)
    assert house.order == ["one"]


async def test_what_a_provider_says_of_its_limits_holds_in_every_process(house: House) -> None:
    house = House(house.stores, house.time, Rulebook())
    here, there = house.limits[0], house.limits[-1]
    first = await house.ask("first", limits=here)
    quota = Quota(2, 1, 1_000_000, 900_000, house.time.now)
    await here.settle(first, Usage(5, 5), finish="stop", first_token_ms=1, now=house.time.now, quota=quota)
    house.time.advance(31)  # what another process has read is remembered for a while
    for number in range(2):
        await house.ask(f"more{number}", limits=there)
    waiting = asyncio.create_task(house.ask("late", limits=there))

    async def late() -> None:
        await waiting

    await house.time.run(asyncio.create_task(late()))
    assert house.admitted[-1] == ("late", 61.0)


async def test_others_who_use_the_same_key_are_taken_into_account(house: House) -> None:
    """The provider says that nothing is left, though we took only one."""
    rules = Rulebook(provider={"requests_per_minute": 6})
    house = House(house.stores, house.time, rules)
    first = await house.ask("first")
    quota = Quota(6, 0, None, None, house.time.now)
    await house.limits[0].settle(
        first, Usage(5, 5), finish="stop", first_token_ms=1, now=house.time.advance(5), quota=quota
    )
    await house.time.run(house.begin("second", GRACE))
    assert house.admitted[-1] == ("second", 10.0)
