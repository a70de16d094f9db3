"""Placeholders such as `<EMAIL_1>`: given to originals, and put back into the answer, also into one that grows.

A model does not always write a placeholder as it was given: `<email_1>`, `&lt;EMAIL_1&gt;`, `<EMAIL\\_1>` and a bare
`EMAIL_1` are understood too. One that the conversation does not have stays as it is written.

A person may type what looks like a placeholder. That is *escaped*: treated as a finding of its own, with a placeholder
of its own, so that it comes back as it was typed and never as somebody's original.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import regex

from bot.redaction.findings import Found, Piece
from bot.redaction.kinds import KINDS, TYPED

_LABELS = "|".join(sorted({kind.label for kind in KINDS} | {TYPED.upper()}, key=len, reverse=True))
_GAP = r"(?:[_ -]|\\_)"
_NUMBER = r"(?P<number>[1-9]\d{0,5})"
_BARE = rf"(?P<label>{_LABELS.replace('_', _GAP)})\\?_{_NUMBER}"
_LOOSE = rf"[ ]?(?P<label>(?i:{_LABELS.replace('_', _GAP)})){_GAP}?{_NUMBER}[ ]?"
_MENTION = regex.compile(
    rf"<{_LOOSE}>|&lt;{_LOOSE}&gt;|＜{_LOOSE}＞|\\<{_LOOSE}\\>|(?<![A-Za-z0-9_]){_BARE}(?![A-Za-z0-9_])"
)
_GIVEN = regex.compile(rf"<(?:{_LABELS})_[1-9]\d{{0,5}}>")
_LONGEST = 48  # characters of a mention, however it is written
_NOT_LABEL = regex.compile(r"[^A-Za-z]+")


def name(kind: str, number: int) -> str:
    """The placeholder of the conversation's so-and-so-many-th original of this kind, from 1."""
    return f"<{kind.upper()}_{number}>"


def named_in(text: str) -> set[str]:
    """The placeholders in a text of ours, in which each stands as it was given."""
    return {match.group() for match in _GIVEN.finditer(text)}


def kind_and_number(given: str) -> tuple[str, int]:
    """What a placeholder is made of."""
    label, _, number = given.strip("<>").rpartition("_")
    return label.lower(), int(number)


@dataclass(frozen=True, slots=True)
class Mention:
    """A placeholder in what a model wrote: its `name` as it would be given, and as it was written."""

    name: str
    written: str


def mentions(text: str, start: int = 0) -> Iterator[str | Mention]:
    """The text from `start` on, taken apart at its placeholders; what stands before only tells whether a word begins there."""
    for match in _MENTION.finditer(text, start):
        yield text[start : match.start()]
        label = _NOT_LABEL.sub("_", match["label"]).upper()
        yield Mention(f"<{label}_{match['number']}>", match.group())
        start = match.end()
    yield text[start:]


def escaped(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces of what a person wrote, with everything that could be read as a placeholder made a finding."""
    for piece in pieces:
        for one in mentions(piece) if isinstance(piece, str) else (piece,):
            yield Found(TYPED, one.written) if isinstance(one, Mention) else one


def restore(text: str, originals: Mapping[str, str], longest: int | None = None) -> str:
    """A text of ours, in which each placeholder stands as it was given, with the originals in place of them; those that have more than
    `longest` characters stay away."""

    def original(match: regex.Match[str]) -> str:
        given = originals.get(match.group(), match.group())
        return given if longest is None or len(given) <= longest else match.group()

    return _GIVEN.sub(original, text)


def begin_of(text: str, at: int) -> int:
    """Where the placeholder begins that this offset of a text of ours is inside of; the offset itself where it is in none."""
    start = text.rfind("<", max(0, at - _LONGEST), at)
    given = _GIVEN.match(text, start) if start >= 0 else None
    return start if given is not None and at < given.end() else at


class MentionStream:
    """Takes a growing text apart at its placeholders: all that `feed` and `finish` gave is what `mentions` gives for the whole.

    Only what may still become a placeholder is held back; so none is ever given in part.
    """

    def __init__(self) -> None:
        self._waiting = ""
        self._before = ""  # the last character given out, which tells whether a word begins here

    @property
    def waiting(self) -> int:
        """How many characters at its end are not given out."""
        return len(self._waiting)

    def feed(self, text: str) -> list[str | Mention]:
        """Add a piece; what of the text is certain in addition to what was given before."""
        self._waiting += text
        return self._give(self._open_from())

    def finish(self) -> list[str | Mention]:
        """The rest, when no more comes."""
        return self._give(len(self._waiting))

    def _open_from(self) -> int:
        """Where the first placeholder begins that the end may be a part of."""
        text = self._before + self._waiting
        end = len(text)
        for index in range(max(len(self._before), end - _LONGEST), end):
            match = _MENTION.match(text, index, partial=True)
            if match and (match.partial or (match.end() == end and text[-1].isdigit())):
                return index - len(self._before)
        return len(self._waiting)

    def _give(self, end: int) -> list[str | Mention]:
        text = self._before + self._waiting[:end]
        given = list(mentions(text, len(self._before)))
        self._waiting = self._waiting[end:]
        self._before = text[-1:]
        return given
