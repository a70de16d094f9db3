"""Where the next stretch of a text is that rules or the operator's words have something to look at in."""

from __future__ import annotations

import re
from bisect import bisect_left

from bot.redaction import lexer
from bot.redaction.findings import Span
from bot.redaction.lexer import HOLD, LOOK_AHEAD
from bot.redaction.normalise import WIDE
from bot.redaction.words import PATTERN_LIMIT, WORD_LIMIT

_IN_WORD = re.compile(rf"[^\W{WIDE}]")
_LONGEST_WORD = PATTERN_LIMIT + 2 * WORD_LIMIT


class KnownWords:
    """The operator's words in the text being searched, by where they begin; before `known` there are no others."""

    __slots__ = ("_shift", "_spans", "_starts", "known")

    def __init__(self, spans: list[Span], known: int) -> None:
        self._spans = spans
        self._starts = [span.start for span in spans]
        self._shift = 0
        self.known = known

    def between(self, start: int, end: int) -> list[Span]:
        """Those that begin in `start:end`."""
        shift = self._shift
        found = self._spans[bisect_left(self._starts, start + shift) : bisect_left(self._starts, end + shift)]
        return [Span(kind, first - shift, last - shift) for kind, first, last in found] if found else found

    def first(self, start: int, end: int) -> int | None:
        """Where the first of those begins."""
        index = bisect_left(self._starts, start + self._shift)
        begin = self._starts[index] - self._shift if index < len(self._starts) else end
        return begin if begin < end else None

    def shift(self, count: int) -> None:
        """The text lost `count` characters at its front."""
        self._shift += count
        self.known -= count

    def stay_behind(self, text: str, end: int) -> bool:
        """Whether those behind a finding stay the same when it is masked: it ends with a word, and within none."""
        if end < len(text) and _IN_WORD.match(text[end - 1]) and _IN_WORD.match(text[end]):
            return False
        return all(span.end <= end for span in self.between(max(0, end - _LONGEST_WORD), end))


def next_cluster(text: str, position: int, stop: int, words: KnownWords, *, closed: bool) -> tuple[int, int]:
    """The next stretch behind cold text that has to be looked at; an empty one where the known text ends."""
    cold = lexer.skip_cold(text, position, stop, closed=closed)
    exhausted = cold > words.known
    if exhausted:
        cold = lexer.skip_cold(text, position, words.known, closed=False)
    word = words.first(position, cold)
    if exhausted and word is None:
        return cold, cold
    start = cold if word is None else lexer.token_start(text, position, word)
    limit = min(stop, start + HOLD + LOOK_AHEAD)
    end = lexer.cluster_end(text, start, limit)
    seen = start
    while end - start <= HOLD and (more := words.between(seen, max(end, start + 1))):
        seen = more[-1].start + 1
        furthest = max(span.end for span in more)
        if furthest > end:
            end = lexer.cluster_end(text, furthest, max(limit, furthest))
    return start, end
