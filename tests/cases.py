"""How many cases a property is tried on: a few in the suite, tens of thousands by `make properties`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


def cases(few: int) -> settings:
    """So many cases, or as many as the variable CASES says."""
    return settings(max_examples=int(os.environ.get("CASES", few)), deadline=None, suppress_health_check=SLOW)
