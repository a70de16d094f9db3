"""A circuit breaker for each model: one that keeps failing is left alone for a while, then tried by one question alone.

The state is this process's own: each finds out for itself, after a few questions, and none depends on another's view of the network.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.errors import BadResponse, CutOff, Misconfigured, Overloaded, ProviderError, QuotaExhausted
from bot.ports import Clock
from bot.voice import Voice

log = logging.getLogger(__name__)

THRESHOLD: Final = 3
"""Failures in a row, of as many turns, by which the circuit opens."""
FIRST_PAUSE: Final = timedelta(seconds=20)
LONGEST_PAUSE: Final = timedelta(minutes=5)
"""How long it then stays open: twice as long after each trial that fails, and at least as long as the provider asks for."""
TRIAL: Final = timedelta(seconds=60)
"""So long one question has to find out whether all is well again, before another may."""

COUNTED: Final = (Overloaded, QuotaExhausted, Misconfigured, BadResponse, CutOff)
"""Failures of the model's API; all others are about the question."""


@dataclass(slots=True)
class Circuit:
    failures: int = 0
    closed_from: datetime | None = None
    """From then on it may be tried; None: it is closed, and all may pass."""


class Breakers:
    """The circuits of all models, by provider and name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._circuits: dict[str, Circuit] = {}

    def willing(self, candidates: Sequence[Voice]) -> list[Voice]:
        """Those that may be asked now, in order. Raises `Overloaded` when none may, with the time until one will."""
        now = self._clock()
        willing = [voice for voice in candidates if self._may_pass(voice, now)]
        if willing:
            return willing
        wait = min((self._of(voice).closed_from or now) - now for voice in candidates)
        raise Overloaded(
            "every model has failed too often of late", retry_after=wait.total_seconds(), free=True
        )

    def succeeded(self, voice: Voice) -> None:
        circuit = self._of(voice)
        if circuit.closed_from is not None:
            log.info("%s answers again", voice.label)
        circuit.failures, circuit.closed_from = 0, None

    def failed(self, voice: Voice, error: ProviderError) -> None:
        if not isinstance(error, COUNTED):
            return
        circuit, now = self._of(voice), self._clock()
        circuit.failures += 1
        if circuit.failures < THRESHOLD:
            return
        pause = min(FIRST_PAUSE * 2 ** min(circuit.failures - THRESHOLD, 8), LONGEST_PAUSE)
        asked = timedelta(seconds=min(error.retry_after or 0, LONGEST_PAUSE.total_seconds()))
        circuit.closed_from = now + max(pause, asked)
        log.warning(
            "%s has failed %s times in a row and is left alone for %s",
            voice.label,
            circuit.failures,
            max(pause, asked),
        )

    def _may_pass(self, voice: Voice, now: datetime) -> bool:
        circuit = self._of(voice)
        if circuit.closed_from is None:
            return True
        if now < circuit.closed_from:
            return False
        circuit.closed_from = now + TRIAL
        return True

    def _of(self, voice: Voice) -> Circuit:
        return self._circuits.setdefault(voice.label, Circuit())
