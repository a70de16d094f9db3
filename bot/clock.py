"""This machine's time, for what no other process has to agree on: running bots go by the database's (`storage/clock.py`)."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
