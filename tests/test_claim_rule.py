"""The rule by which turns are claimed, against an exact model of it: random lives of questions on both databases.

The model knows nothing of SQL. A turn may run when it waits or its lease has ended; unless nothing is left to do but to end it, it
waits for what its person asked before in the same conversation, by the platform's own time, and for one of a few places in that
conversation. Nothing else holds it up: nobody waits for people elsewhere. Of those that may run, and were not begun more often than the
worker takes just now, the oldest is next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from bot.chat import Author, Cancel, Finish, Incoming, Place, Size, State, Text, Turn
from bot.errors import LeaseLost
from bot.ports import Journal
from storage.database import Transaction
from storage.stores import Stores, open_stores
from storage.tables import conversations, parts, turns
from tests.desk import Desk
from tests.fakes import HERE, FakeClock, incoming

pytest_plugins = ["tests.databases"]

LEASE, ABREAST, ATTEMPTS = timedelta(seconds=30), 2, 2
CHANNEL = Place("fake", "T", "C1")
PLACES = [CHANNEL, replace(CHANNEL, thread="t1"), replace(CHANNEL, channel="C2")]
PEOPLE = [Author(f"U{number}", "x") for number in range(2)]
PHASES = [phase for phase in Phase if phase is not Phase.explain]
UNFINISHED = (State.WAITING, State.RUNNING)

# ---- the model


@dataclass
class Known:
    """A turn as the model knows it."""

    id: int
    said: Incoming
    state: State = State.WAITING
    owner: str = ""
    lease_until: datetime | None = None
    attempts: int = 0
    version: int = 0
    cancel: Cancel | None = None
    shown: bool = False
    answer: str | None = None
    former: str | None = None
    revision: int = 0

    @property
    def order(self) -> tuple[datetime, int]:
        return self.said.sent_at, self.id

    @property
    def mine(self) -> tuple[Place, str]:
        return self.said.place, self.said.author.id

    def begin_anew(self) -> None:
        self.state, self.owner, self.lease_until, self.cancel = State.WAITING, "", None, None
        self.attempts, self.version, self.answer, self.former = 0, self.version + 1, None, None

    def ask_again(self) -> None:
        former = self.answer
        self.begin_anew()
        self.former = former


@dataclass
class Model:
    now: datetime
    known: list[Known] = field(default_factory=list)

    def leased(self, one: Known) -> bool:
        return one.state is State.RUNNING and one.lease_until is not None and one.lease_until > self.now

    def may_run(self, one: Known, tried: int | None) -> bool:
        if one.state not in UNFINISHED or self.leased(one):
            return False
        if one.cancel not in (None, Cancel.EDITED):
            return True
        if tried is not None and one.attempts > tried:
            return False
        others = [other for other in self.known if other is not one and other.said.place == one.said.place]
        theirs = [other for other in others if other.mine == one.mine]
        first = not any(other.state in UNFINISHED and other.order < one.order for other in theirs)
        alone = not any(self.leased(other) for other in theirs)
        return first and alone and sum(map(self.leased, others)) < ABREAST

    def claim(self, owner: str, tried: int | None) -> Known | None:
        while ready := [one for one in self.known if self.may_run(one, tried)]:
            one = min(ready, key=lambda one: one.order)
            if one.cancel is Cancel.EDITED:
                one.begin_anew()
            elif one.attempts > ATTEMPTS:
                one.state, one.owner, one.lease_until = State.FAILED, "", None
                one.answer = one.answer or one.former
                continue
            one.state, one.owner, one.lease_until = State.RUNNING, owner, self.now + LEASE
            one.attempts += 1
            return one
        return None

    def call_off(self, which: list[Known], reason: Cancel) -> None:
        for one in which:
            if one.cancel is Cancel.EDITED and reason is not Cancel.DELETED:
                continue
            because = one.cancel if one.cancel is Cancel.DELETED else reason
            if one.state is State.WAITING and not one.shown:
                one.state, one.cancel = State.CANCELLED, because
            elif one.state in UNFINISHED or reason is Cancel.DELETED:
                one.cancel = because
            if reason is Cancel.DELETED:
                one.answer = one.former = None
                self.take_away(one, attempts=0)

    def take_away(self, one: Known, attempts: int | None = None) -> None:
        if one.cancel is Cancel.DELETED and one.shown and one.state not in UNFINISHED:
            one.state, one.owner, one.lease_until = State.WAITING, "", None
            one.attempts = one.attempts if attempts is None else attempts

    def close(self, one: Known, state: State) -> None:
        one.state, one.owner, one.lease_until = state, "", None
        if one.cancel is Cancel.EDITED:
            one.begin_anew()
        elif one.cancel is Cancel.DELETED and state is not State.CANCELLED:
            self.take_away(one)

    def release(self, one: Known) -> None:
        one.state, one.owner, one.lease_until = State.WAITING, "", None
        one.attempts -= 1
        if one.cancel is Cancel.EDITED:
            one.begin_anew()

    def history(self, one: Known) -> list[str]:
        """What a question sees of its own place: what is finished and has an answer, said before it, the newest first."""
        before = [
            other
            for other in self.known
            if other.said.place == one.said.place
            and other.state not in UNFINISHED
            and other.order < one.order
        ]
        return [
            other.answer
            for other in sorted(before, key=lambda o: o.order, reverse=True)
            if other.answer is not None
        ]


# ---- the lives

number = st.integers(0, 40)
ask = st.tuples(
    st.just("ask"),
    st.sampled_from(range(len(PEOPLE))),
    st.sampled_from(range(len(PLACES))),
    st.sampled_from(range(-4, 5)),
)
claim = st.tuples(st.just("claim"), st.sampled_from([None, None, 1, 0]))
KINDS = [
    "answer",
    "answer",
    "show",
    "show",
    "fail",
    "release",
    "stop",
    "delete",
    "edit",
    "retry",
    "retry",
    "interrupt",
]
other = st.one_of(
    st.tuples(st.sampled_from(KINDS), number),
    st.tuples(st.just("pass"), st.sampled_from([1, 20, 31])),
    st.tuples(st.just("stop place"), st.sampled_from(range(len(PLACES)))),
)
step = st.sampled_from(["ask", "claim", "claim", "other", "other"]).flatmap(
    {"ask": ask, "claim": claim, "other": other}.__getitem__
)
lives = st.tuples(st.lists(ask, min_size=8, max_size=8), st.lists(step, min_size=30, max_size=30))


class Life:
    """Lives the same life in the database and in the model, and compares."""

    def __init__(self, stores: Stores, clock: FakeClock) -> None:
        self.stores, self.clock, self.inbox = stores, clock, stores.inbox
        self.desk = Desk(stores, clock)
        self.model = Model(clock.now)
        self.claims = 0
        self.journals: dict[int, Journal] = {}

    async def live(self, life: list[tuple[Any, ...]]) -> None:
        for do, *with_ in life:
            self.model.now = self.clock.advance(1)
            await getattr(self, do.replace(" ", "_") if do != "pass" else "elapse")(*with_)
        states = {row.turn: row.state for row in await self.inbox.unfinished()}
        assert states == {one.id: one.state for one in self.model.known if one.state in UNFINISHED}

    def _any(self, number: int, *states: State) -> Known | None:
        found = [one for one in self.model.known if not states or one.state in states]
        return found[number % len(found)] if found else None

    async def ask(self, person: int, place: int, delay: int) -> None:
        """Deliveries overtake each other: what counts is when it was said."""
        sent_at = self.clock.now + timedelta(seconds=delay)
        message = f"m{len(self.model.known)}"
        said = incoming(message, message=message, author=PEOPLE[person], place=PLACES[place], sent_at=sent_at)
        said = replace(said, branched_at=sent_at if said.place.thread else None)
        accepted = await self.inbox.accept(
            said, said.content, masked=(), size=Size(), counter="c", now=self.clock.now, queue=1000
        )
        assert accepted is not None and accepted.created
        one = Known(accepted.turn, said)
        before = [
            o
            for o in self.model.known
            if o.mine == one.mine and o.state in UNFINISHED and o.order < one.order
        ]
        assert accepted.position == len(before)
        self.model.known.append(one)

    async def claim(self, tried: int | None) -> None:
        self.claims += 1
        owner = f"w{self.claims}"
        turn = await self.inbox.claim(
            owner, self.clock.now, LEASE, platforms=HERE, abreast=ABREAST, attempts=ATTEMPTS, tried=tried
        )
        expected = self.model.claim(owner, tried)
        assert (turn and turn.id) == (expected and expected.id)
        if turn is None or expected is None:
            return
        assert (turn.attempts, turn.version, turn.cancel) == (
            expected.attempts,
            expected.version,
            expected.cancel,
        )
        self.journals[turn.id] = self.inbox.journal(turn, owner)
        await self._sees_what_was_finished(turn, expected)

    async def _sees_what_was_finished(self, turn: Turn, expected: Known) -> None:
        memory = self.stores.memory
        beginning = await memory.beginning(turn.place, before=turn, alone=True)
        history = [one.answer async for one in memory.history(beginning)]
        assert history == self.model.history(expected)

    async def answer(self, number: int) -> None:
        if (one := self._any(number, State.RUNNING)) is not None:
            words = f"answer {one.id}.{one.version}"
            await self.inbox.answered(one.id, one.owner, words, Size(), "c", Finish.STOP)
            await self.inbox.close(one.id, one.owner, State.DONE, now=self.clock.now)
            one.answer = None if one.cancel is Cancel.DELETED else words
            self.model.close(one, State.DONE)

    async def fail(self, number: int) -> None:
        if (one := self._any(number, State.RUNNING)) is not None:
            await self.inbox.close(one.id, one.owner, State.FAILED, error="x", now=self.clock.now)
            self.model.close(one, State.FAILED)

    async def show(self, number: int) -> None:
        if (one := self._any(number, State.RUNNING)) is not None:
            try:
                await self.journals[one.id].intend(0, f"n{one.id}")
            except LeaseLost:  # an earlier claim's journal
                assert one.version or one.attempts > 1
            else:
                one.shown = True

    async def release(self, number: int) -> None:
        if (one := self._any(number, State.RUNNING)) is not None:
            await self.inbox.release(one.id, one.owner)
            self.model.release(one)

    async def elapse(self, seconds: int) -> None:
        self.model.now = self.clock.advance(seconds)

    async def stop(self, number: int) -> None:
        if (one := self._any(number)) is not None:
            await self.inbox.cancel(Cancel.STOPPED, turn=one.id)
            self.model.call_off([one], Cancel.STOPPED)

    async def delete(self, number: int) -> None:
        if (one := self._any(number)) is not None:
            await self.inbox.cancel(Cancel.DELETED, place=one.said.place, message=one.said.message)
            self.model.call_off([one], Cancel.DELETED)

    async def stop_place(self, number: int) -> None:
        """A channel is called off with its threads, a thread alone."""
        place = PLACES[number]
        await self.inbox.cancel(Cancel.RESET, place=place)
        within = [one for one in self.model.known if place in (one.said.place, one.said.place.trunk)]
        self.model.call_off(within, Cancel.RESET)

    async def edit(self, number: int) -> None:
        if (one := self._any(number)) is None:
            return
        one.revision += 1
        edited = replace(one.said, revision=f"{one.revision:03}", content=(Text(f"edit {one.revision}"),))
        amended = await self.inbox.amend(
            edited, edited.content, masked=(), size=Size(), counter="c", now=self.clock.now
        )
        assert amended is not None and amended.created is (one.cancel is not Cancel.DELETED)
        if amended.created and one.state is State.RUNNING:
            one.cancel = Cancel.EDITED
        elif amended.created:
            one.begin_anew()

    async def retry(self, number: int) -> None:
        if (one := self._any(number)) is not None:
            again = await self.desk.again(one.id)
            assert again is (one.state not in UNFINISHED and one.cancel is not Cancel.DELETED)
            if again:
                one.ask_again()

    async def interrupt(self, number: int) -> None:
        if (one := self._any(number)) is not None:
            before = [
                o
                for o in self.model.known
                if o.mine == one.mine and o.state is State.RUNNING and o.order < one.order
            ]
            assert await self.inbox.interrupt(one.id) == len(before)
            self.model.call_off(before, Cancel.INTERRUPTED)


async def emptied(transaction: Transaction) -> None:
    for table in (parts, turns, conversations):
        await transaction.sql.execute(delete(table))


@dataclass
class World:
    """A database that is emptied for each life, and a loop to live in."""

    runner: asyncio.Runner
    stores: Stores
    clock: FakeClock

    def live(self, life: list[tuple[Any, ...]]) -> None:
        self.runner.run(self._live(life))

    async def _live(self, life: list[tuple[Any, ...]]) -> None:
        await self.stores.database.write(emptied)
        await Life(self.stores, self.clock).live(life)


@pytest.fixture
def world(store_url: str) -> Iterator[World]:
    clock = FakeClock()
    with asyncio.Runner() as runner:
        hasty = "" if store_url.startswith("sqlite") else "&options=-csynchronous_commit%3Doff"
        stores = open_stores(store_url + hasty, clock)
        yield World(runner, stores, clock)
        runner.run(stores.aclose())


@settings(max_examples=40, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(life=lives)
def test_turns_are_claimed_by_exactly_this_rule(world: World, life: tuple[list[Any], list[Any]]) -> None:
    world.live([*life[0], *life[1]])
