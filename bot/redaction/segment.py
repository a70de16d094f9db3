"""A cluster under examination, and the shape of the rules that examine it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bot.redaction.lexer import CONTEXT


class Segment:
    """The part `start:end` of a view. A rule finds things inside it, and may read a little of what stands before."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.memo: dict[str, Any] = {}

    @cached_property
    def body(self) -> str:
        """The segment itself."""
        return self.text[self.start : self.end]

    @cached_property
    def lower(self) -> str:
        """The segment in lower case, for pre-checks."""
        return self.body.lower()

    @cached_property
    def digits(self) -> int:
        """How many ASCII digits the segment holds."""
        return len(self.body) - len(self.body.translate(_NO_DIGITS))

    @cached_property
    def lead(self) -> str:
        """The segment with the context before it, in lower case, for pre-checks that look for a label."""
        return self.text[max(0, self.start - CONTEXT) : self.end].lower()

    def before(self, index: int) -> str:
        """What stands before `index`, as far as a rule may look."""
        return self.text[max(0, index - CONTEXT) : index]

    def follows(self, label: re.Pattern[str], index: int) -> bool:
        """Whether the label (a pattern that ends in `\\Z`) stands directly before `index`."""
        return label.search(self.before(index)) is not None

    def matches(self, pattern: re.Pattern[str]) -> Iterable[re.Match[str]]:
        """All matches inside the segment, left to right."""
        return pattern.finditer(self.text, self.start, self.end)


_NO_DIGITS = dict.fromkeys(map(ord, "0123456789"))


@dataclass(frozen=True, slots=True)
class Detector:
    """A rule: what it finds is of one kind. `hint` is cheap and says whether `find` is worth its time.

    `find` yields start and end indices of the view, inside the segment.
    """

    name: str
    kind: str
    hint: Callable[[Segment], bool]
    find: Callable[[Segment], Iterable[tuple[int, int]]]
