"""A stop ends in time, whatever hangs; and what is left behind is taken up by the next."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bot import inbox, stopping
from bot.chat import State
from bot.inbox import Held
from bot.stopping import Stop
from storage.stores import Stores
from tests.bot_process import BotProcess, Running
from tests.desk import LEASE, Desk, workers_of
from tests.emulators.llm import LLMEmulator
from tests.fakes import FakeClock

pytest_plugins = ["tests.databases"]


class Deaf:
    """An engine that overhears that it is to stop, until it is let go."""

    def __init__(self) -> None:
        self.begun, self.released = asyncio.Event(), asyncio.Event()

    async def answer(self, held: Held) -> None:
        self.begun.set()
        while not self.released.is_set():
            with suppress(asyncio.CancelledError):
                await self.released.wait()


async def test_a_turn_that_does_not_let_go_is_left_to_the_next_process(
    stores: Stores, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(inbox, "LETTING_GO", 0.05)
    desk, engine = Desk(stores, clock), Deaf()
    asked = await desk.ask()
    workers = workers_of(stores.inbox, engine, clock)
    running = asyncio.create_task(workers.run())
    async with asyncio.timeout(20):
        await engine.begun.wait()
        await workers.drain(0)
        await running
    assert f"turn {asked} does not let go" in caplog.text
    clock.advance((LEASE + timedelta(seconds=1)).total_seconds())
    assert (await desk.claimed("another")).id == asked
    engine.released.set()


async def test_what_is_claimed_while_it_is_told_to_stop_is_given_back(
    stores: Stores, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, engine = Desk(stores, clock), Deaf()
    asked = await desk.ask()
    workers = workers_of(stores.inbox, engine, clock)
    claim = stores.inbox.claim

    async def stopped_meanwhile(*arguments: object, **named: object) -> object:
        found = await claim(*arguments, **named)  # type: ignore[arg-type]
        await workers.drain(0)
        return found

    monkeypatch.setattr(stores.inbox, "claim", stopped_meanwhile)
    async with asyncio.timeout(20):
        await workers.run()
    assert not engine.begun.is_set()
    assert await desk.states() == {asked: State.WAITING}


async def test_steps_share_the_time_and_what_hangs_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stopping, "LEAVING", 0.05)
    monkeypatch.setattr(stopping, "LEAST", 0.02)
    stop, done = Stop(), asyncio.Event()

    async def well() -> None:
        done.set()

    async def broken() -> None:
        raise ValueError("it broke")

    stop.begin(0)
    async with asyncio.timeout(20):
        await stop.within("one", asyncio.create_task(asyncio.Event().wait(), name="a hanging part"))
        await stop.within("two", asyncio.Event().wait(), well(), broken())
    assert done.is_set()
    assert "one takes too long and is left behind" in caplog.text and "a hanging part" in caplog.text
    assert "two takes too long" in caplog.text and "it broke" in caplog.text


class Stubborn(BotProcess):
    async def _spawn(self, environment: Mapping[str, str]) -> Running:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.stubborn_bot", self._command),
            env=environment,
            cwd=self.data.parent,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )


@pytest.mark.parametrize("how", ["deaf", "blocking"])
async def test_a_bot_with_a_part_that_does_not_end_is_ended(tmp_path: Path, how: str) -> None:
    async with LLMEmulator() as llm:
        environment = {
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": llm.openai_url,
            "REJOINDER_MODEL": "openai-chat:gpt-4o-mini",
            "REJOINDER_GRACE_SECONDS": "0",
        }
        bot = Stubborn(tmp_path / "data", environment, command=how)
        await bot.start()
        assert await bot.terminate() == os.EX_SOFTWARE
        assert "stopping took too long: ended by force" in bot.output
        named = "stopping: a part of the bot takes too long" in bot.output and "'eraser'" in bot.output
        assert named is (how == "deaf"), "a blocked loop says nothing any more"
