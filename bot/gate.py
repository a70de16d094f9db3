"""The line before a provider's own limits: how many requests and tokens a minute its account has, shared by all processes.

They are what the operator says, or less if the provider says less in its answers. While there is room, a call passes at once. Else it
stands in line: whoever asked little of late goes first, nobody is overtaken by those who ask a minute later, and who would have to
wait for too long is told so at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from bot.chat import Quota
from bot.errors import Overcrowded, StoreUnavailable
from bot.limits.rules import Allowed, Rulebook, lesser
from bot.ports import Call, Charge, Clock, Ledger, Level, Line, Meter, Taken, Ticket

log = logging.getLogger(__name__)

Waiting = Callable[[Line], None]
"""Told again and again where one stands, once a moment has passed."""


def unheard(line: Line) -> None:
    """Nobody is told."""


MOMENT: Final = timedelta(seconds=2)
LOOK: Final = 1.0
"""Seconds between two looks at the line at most: those before may have left it."""
REMEMBERED: Final = timedelta(seconds=30)
"""How long what providers said to other processes is remembered."""
SHARE: Final = 4
"""Who uses more than this part of a provider's limits is put behind: by as long as it takes to make up for it, a minute at most."""


class Gate:
    def __init__(
        self,
        ledger: Ledger,
        rulebook: Rulebook,
        clock: Clock,
        *,
        patience: timedelta,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger, self._rulebook, self._clock = ledger, rulebook, clock
        self._patience, self._sleep = patience, sleep
        self._learned: Mapping[str, Quota] = {}
        self._read_at: datetime | None = None

    async def admit(
        self,
        call: Call,
        charges: Sequence[Charge],
        names: Collection[str],
        now: datetime,
        waiting: Waiting,
    ) -> Taken:
        """Take these charges, and those of the provider's own limits. Raises `LimitReached`, `Overcrowded`."""
        lane = await self._lane(call, names)
        shares = _shares(call, lane)
        answer = await self._ledger.reserve(call, [*charges, *lane, *shares], now)
        if isinstance(answer, Taken):
            return answer
        log.info("waiting for %s as number %s", call.lane, answer.position)
        return await self._wait(call, [*charges, *lane], shares, answer, waiting)

    async def learn(self, lane: str, quota: Quota) -> None:
        """A provider said what its limits are: have all processes know, if that is news."""
        known = self._learned.get(lane, Quota())
        limits = (quota.requests_limit, quota.tokens_limit)
        if limits == (None, None) or limits == (known.requests_limit, known.tokens_limit):
            return
        self._learned = {**self._learned, lane: quota}
        with suppress(StoreUnavailable):  # the next answer says it again
            await self._ledger.learn(lane, quota)

    async def _wait(
        self, call: Call, charges: Sequence[Charge], shares: Sequence[Charge], line: Line, waiting: Waiting
    ) -> Taken:
        asked = self._clock()
        self._check(line, asked)
        ticket = await self._ledger.queue(call, shares, asked)
        try:
            while True:
                now = self._clock()
                answer = await self._ledger.reserve(call, charges, now, ticket)
                if isinstance(answer, Taken):
                    return answer
                self._check(answer, asked)
                if now - asked >= MOMENT:
                    waiting(answer)
                await self._sleep(min((answer.until - now).total_seconds(), LOOK))
        except BaseException:
            await self._leave(ticket)
            raise

    def _check(self, line: Line, asked: datetime) -> None:
        if line.until - asked > self._patience:
            raise Overcrowded(line.position, line.until)

    async def _leave(self, ticket: Ticket) -> None:
        with suppress(StoreUnavailable):  # it is void soon anyway
            await self._ledger.leave(ticket)

    async def _lane(self, call: Call, names: Collection[str]) -> list[Charge]:
        """What the call takes of its provider's limits: all that it may say counts, as it does there."""
        numbers = self._rulebook.of_provider(names)
        quota = (await self._known()).get(call.lane, Quota())
        requests = _least(numbers.get("requests_per_minute"), quota.requests_limit)
        tokens = _least(numbers.get("tokens_per_minute"), quota.tokens_limit)
        amounts = {"requests": (requests, 1), "tokens": (tokens, call.prompt_tokens + call.output_cap)}
        return [
            Charge(Meter(Level.PROVIDER, unit, "minute", call.lane, allowed, allowed), amount)
            for unit, (allowed, amount) in amounts.items()
            if allowed is not None
        ]

    async def _known(self) -> Mapping[str, Quota]:
        now = self._clock()
        if self._read_at is None or now - self._read_at > REMEMBERED:
            self._read_at = now
            self._learned = await self._ledger.learned()
        return self._learned


def _shares(call: Call, lane: Sequence[Charge]) -> list[Charge]:
    """How much of a provider's limits somebody has had of late."""
    return [
        Charge(
            Meter(
                Level.SHARE,
                charge.meter.unit,
                "minute",
                f"{call.person}@{call.lane}",
                allowed := max(charge.meter.allowed // SHARE, 1),
                allowed,
            ),
            charge.amount,
        )
        for charge in lane
    ]


def _least(said: Allowed, learned: int | None) -> int | None:
    """The lesser of what the operator and the provider say; a provider that allows nothing says nothing."""
    found = lesser(said, learned or None)
    return None if found is None else max(int(found), 1)
