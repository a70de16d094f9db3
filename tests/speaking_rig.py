"""A turn from its question to its end, with a real engine, real stores and whatever models are given: without workers, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from bot.chat import Place, State, Turn
from bot.context import Window
from bot.engine import Engine
from bot.files import FileLimits
from bot.inbox import Held
from bot.limits.alarms import Alarms
from bot.limits.rules import Rulebook
from bot.models.catalogue import Model
from bot.ports import Adapter, Provider
from bot.preferences import Decided, Preferences
from bot.privacy.filtering import Filtering
from bot.recall import Recall
from bot.redaction import Redactor
from bot.speaking import Continuing, Speaker
from bot.telemetry import Meters
from bot.tokens.counting import Exact
from bot.tokens.texts import tokenizer_for
from bot.voice import SameEverywhere, Voice
from storage.stores import Stores
from storage.tables import calls, turns
from tests.desk import LEASE, Desk
from tests.fakes import CHANNEL, FakeClock, FakePlatform, Shown
from tests.files_rig import USUAL, open_files
from tests.limits_rig import open_limits

ROOMY = Window(4_000, 500)
ROUNDS = Continuing()
NO_RULES = Rulebook()


def voice(provider: Provider, model: Model, *, window: Window = ROOMY) -> Voice:
    return Voice(provider, model, "Be kind.", window, Exact(tokenizer_for("gpt-4o")))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one turn: what was shown, and what stands in the books."""

    shown: Shown
    turn: Any
    calls: Sequence[Any]

    @property
    def text(self) -> str:
        return self.shown.notice or self.shown.text

    @property
    def state(self) -> State:
        return State(self.turn.state)


async def at_once(seconds: float) -> None:
    await asyncio.sleep(0)


@dataclass
class Rig:
    """`waits` are the seconds that were slept: in no time at all, unless `sleep` really does."""

    stores: Stores
    clock: FakeClock
    platform: FakePlatform = field(default_factory=FakePlatform)
    waits: list[float] = field(default_factory=list)
    sleep: Callable[[float], Awaitable[None]] = at_once
    admins: Sequence[Place] = ()

    def __post_init__(self) -> None:
        self.desk = Desk(self.stores, self.clock)

    def open(
        self,
        *voices: Voice,
        continuing: Continuing = ROUNDS,
        rules: Rulebook = NO_RULES,
        files: FileLimits = USUAL,
    ) -> None:
        """Begin anew with these candidates, and no memory of their failures."""
        self.voices = voices
        limits = open_limits(self.stores, rules, self.clock)
        decided = Decided(self.stores.preferences, lambda _: Preferences("openai:test", "Be kind."))
        platforms: dict[str, Adapter] = {"fake": self.platform}
        filtering = Filtering(Redactor(), self.stores.vault, decided)
        gallery, self.files = open_files(
            platforms, SameEverywhere(*voices), voices[0].counter, filtering, files
        )
        speaker = Speaker(
            recall=Recall(self.stores.memory, decided, gallery=gallery),
            limits=limits,
            voices=SameEverywhere(*voices),
            filtering=filtering,
            continuing=continuing,
            clock=self.clock,
            sleep=self._sleep,
        )
        self.engine = Engine(
            platforms=platforms,
            conversations=self.stores.conversations,
            decided=decided,
            speaker=speaker,
            files=self.files,
            filtering=filtering,
            counter=voices[0].counter,
            language="en",
            attempts=3,
            clock=self.clock,
            meters=Meters(),
            alarms=Alarms(platforms, self.admins, "en", self.clock),
        )

    async def ask(self, text: str, *, channel: str = "C1") -> Outcome:
        """Ask, and have it answered."""
        self.waits.clear()
        await self.desk.ask(text, place=replace(CHANNEL, channel=channel))
        return await self.answer(await self.desk.claimed())

    async def go_on(self, outcome: Outcome) -> Outcome:
        """Press Continue."""
        assert await self.desk.go_on(outcome.turn.id)
        return await self.answer(await self.desk.claimed())

    async def answer(self, turn: Turn, owner: str = "w1") -> Outcome:
        await self.engine.answer(
            Held(self.stores.inbox, turn, owner, LEASE, self.clock, self.clock.now + LEASE)
        )
        async with self.stores.database.reading() as sql:
            row = (await sql.execute(select(turns).where(turns.c.id == turn.id))).one()
            made = (
                await sql.execute(select(calls).where(calls.c.turn_id == turn.id).order_by(calls.c.id))
            ).all()
        return Outcome(self.platform.shown[turn.message], row, made)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await self.sleep(seconds)
