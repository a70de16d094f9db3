"""A cluster under examination, and the shape of the rules that examine it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.redaction.labels import Label, hints_in
from bot.redaction.lexer import CONTEXT


class Segment:
    """The part `start:end` of a view. A rule finds things inside it, and may read a little of what stands before."""

    __slots__ = ("_digits", "_follows", "_hints", "_lead", "body", "end", "memo", "start", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.body = text[start:end]
        self.memo: dict[str, Any] = {}  # what several rules need is made once
        self._digits = -1
        self._lead = ""
        self._follows: dict[tuple[Label, int], bool] = {}
        self._hints: frozenset[str] | None = None

    @property
    def digits(self) -> int:
        """How many ASCII digits the segment holds."""
        if self._digits < 0:
            self._digits = sum(map(self.body.count, "0123456789"))
        return self._digits

    @property
    def lead(self) -> str:
        """The segment with the context before it, in lower case, for pre-checks that look for a label."""
        if not self._lead:
            self._lead = self.text[max(0, self.start - CONTEXT) : self.end].lower()
        return self._lead

    def before(self, index: int) -> str:
        """What stands before `index`, as far as a rule may look."""
        return self.text[max(0, index - CONTEXT) : index]

    def follows(self, label: Label, index: int) -> bool:
        """Whether the label stands directly before `index`."""
        key = (label, index)
        if key not in self._follows:
            self._follows[key] = self.may_have(label) and label.pattern.search(self.before(index)) is not None
        return self._follows[key]

    def may_have(self, label: Label) -> bool:
        """Whether the label can stand anywhere in the segment, or before it."""
        return not label.hints.isdisjoint(self.hints)

    @property
    def hints(self) -> frozenset[str]:
        """The hints of all labels that the segment has, or the context before it."""
        if self._hints is None:
            self._hints = hints_in(self.lead)
        return self._hints

    def matches(self, pattern: re.Pattern[str]) -> Iterable[re.Match[str]]:
        """All matches inside the segment, left to right."""
        return pattern.finditer(self.text, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Detector:
    """A rule: what it finds is of one kind. `hint` is cheap and says whether `find` is worth its time.

    `find` yields start and end indices of the view, inside the segment. `about` says to people what is found, and how surely.
    """

    name: str
    kind: str
    about: str
    hint: Callable[[Segment], bool]
    find: Callable[[Segment], Iterable[tuple[int, int]]]
