"""What the package hands out, and the text that stands in place of what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Finding:
    """A stretch of sensitive text; `start` and `end` are offsets into the original text."""

    kind: str
    start: int
    end: int


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


def placeholder(kind: str) -> str:
    """What stands in place of a finding: `[FILTERED:email]`. No rule ever looks into it or across it."""
    return f"[FILTERED:{kind}]"


PLACEHOLDER = r"\[FILTERED:[a-z_]{1,32}\]"
