"""Where a message that has grown too long is cut: as late as it fits, but at the best kind of place.

Better places win over later ones, as long as the message does not become too short for them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from itertools import islice, takewhile

import regex

from adapters.delivery.blocks import escaped
from adapters.delivery.inline import scan
from adapters.delivery.markup import Fence, Kind, Line
from bot.redaction import begin_of


class Place(IntEnum):
    """Kinds of places, best first."""

    BLOCK = 0
    ITEM = 1
    LINE = 2
    SENTENCE = 3
    WORD = 4
    POOR = 5
    CHARACTER = 6


LINES = (Place.BLOCK, Place.ITEM, Place.LINE)
SHARES = [
    *((place, 0.5) for place in LINES),
    (Place.SENTENCE, 0.4),
    *((place, 0.2) for place in LINES),
    (Place.WORD, 0.2),
]
"""How much of the room a message has to use, for a place of that kind to be taken before any other is looked at."""

SENTENCE = regex.compile(r"[.!?…]+[\"'”’)\]*_]*\s+|[。！？；…]+[\"'”’」』）】》*_]*\s*")
WORD = regex.compile(r"\s+|[，、；：。！？…）】》」』”]+\s*")
PATTERNS = {Place.SENTENCE: SENTENCE, Place.WORD: WORD}
GRAPHEME = regex.compile(r"\X")
NO_START = set("，。、；：！？）」』】》”’…,.;:!?)]}%")
SPLITTABLE = {Kind.TEXT, Kind.HEADING, Kind.CODE, Kind.INDENTED}
NEVER_BEFORE = {Kind.BLANK, Kind.RULER, Kind.UNDERLINE, Kind.FENCE_END}
TRIES = 40
GLANCE = 24

Fits = Callable[[int], bool]


def best_cut(text: str, lines: Sequence[Line], start: int, end: int, fits: Fits) -> int | None:
    """Where to cut text[start:end], whose lines these are; None where nothing fits.

    Both sides of the cut hold more than white space. `fits` says whether a message cut there is short enough.
    """
    return _Search(text, lines, start, end, fits).best()


class _Search:
    def __init__(self, text: str, lines: Sequence[Line], start: int, end: int, fits: Fits) -> None:
        self.text, self.lines, self.start, self.fits = text, lines, start, fits
        self.starts = [line.start for line in lines]
        self.low = start + len(text[start:end]) - len(text[start:end].lstrip()) + 1
        self.high = start + len(text[start:end].rstrip()) - 1
        self._solid: dict[int, list[tuple[int, int]]] = {}

    def best(self) -> int | None:
        reach = self._reach()
        if reach is None:
            return None
        places: dict[Place, list[int]] = {place: [] for place in Place}
        for index, line in enumerate(self.lines):
            if self.low <= line.start <= reach and (place := self._before(index)) is not None:
                places[place].append(line.start)
        for place, share in SHARES:
            if place in PATTERNS:
                places[place] = [at for at in self._within(place) if self.low <= at <= reach]
            least = self.start + share * (reach - self.start)
            if (at := self._latest(places[place], least)) is not None:
                return at
        for place in (*LINES, *PATTERNS, Place.POOR):
            if (at := self._latest(places[place], 0)) is not None:
                return at
        return self._forced(reach)

    def _reach(self) -> int | None:
        """The latest offset at which a cut would fit, good place or not."""
        low, high = self.low, self.high
        if low > high or not self.fits(low):
            return None
        while low < high:
            middle = (low + high + 1) // 2
            if self.fits(middle):
                low = middle
            else:
                high = middle - 1
        return low

    def _latest(self, places: list[int], least: float, solid: bool = True) -> int | None:
        late = takewhile(lambda at: at >= least, reversed(places))
        allowed = (at for at in late if not solid or not self._is_solid(at))
        return next((at for at in islice(allowed, TRIES) if self.fits(at)), None)

    def _before(self, index: int) -> Place | None:
        """What kind of place the start of this line is; None where no cut may be."""
        line = self.lines[index]
        if not index or line.kind in NEVER_BEFORE:
            return None
        leaf = line.before.leaf
        above = self.lines[index - 1]
        blank_above = above.kind is Kind.BLANK
        if isinstance(leaf, Fence) and line.kind is Kind.CODE:
            if above.kind is Kind.FENCE or leaf.may_be_closed_by(line.content) or not line.content.strip():
                return None
            return Place.ITEM if blank_above else Place.LINE
        if line.joins:
            maybe_header = above.content.lstrip().startswith("|")
            return Place.POOR if maybe_header else Place.LINE
        previous = next(
            (other for other in reversed(self.lines[:index]) if other.kind is not Kind.BLANK), None
        )
        if previous is None or previous.kind in (Kind.HEADING, Kind.UNDERLINE, Kind.RULER):
            return Place.POOR
        if line.kind in (Kind.ROW, Kind.INDENTED):
            return Place.LINE
        return Place.ITEM if line.item or line.after.boxes else Place.BLOCK

    def _within(self, place: Place) -> Iterator[int]:
        """Such places inside lines, where both halves of the line have words. Code has no sentences."""
        pattern = PATTERNS[place]
        for line in self.lines:
            if not self._is_splittable(line) or (line.kind is Kind.CODE and place is Place.SENTENCE):
                continue
            offset, body = self._source(line)
            first, last = len(body) - len(body.lstrip()), len(body.rstrip())
            for match in pattern.finditer(body, first + 1, last):
                if match.end() < last and not self._misleads(line, body, match.end()):
                    yield offset + match.end()

    def _forced(self, reach: int) -> int | None:
        """Inside a word, between graphemes; where not even that fits, inside what should have stayed in one piece."""
        window = max(self.low, reach - 4 * TRIES)
        index = max(0, bisect_right(self.starts, window) - 1)
        base = self.starts[index]
        after = self.text[base : reach + 64]
        whole = [base + match.end() for match in GRAPHEME.finditer(after)]
        whole = [at for at in whole if self.low <= at <= reach and at - base < len(after)]
        fine = [at for at in whole if self._is_fine(at)]
        for places, solid in ((fine, True), (whole, False), (list(range(window, reach + 1)), False)):
            if (at := self._latest(places, 0, solid)) is not None:
                return at
        return None

    def _is_fine(self, at: int) -> bool:
        index = bisect_right(self.starts, at) - 1
        line = self.lines[index]
        offset, body = self._source(line)
        inside = bool(body[: max(0, at - offset)].strip()) and bool(body[at - offset :].strip())
        good = inside and self._is_splittable(line) and self.text[at] not in NO_START
        return good and not self._misleads(line, body, at - offset)

    @staticmethod
    def _is_splittable(line: Line) -> bool:
        """A line that may be cut in the middle; what begins like a table's row may be its header."""
        return line.kind in SPLITTABLE and (
            line.kind is Kind.CODE or not line.content.lstrip().startswith("|")
        )

    @staticmethod
    def _misleads(line: Line, body: str, at: int) -> bool:
        """Whether half of a line would look like the mark of a block, at the beginning or the end of a message."""
        leaf = line.before.leaf
        if isinstance(leaf, Fence):
            return leaf.may_be_closed_by(body[:at]) or leaf.may_be_closed_by(body[at:])
        rest = body[at:][:GLANCE]
        return escaped(rest) != rest

    def _source(self, line: Line) -> tuple[int, str]:
        """The part of the line's content that stands in the source, and where."""
        stop = line.stop - 1 if self.text[line.stop - 1 : line.stop] == "\n" else line.stop
        offset = max(line.start, stop - len(line.content))
        return offset, self.text[offset:stop]

    def _is_solid(self, at: int) -> bool:
        """Whether a cut at this offset would break a link, code, or the like; or a placeholder, wherever it stands."""
        if begin_of(self.text, at) != at:
            return True
        index = bisect_right(self.starts, at) - 1
        line = self.lines[index]
        if line.kind not in (Kind.TEXT, Kind.HEADING):
            return False
        first = index
        while first and self.lines[first].joins:
            first -= 1
        if first not in self._solid:
            self._solid[first] = self._solid_of(first)
        return any(begin < at < stop for begin, stop in self._solid[first])

    def _solid_of(self, first: int) -> list[tuple[int, int]]:
        """Source offsets of the pieces of a paragraph that must stay whole."""
        last = first + 1
        while last < len(self.lines) and self.lines[last].joins:
            last += 1
        paragraph = self.lines[first:last]
        joined = "\n".join(line.content for line in paragraph)
        begins, at = [], 0
        for line in paragraph:
            begins.append(at)
            at += len(line.content) + 1

        def source(place: int) -> int:
            row = bisect_right(begins, place) - 1
            offset, body = self._source(paragraph[row])
            return offset + min(
                place - begins[row] - (len(paragraph[row].content) - len(body)), len(body) + 1
            )

        return [(source(begin), source(stop)) for begin, stop in scan(joined).solid(len(joined))]
