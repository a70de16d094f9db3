"""What the bot tells of itself: a log without anyone's words, and a handful of metrics by platform and outcome, never by person."""

from __future__ import annotations

import logging
import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

QUIET = (
    "slack_bolt",
    "slack_sdk",
    "discord",
    "openai",
    "anthropic",
    "httpx2",
    "httpcore2",
    "aiohttp.access",
    "alembic",
    "sqlalchemy",
)
"""Libraries that put payloads into their debug or info lines."""


def set_up_logging(level: str) -> None:
    """One readable line per event on standard error. Libraries speak from warnings upwards, whatever our own level is."""
    logging.basicConfig(
        stream=sys.stderr,
        level=level,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
        force=True,
    )
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class Meters:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._turns = Counter(
            "rejoinder_turns", "Turns that ended.", ["platform", "outcome"], registry=self.registry
        )
        self.running = Gauge(
            "rejoinder_turns_running", "Turns being answered by this process.", registry=self.registry
        )

    def ended(self, platform: str, outcome: str) -> None:
        self._turns.labels(platform, outcome).inc()

    def exposition(self) -> bytes:
        """The metrics in the text format that Prometheus reads."""
        return generate_latest(self.registry)
