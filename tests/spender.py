"""A process that spends: many calls at once against tight limits, and a diary of what it did, for an independent recount.

`python -m tests.spender URL DIARY SEED CALLS ABREAST SIZE [LINES]`. The diary is written line by line, past every buffer, since the
process may be killed at any moment: `granted CALL PROMPT CAP` after a reservation, `used CALL PROMPT OUTPUT` (or `used CALL nothing`)
before its settlement, `settled CALL` after it, `refused LIMIT`. After so many LINES it kills itself, in the middle of several calls.

It begins when it is told so, by a line, after it has said that it is ready: all at the same moment.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.chat import Author, Message, Place, Prompt, Role, Turn, Usage
from bot.errors import LimitReached, StoreUnavailable
from bot.limits.rules import Rulebook, Scope
from bot.models.catalogue import Model
from bot.models.prices import Price
from bot.ports import Level
from storage.stores import open_stores
from tests.limits_rig import open_limits

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
BEGAN = float(os.environ.get("SPENDING_SINCE") or time.time())
MODEL = Model("openai", "gpt", price=Price(Decimal("0.123456"), Decimal("1.5"), cached=Decimal("0.01")))
PEOPLE = [Author(f"U{number}", "x", admin=number == 0) for number in range(6)]
TALKATIVE = [2, 6, 1, 1, 1, 1]
"""How much each asks: so that every limit is run into by somebody."""
PLACES = [Place("fake", team, f"C{number}") for team in ("T1", "T2") for number in range(2)]
PROMPT = Prompt(MODEL.name, "", (Message(Role.USER, "hello"),), 200)


def rulebook(size: int) -> Rulebook:
    """Limits at every level that a run of that many calls runs into, some in tokens and some in money."""
    return Rulebook(
        filed={
            Scope(Level.USER): {
                "requests_per_minute": size // 6,
                "burst": size // 40,
                "tokens_per_day": 5 * size,
            },
            Scope(Level.USER, role="admin"): {"tokens_per_day": 7 * size},
            Scope(Level.PLACE): {"tokens_per_day": 7 * size},
            Scope(Level.PLACE, only="fake:T1:C0", model="gpt"): {"usd_per_day": Decimal("0.000008") * size},
            Scope(Level.WORKSPACE): {"usd_per_month": Decimal("0.00002") * size},
            Scope(Level.BOT): {"usd_per_day": Decimal("0.000038") * size},
        }
    )


def now() -> datetime:
    """Some time in the afternoon, whatever day it is."""
    return NOON + timedelta(seconds=time.time() - BEGAN)


async def spend(url: str, diary: int, seed: int, calls: int, abreast: int, size: int, lines: int = 0) -> None:
    stores, dice = open_stores(url), random.Random(seed)
    limits = open_limits(stores, rulebook(size), now)
    free = asyncio.Semaphore(abreast)

    noted: Counter[str] = Counter()

    def note(what: str, *words: object) -> None:
        os.write(diary, (" ".join(map(str, (what, *words))) + "\n").encode())
        noted[what] += 1
        if lines and noted.total() >= lines and noted["granted"] >= noted["settled"] + 3:
            os.kill(os.getpid(), signal.SIGKILL)

    async def call(number: int) -> None:
        async with free:
            (person,), place = dice.choices(PEOPLE, TALKATIVE), dice.choice(PLACES)
            turn = Turn(0, place, 0, 0, "m", person, (), {}, NOON, attempts=1)
            prompt_tokens = dice.randint(1, 60)
            try:
                held = await limits.reserve(turn, MODEL, PROMPT, prompt_tokens, now())
            except LimitReached as limit:
                note("refused", limit.limit)
                return
            except StoreUnavailable:
                note("unavailable")
                return
            note("granted", held.taken.call, prompt_tokens, held.output_cap)
            await asyncio.sleep(dice.choice((0, 0, 0.001, 0.01)))
            usage = None
            if dice.random() < 0.85:
                prompt = dice.randint(1, prompt_tokens)
                usage = Usage(prompt, dice.randint(0, held.output_cap), cached=dice.randint(0, prompt))
            note("used", held.taken.call, *((usage.prompt, usage.output) if usage else ("nothing",)))
            try:
                await limits.settle(held, usage, finish="stop", first_token_ms=5, now=now())
            except StoreUnavailable:
                note("unavailable")
                return
            note("settled", held.taken.call)

    await asyncio.gather(*(call(number) for number in range(calls)))
    note("done")
    await stores.aclose()


if __name__ == "__main__":
    url, path, *numbers = sys.argv[1:]
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(spend(url, file, *map(int, numbers)))
