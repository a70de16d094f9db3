"""Splits a growing text into messages, once for all platforms.

A message is finished when what follows would no longer fit; from then on it never changes, however the text goes on, and
it does not matter in how many steps the text came. To that end the size is looked at only at certain offsets, each of
which follows from what the one before has measured: half of the room that was left further on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from adapters.delivery import view
from adapters.delivery.blocks import read
from adapters.delivery.cuts import best_cut
from adapters.delivery.markup import Context, Fence, Line, Table, margin, resume
from bot.redaction import begin_of

Measure = Callable[[str, bool], int]
"""The size of a shown text on the platform; True for the lasting form of a message, False while it still grows."""

STEP = 8
SHORTEST = 40
DEEPEST = 8


class Diverged(ValueError):
    """The text does not begin with the messages that are finished already."""


@dataclass(frozen=True, slots=True)
class Part:
    """One message: the piece of the text that it stands for, and how it is shown.

    All sources joined give the text back, to the letter. `shown` may be empty while there is nothing worth showing. `plain` is
    what is shown without anything that is closed only for the moment.
    """

    source: str
    shown: str
    done: bool
    plain: str = ""

    @property
    def steady(self) -> str:
        """The beginning of `shown` that is likely to stay as it is while the part grows."""
        return view.common_start(self.plain, self.shown)


class Splitter:
    """Feed it the whole text so far. `done` are the finished parts; `finished` their sources, from an earlier attempt."""

    def __init__(self, length: int, measure: Measure, finished: Sequence[str] = ()) -> None:
        if length < SHORTEST:
            raise ValueError(f"no message can be as short as {length}")
        self.done: list[Part] = []
        self._length, self._measure = length, measure
        self._text, self._start = "", 0
        self._fed: tuple[str, bool, Part | None] | None = None
        self._begin(Context())
        for source in filter(None, finished):
            self._text += source
            self._finish(len(self._text))

    def feed(self, text: str, *, final: bool = False) -> Part | None:
        """The part that is still open; None when all words stand in finished ones. `final`: the text is whole.

        Raises `Diverged` when the text is not a continuation of what is finished. A change in the open part is taken.
        """
        if self._fed is not None and self._fed[:2] == (text, final):
            return self._fed[2]
        part = self._open(text, final)
        self._fed = (text, final, part)
        return part

    # The open part.

    def _open(self, text: str, final: bool) -> Part | None:
        if not text.startswith(self._text):
            if not text.startswith(self._text[: self._start]):
                raise Diverged
            self._begin(self._context)
        self._text = text
        self._check()
        while final and not self._fits(view.final(self._upto(len(text))), True):
            self._cut(len(text))
            self._check()
        source = text[self._start :]
        if not source.strip():
            return None
        if final:
            return Part(source, view.final(self._upto(len(text))) or source.strip(), False)
        end = len(text)
        shown = self._growing(end)
        if not self._fits(shown, False):
            end = begin_of(text, self._fitting)
            shown = self._growing(end) if end > self._start else ""
        return Part(source, shown, False, view.plain(self._upto(end)) if shown else "")

    def _begin(self, context: Context) -> None:
        self._context = context
        self._lines: list[Line] = []
        self._fitting = self._start
        self._next = self._start + self._length // 2

    def _check(self) -> None:
        while self._next <= len(self._text):
            size = self._measure(self._growing(self._next), False)
            if size > self._length:
                self._cut(self._next)
            else:
                self._fitting = self._next
                self._next += max(STEP, (self._length - size) // 2)

    def _upto(self, end: int) -> list[Line]:
        """The lines of the open part, the last one as far as `end`."""
        at, context = self._after(self._lines)
        while (stop := self._text.find("\n", at, end) + 1) > 0:
            line = read(context, self._text[at : stop - 1], at, stop)
            self._lines.append(line)
            at, context = stop, line.after
        lines = self._lines[: bisect_right(self._lines, end, key=lambda line: line.stop)]
        at, context = self._after(lines)
        if at < end:
            lines.append(read(context, self._text[at:end], at, end))
        return lines

    def _after(self, lines: list[Line]) -> tuple[int, Context]:
        return (lines[-1].stop, lines[-1].after) if lines else (self._start, self._context)

    def _growing(self, end: int) -> str:
        return view.growing(self._upto(end), self._text[end - 1 : end] != "\n")

    def _fits(self, shown: str, lasting: bool) -> bool:
        return self._measure(shown, lasting) <= self._length

    # Finishing it.

    def _cut(self, end: int) -> None:
        """Finish the open part, too long as it is at `end`."""
        lines = self._upto(end)
        at = best_cut(self._text, lines, self._start, end, self._fits_cut)
        if at is not None:
            self._finish(at)
        elif self._context != Context():
            self._begin(Context())
        else:
            raise ValueError("a single character is longer than a message")

    def _fits_cut(self, at: int) -> bool:
        shown, _ = view.cut(self._upto(at))
        return bool(shown.strip()) and self._fits(shown, True)

    def _finish(self, at: int) -> None:
        lines = self._upto(at)
        shown, marks = view.cut(lines)
        source = self._text[self._start : at]
        self.done.append(Part(source, shown or source.strip(), True))
        inside = not source.endswith("\n")
        self._start = at
        self._begin(self._bearable(resume(lines[-1].after, inside, marks)))

    def _bearable(self, context: Context) -> Context:
        """Open again only what leaves room for the text itself."""
        room = self._length // 3
        if len(context.boxes) > DEEPEST or len(margin(context.boxes)) > room:
            context = replace(context, boxes=())
        leaf = context.leaf
        if isinstance(leaf, Fence) and 2 * len(leaf.opening) > room:
            context = replace(context, leaf=replace(leaf, info=""))
        if isinstance(leaf, Table) and self._measure(f"{leaf.header}\n{leaf.ruler}", True) > room:
            context = replace(context, leaf=Table("", ""))
        return context


def split(text: str, length: int, measure: Callable[[str], int] = len) -> list[Part]:
    """Split a whole text at once."""
    splitter = Splitter(length, lambda shown, lasting: measure(shown))
    last = splitter.feed(text, final=True)
    return splitter.done + ([last] if last else [])
