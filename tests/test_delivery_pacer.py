"""Who may call when: never more than the limit, last edits first, everybody in turn, and a 429 slows its bucket alone."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.delivery.pacer import Key, Pacer, Rate, Recalled
from bot.errors import PlatformBusy
from tests import virtual_time

EDIT: Key = ("edit", "c1")
OTHER: Key = ("edit", "c2")
ALL: Key = ("all",)


def now() -> float:
    return asyncio.get_running_loop().time()


class Platform:
    """Counts calls by when they arrive, somewhere between their start and their end."""

    def __init__(self, pacer: Pacer, seed: int = 0, slowest: float = 0.3) -> None:
        self.pacer, self.chance, self.slowest = pacer, random.Random(seed), slowest
        self.calls: list[tuple[float, str]] = []

    async def call(self, who: str, *keys: Key, urgent: bool = False, busy: float = 0) -> None:
        async with self.pacer.slot(*(keys or (EDIT,)), urgent=urgent):
            await asyncio.sleep(self.chance.uniform(0.001, self.slowest))
            self.calls.append((now(), who))
            await asyncio.sleep(self.chance.uniform(0.001, self.slowest))
            if busy:
                raise PlatformBusy(busy)

    async def speak(self, who: str, *keys: Key, until: float) -> None:
        """An answer that grows: a call after the other, and a last one that is urgent."""
        while now() < until:
            await self.call(who, *keys)
        await self.call(f"{who} done", *keys, urgent=True)

    @property
    def times(self) -> list[float]:
        return [moment for moment, _ in self.calls]


def most_in_a_window(times: Iterable[float], seconds: float) -> int:
    moments = sorted(times)
    return max(sum(first <= moment < first + seconds for moment in moments) for first in moments)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 60),
    st.integers(1, 12),
    st.floats(0.5, 60),
    st.integers(0, 50),
)
def test_no_window_sees_more_calls_than_the_limit(
    answers: int, count: int, seconds: float, seed: int
) -> None:
    async def main() -> list[float]:
        platform = Platform(Pacer({"edit": Rate(count, seconds)}), seed)
        await asyncio.gather(*(platform.speak(str(one), until=3 * seconds) for one in range(answers)))
        return platform.times

    assert most_in_a_window(virtual_time.run(main()), seconds) <= count


def test_everybody_is_served_in_turn_and_the_limit_is_used() -> None:
    async def main() -> Platform:
        platform = Platform(Pacer({"edit": Rate(5, 5.0)}))
        await asyncio.gather(*(platform.speak(str(one), until=200.0) for one in range(10)))
        return platform

    served = Counter(who for moment, who in virtual_time.run(main()).calls if moment < 200)
    assert max(served.values()) - min(served.values()) <= 1
    assert sum(served.values()) >= 200 / 1.2


def test_last_edits_go_first() -> None:
    async def main() -> list[str]:
        platform = Platform(Pacer({"edit": Rate(2, 2.0)}))
        middles = [asyncio.create_task(platform.call(f"middle {one}")) for one in range(6)]
        await asyncio.sleep(1.5)
        await platform.call("last", urgent=True)
        await asyncio.gather(*middles)
        return [who for _, who in platform.calls]

    order = virtual_time.run(main())
    assert order.index("last") <= 3


def test_who_waits_may_be_told_to_think_again() -> None:
    async def main() -> list[str]:
        pacer, order = Pacer({"edit": Rate(1, 10.0)}), list[str]()

        async def one(name: str) -> None:
            try:
                async with slots[name]:
                    order.append(name)
            except Recalled:
                async with pacer.slot(EDIT, urgent=True):
                    order.append(f"{name} at last")

        slots = {name: pacer.slot(EDIT) for name in ("a", "b", "c")}
        tasks = [asyncio.create_task(one(name)) for name in slots]
        await asyncio.sleep(1)
        slots["c"].recall()
        await asyncio.gather(*tasks)
        return order

    assert virtual_time.run(main()) == ["a", "c at last", "b"]


def test_whoever_is_alone_goes_faster_at_first_and_never_stands_still() -> None:
    async def main() -> list[float]:
        platform = Platform(Pacer({"edit": Rate(50, 60.0)}), slowest=0.002)
        await platform.speak("a", until=180.0)
        return platform.times

    times = virtual_time.run(main())
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps[:15]) < 0.8
    assert max(gaps) < 2.0
    lag = sum(gap * gap / 2 for gap in gaps) / times[-1]
    assert lag < 1.2 * 0.6
    early = [gap for moment, gap in zip(times, gaps, strict=False) if moment < 60]
    assert sum(gap * gap / 2 for gap in early) / 60 < 1.2 * 0.6


def test_a_429_holds_its_own_bucket_and_no_other() -> None:
    async def main() -> Platform:
        pacer = Pacer({"edit": Rate(5, 5.0)})
        platform = Platform(pacer)
        with suppress(PlatformBusy):
            await platform.call("refused", EDIT, busy=30)
        await asyncio.gather(platform.call("here", EDIT), platform.call("there", OTHER))
        return platform

    at = {who: moment for moment, who in virtual_time.run(main()).calls}
    assert at["there"] < 2 and at["here"] > 30


def test_a_429_for_all_holds_all() -> None:
    async def main() -> float:
        pacer = Pacer({"edit": Rate(5, 5.0), "all": Rate(50, 1.0)})
        with suppress(PlatformBusy):
            async with pacer.slot(EDIT, ALL):
                raise PlatformBusy(30, everywhere=True)
        async with pacer.slot(OTHER, ALL, urgent=True):
            return now()

    assert virtual_time.run(main()) >= 30


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(0, 50))
def test_many_channels_share_what_all_of_them_may(channels: int, seed: int) -> None:
    async def main() -> list[float]:
        platform = Platform(Pacer({"edit": Rate(5, 5.0), "all": Rate(20, 1.0)}), seed)
        speaking = (platform.speak(str(one), ("edit", str(one)), ALL, until=20.0) for one in range(channels))
        await asyncio.gather(*speaking)
        return platform.times

    assert most_in_a_window(virtual_time.run(main()), 1.0) <= 20


def test_what_the_platform_says_of_its_limits_takes_the_place_of_what_was_assumed() -> None:
    async def main() -> list[float]:
        pacer = Pacer({"edit": Rate(5, 5.0)})
        pacer.learn(EDIT, limit=3, remaining=2, reset_after=10.0)
        platform = Platform(pacer)
        await asyncio.gather(*(platform.call(str(one), urgent=True) for one in range(9)))
        return platform.times

    times = virtual_time.run(main())
    assert most_in_a_window(times, 10.0) == 3
    assert sum(moment < 10 for moment in times) == 2, "one was used already"


def test_calls_of_others_count_as_well() -> None:
    async def main() -> float:
        pacer = Pacer({"edit": Rate(5, 5.0)})
        pacer.learn(EDIT, limit=5, remaining=0, reset_after=4.0)
        async with pacer.slot(EDIT, urgent=True):
            return now()

    assert virtual_time.run(main()) >= 4


def test_whoever_gives_up_waiting_holds_nothing() -> None:
    async def main() -> float:
        pacer = Pacer({"edit": Rate(1, 1.0), "all": Rate(1, 50.0)})
        async with pacer.slot(ALL):
            pass
        waiting = asyncio.create_task(Platform(pacer).call("never", EDIT, ALL))
        await asyncio.sleep(5)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with pacer.slot(EDIT):
            return now()

    assert virtual_time.run(main()) == 5


def test_what_is_not_needed_is_left_out_where_others_wait() -> None:
    async def main() -> tuple[bool, bool]:
        pacer = Pacer({"all": Rate(4, 10.0)})
        before = pacer.ample(ALL)
        for _ in range(2):
            async with pacer.slot(ALL, urgent=True):
                pass
        return before, pacer.ample(ALL)

    assert virtual_time.run(main()) == (True, False)


def test_places_where_nothing_goes_on_are_forgotten() -> None:
    async def main() -> int:
        pacer = Pacer({"edit": Rate(5, 5.0)})
        for number in range(3_000):
            async with pacer.slot(("edit", str(number)), urgent=True):
                pass
            await asyncio.sleep(0.1)
        return len(pacer._buckets)

    assert virtual_time.run(main()) < 600
