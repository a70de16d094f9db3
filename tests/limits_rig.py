"""Limits on real stores, as the composition root puts them together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.gate import Gate
from bot.limits.admission import Limits
from bot.limits.rules import Rulebook
from bot.ports import Clock
from storage.stores import Stores


def open_limits(
    stores: Stores,
    rulebook: Rulebook,
    clock: Clock,
    *,
    patience: timedelta = timedelta(seconds=60),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Limits:
    gate = Gate(stores.ledger, rulebook, clock, patience=patience, sleep=sleep)
    return Limits(stores.ledger, gate, stores.rulings, rulebook, b"key")
