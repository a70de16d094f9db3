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

CENT: Final = Decimal("0.01")
UNITS: Final = {"requests": "unit_requests", "tokens": "unit_tokens", "picousd": "unit_usd"}


def amount(units: int, unit: str, language: str) -> str:
    """What was used of a limit, or is left, as people read it: dollars with cents, the rest as it is."""
    if unit != "picousd":
        return f"{units:,}"
    dollars = Decimal(units) / PICO
    return notice("less_than", language, amount=CENT) if 0 < dollars < CENT else f"{dollars:,.2f}"


def allowed_text(meter: Meter) -> str:
    """How much a limit allows."""
    return dollars_text(Decimal(meter.allowed) / PICO) if meter.unit == "picousd" else f"{meter.allowed:,}"


def dollars_text(dollars: Decimal) -> str:
    """With cents, and with all digits where it is less than one."""
    return f"{dollars.normalize():f}" if 0 < dollars < CENT else f"{dollars:,.2f}"


def unit_text(unit: str, count: Allowed, language: str) -> str:
    """The name of so many of a unit."""
    code = UNITS[unit]
    return notice(f"{code}_one" if count == 1 and unit != "picousd" else code, language)


def limit_text(limit: LimitReached, now: datetime, language: str) -> str:
    """Which limit said no, how much of it is left, and when to come back."""
    return notice(
        f"limit_{limit.meter.period}",
        language,
        **_named(limit.meter, language),
        left=amount(limit.left, limit.meter.unit, language),
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
        used=amount(warned.used, meter.unit, language),
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
        used=amount(spent.used, meter.unit, language),
        allowed=f"{meter.burst:,}" if meter.burst else allowed_text(meter),
        unit=unit_text(meter.unit, meter.burst or meter.allowed, language),
        when=f"{spent.resets_at:%Y-%m-%d %H:%M}",
    )


def allowance_text(allowance: Allowance, language: str) -> str:
    """One line of what may be used; empty where nothing is limited."""
    numbers = [
        notice(
            f"allows_{name}",
            language,
            allowed=number_text(name, allowed),
            unit=unit_text(unit, allowed, language),
            burst=_burst(allowance.numbers),
        )
        for name, (unit, _) in METRICS.items()
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
    return dollars_text(Decimal(allowed or 0)) if name in USD else f"{allowed:,}"


def _burst(numbers: Mapping[str, Allowed]) -> str:
    burst = numbers.get("burst") or numbers.get("requests_per_minute") or 0
    return f"{burst:,}"


def _named(meter: Meter, language: str) -> dict[str, str]:
    return {
        "whose": notice(f"whose_{meter.level}", language),
        "allowed": allowed_text(meter),
        "unit": unit_text(meter.unit, meter.allowed, language),
        "model": _model(meter, language),
    }


def _model(meter: Meter, language: str) -> str:
    return notice("limit_of_model", language, model=meter.model) if meter.model else ""
