"""Admission: what may be used, reserved before a call at its worst and settled after it with what the provider reported.

Where the provider reported nothing (a dropped stream, a killed process) the full reservation stands: a turn never costs less than it
did. People appear only as a keyed hash, so that forgetting someone does not refill a budget, and a budget names no one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Final

from bot.chat import Author, Place, Prompt, Quota, Turn, Usage
from bot.errors import LimitReached, StoreUnavailable, Unpriced
from bot.gate import Gate, Waiting, unheard
from bot.limits.rules import METRICS, Allowance, Allowed, Rulebook, place_name, said_rules, workspace_name
from bot.models.catalogue import Model
from bot.ports import Call, Charge, Ledger, Level, Meter, Rulings, Settlement, Spent, Taken, Warned

PICO: Final = Decimal(1_000_000_000_000)
SMALLEST_ANSWER: Final = 64
"""Tokens: with less than this left of a budget, no answer is begun."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A call that may be made, with the output cap it may be made with."""

    taken: Taken
    model: Model

    @property
    def output_cap(self) -> int:
        return self.taken.output_cap


class Limits:
    def __init__(self, ledger: Ledger, gate: Gate, rulings: Rulings, rulebook: Rulebook, key: bytes) -> None:
        self._ledger, self._gate, self._key = ledger, gate, key
        self._rulings, self._rulebook = rulings, rulebook

    def person(self, place: Place, author: Author) -> str:
        """Who it is, in a form that names no one: a keyed hash, 32 hexadecimal digits."""
        return self._hash(f"{place.platform}:{place.installation}:{author.id}")

    async def reserve(
        self,
        turn: Turn,
        model: Model,
        prompt: Prompt,
        prompt_tokens: int,
        now: datetime,
        waiting: Waiting = unheard,
    ) -> Reservation:
        """Admit a call at its worst cost, with a lower output cap if that is all the budget has left, once it is its turn.

        Raises `LimitReached`, `Overcrowded`. A question counts once, however often its answer is begun anew.
        """
        call = self._call(turn, model, prompt_tokens, prompt.max_output_tokens)
        meters = await self.meters(turn.place, turn.author, model.names)
        return await self._reserve(call, meters, model, now, waiting, requests=int(turn.attempts <= 1))

    async def reserve_shared(
        self, turn: Turn, model: Model, prompt: Prompt, prompt_tokens: int, now: datetime
    ) -> Reservation:
        """The same for a call that nobody asked for: it is charged to the place, its workspace and the bot, and to no person."""
        call = replace(self._call(turn, model, prompt_tokens, prompt.max_output_tokens), person="")
        meters = await self.meters(turn.place, turn.author, model.names)
        theirs = [meter for meter in meters if meter.level is not Level.USER]
        return await self._reserve(call, theirs, model, now, unheard, requests=0)

    async def _reserve(
        self,
        call: Call,
        meters: Sequence[Meter],
        model: Model,
        now: datetime,
        waiting: Waiting,
        *,
        requests: int,
    ) -> Reservation:
        if call.prompt_cost is None and any(meter.unit == "picousd" for meter in meters):
            raise Unpriced(model.name)
        amounts = {
            "requests": (requests, 0),
            "tokens": (call.prompt_tokens, 1),
            "picousd": (call.prompt_cost or 0, call.token_cost or 0),
        }
        charges = [Charge(meter, *amounts[meter.unit]) for meter in meters if any(amounts[meter.unit])]
        return Reservation(await self._gate.admit(call, charges, model.names, now, waiting), model)

    async def settle(
        self,
        reservation: Reservation,
        usage: Usage | None,
        *,
        finish: str,
        first_token_ms: int | None,
        now: datetime,
        quota: Quota | None = None,
    ) -> Sequence[Warned]:
        """Replace the reservation by what was used; without a reported usage it stands. `quota` is what the provider last said of
        its own limits."""
        cost = reservation.model.cost(usage) if usage is not None else None
        cost = None if cost is None else Decimal(_pico(cost)).scaleb(-12)
        warned = await self._ledger.settle(
            reservation.taken, Settlement(usage, cost, finish, first_token_ms, quota), now
        )
        if quota is not None:
            await self._gate.learn(reservation.model.names[0], quota)
        return warned

    async def reached(self, limit: LimitReached, now: datetime) -> Warned | None:
        """A limit has refused somebody: what there is to be warned of, the first time that a budget which is nearly used does so."""
        with suppress(StoreUnavailable):
            if await self._ledger.reached(limit.meter, now):
                return Warned(limit.meter, 100, limit.meter.allowed - limit.left, limit.retry_at)
        return None

    def conversation(self, place: Place) -> str:
        """Which channel's conversation it is, threads included, in a form that names none: what begins alike, begins alike there."""
        trunk = place.trunk
        return self._hash(f"prompt:{place_name(trunk)}:{trunk.person}")

    async def spent(self, place: Place, author: Author, now: datetime) -> Sequence[Spent]:
        """What somebody has used of their own limits."""
        mine = [meter for meter in await self.meters(place, author, ()) if meter.level is Level.USER]
        return await self._ledger.spent(mine, now)

    async def allowances(self, place: Place, author: Author, names: Collection[str]) -> Sequence[Allowance]:
        """What somebody may use in a place, with models of these names."""
        said = said_rules(await self._rulings.of(place), place)
        return list(self._rulebook.allowances(place, author, names, said))

    async def meters(self, place: Place, author: Author, names: Collection[str]) -> tuple[Meter, ...]:
        """All limits that hold for a call to a model of these names."""
        subjects = {
            Level.USER: self.person(place, author),
            Level.PLACE: self._hash(f"place:{place_name(place)}"),
            Level.WORKSPACE: self._hash(f"workspace:{workspace_name(place)}"),
            Level.BOT: self._hash("bot"),
        }
        return tuple(
            meter
            for allowance in await self.allowances(place, author, names)
            for meter in self._meters(allowance, subjects[allowance.level])
        )

    def _meters(self, allowance: Allowance, subject: str) -> Sequence[Meter]:
        if allowance.model:
            subject = self._hash(f"{subject}:{allowance.model}")
        return meters_of(allowance.level, subject, allowance.numbers, allowance.model)

    def _call(self, turn: Turn, model: Model, prompt_tokens: int, cap: int) -> Call:
        worst = model.worst(prompt_tokens)
        return Call(
            turn=turn.id,
            place=turn.place,
            direct=turn.direct,
            person=self.person(turn.place, turn.author),
            provider=model.provider,
            model=model.name,
            prompt_tokens=prompt_tokens,
            output_cap=cap,
            least_output=min(cap, SMALLEST_ANSWER),
            prompt_cost=None if worst is None else _pico(worst[0]),
            token_cost=None if worst is None else _pico(worst[1]),
            price=model.price_list,
        )

    def _hash(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()[:32]


def meters_of(level: Level, subject: str, numbers: Mapping[str, Allowed], model: str = "") -> Sequence[Meter]:
    """The meters that hold somebody to these numbers."""
    found = []
    for name, (unit, period) in METRICS.items():
        allowed = numbers.get(name)
        if allowed is None:
            continue
        most = _pico(Decimal(allowed)) if unit == "picousd" else int(allowed)
        burst = int(numbers.get("burst") or most) if period == "minute" else 0
        found.append(Meter(level, unit, period, subject, most, burst, model))
    return found


def _pico(dollars: Decimal) -> int:
    """Dollars in million-millionths, rounded up."""
    return int((dollars * PICO).to_integral_value(ROUND_CEILING))
