"""Find what is sensitive in a text that comes in pieces: the one way of going through a text, whole or growing.

The text is cut as `lexer` says, rules look at one cluster at a time, and what has been decided is dropped. All
decisions depend on the characters alone, never on where a piece ended; so a stream finds what a whole text does.

Masking twice is masking once: what stands between two findings is searched again as if they were masked already,
and behind a finding the search begins anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.redaction import lexer
from bot.redaction.clusters import KnownWords, next_cluster
from bot.redaction.detectors import longest
from bot.redaction.findings import Finding, Span
from bot.redaction.lexer import CONTEXT, HOLD, REACH
from bot.redaction.normalise import WIDE, View
from bot.redaction.pem import KeyReader, next_barrier, unfinished_from
from bot.redaction.segment import Detector, Segment
from bot.redaction.words import WordFinder

HOLD_LIMIT = (
    HOLD + 512
)  # the most that is ever held: a cluster, and what the operator's patterns may still match
_DEEPEST = 3  # searches between findings, one inside the other
_GIANT = re.compile(rf"[^\s\"'`<>\[{WIDE}]*+")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a scanner looks for."""

    detectors: tuple[Detector, ...]
    words: WordFinder | None = None


class Scanner:
    """Takes a text in pieces (`push`) and tells findings as they become certain.

    Before `settled` (an offset of the original text) everything is decided. `open` is a finding whose end has not come
    yet: the text from its start is sensitive up to `settled` at least.
    """

    def __init__(self, rules: Rules, before: str = "", depth: int = 0) -> None:
        self._rules = rules
        self._depth = depth
        self._view = View(before)
        self._start = len(before)
        self._found: list[Finding] = []
        self._key: KeyReader | None = None
        self._giant = False
        self._words: KnownWords | None = None
        self.open: Finding | None = None
        self.settled = 0

    @property
    def held(self) -> int:
        """How many characters of the view wait for a decision."""
        return len(self._view.text) - self._start

    def push(self, text: str, *, final: bool = False) -> list[Finding]:
        """Add a piece, the last one if `final`; the findings that are certain since the last push."""
        self._view.append(text)
        while self._step(final):
            pass
        if final:
            self.settled = self._view.length
        found, self._found = self._found, []
        return found

    def _step(self, final: bool) -> bool:
        """Decide as much as is possible at once; whether there is more."""
        if self._key:
            return self._read_key(self._key, final)
        if self._giant:
            return self._read_giant(final)
        text = self._view.text
        barrier = next_barrier(text, self._start, final=final)
        closed = final or barrier is not None
        stop = barrier.start() if barrier else len(text) if final else unfinished_from(text, self._start)
        if self._search(text[:stop] + "[" if barrier else text, stop, closed=closed):
            return True
        if not barrier:
            return False
        dropped = len(text) - len(self._view.text)
        start, end = barrier.start() - dropped, barrier.end() - dropped
        if barrier.lastgroup == "key":
            self.open = Finding("private_key", self._view.start(start), self._view.end(end), whole=False)
            self._key = KeyReader(1)
        self._drop(end)
        return True

    def _search(self, text: str, stop: int, *, closed: bool) -> bool:
        """Go through the text up to `stop`. True: something was found, and the text behind it is to be searched anew."""
        words = self._words = self._words or self._find_words(text, stop, closed)
        position = self._start
        while position < stop:
            position, end = next_cluster(text, position, stop, words, closed=closed)
            if end == position:
                break
            reach = end
            if end - position > HOLD:
                reach, end = position + HOLD, position + HOLD - REACH
            elif not closed and (end > words.known or not lexer.is_decided(text, end, stop)):
                break
            spans = self._examine(text, position, end, reach, words)
            if spans:
                self._take(text, spans, is_open=reach > end and spans[-1].end == reach)
                return True
            position = end
        self._keep_context(position)
        self._words = None
        return False

    def _find_words(self, text: str, stop: int, closed: bool) -> KnownWords:
        """The operator's words up to `stop`."""
        if not self._rules.words:
            return KnownWords([], stop)
        spans, known = self._rules.words.scan(text, self._start, closed=closed)
        return KnownWords(
            [span for span in spans if span.end <= stop and span.start < known], min(known, stop)
        )

    def _examine(self, text: str, start: int, end: int, reach: int, words: KnownWords) -> list[Span]:
        """What is found from `start` and begins before `end`, together with what masking it uncovers."""
        segment = Segment(text, start, reach)
        found = [word for word in words.between(start, end) if word.end <= reach]
        for detector in self._rules.detectors:
            if detector.hint(segment):
                found += [Span(detector.kind, a, b) for a, b in detector.find(segment) if a < end]
        if not found:
            return []
        return self._with_uncovered(text, start, longest(found))

    def _with_uncovered(self, text: str, start: int, chosen: list[Span]) -> list[Span]:
        """The findings, and what is found before and between them once they are masked."""
        spans: list[Span] = []
        before = text[max(0, start - CONTEXT) : start]
        for span in chosen:
            spans += self._uncovered(text[start : span.start], start, before)
            spans.append(span)
            start, before = span.end, "]"
        return spans

    def _uncovered(self, piece: str, offset: int, before: str) -> list[Span]:
        if (len(piece) < 4 and not self._rules.words) or piece.isspace() or not piece:
            return []
        found = Scanner(self._rules, before, self._depth + 1).push(piece, final=True)
        if found and self._depth >= _DEEPEST:
            return [Span(found[0].kind, offset, offset + len(piece))]
        return [Span(f.kind, offset + f.start, offset + f.end) for f in found]

    def _take(self, text: str, spans: list[Span], *, is_open: bool) -> None:
        """Report findings; all before the end of the last one is settled."""
        view = self._view
        end = spans[-1].end
        if self._words and not is_open and self._words.stay_behind(text, end):
            self._words.shift(end - 1)
        else:
            self._words = None
        found = [Finding(span.kind, view.start(span.start), view.end(span.end)) for span in spans]
        if is_open:
            self.open = replace(found.pop(), whole=False)
            self._giant = True
        self._found += found
        self._drop(end)

    def _finish(self, end: int) -> None:
        """The open finding ends at an index of the view."""
        if self.open:
            self._found.append(replace(self.open, end=self._view.end(end)))
        self.open = None

    def _read_giant(self, final: bool) -> bool:
        """Pass over the rest of a token that was too long to be looked at as a whole."""
        text = self._view.text
        match = _GIANT.match(text, self._start)
        end = match.end() if match else self._start
        if end < len(text) or final:
            self._finish(end)
            self._giant = False
        self._drop(end)
        return not self._giant

    def _read_key(self, key: KeyReader, final: bool) -> bool:
        ended = key.read(self._view.text, final=final)
        if ended or final:
            self._finish(key.end)
            self._key = None
        before = len(self._view.text)
        self._drop(key.end)
        key.shift(before - len(self._view.text))
        return self._key is None

    def _drop(self, end: int) -> None:
        """Forget all up to `end`, the end of a finding; rules see a bracket there, at index 0."""
        self.settled = max(self.settled, self._view.end(end))
        self._view.drop(end, "]")
        self._start = 1

    def _keep_context(self, position: int) -> None:
        """Forget what is decided, but for the context of what follows."""
        if position > self._start:
            self.settled = self._view.end(position)
        unneeded = max(0, position - CONTEXT)
        self._view.drop(unneeded)
        self._start = position - unneeded
