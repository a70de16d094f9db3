"""The two ways in: a whole text, and a text that grows."""

from __future__ import annotations

from copy import copy

from bot.redaction.detectors import detectors
from bot.redaction.findings import Finding, Found, Masked, Piece, mask
from bot.redaction.scanner import HOLD_LIMIT, Rules, Scanner
from bot.redaction.words import OperatorWords, WordFinder

_BLOCK = 2048  # characters given to the scanner at once


class Redactor:
    """Finds sensitive data. Holds no state of any text, so one serves the whole program and all its threads.

    `words` are the operator's own; `regions` (ISO 3166) are those whose telephone numbers are known without a country
    code. Raises ValueError for a region that does not exist.
    """

    def __init__(
        self,
        *,
        words: OperatorWords | None = None,
        ip_addresses: bool = False,
        regions: tuple[str, ...] = ("CN", "US", "GB", "DE", "FR"),
    ) -> None:
        finder = WordFinder(words) if words and (words.words or words.patterns) else None
        self._rules = Rules(detectors(ip_addresses=ip_addresses, regions=regions), finder)
        self._without: dict[frozenset[str], Redactor] = {}

    def without(self, kinds: frozenset[str]) -> Redactor:
        """The same, but for these kinds."""
        if not kinds:
            return self
        if kinds not in self._without:
            other, rules = copy(self), self._rules
            left = tuple(one for one in rules.detectors if one.kind not in kinds)
            other._rules = Rules(left, None if "word" in kinds else rules.words)
            self._without[kinds] = other
        return self._without[kinds]

    def find(self, text: str) -> list[Finding]:
        """What is sensitive in the text, in order, without overlap."""
        scanner = Scanner(self._rules)
        found: list[Finding] = []
        for start in range(0, len(text), _BLOCK):
            found += scanner.push(text[start : start + _BLOCK])
        return found + scanner.push("", final=True)

    def pieces(self, text: str, start: int = 0) -> list[Piece]:
        """The text taken apart from `start` on: what was found with its original, and what stands between."""
        pieces: list[Piece] = []
        done = start
        for finding in self.find(text):
            if finding.end <= start:
                continue
            original = text[finding.start : finding.end] if finding.whole else None
            pieces += (text[done : finding.start], Found(finding.kind, original))
            done = finding.end
        return [piece for piece in (*pieces, text[done:]) if piece]

    def mask(self, text: str) -> Masked:
        """The text with `[FILTERED:kind]` in place of each finding. Masking the result again changes nothing."""
        pieces = self.pieces(text)
        return Masked(_masked(pieces), _kinds(pieces))

    def taking_apart(self) -> PieceStream:
        """Take a text apart while it grows."""
        return PieceStream(Scanner(self._rules))

    def stream(self) -> MaskingStream:
        """Mask a text while it grows."""
        return MaskingStream(self.taking_apart())


__all__ = ["HOLD_LIMIT", "MaskingStream", "PieceStream", "Redactor"]


class PieceStream:
    """Takes a growing text apart, and never gives out a character that may still become part of a finding.

    All that `feed` and `finish` gave is what taking the whole text apart would have given, however it was split (texts
    in one or more pieces). What is held back is the last word or two of ordinary text, and never more than `HOLD_LIMIT`
    visible characters of any; a longer secret is already given out as found when its end comes.
    """

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._waiting = ""  # original text that is not given out, from the offset `_done` on
        self._done = 0
        self._announced: Finding | None = None
        self._finished = False

    @property
    def held(self) -> int:
        """How many visible characters are held back."""
        return self._scanner.held

    @property
    def waiting(self) -> int:
        """How many characters at its end are not given out."""
        return len(self._waiting)

    def feed(self, delta: str) -> list[Piece]:
        """Add a piece; what of the text can be given out in addition to what was given before."""
        return self._advance(delta, final=False)

    def finish(self) -> list[Piece]:
        """The rest, when no more comes."""
        rest = self._advance("", final=True)
        self._finished = True
        return rest

    def _advance(self, delta: str, *, final: bool) -> list[Piece]:
        if self._finished:
            raise ValueError("the stream is finished; open another for another text")
        self._waiting += delta
        pieces: list[Piece] = []
        for finding in self._scanner.push(delta, final=final):
            if self._announced and finding.start == self._announced.start:
                self._announced = None
                self._take(finding.end)
            else:
                pieces.append(self._take(finding.start))
                original = self._take(finding.end)
                pieces.append(Found(finding.kind, original if finding.whole else None))
        still_open = self._scanner.open
        if still_open and still_open != self._announced:
            pieces += (self._take(still_open.start), Found(still_open.kind, None))
            self._announced = still_open
        settled = self._take(self._scanner.settled)
        if not still_open:
            pieces.append(settled)
        return [piece for piece in pieces if piece]

    def _take(self, end: int) -> str:
        """The waiting text up to an offset of the original, which then waits no more."""
        count = max(0, end - self._done)
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        self._done += count
        return taken


class MaskingStream:
    """Masks a text that comes in pieces: all that `feed` and `finish` gave is what masking the whole would have given."""

    def __init__(self, pieces: PieceStream) -> None:
        self._pieces = pieces
        self._kinds: set[str] = set()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds masked so far, sorted and unique."""
        return tuple(sorted(self._kinds))

    @property
    def held(self) -> int:
        """How many visible characters are held back."""
        return self._pieces.held

    def feed(self, delta: str) -> str:
        """Add a piece; what of the text can be shown in addition to what was given before."""
        return self._masked(self._pieces.feed(delta))

    def finish(self) -> str:
        """The rest, when no more comes."""
        return self._masked(self._pieces.finish())

    def _masked(self, pieces: list[Piece]) -> str:
        self._kinds.update(_kinds(pieces))
        return _masked(pieces)


def _masked(pieces: list[Piece]) -> str:
    return "".join([piece if isinstance(piece, str) else mask(piece.kind) for piece in pieces])


def _kinds(pieces: list[Piece]) -> tuple[str, ...]:
    return tuple(sorted({piece.kind for piece in pieces if isinstance(piece, Found)}))
