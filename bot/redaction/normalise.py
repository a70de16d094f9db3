"""See through disguises: a plain view of the text in which rules are matched, with a way back to the original.

Every character is looked at alone (full-width and styled forms become ASCII, any script's digits become 0-9, odd
dashes become `-`, odd spaces become a space) and invisible ones are left out. Because no character depends on its
neighbours, a text normalises the same in one piece or in many, which is what the stream needs.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache

# Unicode's default-ignorable characters (DerivedCoreProperties.txt), as far as text can hold them.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
_INVISIBLE_RUN = re.compile(f"[{_INVISIBLE}]+")
# A longer run is no disguise but filling: what exceeds this stays in the view, so that a view is never far shorter
# than its text.
_INVISIBLE_LIMIT = 16

# Characters that end a word without being white space: ideographs, kana, Hangul, Thai and other scripts written
# without spaces, symbols, pictures, typographic punctuation. For use inside a character class.
WIDE = (
    "\u00a1-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff"
    "\u1780-\u17ff\u2010-\u2027\u202a-\u206f\u20a0-\u20cf\u2100-\u2bff\u2e80-\u2fff\u3001-\ua4cf\ua960-\ua97f"
    "\uac00-\uf8ff\uf900-\ufaff\ufe00-\ufe6f\ufeff-\uffff\U0001aff0-\U0001b2ff\U0001f000-\U0003ffff"
    "\U000e0000-\U000e0fff\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f"
)
_WIDE_CHARACTER = re.compile(f"[{WIDE}]")

_DASHES = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u207b\u2212\ufe58\ufe63\uff0d", "-")
_DOTS = dict.fromkeys("\u00b7\u2022\u2024\u2027\u30fb\uff65", ".")


@lru_cache(maxsize=65536)
def plain(character: str) -> str:
    """What one character stands for in the view: always exactly one character."""
    if character in _DASHES or character in _DOTS:
        return _DASHES.get(character) or _DOTS[character]
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    folded = unicodedata.normalize("NFKC", character)
    if len(folded) != 1:
        return character
    return _DASHES.get(folded) or _DOTS.get(folded) or folded


@lru_cache(maxsize=65536)
def folded(character: str) -> str:
    """One character for comparing words: without case, fully decomposed; may be several characters."""
    if "\uac00" <= character <= "\ud7a3":  # a Hangul syllable is compared whole
        return character
    lowered = unicodedata.normalize("NFKD", character).casefold()
    return unicodedata.normalize("NFKD", lowered)


def is_word_character(character: str) -> bool:
    """Whether the character would continue an alphabetic word (so not an ideograph, nor the mark of italics, `_`)."""
    if _WIDE_CHARACTER.match(character):
        return False
    return character.isalnum() or unicodedata.combining(character) != 0


class OffsetMap:
    """Positions in a shortened or lengthened text, and where they come from; linear pieces found by bisection."""

    __slots__ = ("_at", "_shift")

    def __init__(self) -> None:
        self._at = [0]
        self._shift = [0]

    def shift_from(self, position: int, shift: int) -> None:
        """From `position` on, the source is `shift` further on."""
        if self._at[-1] == position:
            self._shift[-1] = shift
        else:
            self._at.append(position)
            self._shift.append(shift)

    def source(self, position: int) -> int:
        """Where the character at `position` begins in the source."""
        return position + self._shift[bisect_right(self._at, position) - 1]

    @property
    def last_shift(self) -> int:
        return self._shift[-1]

    def forget_before(self, position: int) -> None:
        """Drop the pieces that end before `position`."""
        keep = bisect_right(self._at, position) - 1
        if keep > 64:
            del self._at[:keep], self._shift[:keep]


class View:
    """The plain view of a text that grows at its end and is dropped at its front.

    `text` is what rules see; indices into it are turned into offsets of the original by `start` and `end`.
    """

    __slots__ = ("_dropped", "_length", "_map", "_run", "text")

    def __init__(self, before: str = "") -> None:
        self.text = before
        self._dropped = -len(before)
        self._length = 0
        self._map = OffsetMap()
        self._run = 0

    def append(self, text: str) -> None:
        """Add original text at the end."""
        if not text:
            return
        if text.isascii():
            self._run = 0
            self.text += text
        else:
            self.text += _plainly(self._visible(text))
        self._length += len(text)

    def _visible(self, text: str) -> str:
        """The text without invisible characters, except those beyond the limit of a run."""
        pieces: list[str] = []
        done = 0
        position = self._dropped + len(self.text)
        run_at_end = 0
        for match in _INVISIBLE_RUN.finditer(text):
            carried = self._run if match.start() == 0 else 0
            gone = min(max(0, _INVISIBLE_LIMIT - carried), match.end() - match.start())
            pieces.append(text[done : match.start()])
            position += match.start() - done
            done = match.start() + gone
            self._map.shift_from(position, self._map.last_shift + gone)
            if match.end() == len(text):
                run_at_end = carried + match.end() - match.start()
        self._run = run_at_end
        pieces.append(text[done:])
        return "".join(pieces)

    @property
    def length(self) -> int:
        """The length of the whole original text so far."""
        return self._length

    def start(self, index: int) -> int:
        """The original offset of the character at `index`."""
        return self._map.source(self._dropped + index)

    def end(self, index: int) -> int:
        """The original offset just behind the character before `index`."""
        return self._map.source(self._dropped + index - 1) + 1

    def drop(self, count: int, sentinel: str = "") -> None:
        """Forget the first `count` characters, leaving `sentinel` in place of the last of them."""
        self.text = sentinel + self.text[count:]
        self._dropped += count - len(sentinel)
        self._map.forget_before(self._dropped)


def _plainly(text: str) -> str:
    for character in set(text):
        if character > "\x7f" and (replacement := plain(character)) != character:
            text = text.replace(character, replacement)
    return text


class FoldedView:
    """A text as words are compared: case folded, decomposed, each run of white space one space.

    Indices lead back to the text by `start` and `end`.
    """

    __slots__ = ("_map", "_size", "text")

    def __init__(self, text: str) -> None:
        self._map = OffsetMap()
        self._size = len(text)
        pieces: list[str] = []
        done = position = 0
        for match in _uneven(text):
            pieces.append(text[done : match.start()].lower())
            position += match.start() - done
            new = " " if match.group().isspace() else folded(match.group())
            pieces.append(new)
            self._note(position, len(new), match.start(), match.end())
            position += len(new)
            done = match.end()
        pieces.append(text[done:].lower())
        self.text = "".join(pieces).translate(_SPACES)

    def _note(self, position: int, size: int, start: int, end: int) -> None:
        for index in range(size):
            self._map.shift_from(position + index, start - position - index)
        self._map.shift_from(position + size, end - position - size)

    def is_whole(self, first: int, last: int) -> bool:
        """Whether the stretch neither begins nor ends inside one character of the text."""
        source = self._map.source
        if 0 < first < len(self.text) and source(first) == source(first - 1):
            return False
        return last >= len(self.text) or source(last) != source(last - 1)

    def start(self, index: int) -> int:
        """Where the character at `index` begins in the text."""
        return min(self._size, self._map.source(index))

    def end(self, index: int) -> int:
        """Where the character before `index` ends in the text."""
        start = self._map.source(index - 1)
        while index < len(self.text) and self._map.source(index) == start:
            index += 1
        return self.start(index) if index < len(self.text) else self._size


_SPACES = {ord(character): " " for character in "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029\u1680"}
_SPACES[ord("\u03c2")] = "\u03c3"  # str.lower() turns a capital sigma at a word's end into the final form
_SPACE_RUN = re.compile(r"\s{2,}")


def _uneven(text: str) -> list[re.Match[str]]:
    """The places where folding is not simply lower-casing one character into one."""
    if text.isascii():
        return list(_SPACE_RUN.finditer(text))
    odd = "".join(character for character in set(text) if not character.isspace() and _is_odd(character))
    pattern = r"\s{2,}" + (f"|[{re.escape(odd)}]" if odd else "")
    return list(re.finditer(pattern, text))


@lru_cache(maxsize=65536)
def _is_odd(character: str) -> bool:
    return len(character.lower()) != 1 or folded(character) != character.lower()
