"""What a call to a model costs, in US dollars per million tokens, exact to the last digit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from bot.chat import Usage

_MILLION = Decimal(1_000_000)
_AMOUNTS: Final = frozenset({"input", "cached", "cache_write", "output"})


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens.

    `above` replaces it for a whole call whose prompt has more than `above_tokens`. Where nothing is known
    of the cache, what is read from it or written to it counts as plain input.
    """

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    cache_write: Decimal | None = None
    above_tokens: int = 0
    above: Price | None = None

    def at(self, prompt_tokens: int) -> Price:
        """The prices that hold for a prompt of that size."""
        if self.above is None or prompt_tokens <= self.above_tokens:
            return self
        return self.above.at(prompt_tokens)

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that change with any of its numbers."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:8]

    def cost(self, usage: Usage) -> Decimal:
        """What a call cost."""
        price = self.at(usage.prompt)
        cached = min(usage.cached, usage.prompt)
        written = min(usage.cache_written, usage.prompt - cached)
        total = (
            price.input * (usage.prompt - cached - written)
            + (price.input if price.cached is None else price.cached) * cached
            + (price.input if price.cache_write is None else price.cache_write) * written
            + price.output * usage.output
        )
        return total / _MILLION

    def worst_cost(self, prompt_tokens: int, output_cap: int) -> Decimal:
        """The most a call can cost: nothing read from the cache, all written there, the whole cap used."""
        prompt, token = self.worst(prompt_tokens)
        return prompt + token * output_cap

    def worst(self, prompt_tokens: int) -> tuple[Decimal, Decimal]:
        """The most that a prompt can cost, and each token that is said to it."""
        price = self.at(prompt_tokens)
        dearest = max(price.input, price.cache_write or price.input)
        return dearest * prompt_tokens / _MILLION, price.output / _MILLION


def price_from(value: object) -> Price | None:
    """Read a price from a TOML value; `"unknown"` is None. Raises `TypeError` or `ValueError` saying why
    not.
    """
    if value == "unknown":
        return None
    if not isinstance(value, dict):
        raise TypeError('is neither a table of prices nor "unknown"')
    price = _plain(value, _AMOUNTS | {"above"})
    above = value.get("above")
    if above is None:
        return price
    if not isinstance(above, dict) or not isinstance(above.get("tokens"), int) or above["tokens"] < 1:
        raise ValueError("holds an `above` without a positive number of `tokens`")
    return replace(price, above_tokens=above["tokens"], above=_plain(above, _AMOUNTS | {"tokens"}))


def amount_from(value: object) -> Decimal:
    """Read a number from 0 up."""
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise TypeError("is not a number")
    if not Decimal(value).is_finite() or value < 0:
        raise ValueError("is not a number from 0 up")
    return Decimal(value)


def _plain(table: Mapping[str, Any], allowed: frozenset[str]) -> Price:
    if strange := sorted(set(table) - allowed):
        raise ValueError(f"holds {strange[0]!r}, which is not known")
    if missing := sorted({"input", "output"} - set(table)):
        raise ValueError(f"holds no {missing[0]!r}")
    amounts: dict[str, Any] = {key: amount_from(table[key]) for key in sorted(_AMOUNTS & set(table))}
    return Price(**amounts)
