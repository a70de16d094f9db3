"""What it costs that no turn is lost: `python -m benchmarks.durability` measures, prints, and writes docs/durability.md.

What accepting and claiming a turn take, on both databases; how many turns a second one process answers, and two that share a PostgreSQL;
how soon a killed process's turn is taken up. The bot runs in processes of its own, on an emulated Discord whose limits are lifted, with a
model that answers at once. Nothing here is asserted.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy import func, select

from benchmarks.context import fill
from bot.chat import Size, State
from storage.stores import Stores, open_stores
from storage.tables import turns
from tests.bot_process import BotProcess
from tests.desk import Desk
from tests.emulators.discord import DiscordEmulator
from tests.emulators.discord.limits import Limits
from tests.emulators.llm import LLMEmulator, say
from tests.fakes import HERE, FakeClock
from tests.postgres import Postgres, postgres_server

PAGE: Final = Path(__file__).parent.parent / "docs" / "durability.md"
HISTORY: Final = 20_000
ACCEPTED: Final = 400
CHANNELS: Final = 30
PEOPLE: Final = 4
ROUNDS: Final = 2
KILLS: Final = 5
SHARDS: Final = 2
LIFTED: Final = Limits().faster(1_000)
LEASE: Final = timedelta(seconds=30)
PATIENCE: Final = 180.0
"""Seconds to wait for anything, on a machine that others are busy on too."""


# Accepting and claiming.


@dataclass(frozen=True, slots=True)
class Steps:
    """Milliseconds of each: the commit after which an event is acknowledged, and the one after which a turn is worked on."""

    accept: list[float]
    claim: list[float]

    @property
    def both(self) -> list[float]:
        return [a + c for a, c in zip(self.accept, self.claim, strict=True)]


async def steps(stores: Stores) -> Steps:
    """One turn after the other, each by another person, beside a long history."""
    await fill(stores, HISTORY)
    clock = FakeClock()
    desk = Desk(stores, clock)
    taken = Steps([], [])
    for number in range(ACCEPTED):
        said = desk.question(message=f"new{number}")
        began = time.perf_counter()
        accepted = await stores.inbox.accept(
            said, said.content, masked=(), size=Size(7), counter="o200k", now=clock.now, queue=5
        )
        between = time.perf_counter()
        turn = await stores.inbox.claim(
            f"w#{number}", clock.now, LEASE, platforms=HERE, abreast=4, attempts=4
        )
        ended = time.perf_counter()
        if accepted is None or turn is None or turn.id != accepted.turn:
            raise RuntimeError("somebody else is at work in this database")
        await stores.inbox.close(turn.id, f"w#{number}", State.DONE, now=clock.now)
        taken.accept.append((between - began) * 1000)
        taken.claim.append((ended - between) * 1000)
    return taken


def step_rows(name: str, taken: Steps) -> list[str]:
    """A row for each step of it."""
    found = {"accept": taken.accept, "claim": taken.claim, "both": taken.both}
    rows = []
    for what, times in found.items():
        shares = statistics.quantiles(times, n=20)
        within = " | ".join(f"{shares[share // 5 - 1]:.1f} ms" for share in (25, 50, 95))
        rows.append(f"| {name} | {what} | {within} |")
    return rows


# Turns a second.


@dataclass
class Town:
    """An emulated Discord with many places, a model, and the bot's processes between them. Places are spread over the shards."""

    discord: DiscordEmulator
    llm: LLMEmulator
    channels: list[Any]
    people: list[Any]
    data: Path
    database: str
    bots: list[BotProcess]

    def environment(self, shard: int, shards: int) -> dict[str, str]:
        split = {"DISCORD_SHARD_IDS": str(shard), "DISCORD_SHARD_COUNT": str(shards)} if shards > 1 else {}
        return split | {
            "DISCORD_TOKEN": self.discord.token,
            "DISCORD_API_URL": self.discord.api_url,
            "DISCORD_GATEWAY_URL": self.discord.gateway_url,
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": self.llm.openai_url,
            "REJOINDER_MODEL": "openai-chat:gpt-4o-mini",
            "REJOINDER_USER_REQUESTS_PER_MINUTE": "none",
            "REJOINDER_USER_TOKENS_PER_DAY": "none",
            "REJOINDER_CATCH_UP_HOURS": "0",
            "DATABASE_URL": self.database,
        }

    async def ask(self, rounds: int) -> int:
        """Everybody asks everywhere, so many times, all at once; how many questions that is."""
        for number in range(rounds):
            for person in self.people:
                for channel in self.channels:
                    self.discord.say(person, channel, f"question {number}", mention_bot=True)
            await asyncio.sleep(0)
        return rounds * len(self.people) * len(self.channels)


