"""What a call may cost, what it did cost, and who waits for the provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from bot.chat import Place, Quota, Usage
from bot.ports.decisions import Level


@dataclass(frozen=True, slots=True)
class Meter:
    """One limit as it applies to one subject. `period` is "minute" (a bucket of `burst`, refilled at `allowed` a minute), "day" or
    "month" (UTC).

    `subject` is a keyed hash, or a lane's name; `unit` is "requests", "tokens" or "picousd" (a million-millionth of a dollar);
    `model` is empty where all models count.
    """

    level: Level
    unit: str
    period: str
    subject: str
    allowed: int
    burst: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call takes of a meter: an amount, and so much more for each token that it may say."""

    meter: Meter
    amount: int
    per_token: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A row of the ledger, written when its worst cost is reserved and settled when it is known.

    `output_cap` is the most it shall say, `least_output` the least that is worth a call. Costs are in picousd, of the whole prompt and
    of each token said; None where the price is unknown. `price` says by which list.
    """

    turn: int
    place: Place
    direct: bool
    person: str
    provider: str
    model: str
    prompt_tokens: int
    output_cap: int
    least_output: int
    prompt_cost: int | None = None
    token_cost: int | None = None
    price: str = ""

    @property
    def lane(self) -> str:
        """Where calls wait for a provider's own limits: they are a model's."""
        return f"{self.provider}:{self.model}"


@dataclass(frozen=True, slots=True)
class Taken:
    """A call that may be made, with so much output; what was taken for it, and when."""

    call: int
    output_cap: int
    charges: tuple[Charge, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the line before a provider's limits. Lower ranks go first; a ticket that is not shown again soon is void."""

    id: int
    rank: int


@dataclass(frozen=True, slots=True)
class Line:
    """One has to wait: as number `position`, until then if nobody goes before."""

    position: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a call really used; `usage` is None where the provider reported nothing (then the reservation stands).

    `quota` is what the provider said of its own limits, when it answered.
    """

    usage: Usage | None
    cost: Decimal | None
    finish: str
    first_token_ms: int | None
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """A budget of which 80 or 100 percent are used now, for the first time in its day or month."""

    meter: Meter
    percent: int
    used: int
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class Spent:
    """One meter's state, for `/usage`."""

    meter: Meter
    used: int
    resets_at: datetime


class Ledger(Protocol):
    """Budgets, rates and the record of calls (`storage/ledger.py`)."""

    async def reserve(
        self, call: Call, charges: Sequence[Charge], now: datetime, ticket: Ticket | None = None
    ) -> Taken | Line:
        """Take all charges or none, and write the open call, in one round trip. The output cap is lowered to what is left.

        Raises `LimitReached` naming the limit to come back latest for. A `Line` means that only the provider's own limits have no
        room, after those who wait before; the ticket is void once the call is taken or refused.
        """

    async def queue(self, call: Call, shares: Sequence[Charge], now: datetime) -> Ticket:
        """Stand in line: behind all who asked before, further behind the more of the shares one had lately."""

    async def leave(self, ticket: Ticket) -> None:
        """Leave the line without a call."""

    async def settle(self, taken: Taken, settlement: Settlement, now: datetime) -> Sequence[Warned]:
        """Replace what was reserved by what was used, in the windows it was taken from. A second settlement changes nothing."""

    async def reached(self, meter: Meter, now: datetime) -> bool:
        """A limit has refused somebody: True the first time in its day or month, if it is nearly used."""

    async def spent(self, meters: Sequence[Meter], now: datetime) -> Sequence[Spent]: ...

    async def close_lost(self, now: datetime, before: datetime) -> int:
        """Close calls that began before then and were never settled, at their full reservation. How many."""

    async def tidy(self, now: datetime, most: int) -> int:
        """Close what nobody will settle, and drop at most so many counters that say nothing any more; how many."""

    async def forget(self, person: str) -> int:
        """Keep their calls without them. How many."""

    async def learned(self) -> Mapping[str, Quota]:
        """What providers said of their own limits, by lane."""

    async def learn(self, lane: str, quota: Quota) -> None: ...
