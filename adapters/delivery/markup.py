"""The words for what Markdown has open at a place: boxes (quotes, list items), a leaf (a fence, a table, a paragraph), lines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class Quote:
    """A block quote."""


@dataclass(frozen=True, slots=True)
class Item:
    """A list item. Its content is indented by `width` columns in the source, by `shown` where it is shown.

    `sort` is the bullet, or what follows the number; `carried` says that the list began in an earlier message.
    """

    width: int
    shown: int
    sort: str
    stop: str
    number: int = 0
    carried: bool = False


Box = Quote | Item


@dataclass(frozen=True, slots=True)
class Fence:
    """An open code fence. `excess` columns are taken off its lines."""

    mark: str
    info: str
    indent: int = 0
    excess: int = 0

    @property
    def opening(self) -> str:
        return " " * self.indent + self.mark + self.info

    @property
    def closing(self) -> str:
        return " " * self.indent + self.mark

    def may_be_closed_by(self, text: str) -> bool:
        """Whether a line is a closing mark, or may become one when it goes on."""
        return bool(text.strip()) and not text.strip().strip(self.mark[0])

    def is_closed_by(self, text: str) -> bool:
        indent = len(text.expandtabs(4)) - len(text.expandtabs(4).lstrip(" "))
        return indent < 4 and self.may_be_closed_by(text) and text.strip().startswith(self.mark)


@dataclass(frozen=True, slots=True)
class Table:
    header: str
    ruler: str


class Flow(Enum):
    """Leaves that need no closing."""

    NOTHING = auto()
    PARAGRAPH = auto()
    INDENTED = auto()


Leaf = Flow | Fence | Table


class Kind(Enum):
    BLANK = auto()
    TEXT = auto()
    HEADING = auto()
    UNDERLINE = auto()
    RULE = auto()
    FENCE = auto()
    CODE = auto()
    FENCE_END = auto()
    RULER = auto()
    ROW = auto()
    INDENTED = auto()


@dataclass(frozen=True, slots=True)
class Context:
    """What is open between two lines, or (`inside`) in the middle of one.

    `fresh`: nothing of this message was read yet, so that what is open has still to be opened in it. `last` is the last
    line of the open paragraph, `marks` are the emphasis marks to open again.
    """

    boxes: tuple[Box, ...] = ()
    leaf: Leaf = Flow.NOTHING
    last: str = ""
    fresh: bool = False
    inside: bool = False
    marks: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The source from `start` to `stop`, its newline included. `joins`: it continues the paragraph of the line before."""

    start: int
    stop: int
    kind: Kind
    lead: str
    content: str
    before: Context
    after: Context
    joins: bool = False
    item: bool = False

    @property
    def shown(self) -> str:
        return self.lead + self.content


def margin(boxes: tuple[Box, ...]) -> str:
    """What a further line inside these boxes begins with."""
    return "".join("> " if isinstance(box, Quote) else " " * box.shown for box in boxes)


def resume(context: Context, inside: bool, marks: str) -> Context:
    """The context in which the next message begins."""
    boxes = tuple(
        box if isinstance(box, Quote) else replace(box, shown=0, carried=True) for box in context.boxes
    )
    return replace(context, boxes=boxes, fresh=True, inside=inside, marks=marks)
