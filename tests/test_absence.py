"""What was said while nobody listened: the marks, the gaps, what is chosen, and how a watch goes about it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.absence import BEAT, MARGIN, OTHERS, UNBROKEN, Watch, selected
from bot.chat import Cancel, Incoming, Place
from bot.errors import PlaceRefused, PlatformBusy, PlatformUnreachable, RejoinderError
from bot.ports import Gap, Heard, Outcome, Page
from storage.stores import Stores
from tests.desk import THREAD, Desk
from tests.fakes import CHANNEL, FakeClock, incoming

pytest_plugins = ["tests.databases"]

OTHER = replace(CHANNEL, channel="C2")
SIX_HOURS = timedelta(hours=6)


# ---- the marks


async def test_a_line_is_marked_until_it_is_left(desk: Desk) -> None:
    attendance, clock = desk.stores.attendance, desk.clock
    assert await attendance.heard("fake", "1") is None
    assert not await attendance.listening("fake", "1", "w1", clock.now, unbroken=UNBROKEN)
    assert await attendance.heard("fake", "1") is None
    await attendance.listening("fake", "1", "w1", clock.now)
    clock.advance(UNBROKEN.total_seconds())
    assert await attendance.listening("fake", "1", "w2", clock.now, unbroken=UNBROKEN)
    heard = await attendance.heard("fake", "1")
    assert heard is not None and (heard.until, heard.owner) == (clock.now, "w2")
    then = clock.now
    clock.advance(UNBROKEN.total_seconds() + 1)
    assert not await attendance.listening("fake", "1", "w2", clock.now, unbroken=UNBROKEN)
    await attendance.left("fake", "w1")
    await attendance.left("other", "w2")
    assert (await attendance.heard("fake", "1")) == heard
    await attendance.left("fake", "w2")
    heard = await attendance.heard("fake", "1")
    assert heard is not None and (heard.until, heard.owner) == (then, "")
    fallback = await attendance.heard("fake", "2")
    assert fallback == heard and await attendance.heard("other", "1") is None
    await attendance.listening("fake", "1", "w1", then)
    assert await attendance.heard("fake", "2") == Heard(then, "")


async def test_a_place_that_is_owed_keeps_its_earlier_mark_until_it_was_looked_at(desk: Desk) -> None:
    attendance, then = desk.stores.attendance, desk.clock.now
    later = then + timedelta(hours=1)
    await attendance.owe("1", [Gap(CHANNEL, then), Gap(THREAD, then)])
    await attendance.owe("1", [Gap(OTHER, later), Gap(CHANNEL, later)])
    owed = await attendance.owed("fake", "1")
    assert {gap.place: gap.since for gap in owed} == {CHANNEL: then, THREAD: then, OTHER: later}
    assert owed[0].place == OTHER and await attendance.owed("fake", "2") == []
    await attendance.looked(CHANNEL)
    assert [gap.place for gap in await attendance.owed("fake", "1")] == [OTHER, THREAD]


async def test_known_are_the_liveliest_places_and_the_threads_that_were_begun(desk: Desk) -> None:
    attendance, clock = desk.stores.attendance, desk.clock
    await desk.ask(place=replace(CHANNEL, channel="old"))
    since = clock.advance(3600)
    await desk.ask(opens_thread="t7")
    await desk.ask(place=OTHER)
    await desk.ask(place=replace(CHANNEL, person="U1"))
    await desk.ask(place=THREAD, mentioned=True)
    known = await attendance.known("fake", since, 10)
    assert known[0] == THREAD and set(known) == {THREAD, CHANNEL, OTHER, replace(CHANNEL, thread="t7")}
    assert await attendance.known("fake", since, 2) == known[:2]
    assert await attendance.known("other", since, 10) == []


async def test_asked_are_the_turns_of_a_page_that_were_not_deleted(desk: Desk) -> None:
    attendance, clock = desk.stores.attendance, desk.clock
    await desk.ask(message="before")
    since = clock.now
    for message in ("a", "b"):
        await desk.ask(message=message)
    await desk.ask(message="elsewhere", place=THREAD)
    until, connected = clock.now, clock.advance(1)
    await desk.ask(message="live", sent_at=until)
    await desk.stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message="b")
    assert await attendance.asked(CHANNEL, Page([], since, until), connected) == ["a"]


async def test_known_keys_are_those_of_turns_and_of_what_was_done_once(desk: Desk) -> None:
    said = desk.question()
    await desk.accept(said)
    await desk.stores.inbox.once("command", desk.clock.now)
    known = await desk.stores.inbox.known([said.key, "command", "nothing"])
    assert set(known) == {said.key, "command"}


# ---- what is chosen

NOW = FakeClock().now
ages = st.lists(st.integers(0, 600), max_size=30, unique=True)


@given(ages=ages, oldest=st.integers(0, 600), most=st.integers(0, 12))
def test_the_newest_are_chosen_and_answered_in_the_order_in_which_they_were_said(
    ages: list[int], oldest: int, most: int
) -> None:
    asking = [incoming("?", message=str(age), sent_at=NOW - timedelta(minutes=age)) for age in ages]
    verdicts = selected(asking, NOW - timedelta(minutes=oldest), most)
    assert [int(said.message) for said, _ in verdicts] == sorted(ages, reverse=True)
    chosen = [int(said.message) for said, why_not in verdicts if why_not is None]
    young = sorted(age for age in ages if age <= oldest)
    assert sorted(chosen) == young[:most]
    too_old = [int(said.message) for said, why_not in verdicts if why_not is Outcome.TOO_OLD]
    assert all(age > oldest for age in too_old) and len(too_old) + len(young) == len(ages)


# ---- the watch


@dataclass
class Elsewhere:
    """A platform's memory, and the reception before it."""

    clock: FakeClock
    listed: list[Place] = field(default_factory=lambda: [CHANNEL])
    pages: dict[Place, list[Page | RejoinderError]] = field(default_factory=dict)
    asked: list[tuple[str, datetime, Sequence[Place]]] = field(default_factory=list)
    read_gaps: list[Gap] = field(default_factory=list)
    taken: list[tuple[list[str], datetime, int]] = field(default_factory=list)
    gone: list[tuple[Place, str]] = field(default_factory=list)

    async def places(self, line: str, since: datetime, known: Sequence[Place]) -> Sequence[Place]:
        self.asked.append((line, since, known))
        return self.listed

    async def read(self, gap: Gap) -> Page:
        self.read_gaps.append(gap)
        page = self.pages.get(gap.place, [])
        found = page.pop(0) if page else Page([], gap.since, self.clock.now)
        if isinstance(found, RejoinderError):
            raise found
        return found

    async def missed(
        self, found: Sequence[Incoming], *, back: datetime, not_before: datetime, most: int
    ) -> int:
        self.taken.append(([said.message for said in found], not_before, most))
        return len(found)

    async def deleted(self, place: Place, message: str) -> None:
        self.gone.append((place, message))

    def page(self, *messages: str, place: Place = CHANNEL, threads: Sequence[Place] = ()) -> Page:
        said = [incoming("?", message=m, sent_at=self.clock.now, place=place) for m in messages]
        return Page(said, self.clock.now - SIX_HOURS, self.clock.now, threads)


