"""Twenty of the kills that `make crash` makes by the hundred; see tests/crash."""

from __future__ import annotations

import asyncio
import functools
import importlib
import os
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.crash.rounds import SETTINGS, play
from tests.crash.steps import STEPS, Step
from tests.postgres import Postgres

SHORT: Final[Mapping[str, Any]] = {"people": 2, "stops": 0.0, "haste": 3.0, "lease": 5}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_every_step_is_there_to_be_killed_at(step: Step) -> None:
    module, _, name = step.where.partition(":")
    assert callable(functools.reduce(getattr, name.split("."), importlib.import_module(module)))


@pytest.mark.slow(50)
@pytest.mark.timeout(400)
async def test_twenty_kills_lose_and_double_nothing(postgres: Postgres) -> None:
    """One process on SQLite, and at the same time two on a PostgreSQL; each with people on Slack and Discord."""
    seed = os.environ.get("SEED") or str(random.randrange(10**6))
    verdicts = await asyncio.gather(
        play(replace(SETTINGS["sqlite"], **SHORT), 7, f"{seed}/sqlite"),
        play(replace(SETTINGS["two"], **SHORT), 13, f"{seed}/two", postgres),
    )
    for verdict in verdicts:
        assert not verdict.faults, "\n".join([f"SEED={seed}: {verdict}", *verdict.faults])
        assert verdict.asked > 10
    assert sum(sum(verdict.killed.values()) for verdict in verdicts) == 20
