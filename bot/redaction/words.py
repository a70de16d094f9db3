"""The operator's own words and patterns.

Thousands of words cost what one costs (an Aho-Corasick automaton). Patterns are google-re2's, so that no pattern, and
no text, can make it slow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

import re2
from ahocorasick_rs import AhoCorasick

from bot.redaction.findings import Span
from bot.redaction.normalise import FoldedView, View, is_word_character

WORD_LIMIT = 128  # characters of a word or phrase
PATTERN_LIMIT = 256  # characters a pattern may match; a longer match does not count


class FilterWordsError(ValueError):
    """The operator's file cannot be used; the message names the line and the cure."""

    def __init__(self, line: int, trouble: str, cure: str) -> None:
        super().__init__(f"filter words, line {line}: {trouble}. {cure}")
        self.line = line


@dataclass(frozen=True, slots=True)
class OperatorWords:
    """What the operator wants masked: words and phrases (as they are compared), and patterns (as written)."""

    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


def parse_words(text: str) -> OperatorWords:
    """Read the operator's file: a word or phrase a line, `# comment`, or `re: PATTERN`.

    Words are found whatever their case and Unicode form; one of an alphabet only as a whole word, one of
    ideographs anywhere. A pattern is google-re2's (`(?i)` for any case); `^` and `$` are the ends of a line, a match has
    at most 256 characters, and the words it begins and ends in are masked whole. Raises FilterWordsError.
    """
    words: dict[str, None] = {}
    patterns: dict[str, None] = {}
    for number, written in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = written.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("re:"):
            patterns[_checked(number, line[3:].strip())] = None
        else:
            words[_compared(number, line)] = None
    return OperatorWords(tuple(words), tuple(patterns))


def _compared(number: int, line: str) -> str:
    view = View()
    view.append(line)
    word = FoldedView(view.text).text.strip()
    if not word:
        raise FilterWordsError(
            number, "nothing visible is left of the word", "Remove the line or write a word"
        )
    if len(word) > WORD_LIMIT:
        raise FilterWordsError(number, f"the phrase has {len(word)} characters", f"Keep it to {WORD_LIMIT}")
    return word


def _checked(number: int, pattern: str) -> str:
    try:
        compiled = _compiled(pattern)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        cure = "Patterns are google-re2's: no look-around and no back-references; see its syntax page"
        raise FilterWordsError(number, f"the pattern {pattern!r} is refused ({reason})", cure) from None
    if compiled.search("") is not None:
        raise FilterWordsError(
            number,
            f"the pattern {pattern!r} matches nothing at all",
            "Let it begin or end with something certain",
        )
    return pattern


def _compiled(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(f"(?m){pattern}", options)


class WordFinder:
    """Finds the operator's words and patterns in a text that may still grow."""

    def __init__(self, words: OperatorWords) -> None:
        self._words = sorted(set(words.words))
        self._longest = max(map(len, self._words), default=0)
        self._first = {word[0] for word in self._words}
        self._edges = [(is_word_character(word[0]), is_word_character(word[-1])) for word in self._words]
        self._automaton = AhoCorasick(self._words) if self._words else None
        self._patterns = [_Pattern(pattern) for pattern in words.patterns]

    def scan(self, text: str, start: int, *, closed: bool) -> tuple[list[Span], int]:
        """What is found from `start` on, and the index before which nothing more can be found.

        `closed` tells that nothing will come behind the text.
        """
        settled = len(text)
        spans: list[Span] = []
        if self._automaton:
            view = FoldedView(text)
            spans = list(self._find(self._automaton, view, start))
            if not closed:
                settled = self._settled(view, start, len(text))
        for pattern in self._patterns:
            spans += pattern.find(text, start)
            if not closed:
                settled = min(settled, pattern.settled(text, start))
        spans.sort(key=lambda span: (span.start, -span.end))
        return spans, settled

    def _find(self, automaton: AhoCorasick, view: FoldedView, start: int) -> Iterator[Span]:
        for index, first, last in automaton.find_matches_as_indexes(view.text, overlapping=True):
            left, right = self._edges[index]
            if left and first and is_word_character(view.text[first - 1]):
                continue
            if right and last < len(view.text) and is_word_character(view.text[last]):
                continue
            begin = view.start(first)
            if begin >= start and view.is_whole(first, last):
                yield Span("word", begin, view.end(last))

    def _settled(self, view: FoldedView, start: int, size: int) -> int:
        """Where the first word that the end of the text may be a part of begins."""
        text = view.text
        for index in range(max(0, len(text) - self._longest), len(text)):
            if text[index] not in self._first:
                continue
            if is_word_character(text[index]) and index and is_word_character(text[index - 1]):
                continue
            tail = text[index:]
            place = bisect_left(self._words, tail)
            if (
                place < len(self._words)
                and self._words[place].startswith(tail)
                and view.start(index) >= start
            ):
                return view.start(index)
        return size


class _Pattern:
    """One of the operator's patterns."""

    def __init__(self, pattern: str) -> None:
        self._pattern = _compiled(pattern)
        # Every match lies between these two (RE2::PossibleMatchRange), which tells early that none can begin here.
        self._low, self._high = self._pattern.possiblematchrange(16)
        self._first = self._low.decode(errors="ignore")[:1]
        self._last = self._high.decode(errors="ignore")[:1] or "\U0010ffff"

    def find(self, text: str, start: int) -> Iterator[Span]:
        """Matches from `start` on, left to right, without overlap."""
        position: int | None = start
        while position is not None:
            at, position = position, None
            for match in self._pattern.finditer(text, at):
                first, last = match.span()
                if last - first > PATTERN_LIMIT:
                    shorter = self._pattern.match(text, first, first + PATTERN_LIMIT)
                    position = shorter.end() if shorter and shorter.end() > first else first + 1
                    last = position if shorter else first
                if last > first:
                    yield _whole_word(text, start, first, last)
                if position is not None:
                    break

    def settled(self, text: str, start: int) -> int:
        """The first index from which a match may still begin or go on."""
        for index in range(max(start, len(text) - PATTERN_LIMIT), len(text)):
            if self._first <= text[index] <= self._last:
                tail = text[index : index + 16].encode()
                if self._low[: len(tail)] <= tail <= self._high:
                    return index
        return len(text)


def _whole_word(text: str, floor: int, start: int, end: int) -> Span:
    """The match and the rest of the words it begins and ends in: half a word in view would tell too much."""
    floor, ceiling = max(floor, start - WORD_LIMIT), min(len(text), end + WORD_LIMIT)
    while start > floor and is_word_character(text[start - 1]) and is_word_character(text[start]):
        start -= 1
    while end < ceiling and is_word_character(text[end]) and is_word_character(text[end - 1]):
        end += 1
    return Span("word", start, end)
