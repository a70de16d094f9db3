"""Prices that stand in another list than ours: those of `genai-prices`, where that is installed (`make extras`)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bot.models.prices import Price

PROVIDERS: Final = ("openai", "anthropic")
"""Whose models it is asked for: what else answers to a known name may cost something else."""
NAMES: Final = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")


def listed_price(provider: str, model: str, at: datetime) -> tuple[Price, str] | None:
    """The price of a model then, and the list it stands in; None where it is not known or the list is not installed."""
    try:
        from genai_prices import __version__, data_snapshot
    except ImportError:
        return None
    if provider not in PROVIDERS:
        return None
    try:
        _, found = data_snapshot.get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    price = _price(found.get_prices(at))
    return None if price is None else (price, f"genai-prices {__version__}")


def _price(found: Any) -> Price | None:
    """Theirs as ours: they have tiers for each amount, we have prices for all of a call, by the size of its prompt."""
    starts = {tier.start for name in NAMES for tier in _tiers(getattr(found, name, None))}
    price: Price | None = None
    beyond = 0
    for start in sorted(starts | {0}, reverse=True):
        said, cached, written, output = (_amount(getattr(found, name, None), start) for name in NAMES)
        if said is None or output is None:
            return None
        price = Price(said, output, cached, written, beyond, price)
        beyond = start
    return price


def _tiers(value: Any) -> Any:
    return getattr(value, "tiers", ())


def _amount(value: Any, start: int) -> Decimal | None:
    """Dollars per million tokens, for a prompt of more than so many."""
    if value is None or isinstance(value, Decimal):
        return value
    reached = [tier.price for tier in value.tiers if start and tier.start <= start]
    amount: Decimal = reached[-1] if reached else value.base
    return amount
