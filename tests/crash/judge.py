"""What must hold in the end, seen from the platform: every question answered, whole, once; and what the database and the model say of it.

Where people did more than wait, `Question` knows what they may find: the answer to the newest words, none where the question is gone,
the first part of one that was stopped.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from bot.notices import TEXTS
from tests.crash.answers import WORD, Model, begins, said_words, whole
from tests.crash.crowd import words_for
from tests.crash.evidence import Row
from tests.crash.questions import Question, Reset, Whim
from tests.crash.stages import Spoken

BESIDES = [re.escape(TEXTS["en"][code]) for code in ("first_meeting", "trimmed")]
NOTHING = re.compile(rf"{WORD.pattern}|```(?:text)?|^- ?|[•_]|{'|'.join(BESIDES)}", re.MULTILINE)
"""What may stand in a message: numbered words, the marks around them, and the bot's own remarks."""
HALF = re.compile(r"q\d*w?|`{1,2}|t|te|tex")
"""What may be left of a word or a mark where an answer was ended early."""


def missing(asked: Sequence[Question], known: Iterable[Row]) -> list[Question]:
    """Questions that the bot does not know of."""
    accepted = {row.message for row in known}
    return [question for question in asked if question.id not in accepted and not question.deleted]


def on_the_platform(asked: Sequence[Question], spoken: Sequence[Spoken], known: Iterable[Row]) -> list[str]:
    """What people there would complain of. (Whose a message is that says only what stands below an answer, the database knows.)"""
    questions = {number: one for one in asked for number in (one.number, *one.former)}
    by_id = {question.id: question for question in asked}
    owners = {message: by_id.get(row.message) for row in known for message in row.messages}
    by_number: dict[int, list[Spoken]] = defaultdict(list)
    faults = []
    for message in spoken:
        numbers = {number for number, _ in said_words(message.text)}
        question = questions.get(min(numbers)) if numbers else owners.get(message.id)
        if (
            len(numbers) > 1
            or question is None
            or not (numbers or _ends(question, message) or _remarks(message))
        ):
            faults.append(f"a message about {sorted(numbers) or 'nothing'}: {message.text[:200]!r}")
        if message.stoppable:
            faults.append(f"a message that can still be stopped, of q{min(numbers, default=-1)}")
        if question is not None:
            if rest := _strange(message.text, question):
                faults.append(f"strange words with q{question.number}: {rest[:200]!r}")
            by_number[min(numbers, default=question.number)].append(message)
    for question in asked:
        faults += _answered(question, by_number.pop(question.number, []))
        faults += [
            f"q{old} was asked no more (edited to q{question.number}), and is answered"
            for old in question.former
            if by_number.pop(old, [])
        ]
    return [*faults, *_one_by_one(asked, spoken)]


def _ends(question: Question, message: Spoken) -> bool:
    return bool(question.endings and re.search(question.endings, message.text))


def _remarks(message: Spoken) -> bool:
    """Whether it holds only the bot's own remarks, for which there was no room below the answer's last words."""
    return bool(re.search("|".join(BESIDES), message.text)) and not NOTHING.sub("", message.text).strip()


def _strange(text: str, question: Question) -> str:
    """What nobody expects in a message about that question."""
    rest = NOTHING.sub("", re.sub(question.endings, "", text)).strip()
    return "" if question.endings and HALF.fullmatch(rest) else rest


def _answered(question: Question, mine: Sequence[Spoken]) -> list[str]:
    """Whole and once: its words in their order, in messages where they belong. Or what it may be instead."""
    name = f"q{question.number} ({question.words} words on {question.platform})"
    words = words_for(question, list(mine))
    faults = []
    if question.deleted:
        return [f"{name} was deleted, and is answered"] if mine else []
    if not mine:
        return [] if question.endings else [f"{name} was never answered"]
    ended = begins(words, question.words) and any(_ends(question, message) for message in mine)
    if words != list(range(question.words)) and not ended:
        twice = sorted({word for word in words if words.count(word) > 1})
        lost = sorted(set(range(question.words)) - set(words))
        faults.append(
            f"{name}: {len(words)} words in {len(mine)} messages; {len(lost)} lost {lost[:5]}, {len(twice)} doubled {twice[:5]}"
        )
    with_words = [bool(said_words(message.text)) for message in mine]
    if with_words != sorted(with_words, reverse=True):
        faults.append(f"{name}: what stands below an answer stands before words of it")
    if mine[0].under != question.under:
        faults.append(f"{name} is answered elsewhere than under its question")
    if any(message.channel != question.channel for message in mine):
        faults.append(f"{name} is answered in another channel")
    return faults