class Sleeper:
    """Time that goes on only when the test lets it: a sleep moves the clock, and gives the others a chance."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.slept: list[float] = []
        self.beats = 0
        self.during: Callable[[], Awaitable[object]] | None = None

    async def __call__(self, seconds: float) -> None:
        if seconds == BEAT:
            await until(lambda: self.beats)
            self.beats -= 1
            return
        self.slept.append(seconds)
        self._clock.advance(seconds)
        if self.during is not None:
            await self.during()


@asynccontextmanager
async def watch(
    stores: Stores,
    elsewhere: Elsewhere,
    *,
    owner: str = "me",
    alone: bool = True,
    most: int = 50,
    oldest: timedelta = SIX_HOURS,
) -> AsyncIterator[tuple[Watch, Sleeper]]:
    sleeper = Sleeper(elsewhere.clock)
    watch = Watch(
        "fake",
        reception=elsewhere,  # type: ignore[arg-type]  # it only takes in what was missed
        attendance=stores.attendance,
        owner=owner,
        alone=alone,
        oldest=oldest,
        most=most,
        clock=elsewhere.clock,
        sleep=sleeper,
    )
    running = asyncio.create_task(watch.run(elsewhere))
    yield watch, sleeper
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    """Wait until it is true, or what it awaits is."""
    async with asyncio.timeout(10):
        while True:
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.005)


async def marked(stores: Stores, at: datetime, owner: str = "me") -> None:
    async def marked() -> bool:
        return await stores.attendance.heard("fake", "1") == Heard(at, owner)

    await until(marked)


async def nothing_owed(stores: Stores) -> None:
    async def nothing() -> bool:
        return not await stores.attendance.owed("fake", "1")

    await until(nothing)


async def test_at_the_very_first_start_nothing_was_missed(stores: Stores, clock: FakeClock) -> None:
    elsewhere = Elsewhere(clock)
    async with watch(stores, elsewhere) as (line, _):
        line.back("1")
        await marked(stores, clock.now)
    assert elsewhere.asked == [] and elsewhere.read_gaps == []
    heard = await stores.attendance.heard("fake", "1")
    assert heard is not None and heard.owner == ""


async def test_after_an_absence_every_place_is_looked_at_once(stores: Stores, clock: FakeClock) -> None:
    desk = Desk(stores, clock)
    await desk.ask(message="deleted")
    await desk.ask(message="standing")
    await stores.attendance.listening("fake", "1", "", clock.now)
    left = clock.now
    clock.advance(3600)
    elsewhere = Elsewhere(clock, listed=[CHANNEL, OTHER])
    elsewhere.pages[CHANNEL] = [elsewhere.page("standing", "m1", threads=[THREAD])]
    elsewhere.pages[THREAD] = [elsewhere.page("m2", place=THREAD)]
    async with watch(stores, elsewhere, most=5) as (line, sleeper):
        line.back("1")
        await until(lambda: len(elsewhere.taken) == 3)
        await nothing_owed(stores)
        assert elsewhere.asked == [("1", left - MARGIN, [CHANNEL])]
        assert elsewhere.read_gaps == [Gap(place, left - MARGIN) for place in (CHANNEL, THREAD, OTHER)]
        assert [(found, most) for found, _, most in elsewhere.taken] == [
            (["standing", "m1"], 5),
            (["m2"], 3),
            ([], 2),
        ]
        assert {not_before for _, not_before, _ in elsewhere.taken} == {clock.now - SIX_HOURS}
        assert elsewhere.gone == [(CHANNEL, "deleted")]
        clock.advance(20)
        sleeper.beats += 1
        await marked(stores, clock.now)
    assert len(elsewhere.read_gaps) == 3


async def test_a_long_absence_is_looked_back_upon_only_so_far(stores: Stores, clock: FakeClock) -> None:
    await stores.attendance.listening("fake", "1", "", clock.now)
    clock.advance(30 * 86_400)
    elsewhere = Elsewhere(clock)
    async with watch(stores, elsewhere) as (line, _):
        line.back("1")
        await until(lambda: elsewhere.taken)
    assert elsewhere.read_gaps == [Gap(CHANNEL, clock.now - 2 * SIX_HOURS)]


async def test_catching_up_can_be_switched_off(stores: Stores, clock: FakeClock) -> None:
    await stores.attendance.listening("fake", "1", "", clock.now)
    clock.advance(3600)
    elsewhere = Elsewhere(clock)
    async with watch(stores, elsewhere, oldest=timedelta(0)) as (line, _):
        line.back("1")
        await marked(stores, clock.now)
    assert elsewhere.asked == []


async def test_the_platforms_pauses_are_kept_and_a_place_that_is_refused_is_left(
    stores: Stores, clock: FakeClock
) -> None:
    await stores.attendance.listening("fake", "1", "", clock.now)
    clock.advance(3600)
    elsewhere = Elsewhere(clock, listed=[OTHER, CHANNEL])
    elsewhere.pages[OTHER] = [PlaceRefused("not_in_channel")]
    elsewhere.pages[CHANNEL] = [PlatformBusy(60), PlatformUnreachable("reset"), elsewhere.page("m1")]
    async with watch(stores, elsewhere) as (line, sleeper):
        line.back("1")
        await until(lambda: elsewhere.taken)
        await nothing_owed(stores)
    assert [found for found, _, _ in elsewhere.taken] == [["m1"]]
    assert sleeper.slept == [60, 5]


async def test_what_is_owed_survives_the_death_of_the_process(stores: Stores, clock: FakeClock) -> None:
    await stores.attendance.listening("fake", "1", "", clock.now)
    left = clock.now
    clock.advance(3600)
    elsewhere = Elsewhere(clock)
    elsewhere.pages[CHANNEL] = [PlatformBusy(60)]
    async with watch(stores, elsewhere) as (line, sleeper):
        sleeper.during = asyncio.Event().wait  # it dies while it waits
        line.back("1")
        await until(lambda: elsewhere.read_gaps)
    elsewhere.pages, elsewhere.listed = {}, []
    elsewhere.read_gaps.clear()
    async with watch(stores, elsewhere) as (line, _):
        line.back("1")
        await nothing_owed(stores)
    assert elsewhere.read_gaps == [Gap(CHANNEL, left - MARGIN)]


async def test_a_line_that_others_hear_has_missed_nothing(stores: Stores, clock: FakeClock) -> None:
    attendance = stores.attendance
    await attendance.listening("fake", "1", "another", clock.advance(100))
    clock.advance(5)
    elsewhere = Elsewhere(clock)
    async with watch(stores, elsewhere, alone=False) as (line, sleeper):
        sleeper.during = lambda: attendance.listening("fake", "1", "another", clock.now)
        line.back("1")
        await until(lambda: sleeper.slept)
        await marked(stores, clock.now)
    assert elsewhere.asked == [] and sleeper.slept == [OTHERS.total_seconds() - 5]


async def test_a_line_whose_other_listener_has_died_has_missed_what_came_since(
    stores: Stores, clock: FakeClock
) -> None:
    await stores.attendance.listening("fake", "1", "another", clock.advance(100))
    died = clock.now
    clock.advance(5)
    elsewhere = Elsewhere(clock)
    async with watch(stores, elsewhere, alone=False) as (line, sleeper):
        line.back("1")
        await until(lambda: elsewhere.taken)
    assert elsewhere.read_gaps == [Gap(CHANNEL, died - MARGIN)]
    assert clock.now == died + OTHERS and sleeper.slept == [OTHERS.total_seconds() - 5]


async def test_those_who_hear_other_lines_do_not_hear_one_that_nobody_ever_heard(
    stores: Stores, clock: FakeClock
) -> None:
    attendance = stores.attendance
    await attendance.listening("fake", "0", "another", clock.advance(100))
    until_then = clock.now
    clock.advance(5)
    elsewhere = Elsewhere(clock)
    async with watch(stores, elsewhere, alone=False) as (line, sleeper):
        sleeper.during = lambda: attendance.listening("fake", "0", "another", clock.now)
        line.back("1")
        await marked(stores, clock.now)
        await until(lambda: elsewhere.taken)
    assert elsewhere.read_gaps == [Gap(CHANNEL, until_then - MARGIN)] and sleeper.slept == []


async def test_a_line_that_nobody_ever_heard_is_looked_back_upon_as_far_as_the_bot_was_there(
    stores: Stores, clock: FakeClock
) -> None:
    """It is a shard that was added, or the shards are cut otherwise: that others are heard up to now says nothing of it."""
    began = clock.now
    await Desk(stores, clock).ask()
    await stores.attendance.listening("fake", "0", "another", clock.advance(3600))
    elsewhere = Elsewhere(clock)
    async with watch(stores, elsewhere, alone=False) as (line, sleeper):
        line.back("1")
        await until(lambda: elsewhere.taken)
        await marked(stores, clock.now)
        clock.advance(30 * 86_400)
        line.back("2")
        await until(lambda: len(elsewhere.taken) == 2)
    assert elsewhere.read_gaps == [
        Gap(CHANNEL, began + timedelta(seconds=1) - MARGIN),
        Gap(CHANNEL, clock.now - 2 * SIX_HOURS),
    ]
    assert sleeper.slept == [] and elsewhere.taken[1][1:] == (clock.now - SIX_HOURS, 50)


async def test_what_was_said_to_the_bot_before_its_lines_were_marked_is_a_sign_of_it_too(
    stores: Stores, clock: FakeClock
) -> None:
    await Desk(stores, clock).ask()
    spoken = clock.now
    clock.advance(3600)
    elsewhere = Elsewhere(clock)
    async with watch(stores, elsewhere) as (line, _):
        line.back("1")
        await until(lambda: elsewhere.taken)
    assert elsewhere.read_gaps == [Gap(CHANNEL, spoken - MARGIN)]


async def test_a_line_is_not_marked_before_it_is_known_what_it_missed(
    stores: Stores, clock: FakeClock
) -> None:
    """Neither is it when its connection is lost and resumed meanwhile: the mark would hide what was missed, also from itself."""
    await stores.attendance.listening("fake", "1", "another", clock.advance(100))
    died = clock.now
    clock.advance(5)
    elsewhere = Elsewhere(clock)
    async with watch(stores, elsewhere, alone=False) as (line, sleeper):

        async def lose_and_resume() -> None:
            line.away("1")
            line.resumed("1")
            sleeper.beats += 2
            await until(lambda: not sleeper.beats)

        sleeper.during = lose_and_resume
        line.back("1")
        await until(lambda: elsewhere.taken)
        clock.advance(20)
        sleeper.beats += 1
        await marked(stores, clock.now)
    assert elsewhere.read_gaps == [Gap(CHANNEL, died - MARGIN)]


async def test_a_database_that_was_away_for_long_means_that_something_was_missed(
    stores: Stores, clock: FakeClock
) -> None:
    elsewhere = Elsewhere(clock)
    async with watch(stores, elsewhere) as (line, sleeper):
        line.back("1")
        await marked(stores, clock.now)
        last = clock.now
        clock.advance(UNBROKEN.total_seconds() + 1)
        sleeper.beats += 1
        await until(lambda: elsewhere.taken)
        await marked(stores, clock.now)
    assert elsewhere.read_gaps == [Gap(CHANNEL, last - MARGIN)]


async def test_a_lost_line_is_not_marked_and_a_resumed_one_has_missed_nothing(
    stores: Stores, clock: FakeClock
) -> None:
    elsewhere = Elsewhere(clock)
    async with watch(stores, elsewhere) as (line, sleeper):
        line.back("1")
        await marked(stores, clock.now)
        before = clock.now
        line.away("1")
        clock.advance(10)
        sleeper.beats += 2
        await until(lambda: not sleeper.beats)
        await marked(stores, before)
        line.resumed("1")
        sleeper.beats += 1
        await marked(stores, clock.now)
    assert elsewhere.asked == []
