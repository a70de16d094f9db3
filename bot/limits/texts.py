"""Limits in words: what a refusal, a warning and a report say of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from bot.errors import LimitReached
from bot.limits.admission import PICO
from bot.limits.rules import METRICS, USD, Allowance, Allowed
from bot.notices import notice, wait_text
from bot.ports import Meter, Spent, Warned

UNITS: Final = {"requests": "unit_requests", "tokens": "unit_tokens", "picousd": "unit_usd"}


def amount(units: int, unit: str) -> str:
    """An amount of a limit as people read it: dollars with cents, the rest as it is."""
    return f"{Decimal(units) / PICO:,.2f}" if unit == "picousd" else f"{units:,}"


def limit_text(limit: LimitReached, now: datetime, language: str) -> str:
    """Which limit said no, how much of it is left, and when to come back."""
    return notice(
        f"limit_{limit.meter.period}",
        language,
        **_named(limit.meter, language),
        left=amount(limit.left, limit.meter.unit),
        time=f"{limit.retry_at:%H:%M}",
        date=f"{limit.retry_at:%Y-%m-%d}",
        wait=wait_text(now, limit.retry_at, language),
    )


def warning_text(warned: Warned, now: datetime, language: str, whose: str = "") -> str:
    """That a budget is nearly or wholly used. `whose` it is, if not the reader's."""
    meter = warned.meter
    return notice(
        "budget_used" if warned.percent == 100 else "budget_nearly_used",
        language,
        **_named(meter, language) | ({"whose": whose} if whose else {}),
        used=amount(warned.used, meter.unit),
        period=notice(f"per_{meter.period}", language),
        percent=warned.used * 100 // max(meter.allowed, 1),
        wait=wait_text(now, warned.resets_at, language),
    )


def spent_text(spent: Spent, language: str) -> str:
    """One line of what somebody has used."""
    meter = spent.meter
    return notice(
        "usage_minute" if meter.period == "minute" else "usage_row",
        language,
        name=notice(f"name_{meter.period}", language) + _model(meter, language),
        used=amount(spent.used, meter.unit),
        allowed=amount(meter.burst or meter.allowed, meter.unit),
        unit=notice(UNITS[meter.unit], language),
        when=f"{spent.resets_at:%Y-%m-%d %H:%M}",
    )


def allowance_text(allowance: Allowance, language: str) -> str:
    """One line of what may be used; empty where nothing is limited."""
    numbers = [
        notice(
            f"allows_{name}", language, allowed=number_text(name, allowed), burst=_burst(allowance.numbers)
        )
        for name in METRICS
        if (allowed := allowance.numbers.get(name)) is not None
    ]
    if not numbers:
        return ""
    whom = notice(f"whom_{allowance.level}", language)
    model = notice("limit_of_model", language, model=allowance.model) if allowance.model else ""
    return notice(
        "limits_row", language, whom=whom + model, numbers=notice("and_so_on", language).join(numbers)
    )


def number_text(name: str, allowed: Allowed) -> str:
    return f"{allowed:,.2f}" if name in USD else f"{allowed:,}"


def _burst(numbers: Mapping[str, Allowed]) -> str:
    burst = numbers.get("burst") or numbers.get("requests_per_minute") or 0
    return f"{burst:,}"


def _named(meter: Meter, language: str) -> dict[str, str]:
    return {
        "whose": notice(f"whose_{meter.level}", language),
        "allowed": amount(meter.allowed, meter.unit),
        "unit": notice(UNITS[meter.unit], language),
        "model": _model(meter, language),
    }


def _model(meter: Meter, language: str) -> str:
    return notice("limit_of_model", language, model=meter.model) if meter.model else ""
