"""Numbers as people write them: groups of digits with blanks, dashes, dots, slashes or brackets between.

A *run* is a chain of such groups; a *window* is a part of a run that could be one number. What is certainly no
personal number (a UUID, a date, an address, a mention) never becomes part of a run.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Container, Iterator
from itertools import accumulate, pairwise
from typing import NamedTuple

from bot.redaction.normalise import is_word_character
from bot.redaction.segment import Segment

MAX_DIGITS = 19  # the longest personal number, a card (ISO/IEC 7812-1)
_LEAST_DIGITS = 7  # the shortest, a local telephone number
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
    """A group of digits: where it stands in the view, and how many it has."""

    start: int
    end: int
    size: int


class Run:
    """A chain of groups with nothing but separators between them; `offsets` are where each begins in `digits`."""

    __slots__ = ("digits", "groups", "in_url", "offsets", "sizes", "text")

    def __init__(self, text: str, groups: list[Group], in_url: bool) -> None:
        self.text, self.groups, self.in_url = text, groups, in_url
        self.sizes = tuple([group.size for group in groups])
        self.offsets = [0, *accumulate(self.sizes)]
        self.digits = "".join([text[group.start : group.end] for group in groups])


class Window:
    """A candidate: some adjacent groups of a run, `count` digits together.

    What is told of it is worked out when it is asked for, since most candidates are dismissed by their length.
    """

    __slots__ = ("_from", "_run", "_to", "count", "end", "first")

    def __init__(self, run: Run, begin: int, stop: int, count: int) -> None:
        self._run, self._from, self._to = run, begin, stop
        self.count = count
        self.first = run.groups[begin].start
        self.end = run.groups[stop - 1].end

    @property
    def _groups(self) -> list[Group]:
        return self._run.groups[self._from : self._to]

    @property
    def digits(self) -> str:
        return self._run.digits[self._run.offsets[self._from] : self._run.offsets[self._to]]

    @property
    def sizes(self) -> tuple[int, ...]:
        return self._run.sizes[self._from : self._to]

    @property
    def separators(self) -> list[str]:
        return [self._run.text[a.end : b.start] for a, b in pairwise(self._groups)]

    @property
    def start(self) -> int:
        """Where it begins with its `+` and its opening bracket, if it has a closing one."""
        opening = self._opening
        if "+" in self._run.text[opening : self.first] or ")" in self._run.text[self.first : self.end]:
            return opening
        return self.first

    @property
    def _opening(self) -> int:
        text, opening = self._run.text, self.first
        while opening > 0 and text[opening - 1] in "+(" and self.first - opening < 2:
            opening -= 1
        return opening

    @property
    def plus(self) -> bool:
        return "+" in self._run.text[self._opening : self.first]

    @property
    def tight_left(self) -> bool:
        """A further group is attached on the left by a mark and no blank: it is a part of something longer."""
        groups, index = self._run.groups, self._from
        return index > 0 and self._run.text[groups[index - 1].end : self.first] in _TIGHT

    @property
    def tight_right(self) -> bool:
        groups, index = self._run.groups, self._to
        return index < len(groups) and self._run.text[self.end : groups[index].start] in _TIGHT

    @property
    def touches_left(self) -> bool:
        """A letter or digit is directly before it, or an identifier with `_`."""
        return _ends_word(self._run.text[max(0, self.start - 2) : self.start])

    @property
    def touches_right(self) -> bool:
        return _ends_word(self._run.text[self.end : self.end + 2][::-1])

    @property
    def free(self) -> bool:
        """Nothing is attached to it on either side."""
        return not (self.tight_left or self.tight_right or self.touches_left or self.touches_right)

    @property
    def prefixed(self) -> bool:
        """It is the tail of an identifier such as `ORD-123` or `#123`, or of a path such as `/items/123`."""
        before = self._run.text[max(0, self.start - 32) : self.start]
        if before[-1:] == "-":
            return is_word_character(before[-2:-1])
        return before[-1:] == "#" or (before[-1:] == "/" and _PATH.search(before) is not None)

    @property
    def in_url(self) -> bool:
        return self._run.in_url

    @property
    def alone(self) -> bool:
        """It is the whole run."""
        return self._from == 0 and self._to == len(self._run.groups)

    @property
    def even(self) -> bool:
        """All groups have one size (the last may be shorter), with one kind of separator."""
        sizes = self.sizes
        return len(set(sizes[:-1])) <= 1 and sizes[-1] <= sizes[0] and self.one_separator

    @property
    def one_separator(self) -> bool:
        return len({separator.strip() or separator[:1] for separator in self.separators}) <= 1


def _ends_word(two: str) -> bool:
    """Whether the last of two characters continues a word; `_` does between two parts of an identifier."""
    return two != "" and (is_word_character(two[-1]) or (two[-1] == "_" and is_word_character(two[0])))


_PATH = re.compile(r"/[\w.-]+/\Z", re.ASCII)
_TIGHT = ("-", ".")


def windows(segment: Segment) -> list[Window]:
    """Every candidate of the segment (made once, for all rules that look at numbers)."""
    found: list[Window] | None = segment.memo.get("windows")
    if found is None:
        found = list(_windows(segment)) if segment.digits >= _LEAST_DIGITS else []
        segment.memo["windows"] = found
    return found


def accept(
    segment: Segment, counts: Container[int], test: Callable[[Segment, Window], tuple[int, int] | None]
) -> Iterator[tuple[int, int]]:
    """The stretches that `test` accepts, of candidates with so many digits: at each place the longest, and none inside
    an earlier one."""
    best: tuple[int, int] | None = None
    first = done = -1
    for window in windows(segment):
        if window.count not in counts or window.first < done:
            continue
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
    runs = [match for match in segment.matches(_RUN) if match.end() - match.start() >= _LEAST_DIGITS]
    if not runs:
        return
    nothing = [match.span() for match in segment.matches(_NO_NUMBER)]
    urls = [match.span() for match in segment.matches(_URL)]
    for match in runs:
        found = _GROUP.finditer(segment.text, match.start(), match.end())
        groups = [Group(group.start(), group.end(), group.end() - group.start()) for group in found]
        for part in _outside(groups, nothing):
            yield from _windows_of(Run(segment.text, part, _is_inside(part[0], urls)))


def _is_inside(group: Group, stretches: list[tuple[int, int]]) -> bool:
    """Whether the group overlaps one of the stretches (which are in order)."""
    place = bisect_left(stretches, (group.end, 0))
    return place > 0 and stretches[place - 1][1] > group.start


def _outside(groups: list[Group], nothing: list[tuple[int, int]]) -> list[list[Group]]:
    """The groups in unbroken stretches outside what is no number."""
    if not nothing:
        return [groups]
    parts: list[list[Group]] = [[]]
    for group in groups:
        if _is_inside(group, nothing):
            parts.append([])
        else:
            parts[-1].append(group)
    return [part for part in parts if part]


def _windows_of(run: Run) -> Iterator[Window]:
    sizes = run.sizes
    singles_until = 0
    for first, size in enumerate(sizes):
        following = sizes[first + 1] if first + 1 < len(sizes) else MAX_DIGITS
        if size == following == 1:
            if first >= singles_until:  # digits spaced out one by one are one number or none
                singles_until = _singles_end(sizes, first)
                yield Window(run, first, singles_until, singles_until - first)
        elif first == 0 or size > 2 or following > 2:  # pairs in the middle of a run are a table
            count = 0
            for last in range(first, min(len(sizes), first + _MAX_GROUPS)):
                count += sizes[last]
                if count > MAX_DIGITS:
                    break
                if count >= _LEAST_DIGITS:
                    yield Window(run, first, last + 1, count)


def _singles_end(sizes: tuple[int, ...], first: int) -> int:
    end = first
    while end < len(sizes) and sizes[end] == 1:
        end += 1
    return end
