"""The list of turns, and the housekeeping beside it: what an operator sees and what goes on by itself."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import datetime, timedelta

import pytest
from rich.console import Console

from bot.chat import Place, State
from bot.errors import StoreUnavailable
from bot.housekeeping import EVERY, MOST, Housekeeping
from bot.operator.listing import show_turns
from bot.ports import Waiting
from tests.fakes import FakeClock

ROWS = [
    Waiting(7, Place("slack", "T1", "C1", "17.1"), State.RUNNING, timedelta(seconds=75), "host:1:ab#3", 2),
    Waiting(8, Place("slack", "T1", "C1"), State.WAITING, timedelta(hours=3), "", 0),
    Waiting(5, Place("discord", "9", "8"), State.FAILED, timedelta(0), "", 4, "gave_up", "abcd2345"),
]


def printed(form: str) -> str:
    out = io.StringIO()
    show_turns(ROWS, form, Console(file=out, width=140, highlight=False, soft_wrap=True))
    return out.getvalue()


def test_the_table_is_for_reading() -> None:
    text = printed("table")
    for cell in (
        "slack:T1:C1:17.1",
        "running",
        "1 min 15 s",
        "3 h 0 min",
        "host:1:ab#3",
        "gave_up",
        "abcd2345",
    ):
        assert cell in text


def test_plain_lines_are_for_cutting() -> None:
    assert [line.split("\t") for line in printed("plain").splitlines()] == [
        ["7", "slack:T1:C1:17.1", "running", "75", "2", "host:1:ab#3", "", ""],
        ["8", "slack:T1:C1", "waiting", "10800", "0", "", "", ""],
        ["5", "discord:9:8", "failed", "0", "4", "", "gave_up", "abcd2345"],
    ]


def test_json_is_for_programs() -> None:
    rows = json.loads(printed("json"))
    assert [row["turn"] for row in rows] == [7, 8, 5]
    assert rows[2] == {
        "turn": 5,
        "place": "discord:9:8",
        "state": "failed",
        "age": 0,
        "attempts": 4,
        "owner": "",
        "error": "gave_up",
        "reference": "abcd2345",
    }


async def test_housekeeping_goes_on_at_once_while_there_is_much_and_waits_out_a_missing_database() -> None:
    removed: list[int | StoreUnavailable] = [MOST, MOST, 3, StoreUnavailable("away"), 0]
    pauses: list[float] = []

    async def chore(now: datetime, most: int) -> int:
        assert most == MOST
        step = removed.pop(0)
        if isinstance(step, StoreUnavailable):
            raise step
        return step

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if not removed:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Housekeeping([chore], FakeClock(), sleep=sleep).run()
    assert pauses[:2] == [1.0, 1.0]
    assert all(0.5 * EVERY < pause < 1.5 * EVERY for pause in pauses[2:]) and len(pauses) == 5