@asynccontextmanager
async def town(folder: Path, database: str, processes: int) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(DiscordEmulator(limits=LIFTED, shards=processes))
        llm = await stack.enter_async_context(LLMEmulator(rule=lambda request: say("It is as you say.")))
        people = [discord.add_user(f"Person {number}") for number in range(PEOPLE)]
        guilds = [discord.add_guild(f"Guild {one}", guild_id=(1_000 + one) << 22) for one in range(SHARDS)]
        channels = [
            discord.add_channel(guilds[number % SHARDS], f"room-{number}") for number in range(CHANNELS)
        ]
        here = Town(discord, llm, channels, people, folder, database, [])
        for shard in range(processes):
            (folder / str(shard)).mkdir(parents=True)
            bot = BotProcess(folder / str(shard) / "data", here.environment(shard, processes), until="")
            here.bots.append(await stack.enter_async_context(bot))
            await bot.wait_for_line("^ready", timeout=PATIENCE)
        yield here


@dataclass(frozen=True, slots=True)
class Pace:
    """Turns a second; processor milliseconds that a turn took of all the bot's processes, and of the emulators; calls to Discord for it."""

    turns: float
    bot_ms: float
    rest_ms: float
    calls: float


async def pace(here: Town, stores: Stores) -> Pace:
    """Of a crowd that asks all at once, after a smaller one that has warmed it up."""
    await done(stores, await here.ask(1))
    processes = [psutil.Process(bot.pid) for bot in here.bots]
    before, own, calls = [spent(one) for one in processes], time.process_time(), len(here.discord.requests)
    began = time.perf_counter()
    count = await here.ask(ROUNDS)
    await done(stores, len(here.people) * len(here.channels) + count)
    seconds = time.perf_counter() - began
    used = sum(spent(one) - was for one, was in zip(processes, before, strict=True))
    rest = time.process_time() - own
    asked = len(here.discord.requests) - calls
    return Pace(count / seconds, used / count * 1000, rest / count * 1000, asked / count)


def spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def done(stores: Stores, count: int) -> None:
    """Wait until so many turns are over."""
    asked = select(func.count()).select_from(turns).where(turns.c.state == State.DONE)
    async with asyncio.timeout(600):
        while True:
            async with stores.database.reading() as sql:
                if (await sql.execute(asked)).scalar_one() >= count:
                    return
            await asyncio.sleep(0.05)


# Taking over.


async def owner_of(stores: Stores) -> str:
    """Who has the turn that is being answered; empty: nobody."""
    asked = select(turns.c.owner).where(turns.c.state == State.RUNNING)
    async with stores.database.reading() as sql:
        return str((await sql.execute(asked)).scalar() or "")


async def until(condition: Callable[[], Awaitable[bool]]) -> float:
    """Wait for it; seconds."""
    began = time.perf_counter()
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.01)
    return time.perf_counter() - began


async def takeovers(here: Town, stores: Stores) -> list[float]:
    """Seconds from the death of the process that speaks until another has its turn; with one process, from its new start until it has."""
    here.llm.rule = lambda request: say(*["word "] * 400, pace=0.2)
    times = []
    for _ in range(KILLS):
        question = here.discord.say(here.people[0], here.channels[0], "a long tale", mention_bot=True)
        await until(lambda question=question: shown(here, question))  # type: ignore[misc]
        owner = await owner_of(stores)
        speaker = next(bot for bot in here.bots if f":{bot.pid}:" in owner)
        await speaker.kill()
        lines = len(speaker.lines)
        began = time.perf_counter()
        if len(here.bots) == 1:
            await speaker.start(until="")
        await until(lambda owner=owner: other(stores, owner))  # type: ignore[misc]
        times.append(time.perf_counter() - began)
        if len(here.bots) > 1:
            await speaker.start(until="")
        await speaker.wait_for_line("^ready", since=lines, timeout=PATIENCE)
        here.discord.delete(question)
        await until(lambda: nobody(stores))
    return times


async def other(stores: Stores, than: str) -> bool:
    return await owner_of(stores) not in ("", than)


async def shown(here: Town, question: Any) -> bool:
    replies = here.discord.bot_messages(here.channels[0])
    return any(str(question.id) in str(one.reference) and "word" in one.text for one in replies)


