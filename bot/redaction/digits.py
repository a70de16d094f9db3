"""Numbers as people write them: groups of digits with blanks, dashes, dots, slashes or brackets between.

A *run* is a chain of such groups; a *window* is a part of a run that could be one number. What is certainly no
personal number (a UUID, a date, an address, a mention) never becomes part of a run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from bot.redaction.normalise import is_word_character
from bot.redaction.segment import Segment

MAX_DIGITS = 19  # the longest personal number, a card (ISO/IEC 7812-1)
_MAX_GROUPS = 8

_RUN = re.compile(r"\d++(?:[ \t]{0,2}+[-./()]{0,3}+[ \t]{0,2}+\d++)*+")
_GROUP = re.compile(r"\d+")

_HEX = "[0-9A-Fa-f]"
_NO_NUMBER = re.compile(
    rf"(?<!{_HEX}){_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}(?!{_HEX})"  # UUID (RFC 9562)
    r"|(?<!\d)(?:19|20)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?!\d)"  # a date, year first
    r"|(?<![\d-])(?:0?[1-9]|[12]\d|3[01])([/.-])(?:0?[1-9]|[12]\d|3[01])\2(?:19|20)\d\d(?![\d-])"  # year last
    r"|(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"  # an IPv4 address or a version of four parts
    r"|<(?:@[!&]?|#|a?:\w{2,32}:|t:)\d{9,21}"  # a Discord mention, emoji or time stamp (Discord: Message Formatting)
)
_URL = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)


class Group(NamedTuple):
    """A group of digits and where it stands in the view."""

    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Window:
    """A candidate: adjacent groups of a run.

    `start` includes an opening `+` or bracket. `tight` tells that a further group is attached to it by a mark and
    no blank, so that the window is a part of something longer. `touches` tells that a letter or digit is directly
    before or behind; `prefixed` that it is the tail of an identifier such as `ORD-123`. `alone` tells that it is the
    whole run.
    """

    start: int
    first: int
    end: int
    digits: str
    sizes: tuple[int, ...]
    separators: tuple[str, ...]
    plus: bool
    tight_left: bool
    tight_right: bool
    touches_left: bool
    touches_right: bool
    prefixed: bool
    in_url: bool
    alone: bool

    @property
    def free(self) -> bool:
        """Nothing is attached to it on either side."""
        return not (self.tight_left or self.tight_right or self.touches_left or self.touches_right)

    @property
    def even(self) -> bool:
        """All groups have one size (the last may be shorter), with one kind of separator."""
        sizes = self.sizes
        return self.one_separator and len(set(sizes[:-1])) <= 1 and sizes[-1] <= sizes[0]

    @property
    def one_separator(self) -> bool:
        return len({separator.strip() or separator[:1] for separator in self.separators}) <= 1


def windows(segment: Segment) -> list[Window]:
    """Every candidate of the segment (made once, for all rules that look at numbers)."""
    found: list[Window] | None = segment.memo.get("windows")
    if found is None:
        found = list(_windows(segment)) if segment.digits >= 7 else []
        segment.memo["windows"] = found
    return found


def accept(
    segment: Segment, test: Callable[[Segment, Window], tuple[int, int] | None]
) -> Iterator[tuple[int, int]]:
    """The stretches that `test` accepts: at each place the longest, and none inside an earlier one."""
    done = -1
    best: tuple[int, int] | None = None
    first = -1
    for window in windows(segment):
        if window.first != first:
            if best:
                yield best
                done = best[1]
            best, first = None, window.first
        if window.first >= done:
            best = test(segment, window) or best
    if best:
        yield best


def _windows(segment: Segment) -> Iterator[Window]:
    nothing = [match.span() for match in segment.matches(_NO_NUMBER)]
    urls = [match.span() for match in segment.matches(_URL)]
    for match in segment.matches(_RUN):
        groups = [Group(*group.span()) for group in _GROUP.finditer(segment.text, match.start(), match.end())]
        for part in _outside(groups, nothing):
            yield from _windows_of(segment, part, any(a <= part[0].start < b for a, b in urls))


def _outside(groups: list[Group], nothing: list[tuple[int, int]]) -> list[list[Group]]:
    """The groups in unbroken stretches outside what is no number."""
    if not nothing:
        return [groups]
    parts: list[list[Group]] = [[]]
    for group in groups:
        if any(start < group.end and group.start < end for start, end in nothing):
            parts.append([])
        else:
            parts[-1].append(group)
    return [part for part in parts if part]


def _windows_of(segment: Segment, groups: list[Group], in_url: bool) -> Iterator[Window]:
    singles_until = 0
    for first, group in enumerate(groups):
        if group.size == 1 and first + 1 < len(groups) and groups[first + 1].size == 1:
            if first >= singles_until:  # digits spaced out one by one are one number or none
                singles_until = _singles_end(groups, first)
                if 7 <= singles_until - first <= MAX_DIGITS:
                    yield _window(segment, groups, first, singles_until, in_url)
            continue
        digits = 0
        for last in range(first, min(len(groups), first + _MAX_GROUPS)):
            digits += groups[last].size
            if digits > MAX_DIGITS:
                break
            if digits >= 7:
                yield _window(segment, groups, first, last + 1, in_url)


def _singles_end(groups: list[Group], first: int) -> int:
    end = first
    while end < len(groups) and groups[end].size == 1:
        end += 1
    return end


def _window(segment: Segment, groups: list[Group], first: int, stop: int, in_url: bool) -> Window:
    text, chosen = segment.text, groups[first:stop]
    separators = tuple(text[a.end : b.start] for a, b in pairwise(chosen))
    start, end = chosen[0].start, chosen[-1].end
    opening = start
    while opening > segment.start and text[opening - 1] in "+(" and start - opening < 2:
        opening -= 1
    plus = "+" in text[opening:start]
    bracket = any(")" in separator for separator in separators)
    if not plus and not bracket:
        opening = start
    return Window(
        start=opening,
        first=start,
        end=end,
        digits="".join(text[group.start : group.end] for group in chosen),
        sizes=tuple(group.size for group in chosen),
        separators=separators,
        plus=plus,
        tight_left=first > 0 and _is_tight(text[groups[first - 1].end : start]) and not plus,
        tight_right=stop < len(groups) and _is_tight(text[end : groups[stop].start]),
        touches_left=opening > 0 and is_word_character(text[opening - 1]),
        touches_right=end < len(text) and is_word_character(text[end]),
        prefixed=_is_prefixed(text, opening),
        in_url=in_url,
        alone=first == 0 and stop == len(groups),
    )


def _is_prefixed(text: str, start: int) -> bool:
    before = text[max(0, start - 2) : start]
    return before[-1:] == "#" or (before[-1:] == "-" and is_word_character(before[0]))


def _is_tight(separator: str) -> bool:
    return separator in ("-", ".", "/")