def _one_by_one(asked: Sequence[Question], spoken: Sequence[Spoken]) -> list[str]:
    """One person's questions in a place are answered one after another. (One that was left half-said may have to let one pass
    that was asked earlier and heard later; then it goes on. That is no interleaving; nor is what is done to an answer later.)"""
    times: dict[int, list[float]] = defaultdict(list)
    for message in spoken:
        for number, _ in said_words(message.text)[:1]:
            times[number] += message.times
    places: dict[tuple[str, int, str, str], list[int]] = defaultdict(list)
    for question in asked:
        if question.number in times and question.plain:
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


def in_the_database(asked: Sequence[Question], known: Sequence[Row], model: Model) -> list[str]:
    """One turn for each question, done, with the answer to the letter; and no request that was not reserved first."""
    by_message: dict[str, list[Row]] = defaultdict(list)
    for row in known:
        by_message[row.message].append(row)
    faults = []
    for question in asked:
        found, name = by_message.pop(question.id, []), f"q{question.number}"
        if len(found) != 1 and not (question.deleted and not found):
            faults.append(f"{name} has {len(found)} turns")
            continue
        for row in found:
            faults += [
                f"{name}{fault}" for fault in (_forgotten(row) if question.deleted else _kept(question, row))
            ]
            requests = sum(len(model.asked[number]) for number in (question.number, *question.former))
            if requests > row.calls:
                faults.append(f"{name}: {requests} requests, {row.calls} calls in the ledger")
    return [*faults, *(f"turn {row.id} answers no question" for rest in by_message.values() for row in rest)]


def as_shown(asked: Sequence[Question], spoken: Sequence[Spoken], known: Iterable[Row]) -> list[str]:
    """What the bot remembers of an answer is what people see of it, also where it was ended early."""
    remembered = {row.message: row.answer for row in known}
    faults = []
    for question in asked:
        seen = words_for(question, list(spoken))
        told = [word for _, word in said_words(remembered.get(question.id, ""))]
        if seen != told and not question.deleted:
            faults.append(
                f"q{question.number} is shown with {len(seen)} words and remembered with {len(told)}"
            )
    return faults


def _forgotten(row: Row) -> list[str]:
    """Of a question that was deleted nothing is kept but that there was one."""
    faults = [] if row.state == "cancelled" else [f" was deleted, and is {row.state}"]
    kept = row.words.strip("[]") or row.answer or row.aside
    return [*faults, *([" was deleted, and its words are kept"] if kept else [])]


def _kept(question: Question, row: Row) -> Iterable[str]:
    right = whole(question.number, question.words)
    called_off = row.state == "cancelled" and row.cancel in question.early
    halted = question.halting and row.state == ("failed" if question.whim is Whim.RETRY else "done")
    if row.state != "done" and not (called_off or halted):
        yield f" is {row.state} ({row.cancel})"
    if question.done[Whim.STOP] and row.cancel not in question.early:
        yield " was stopped, and nobody knows of it"
    if not (right.startswith(row.answer) if called_off or halted else row.answer == right):
        yield f": its stored answer is not the right one ({len(row.answer)} characters)"
    if "" in row.messages and not called_off:
        yield ": a message was intended and is not known"
    least = (
        0 if question.early else question.done[Whim.REGENERATE]
    )  # ended at once, the one before stands again
    most = question.tried[Whim.REGENERATE]
    if not least <= len(row.aside) <= most:
        yield f" was given anew {least} to {most} times, and {len(row.aside)} versions are set aside"
    if any(answer != right and not question.early for answer in row.aside):
        yield ": an answer that was set aside is not the right one"


def by_the_model(
    asked: Sequence[Question], resets: Sequence[Reset], model: Model, at_once: float
) -> list[str]:
    """What it may not have been asked: anything from before a reset after it, an answer that is not whole, or to go on with one that was
    stopped (`at_once` is how long that may take, in seconds)."""
    questions = {number: one for one in asked for number in (one.number, *one.former)}
    faults = [*model.faults]
    for number, question in questions.items():
        before = [reset for reset in resets if reset.room in question.rooms and reset.ended < question.asked]
        told = (questions[earlier] for earlier in model.told[number] if earlier in questions)
        faults += [
            f"q{number} was asked after a reset, and the model was told of q{one.number} from before"
            for one in told
            if any(one.asked < reset.began for reset in before)
        ]
        cut = question.endings or question.tried[Whim.CONTINUE] or number in question.former
        if number in model.in_part and not cut:
            faults.append(f"q{number} stands in the history in part")
        if question.stopped and any(time > question.stopped + at_once for time in model.asked[number]):
            faults.append(f"q{number} was stopped, and the model was asked for it again")
    return faults