async def nobody(stores: Stores) -> bool:
    return not await owner_of(stores)


# All of it.

INTRODUCTION: Final = f"""# No turn is lost: how, and what it costs

An event is acknowledged only after its turn is committed. A worker claims a turn under a lease (`REJOINDER_LEASE_SECONDS`) and renews it;
when its process dies, the lease ends, and another process, or the same one started again, goes on in the messages already posted. A turn
that is begun too often (`REJOINDER_ATTEMPTS`) fails with a notice and a button to retry. When a process dies, all that it answers dies with
it, whoever's fault it was: everything is tried again side by side once, and one by one from then on, so that a question which brings
the process down each time uses up its attempts alone. Several processes go by the clock of their PostgreSQL, however wrong their own are.

Measured by `make durability`, all in one run, on a machine of {psutil.cpu_count()} cores that also runs the emulated platform, the
model and PostgreSQL. The load was {psutil.getloadavg()[0]:.1f} when it began.

## Accepting and claiming a turn

One after the other, in a database of {HISTORY:,} turns: the commit before the acknowledgement, and the one that leases the turn. An answer
waits for both. PostgreSQL is on the same machine and waits for its disk; SQLite writes ahead and leaves the last moments before a power cut
to the disk.

| database | step | 25 of a hundred within | 50 | 95 |
| --- | --- | ---: | ---: | ---: |
"""
PACE: Final = f"""
## Turns a second

{PEOPLE} people in each of {CHANNELS} channels of an emulated Discord whose limits are lifted ask {ROUNDS} questions each, all at
once, and a model answers at once: what is left is the bot's own work, {{calls:.1f}} calls to Discord for each turn among it. The emulators
need a core as well, so that two processes do not have two cores here: what a turn takes of a processor tells how many one core can answer
(without PostgreSQL's part).

| processes | turns a second | processor time a turn, all processes | one core would do | processor time of emulators and model |
| --- | ---: | ---: | ---: | ---: |
"""
TAKEN: Final = f"""
## Taking over

The process that speaks is killed (`SIGKILL`) in the middle of an answer, {KILLS} times. With another one at the same PostgreSQL, time runs
from the death until that has the turn: the rest of the lease, and up to a second until it looks. The only process on a SQLite takes it up
as it starts: time runs from its new start.

| | median | longest |
| --- | ---: | ---: |
"""


async def on(folder: Path, database: str, name: str, processes: int) -> tuple[str, Pace, list[float]]:
    stores = open_stores(database)
    await stores.upgrade()
    async with town(folder, database, processes) as here:
        found = await pace(here, stores)
        times = await takeovers(here, stores) if processes > 1 or database.startswith("sqlite") else []
    await stores.aclose()
    row = f"| {name} | {found.turns:.1f} | {found.bot_ms:.0f} ms | {1000 / found.bot_ms:.0f} | {found.rest_ms:.0f} ms |"
    print(row, *[f"{one:.1f} s" for one in times], flush=True)
    return row, found, times


async def accepting(folder: Path, server: Postgres) -> list[str]:
    rows = []
    for name, url in (("SQLite", f"sqlite:///{folder}/steps.db"), ("PostgreSQL", server.create())):
        stores = open_stores(url, FakeClock())
        await stores.upgrade()
        rows += step_rows(name, await steps(stores))
        await stores.aclose()
    print("\n".join(rows), flush=True)
    return rows


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rejoinder-") as name, postgres_server(careful=True) as server:
        folder = Path(name)
        first = await accepting(folder, server)
        lite, found, restarts = await on(folder / "a", f"sqlite:///{folder}/turns.db", "one, SQLite", 1)
        one, _, _ = await on(folder / "b", server.create(), "one, PostgreSQL", 1)
        two, _, takes = await on(folder / "c", server.create(), "two, one PostgreSQL", 2)
    taken = [
        f"| {what} | {statistics.median(times):.1f} s | {max(times):.1f} s |"
        for what, times in (("another process, PostgreSQL", takes), ("started again, SQLite", restarts))
    ]
    page = [
        INTRODUCTION,
        *lines(first),
        PACE.format(calls=found.calls),
        *lines([lite, one, two]),
        TAKEN,
        *lines(taken),
    ]
    PAGE.write_text("".join(page), encoding="utf-8")


def lines(rows: Sequence[str]) -> list[str]:
    return [f"{row}\n" for row in rows]


if __name__ == "__main__":
    asyncio.run(main())
