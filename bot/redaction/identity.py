"""National identity and tax numbers whose check digit makes them certain; the countries are in `schemes`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.redaction.digits import Window, accept
from bot.redaction.labels import Label, national
from bot.redaction.schemes import DIGITS, SHAPES, Digits, Shape
from bot.redaction.segment import Segment

_FREE_LEFT = r"(?<![A-Za-z0-9_])(?<![A-Za-z0-9][-./])"
_FREE_RIGHT = r"(?![A-Za-z0-9_]|[-./][A-Za-z0-9])"


def _pattern(shape: Shape) -> re.Pattern[str]:
    return re.compile(f"{_FREE_LEFT}(?:{shape.pattern}){_FREE_RIGHT}")


_DISTINCT = [(shape, _pattern(shape)) for shape in SHAPES if not shape.label]
_LABELLED = [(shape, _pattern(shape), national(shape.label)) for shape in SHAPES if shape.label]
_ANY_DISTINCT = re.compile(f"{_FREE_LEFT}(?:{'|'.join(shape.pattern for shape, _ in _DISTINCT)})")
_DIGITS = [(scheme, national(scheme.label)) for scheme in DIGITS]
_LABELS = [*(label for *_, label in _LABELLED), *(label for _, label in _DIGITS)]
_NAMES = frozenset[str]().union(*(label.hints for label in _LABELS))
_COUNTS = frozenset(count for scheme in DIGITS for count in scheme.counts)


def find_national_ids(segment: Segment) -> Iterator[tuple[int, int]]:
    """Identity and tax numbers of persons with a right check digit, by their shape or behind their name."""
    if _ANY_DISTINCT.search(segment.text, segment.start, segment.end):
        for shape, pattern in _DISTINCT:
            yield from _valid(segment, shape, pattern, None)
    if _NAMES.isdisjoint(segment.hints):
        return
    for shape, pattern, label in _LABELLED:
        if segment.may_have(label):
            yield from _valid(segment, shape, pattern, label)
    if segment.digits < min(_COUNTS):
        return
    labelled = [(scheme, label) for scheme, label in _DIGITS if segment.may_have(label)]
    if labelled:
        yield from accept(segment, _COUNTS, lambda segment, window: _digits(segment, window, labelled))


def _valid(
    segment: Segment, shape: Shape, pattern: re.Pattern[str], label: Label | None
) -> Iterator[tuple[int, int]]:
    for match in segment.matches(pattern):
        if (label is None or segment.follows(label, match.start())) and shape.is_valid(match.group()):
            yield match.span()


def _digits(segment: Segment, window: Window, labelled: list[tuple[Digits, Label]]) -> tuple[int, int] | None:
    if window.tight_left or window.tight_right or window.touches_right or window.plus:
        return None
    for scheme, label in labelled:
        if (
            window.count in scheme.counts
            and segment.follows(label, window.first)
            and scheme.is_valid(window.digits)
        ):
            return window.first, window.end
    return None
