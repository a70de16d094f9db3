"""What must hold in the end, seen from the platform: every question answered, whole, once; and what the database says of it."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from bot.notices import TEXTS
from storage.stores import open_stores
from storage.tables import calls, parts, turns
from tests.crash.answers import WORD, said_words, whole
from tests.crash.crowd import words_for
from tests.crash.stages import Question, Spoken

BESIDES = [re.escape(TEXTS["en"][code]) for code in ("first_meeting", "trimmed")]
NOTHING = re.compile(rf"{WORD.pattern}|```(?:text)?|^- ?|[•_]|{'|'.join(BESIDES)}", re.MULTILINE)
"""What may stand in a message: numbered words, the marks around them, and the bot's own remarks."""

COMPLAINT = re.compile(
    r"(?: ERROR +(?:bot|adapters|storage|asyncio)\b|Task exception was never retrieved).*(?:\n(?!\d\d:\d\d:\d\d ).*){0,80}"
)
"""An error of the bot's own, with its traceback: all lines until the next that bears a time."""
EXPECTED = re.compile(r"could not be taken in \(StoreUnavailable\)")


@dataclass(frozen=True)
class Row:
    """A turn as the database has it, with its messages and the number of its calls."""

    id: int
    message: str
    state: str
    answer: str
    created_at: datetime
    started_at: datetime | None
    messages: tuple[str, ...]
    calls: int
    unsettled: int


async def rows(url: str) -> list[Row]:
    """Every turn there is."""
    stores = open_stores(url)
    try:
        async with stores.database.reading() as sql:
            posted: dict[int, list[str]] = defaultdict(list)
            for part in await sql.execute(select(parts).order_by(parts.c.turn_id, parts.c.index)):
                posted[part.turn_id].append(part.message or "")
            states: dict[int, list[str]] = defaultdict(list)
            for call in await sql.execute(select(calls.c.turn_id, calls.c.state)):
                states[call.turn_id].append(call.state)
            return [
                Row(
                    turn.id,
                    turn.message,
                    turn.state,
                    turn.answer or "",
                    turn.created_at,
                    turn.started_at,
                    tuple(posted[turn.id]),
                    len(states[turn.id]),
                    states[turn.id].count("open"),
                )
                for turn in await sql.execute(select(turns))
            ]
    finally:
        await stores.aclose()


def complaints(log: str) -> list[str]:
    """Errors of the bot's own in its log."""
    found = (match[0].strip() for match in COMPLAINT.finditer(log))
    return [line for line in found if not EXPECTED.search(line)]


def missing(asked: Sequence[Question], known: Iterable[Row]) -> list[Question]:
    """Questions that the bot does not know of."""
    accepted = {row.message for row in known}
    return [question for question in asked if question.id not in accepted]


def on_the_platform(asked: Sequence[Question], spoken: Sequence[Spoken]) -> list[str]:
    """What people there would complain of."""
    by_number: dict[int, list[Spoken]] = defaultdict(list)
    faults = []
    for message in spoken:
        numbers = {number for number, _ in said_words(message.text)}
        if len(numbers) != 1:
            faults.append(f"a message about {sorted(numbers) or 'nothing'}: {message.text[:200]!r}")
        if message.stoppable:
            faults.append(f"a message that can still be stopped, of q{min(numbers, default=-1)}")
        if rest := NOTHING.sub("", message.text).strip():
            faults.append(f"strange words with q{min(numbers, default=-1)}: {rest[:200]!r}")
        for number in numbers:
            by_number[number].append(message)
    for question in asked:
        faults += _answered(question, by_number.pop(question.number, []))
    faults += [f"q{number} was answered, though never asked" for number in by_number]
    return [*faults, *_one_by_one(asked, spoken)]


def _answered(question: Question, mine: Sequence[Spoken]) -> list[str]:
    """Whole and once: its words in their order, in messages where they belong."""
    name = f"q{question.number} ({question.words} words on {question.platform})"
    words = words_for(question, list(mine))
    faults = []
    if not mine:
        return [f"{name} was never answered"]
    if words != list(range(question.words)):
        twice = sorted({word for word in words if words.count(word) > 1})
        lost = sorted(set(range(question.words)) - set(words))
        faults.append(
            f"{name}: {len(words)} words in {len(mine)} messages; {len(lost)} lost {lost[:5]}, {len(twice)} doubled {twice[:5]}"
        )
    if mine[0].under != question.under:
        faults.append(f"{name} is answered elsewhere than under its question")
    if any(message.channel != question.channel for message in mine):
        faults.append(f"{name} is answered in another channel")
    return faults


def _one_by_one(asked: Sequence[Question], spoken: Sequence[Spoken]) -> list[str]:
    """One person's questions in a place are answered one after another. (One that was left half-said may have to let one pass
    that was asked earlier and heard later; then it goes on. That is no interleaving.)"""
    times: dict[int, list[float]] = defaultdict(list)
    for message in spoken:
        for number, _ in said_words(message.text)[:1]:
            times[number] += message.times
    places: dict[tuple[str, int, str, str], list[int]] = defaultdict(list)
    for question in asked:
        if question.number in times:
            places[question.platform, question.person, question.channel, question.thread].append(
                question.number
            )
    return [
        f"q{one} and q{other} of one person were answered at once"
        for numbers in places.values()
        for one, other in itertools.combinations(numbers, 2)
        if _within(times[one], times[other]) and _within(times[other], times[one])
    ]


def _within(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether something happened to one while the other was under way."""
    return any(min(other) < time < max(other) for time in one)


def in_the_database(
    asked: Sequence[Question], known: Sequence[Row], requests: Mapping[int, int]
) -> list[str]:
    """One turn for each question, done, with the answer to the letter; and no request that was not reserved first."""
    by_message: dict[str, list[Row]] = defaultdict(list)
    for row in known:
        by_message[row.message].append(row)
    faults = []
    for question in asked:
        found, name = by_message.pop(question.id, []), f"q{question.number}"
        if len(found) != 1:
            faults.append(f"{name} has {len(found)} turns")
            continue
        row = found[0]
        if row.state != "done":
            faults.append(f"{name} is {row.state}")
        if row.answer != whole(question.number, question.words):
            faults.append(f"{name}: its stored answer is not the right one ({len(row.answer)} characters)")
        if "" in row.messages:
            faults.append(f"{name}: a message was intended and is not known")
        if requests.get(question.number, 0) > row.calls:
            faults.append(f"{name}: {requests[question.number]} requests, {row.calls} calls in the ledger")
    return [*faults, *(f"turn {row.id} answers no question" for rest in by_message.values() for row in rest)]
