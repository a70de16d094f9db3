"""Many at once, over several connections and, on PostgreSQL, several processes' worth of them."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from datetime import timedelta

from bot.chat import Author, Cancel, Place, State, Turn
from bot.errors import LeaseLost
from bot.ports import Journal
from storage.stores import Stores
from tests.desk import LEASE, Desk
from tests.fakes import CHANNEL, HERE, FakeClock

pytest_plugins = ["tests.databases"]


async def claim(stores: Stores, owner: str, clock: FakeClock, *, abreast: int = 2) -> Turn | None:
    return await stores.inbox.claim(owner, clock.now, LEASE, platforms=HERE, abreast=abreast, attempts=3)


async def test_one_of_many_deliveries_of_the_same_message_creates_the_turn(
    houses: list[Stores], clock: FakeClock
) -> None:
    desks = [Desk(stores, clock) for stores in houses]
    said = desks[0].question()
    accepted = await asyncio.gather(*(desks[number % len(desks)].accept(said) for number in range(50)))
    assert sum(one is not None and one.created for one in accepted) == 1
    assert len({one.turn for one in accepted if one is not None}) == 1


async def test_a_crowd_of_questions_never_overfills_the_queue(houses: list[Stores], clock: FakeClock) -> None:
    desks = [Desk(stores, clock) for stores in houses]
    said = [desks[0].question() for _ in range(30)]
    accepted = await asyncio.gather(
        *(desks[number % len(desks)].accept(one, queue=4) for number, one in enumerate(said))
    )
    assert sum(one is not None for one in accepted) == 4


async def test_each_turn_is_claimed_once_and_in_order_by_a_crowd_of_workers(
    houses: list[Stores], clock: FakeClock
) -> None:
    """No turn twice, no two of a person at once, never more than `abreast` in a conversation, none left over."""
    desk = Desk(houses[0], clock)
    people = [Author(f"U{number}", "x") for number in range(6)]
    places = [CHANNEL, Place("fake", "T1", "C2")]
    asked = [
        await desk.ask(author=person, place=place) for _ in range(3) for person in people for place in places
    ]
    claimed: list[int] = []
    running: dict[int, Turn] = {}
    names = itertools.count()

    async def work(stores: Stores) -> None:
        while len(claimed) < len(asked):
            owner = f"w{next(names)}"
            turn = await claim(stores, owner, clock)
            if turn is None:
                await asyncio.sleep(0.005)  # as long as the others hold what is left
                continue
            claimed.append(turn.id)
            running[turn.id] = turn
            assert max(Counter((one.author.id, one.place) for one in running.values()).values()) == 1
            assert max(Counter(one.place for one in running.values()).values()) <= 2
            await asyncio.sleep(0.002)
            del running[turn.id]
            await stores.inbox.close(turn.id, owner, State.DONE, now=clock.now)

    await asyncio.gather(*(work(stores) for stores in houses for _ in range(12 // len(houses))))

    assert sorted(claimed) == sorted(asked)
    order = {turn: number for number, turn in enumerate(claimed)}
    for person in range(12):
        own = asked[person::12]
        assert own == sorted(own, key=order.__getitem__)


async def test_an_ended_lease_is_taken_over_by_exactly_one_of_many(
    houses: list[Stores], clock: FakeClock
) -> None:
    desk = Desk(houses[0], clock)
    asked = await desk.ask()
    for round_number in range(5):
        claims = await asyncio.gather(
            *(claim(houses[n % len(houses)], f"w{round_number}-{n}", clock) for n in range(12))
        )
        assert [turn.id for turn in claims if turn is not None] == ([asked] if round_number < 4 else [])
        clock.advance(LEASE.total_seconds() + 1)


async def test_an_edited_turn_whose_worker_died_is_begun_anew_by_exactly_one_of_many(
    houses: list[Stores], clock: FakeClock
) -> None:
    desk = Desk(houses[0], clock)
    said = desk.question()
    await desk.accept(said)
    holder = await claim(houses[0], "w", clock)
    for round_number in range(5):
        assert holder is not None
        await desk.amend(said, f"edited {round_number}", f"{round_number}")
        clock.advance(LEASE.total_seconds() + 1)
        claims = await asyncio.gather(
            *(claim(houses[n % len(houses)], f"w{round_number}-{n}", clock) for n in range(12))
        )
        [holder] = [turn for turn in claims if turn is not None]
        assert holder.text == f"edited {round_number}"


async def test_a_claim_that_finds_nothing_has_overlooked_nothing(
    houses: list[Stores], clock: FakeClock
) -> None:
    """Workers woken by one signal crowd upon one conversation: each gets a turn, as long as there are enough."""
    desk = Desk(houses[0], clock)
    for round_number in range(5):
        for number in range(9):
            await desk.ask(author=Author(f"U{round_number}-{number}", "x"))
        turns = await asyncio.gather(
            *(claim(houses[n % len(houses)], f"w{n}", clock, abreast=99) for n in range(9))
        )
        assert None not in turns and len({turn.id for turn in turns if turn is not None}) == 9


async def test_a_takeover_knows_every_message_that_was_recorded(
    houses: list[Stores], clock: FakeClock
) -> None:
    """The old worker writes while it is replaced: what it was allowed to write is seen by the new one."""
    desk = Desk(houses[0], clock)
    await desk.ask()
    for round_number in range(3):
        turn = await claim(houses[0], f"old{round_number}", clock)
        assert turn is not None
        journal = houses[0].inbox.journal(turn, f"old{round_number}")
        clock.advance(LEASE.total_seconds() + 1)
        written: list[str] = []
        outcome, taken = await asyncio.gather(
            intend_all(journal, round_number, written),
            claim(houses[-1], f"new{round_number}", clock),
            return_exceptions=True,
        )
        assert isinstance(taken, Turn) and (outcome is None or isinstance(outcome, LeaseLost))
        nonces = [part.nonce for part in taken.parts]
        assert nonces[: len(written)] == written
        await houses[-1].inbox.release(taken.id, f"new{round_number}")


async def intend_all(journal: Journal, round_number: int, written: list[str]) -> None:
    for index in range(10):
        nonce = f"{round_number}-{index}"
        await journal.intend(index, nonce)
        written.append(nonce)


async def test_resets_claims_and_questions_do_not_trip_over_each_other(
    houses: list[Stores], clock: FakeClock
) -> None:
    desks = [Desk(stores, clock) for stores in houses]

    async def life(number: int) -> None:
        desk, owner = desks[number % len(desks)], f"w{number}"
        said = desk.question(
            message=f"m{number}", author=Author(f"U{number % 5}", "x"), opens_thread=f"t{number % 3}"
        )
        await desk.accept(said)
        turn = await claim(desk.stores, owner, clock)
        if number % 4 == 0:
            await desk.stores.conversations.reset(said.place, clock.now)
        if number % 7 == 0:
            await desk.stores.inbox.cancel(Cancel.DELETED, place=said.place, message=said.message)
        if number % 9 == 0:
            await desk.stores.inbox.cancel(Cancel.STOPPED, place=said.place)
        if turn is not None:
            await desk.finish(turn, "answer", owner)

    await asyncio.gather(*(life(number) for number in range(60)))
    clock.advance(timedelta(hours=1).total_seconds())
    left = len(await desks[0].states())
    for _ in range(left):
        turn = await claim(houses[0], "last", clock)
        assert turn is not None
        await desks[0].close(turn.id, "last")
    assert await desks[0].states() == {}
