"""A turn that brings its process down every time: it stops after a few attempts, and what is answered beside it does not pay for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Result, select

from bot.chat import Author, Finish, Size, State, Turn
from bot.errors import GaveUp
from bot.inbox import POLL, Held
from bot.settings import Settings
from storage.stores import Stores
from storage.tables import turns as table
from tests.desk import LEASE, Desk, workers_of
from tests.fakes import HERE, FakeClock

pytest_plugins = ["tests.databases"]

ATTEMPTS = 4
POISON, FINE = "poison", "fine"


class Claims:
    """The inbox, how many turns were claimed, and whether there was nothing more to claim."""

    def __init__(self, stores: Stores) -> None:
        self._inbox, self.none_left, self.claimed = stores.inbox, asyncio.Event(), 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inbox, name)

    async def claim(self, owner: str, now: datetime, lease: timedelta, **bounds: Any) -> Turn | None:
        turn = await self._inbox.claim(owner, now, lease, **bounds)
        if turn is None:
            self.none_left.set()
        else:
            self.claimed += 1
        return turn


@dataclass
class Life:
    """One life of a process. When all is claimed that may be, it dies of a poison that it has in hand, with everything that it does; or
    what it has in hand is answered, and it claims again.

    `begun` are the attempts of all that was begun in it, by the turn's id; `at_death` what it had in hand then.
    """

    attempts: int
    begun: dict[int, int] = field(default_factory=dict)
    in_hand: dict[int, asyncio.Event] = field(default_factory=dict)
    poison: set[int] = field(default_factory=set)
    at_death: frozenset[int] = frozenset()
    taken: int = 0

    async def answer(self, held: Held) -> None:
        turn = held.turn
        self.taken += 1
        if turn.attempts > self.attempts:  # as the engine does, which then tells why
            await held.close(State.FAILED, error=GaveUp.code)
            return
        self.begun[turn.id] = turn.attempts
        if turn.text == POISON:
            self.poison.add(turn.id)
        self.in_hand[turn.id] = may_end = asyncio.Event()
        try:
            await may_end.wait()
            await held.answered("Fine.", Size(1), "o200k", Finish.STOP)
            await held.close(State.DONE)
        finally:
            del self.in_hand[turn.id]

    @property
    def ending(self) -> bool:
        """Whether something in hand may end, and has not yet."""
        return any(may_end.is_set() for may_end in self.in_hand.values())

    def dies(self) -> bool:
        self.at_death = frozenset(self.in_hand) if self.poison & set(self.in_hand) else frozenset()
        return bool(self.at_death)


async def live(stores: Stores, clock: FakeClock, attempts: int = ATTEMPTS) -> Life:
    """Until it dies, or there is nothing left to do."""
    claims, life = Claims(stores), Life(attempts)
    workers = workers_of(claims, life, clock, most=20, abreast=20, attempts=attempts)
    running = asyncio.create_task(workers.run())
    async with asyncio.timeout(30):
        while True:
            await claims.none_left.wait()
            claims.none_left.clear()
            while life.taken < claims.claimed or life.ending:  # noqa: ASYNC110 - a moment later it is in hand, or over
                await asyncio.sleep(0.001)
            in_hand = list(life.in_hand.values())
            if life.dies() or not await stores.inbox.unfinished():
                break
            for may_end in in_hand:
                may_end.set()
    await workers.drain(0)
    await running
    clock.advance(LEASE.total_seconds() + 1)
    return life


async def ask(desk: Desk, text: str, person: int) -> int:
    return await desk.ask(text, author=Author(f"U{person}", "x"))


@pytest.mark.parametrize(("attempts", "where"), [(2, 0), (4, 0), (4, 3), (4, 6), (6, 3)])
async def test_the_poison_alone_uses_up_its_attempts(
    stores: Stores, clock: FakeClock, attempts: int, where: int
) -> None:
    """Wherever it stands among those that wait."""
    desk = Desk(stores, clock)
    texts = [FINE] * 6
    texts.insert(where, POISON)
    turns = [await ask(desk, text, person) for person, text in enumerate(texts)]
    poison = turns[where]
    begun: dict[int, int] = {}
    deaths = 0
    while (life := await live(stores, clock, attempts)).at_death:
        deaths += 1
        begun |= life.begun
    begun |= life.begun
    assert begun.pop(poison) == deaths == attempts
    assert max(begun.values()) <= attempts
    assert await ended(stores, turns) == {turn: "Fine." if turn != poison else None for turn in turns}


async def test_a_second_death_is_put_down_to_each_of_those_that_were_in_hand_one_by_one(
    stores: Stores, clock: FakeClock
) -> None:
    """And what comes meanwhile is answered beside them."""
    desk = Desk(stores, clock)
    turns = [await ask(desk, text, person) for person, text in enumerate([FINE, POISON, FINE, POISON, FINE])]
    hands = []
    while (life := await live(stores, clock)).at_death:
        hands.append(life.at_death)
        turns.append(await ask(desk, FINE, len(turns)))
    first, second = turns[1], turns[3]
    assert hands[0] == hands[1] - {turns[5]} == set(turns[:5])
    suspects = set(turns[:6])
    assert [hand & suspects for hand in hands[2:]] == [{first}, {first}, {second}, {second}]
    answers = await ended(stores, turns)
    assert {turn for turn, answer in answers.items() if answer is None} == {first, second}


async def ended(stores: Stores, asked: list[int]) -> dict[int, str | None]:
    """The answers of turns that are over."""
    assert not await stores.inbox.unfinished()
    sql: Result[Any]
    async with stores.database.reading() as connection:
        sql = await connection.execute(select(table.c.id, table.c.answer).where(table.c.id.in_(asked)))
    return {row.id: row.answer for row in sql.all()}


async def test_an_abandoned_turn_is_taken_up_by_another_process_within_ten_seconds(
    stores: Stores, clock: FakeClock
) -> None:
    """Not before its lease has ended; then by the next look for such turns, though no signal comes."""
    desk, life, claims = Desk(stores, clock), Life(ATTEMPTS), Claims(stores)
    seconds = Settings.model_fields["lease_seconds"].default
    assert seconds + POLL <= 10
    lease = timedelta(seconds=seconds)
    asked = await desk.ask()
    left = await stores.inbox.claim("dead", clock.now, lease, platforms=HERE, abreast=4, attempts=ATTEMPTS)
    assert left is not None and left.id == asked
    workers = workers_of(
        claims, life, clock, owner="alive", lease=lease, most=4, abreast=4, attempts=ATTEMPTS
    )
    running = asyncio.create_task(workers.run())
    async with asyncio.timeout(20):
        for passed in (0, seconds - 0.001):
            clock.advance(passed)
            claims.none_left.clear()
            await claims.none_left.wait()
            assert not life.in_hand
        clock.advance(0.001)
        while not life.begun:
            claims.none_left.clear()
            await claims.none_left.wait()
    assert life.begun == {asked: 2}
    await workers.drain(0)
    await running
