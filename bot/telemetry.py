"""What the bot tells of itself: a log without anyone's words, and a handful of metrics by platform and outcome, never by person."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

OURS = ("bot", "adapters", "storage")
"""Whose debug and info lines hold no words: those of libraries put payloads and statements into theirs."""


Mask = Callable[[str], str]


def set_up_logging(level: str, mask: Mask) -> None:
    """One readable line per event on standard error, masked whoever wrote it: an error may quote what it is about. Libraries speak from
    warnings upwards, whatever our own level is."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masked(mask))
    handler.addFilter(_may_speak)
    own = logging.getLevelName(level)
    logging.basicConfig(level=max(own, logging.WARNING), handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(own)


def _may_speak(record: logging.LogRecord) -> bool:
    """Some libraries set levels of their own."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] in OURS


class _Masked(logging.Formatter):
    def __init__(self, mask: Mask) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        return self._mask(super().format(record))


class Meters:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._turns = Counter(
            "rejoinder_turns", "Turns that ended.", ["platform", "outcome"], registry=self.registry
        )
        self._removed = Counter("rejoinder_removed", "Rows removed.", ["why"], registry=self.registry)
        self.running = Gauge(
            "rejoinder_turns_running", "Turns being answered by this process.", registry=self.registry
        )

    def removed(self, why: str, rows: int) -> None:
        """Rows were removed: of people who were `forgotten`, or because their time was over (`retention`)."""
        if rows:
            self._removed.labels(why).inc(rows)

    def ended(self, platform: str, outcome: str) -> None:
        self._turns.labels(platform, outcome).inc()

    def exposition(self) -> bytes:
        """The metrics in the text format that Prometheus reads."""
        return generate_latest(self.registry)
