"""Admission: what one person may use, reserved before a call at its worst and settled after it with what the provider reported.

Where the provider reported nothing (a dropped stream, a killed process) the full reservation stands: a turn never costs less than it
did. People appear only as a keyed hash, so that forgetting someone does not refill a budget, and a budget names no one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Final

from bot.chat import Author, Place, Prompt, Turn, Usage
from bot.errors import LimitReached
from bot.models import Model
from bot.ports import Call, Charge, Ledger, Meter, Settlement, Spent

NANO: Final = Decimal(1_000_000_000)
SMALLEST_ANSWER: Final = 64
"""Tokens: with less than this left of a budget, no answer is begun."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What one person may use; None is no limit. Days and months are UTC."""

    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    usd_per_month: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A call that may be made, with the output cap it may be made with."""

    call: int
    output_cap: int
    charges: tuple[Charge, ...]
    model: Model


class Limits:
    def __init__(self, ledger: Ledger, rules: Rules, key: bytes) -> None:
        self._ledger, self._rules, self._key = ledger, rules, key

    def person(self, place: Place, author: Author) -> str:
        """Who it is, in a form that names no one: a keyed hash, 32 hexadecimal digits."""
        name = f"{place.platform}:{place.installation}:{author.id}".encode()
        return hmac.new(self._key, name, hashlib.sha256).hexdigest()[:32]

    def meters(self, person: str) -> tuple[Meter, ...]:
        rules = self._rules
        usd = None if rules.usd_per_month is None else int(rules.usd_per_month * NANO)
        limits = (
            ("requests_minute", "requests", "minute", rules.requests_per_minute),
            ("tokens_day", "tokens", "day", rules.tokens_per_day),
            ("usd_month", "nanousd", "month", usd),
        )
        return tuple(
            Meter(name, person, unit, period, allowed)
            for name, unit, period, allowed in limits
            if allowed is not None
        )

    async def reserve(
        self, turn: Turn, model: Model, prompt: Prompt, prompt_tokens: int, now: datetime
    ) -> Reservation:
        """Admit a call at its worst cost, with a lower output cap if that is all the budget has left.

        Raises `LimitReached`. A question counts once, however often its answer is begun anew.
        """
        try:
            return await self._reserve(turn, model, prompt_tokens, prompt.max_output_tokens, now)
        except LimitReached as refusal:
            cap = self._cap_within(refusal, model, prompt_tokens)
            if not SMALLEST_ANSWER <= cap < prompt.max_output_tokens:
                raise
            return await self._reserve(turn, model, prompt_tokens, cap, now)

    async def _reserve(
        self, turn: Turn, model: Model, prompt_tokens: int, cap: int, now: datetime
    ) -> Reservation:
        person = self.person(turn.place, turn.author)
        cost = model.worst_cost(prompt_tokens, cap)
        amounts = {"requests": int(turn.attempts <= 1), "tokens": prompt_tokens + cap, "nanousd": _nano(cost)}
        charges = tuple(
            Charge(meter, amounts[meter.unit]) for meter in self.meters(person) if amounts[meter.unit]
        )
        call = Call(turn.id, turn.place, person, model.provider, model.name, prompt_tokens, cap, cost)
        return Reservation(await self._ledger.reserve(call, charges, now), cap, charges, model)

    @staticmethod
    def _cap_within(refusal: LimitReached, model: Model, prompt_tokens: int) -> int:
        """The largest output cap that what is left still pays for; 0 where the refusal is about something else."""
        if refusal.limit == "tokens_day":
            return refusal.left - prompt_tokens
        if refusal.limit == "usd_month":
            spared = refusal.left - _nano(model.worst_cost(prompt_tokens, 0))
            per_token = _nano(model.worst_cost(prompt_tokens, 1_000)) - _nano(
                model.worst_cost(prompt_tokens, 0)
            )
            return spared * 1_000 // per_token if per_token > 0 else 0
        return 0

    async def settle(
        self,
        reservation: Reservation,
        usage: Usage | None,
        *,
        finish: str,
        first_token_ms: int | None,
        now: datetime,
    ) -> None:
        """Replace the reservation by what was used; without a reported usage it stands."""
        cost = reservation.model.cost(usage) if usage is not None else None
        charges = reservation.charges
        if usage is not None:
            actual = {"tokens": usage.prompt + usage.output, "nanousd": _nano(cost)}
            charges = tuple(
                replace(charge, amount=actual.get(charge.meter.unit, charge.amount)) for charge in charges
            )
        await self._ledger.settle(
            reservation.call, charges, Settlement(usage, cost, finish, first_token_ms), now
        )

    async def spent(self, place: Place, author: Author, now: datetime) -> Sequence[Spent]:
        return await self._ledger.spent(self.meters(self.person(place, author)), now)


def _nano(cost: Decimal | None) -> int:
    """Dollars in thousand-millionths, rounded up; an unknown price counts nothing against a budget of money."""
    return 0 if cost is None else int((cost * NANO).to_integral_value(ROUND_UP))
