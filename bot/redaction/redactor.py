"""The two ways in: a whole text, and a text that grows."""

from __future__ import annotations

from bot.redaction.detectors import detectors
from bot.redaction.findings import Finding, Masked, placeholder
from bot.redaction.scanner import HOLD_LIMIT, Rules, Scanner
from bot.redaction.words import OperatorWords, WordFinder

_BLOCK = 2048  # characters given to the scanner at once


class Redactor:
    """Finds and masks sensitive data. Holds no state of any text, so one serves the whole program and all its threads.

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

    def find(self, text: str) -> list[Finding]:
        """What is sensitive in the text, in order, without overlap."""
        scanner = Scanner(self._rules)
        found: list[Finding] = []
        for start in range(0, len(text), _BLOCK):
            found += scanner.push(text[start : start + _BLOCK])
        return found + scanner.push("", final=True)

    def mask(self, text: str) -> Masked:
        """The text with `[FILTERED:kind]` in place of each finding. Masking the result again changes nothing."""
        found = self.find(text)
        pieces: list[str] = []
        done = 0
        for finding in found:
            pieces += (text[done : finding.start], placeholder(finding.kind))
            done = finding.end
        pieces.append(text[done:])
        return Masked("".join(pieces), tuple(sorted({finding.kind for finding in found})))

    def stream(self) -> MaskingStream:
        """Mask a text while it grows."""
        return MaskingStream(Scanner(self._rules))


__all__ = ["HOLD_LIMIT", "MaskingStream", "Redactor"]


class MaskingStream:
    """Masks a text that comes in pieces, and never gives out a character that may still become part of a finding.

    All that `feed` and `finish` gave is what masking the whole text would have given, however it was split. What is
    held back is the last word or two of ordinary text, and never more than `HOLD_LIMIT` visible characters of any; a
    longer secret is already masked when its end comes.
    """

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._waiting = ""  # original text that is not given out, from the offset `_done` on
        self._done = 0
        self._announced: Finding | None = None
        self._kinds: set[str] = set()
        self._finished = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds masked so far, sorted and unique."""
        return tuple(sorted(self._kinds))

    @property
    def held(self) -> int:
        """How many visible characters are held back."""
        return self._scanner.held

    def feed(self, delta: str) -> str:
        """Add a piece; what of the text can be shown in addition to what was given before."""
        return self._advance(delta, final=False)

    def finish(self) -> str:
        """The rest, when no more comes."""
        rest = self._advance("", final=True)
        self._finished = True
        return rest

    def _advance(self, delta: str, *, final: bool) -> str:
        if self._finished:
            raise ValueError("the stream is finished; open another for another text")
        self._waiting += delta
        pieces: list[str] = []
        for finding in self._scanner.push(delta, final=final):
            if self._announced and finding.start == self._announced.start:
                self._announced = None
            else:
                self._announce(finding, pieces)
            self._take(finding.end)
        still_open = self._scanner.open
        if still_open and still_open != self._announced:
            self._announce(still_open, pieces)
            self._announced = still_open
        settled = self._take(self._scanner.settled)
        if not still_open:
            pieces.append(settled)
        return "".join(pieces)

    def _announce(self, finding: Finding, pieces: list[str]) -> None:
        pieces += (self._take(finding.start), placeholder(finding.kind))
        self._kinds.add(finding.kind)

    def _take(self, end: int) -> str:
        """The waiting text up to an offset of the original, which then waits no more."""
        count = max(0, end - self._done)
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        self._done += count
        return taken
