"""What the package hands out, and the text that stands in place of what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Finding:
    """A stretch of sensitive text; `start` and `end` are offsets into the original text.

    It is not `whole` if it is too long to be held in view at once (a private key, a giant token).
    """

    kind: str
    start: int
    end: int
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A finding taken out of its text, with the original, or None for one that is not whole: it can't be brought back.

    The original shows in no `repr`, and so in no log.
    """

    kind: str
    original: str | None = field(repr=False)


Piece = str | Found
"""A part of a text that was searched: one in which nothing was found, or a finding."""


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with its findings masked; `kinds` are those masked now, sorted and unique."""

    text: str
    kinds: tuple[str, ...]


class Span(NamedTuple):
    """A finding within the view that is being searched (indices, not offsets)."""

    kind: str
    start: int
    end: int


def mask(kind: str) -> str:
    """What stands in place of a finding that is masked: `[FILTERED:email]`."""
    return f"[FILTERED:{kind}]"


PLACEHOLDER = r"\[FILTERED:[a-z_]{1,32}\]|<[A-Z]{2}[A-Z_]{0,30}_\d{1,6}>"
"""A mask, or a stand-in such as `<EMAIL_1>`. No rule ever looks into it or across it."""
