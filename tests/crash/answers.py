"""A model that has one right answer to every question, and goes on with it from wherever it is asked to.

The words of an answer are numbered, so that a missing or repeated one is seen at a glance: `q7w0 q7w1 q7w2 …`.
"""

from __future__ import annotations

import random
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace

from tests.crash.questions import Whim
from tests.emulators.llm import Answer, Request, say
from tests.emulators.llm.answers import Break, End, How, refuse
from tests.emulators.llm.faults import REFUSALS

MANNERS = {Whim.CONTINUE: ", with a pause", Whim.RETRY: ", when asked again"}
"""With a pause: cut at the length limit at first; when asked again: refused at first."""
ASKED = re.compile(rf"say q(\d+) in (\d+) words({'|'.join(MANNERS.values())})?")
WORD = re.compile(r"q(\d+)w(\d+)")
LINE = 20
"""Words on a line."""
BREAKS = (How.EOF, How.DISCONNECT, How.RESET, How.ERROR)


def question(number: int, words: int, whim: Whim | None = None) -> str:
    return f"please say q{number} in {words} words{MANNERS.get(whim, '') if whim else ''}"


def whole(number: int, words: int) -> str:
    """The one right answer, in Markdown: paragraphs, some list items, some code."""
    paragraphs = []
    for start in range(0, words, LINE):
        line = " ".join(f"q{number}w{word}" for word in range(start, min(start + LINE, words)))
        kind = (start // LINE + number) % 7
        paragraphs.append(f"- {line}" if kind == 3 else f"```text\n{line}\n```" if kind == 5 else line)
    return "\n\n".join(paragraphs)


def said_words(text: str) -> list[tuple[int, int]]:
    """The numbered words of a text: (question, word)."""
    return [(int(number), int(word)) for number, word in WORD.findall(text)]


def is_about(text: str, number: int) -> bool:
    return any(of == number for of, _ in said_words(text))


def begins(words: list[int], of: int) -> bool:
    """Whether these are the first of so many numbered words; the last one may be cut."""
    if not words:
        return True
    *before, last = words
    return len(words) <= of and before == list(range(len(before))) and str(len(before)).startswith(str(last))


@dataclass
class Model:
    """Its `rule` is the emulator's. `faults` are the things that nobody may ask it; `asked` has the times of its requests by question
    (`time.monotonic`), `told` the questions that each was asked after, and `in_part` those whose answers it was shown cut."""

    rng: random.Random
    pace: float = 0.02
    broken: float = 0.05
    asked: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    told: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    in_part: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def rule(self, request: Request) -> Answer:
        *before, (number, words, manner, at) = [
            (int(found[1]), int(found[2]), found[3], index)
            for index, (role, text) in enumerate(request.messages)
            if role == "user"
            for found in ASKED.finditer(text)
        ]
        self.asked[number].append(time.monotonic())
        partial = "".join(text for role, text in request.messages[at + 1 :] if role == "assistant")
        answer = whole(number, words)
        if not answer.startswith(partial):
            self.faults.append(
                f"q{number}: asked to go on from words that were never said: …{partial[-60:]!r}"
            )
        known = {earlier: count for earlier, count, _, _ in before}
        self.told[number] |= known.keys() | self._check_history(request, known, at)
        again, rest = _last_words(partial, request.question), answer[len(partial) :]
        if again and (not rest or self.rng.random() < 0.7):
            rest = again + answer[len(partial.rstrip()) :]
        if manner == MANNERS[Whim.RETRY] and len(self.asked[number]) == 1:
            return refuse(REFUSALS["content_filter"])
        if manner == MANNERS[Whim.CONTINUE] and not partial:
            return replace(
                self._say(rest[: self.rng.randrange(len(rest) // 4, len(rest))], partial), end=End.LENGTH
            )
        return self._say(rest, partial)

    def _check_history(self, request: Request, known: dict[int, int], until: int) -> set[int]:
        """What the model is told it said before must be answers of its own to what was asked; to which questions they are."""
        answered = set()
        for role, text in request.messages[:until]:
            if role == "assistant" and (words := said_words(text)):
                earlier, said = words[0][0], [word for _, word in words]
                answered.add(earlier)
                if said == list(range(known.get(earlier, 0))):
                    continue
                self.in_part.add(earlier)
                if {number for number, _ in words} != {earlier} or not begins(said, known.get(earlier, 0)):
                    self.faults.append(
                        f"q{earlier} stands in the history with {len(words)} words of {known.get(earlier, 0)}"
                    )
        return answered

    def _say(self, text: str, partial: str) -> Answer:
        chunks, at = [], 0
        while at < len(text):
            size = self.rng.randint(3, 60)
            chunks.append(text[at : at + size])
            at += size
        breaks = None
        if (
            not partial and self.rng.random() < self.broken
        ):  # after the first words: until then it is asked anew
            breaks = Break(self.rng.choice(BREAKS), at=self.rng.randint(2, len(chunks) + 1))
        return say(*chunks, pace=self.pace, breaks=breaks)


def _last_words(partial: str, request: str) -> str:
    """The words that it is asked to begin with once more, where it has to go on with an answer."""
    known = partial.rstrip()
    return (
        next((known[-size:] for size in range(60, 0, -1) if f": {known[-size:]}\n" in request), "")
        if known
        else ""
    )
