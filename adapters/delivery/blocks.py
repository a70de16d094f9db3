"""Reads Markdown line by line and knows, before and after each line, what is open: quotes, list items, a fence, a table.

That is what has to be closed where a message ends and opened again where the next begins. The reading follows CommonMark
and GitHub's tables, but is kinder where models are often careless: a fence inside a list item goes on until it is closed,
though its lines be indented too little, and may be indented too much.

A `Line` says how its source is shown: `lead` (what is put before it, and its quote and list marks), then `content` (the
rest of the source line). List items that began in an earlier message are not shown again: what follows in them is moved
to the left, and a numbered list goes on with its true number.
"""

from __future__ import annotations

import re
from dataclasses import replace

from adapters.delivery.markup import (
    Box,
    Context,
    Fence,
    Flow,
    Item,
    Kind,
    Leaf,
    Line,
    Quote,
    Table,
    margin,
)

MARKER = re.compile(r"(?:(?P<bullet>[-+*])|(?P<number>\d{1,9})(?P<stop>[.)]))(?=[ \t]|$)")
RULE = re.compile(r"(?:\*[ \t]*){3,}$|(?:-[ \t]*){3,}$|(?:_[ \t]*){3,}$")
FENCE = re.compile(r"(?P<mark>`{3,})(?P<info>[^`]*)$|(?P<tildes>~{3,})(?P<about>.*)$")
HEADING = re.compile(r"#{1,6}(?=[ \t]|$)")
UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
RULER = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
TAB = 4
STOPS = ".)"
BAR = re.compile(r"(?<!\\)\|")


def read(context: Context, raw: str, start: int, stop: int) -> Line:
    """Read one line (`raw` without its newline), or as much of it as there is."""
    return _Reader(context, raw, start, stop).line()


def lines_of(text: str) -> list[Line]:
    """Read a whole text that stands for itself."""
    lines: list[Line] = []
    at, context = 0, Context()
    for raw in text.split("\n"):
        lines.append(read(context, raw, at, at + len(raw) + 1))
        at, context = lines[-1].stop, lines[-1].after
    return lines


def escaped(text: str) -> str:
    """Words that shall not be taken for the mark of a block."""
    if marker := MARKER.match(text):
        at = marker.start("stop") if marker["stop"] else 0
        return f"{text[:at]}\\{text[at:]}"
    blockish = text.startswith(">") or RULE.match(text) or HEADING.match(text) or FENCE.match(text)
    return f"\\{text}" if blockish else text


class _Reader:
    """The reading of one line: `rest` is what is still unread, beginning at column `column`."""

    def __init__(self, context: Context, raw: str, start: int, stop: int) -> None:
        self.context, self.rest, self.start, self.stop = context, raw, start, stop
        self.column = 0
        self.lead = ""
        self.inserted = ""

    def line(self) -> Line:
        context = self.context
        if context.inside:
            return self._remainder()
        matched = self._match()
        boxes, unmatched = context.boxes[:matched], context.boxes[matched:]
        leaf = context.leaf
        if isinstance(leaf, Fence):
            if all(isinstance(box, Item) for box in unmatched):
                return self._in_fence(leaf, unmatched)
            if not context.fresh:
                self.inserted = margin(context.boxes) + leaf.closing + "\n"
            leaf = Flow.NOTHING
        if not self.rest.strip():
            return self._made(Kind.BLANK, boxes, Flow.NOTHING)
        opened, item = self._open(boxes, unmatched, leaf)
        if item and leaf is Flow.PARAGRAPH and not context.fresh and _is_carried(unmatched):
            self.inserted = (
                margin(boxes).rstrip() + "\n"
            )  # else a number other than 1 would belong to the paragraph
        return self._leaf(boxes, opened, unmatched, leaf, item)

    # Boxes.

    def _match(self) -> int:
        """How many of the open boxes this line is in, by its own marks and indentation."""
        for count, box in enumerate(self.context.boxes):
            if isinstance(box, Quote):
                if not self._take_quote():
                    return count
            elif self.rest.strip():
                if self._indent() < box.width:
                    return count
                self._drop(box.width)
                self.lead += " " * box.shown
        return len(self.context.boxes)

    def _open(
        self, boxes: tuple[Box, ...], unmatched: tuple[Box, ...], leaf: Leaf
    ) -> tuple[tuple[Box, ...], bool]:
        """The boxes that begin on this line, and whether a list item is among them."""
        opened: list[Box] = []
        while self._indent() < TAB:
            if self._take_quote():
                opened.append(Quote())
                continue
            body = self.rest.lstrip(" \t")
            marker = MARKER.match(body)
            if marker is None or RULE.match(body):
                break
            if leaf is Flow.PARAGRAPH and not unmatched and not opened:
                number = marker["number"]
                if not body[marker.end() :].strip() or (number and int(number) != 1):
                    break
            left = () if opened else unmatched
            opened.append(self._take_marker(marker, left, (*boxes, *opened)))
        return tuple(opened), any(isinstance(box, Item) for box in opened)

    def _take_quote(self) -> bool:
        indent = self._indent()
        if indent >= TAB or not self.rest.lstrip(" \t").startswith(">"):
            return False
        self._drop(indent)
        self.rest, self.column = self.rest[1:], self.column + 1
        self.lead += " " * indent + ">"
        if self.rest[:1] in (" ", "\t") and self.rest:
            self._drop(1)
            self.lead += " "
        return True

    def _take_marker(self, marker: re.Match[str], left: tuple[Box, ...], outer: tuple[Box, ...]) -> Item:
        """A list item begins here, inside the boxes `outer`, where the boxes `left` end."""
        indent = self._indent()
        self._drop(indent)
        written = mark = marker.group()
        self.rest, self.column = self.rest[len(written) :], self.column + len(written)
        gap = self._indent() if self.rest.strip() else 1
        gap = gap if gap <= TAB else 1
        self._drop(gap)
        sort = stop = marker["bullet"] or marker["stop"]
        number, carried = int(marker["number"] or 0), False
        elder = left[0] if left else None
        if isinstance(elder, Item) and elder.sort == sort:
            number, carried, stop = elder.number + 1, elder.carried, elder.stop if elder.shown else sort
        else:
            elder = None
        if marker["number"]:
            if not isinstance(elder, Item) or not elder.shown:
                stop = _stop_apart(outer, left[1:] if elder else left, sort)
            mark = f"{number}{stop}" if carried or stop != sort else written
        self.lead += " " * indent + mark + (" " * gap if self.rest.strip() else "")
        return Item(indent + len(written) + gap, indent + len(mark) + gap, sort, stop, number, carried)

    # Leaves.

    def _leaf(  # noqa: C901 - one case for each kind of line, in CommonMark's order
        self,
        boxes: tuple[Box, ...],
        opened: tuple[Box, ...],
        unmatched: tuple[Box, ...],
        leaf: Leaf,
        item: bool,
    ) -> Line:
        boxes += opened
        goes_on = not opened and not unmatched
        indent, body = self._indent(), self.rest.lstrip(" \t")
        if not body:
            return self._made(Kind.BLANK, boxes, Flow.NOTHING, item=item)
        loose = indent >= TAB and any(isinstance(box, Item) for box in boxes)
        if (indent < TAB or loose) and (fence := FENCE.match(body)):
            return self._open_fence(fence, boxes, indent, loose, item)
        paragraph = leaf is Flow.PARAGRAPH and not opened
        if indent < TAB:
            if HEADING.match(body):
                return self._made(Kind.HEADING, boxes, Flow.NOTHING, item=item)
            if paragraph and goes_on and self._is_ruler(body):
                table = Table(self.context.last.strip(), body.strip())
                return self._made(Kind.RULER, boxes, table)
            if paragraph and goes_on and UNDERLINE.match(body):
                return self._made(Kind.UNDERLINE, boxes, Flow.NOTHING)
            if RULE.match(body):
                return self._made(Kind.RULE, boxes, Flow.NOTHING, item=item)
            if isinstance(leaf, Table) and goes_on:
                return self._row(leaf, boxes)
        if paragraph:
            return self._text_on(boxes, bool(unmatched))
        if indent >= TAB:
            return self._made(Kind.INDENTED, boxes, Flow.INDENTED, item=item)
        return self._made(Kind.TEXT, boxes, Flow.PARAGRAPH, item=item)

    def _is_ruler(self, body: str) -> bool:
        header = self.context.last
        return "|" in header and bool(RULER.match(body)) and len(cells(header)) == len(cells(body))

    def _row(self, table: Table, boxes: tuple[Box, ...]) -> Line:
        if self.context.fresh and table.header:
            edge = margin(boxes)
            self.inserted += f"{edge}{table.header}\n{edge}{table.ruler}\n"
        return self._made(Kind.ROW, boxes, table)

    def _text_on(self, boxes: tuple[Box, ...], lazy: bool) -> Line:
        """A further line of a paragraph; `lazy`: it lacks the marks of the boxes that it is in nevertheless."""
        if lazy:
            boxes = self.context.boxes
        if self.context.fresh:
            if lazy:
                self.lead = margin(boxes)
            self.rest = self._again(self.rest)
        return self._made(Kind.TEXT, boxes, Flow.PARAGRAPH, joins=True)

    def _open_fence(
        self, found: re.Match[str], boxes: tuple[Box, ...], indent: int, loose: bool, item: bool
    ) -> Line:
        mark, info = found["mark"] or found["tildes"], found["info"] or found["about"] or ""
        fence = Fence(mark, info.rstrip(), 0 if loose else indent, indent if loose else 0)
        if loose:
            self._drop(indent)
        return self._made(Kind.FENCE, boxes, fence, item=item)

    def _in_fence(self, fence: Fence, unmatched: tuple[Box, ...]) -> Line:
        boxes, fresh = self.context.boxes, self.context.fresh
        if not self.rest.strip():
            if fresh:
                self.rest = ""
            return self._made(Kind.BLANK if fresh else Kind.CODE, boxes, fence)
        if unmatched:
            self._drop(sum(box.width for box in unmatched if isinstance(box, Item)))
            self.lead += margin(unmatched)
        self._drop(fence.excess)
        if fence.is_closed_by(self.rest) and self._indent() < TAB:
            if fresh:
                self.lead = self.rest = ""
            return self._made(Kind.BLANK if fresh else Kind.FENCE_END, boxes, Flow.NOTHING)
        if fresh:
            self.inserted = margin(boxes) + fence.opening + "\n"
        return self._made(Kind.CODE, boxes, fence)

    def _remainder(self) -> Line:
        """The rest of a line whose beginning stands in the message before."""
        context = self.context
        if isinstance(context.leaf, Fence):
            if self.rest.strip():
                edge = margin(context.boxes)
                if context.leaf.is_closed_by(self.rest):
                    edge += " " * TAB  # so far to the right it closes nothing
                self.inserted, self.lead = margin(context.boxes) + context.leaf.opening + "\n", edge
            return self._made(Kind.CODE if self.rest.strip() else Kind.BLANK, context.boxes, context.leaf)
        if not self.rest.strip():
            self.rest = ""
            after = replace(context, inside=False, leaf=Flow.PARAGRAPH)
            return Line(self.start, self.stop, Kind.BLANK, "", "", context, after)
        self.lead = margin(context.boxes) + (" " * TAB if context.leaf is Flow.INDENTED else "")
        self.rest = self._again(self.rest)
        return self._made(Kind.TEXT, context.boxes, Flow.PARAGRAPH, joins=True)

    def _again(self, rest: str) -> str:
        """The rest of a paragraph, as the beginning of a message."""
        return escaped(self.context.marks + rest.lstrip())

    def _made(
        self, kind: Kind, boxes: tuple[Box, ...], leaf: Leaf, *, joins: bool = False, item: bool = False
    ) -> Line:
        content = "" if kind is Kind.BLANK else self.rest
        last = content if leaf is Flow.PARAGRAPH else ""
        fresh = self.context.fresh and kind is Kind.BLANK and not item
        after = Context(boxes, leaf, last, fresh)
        lead = self.inserted + self.lead
        return Line(self.start, self.stop, kind, lead, content, self.context, after, joins, item)

    # Columns.

    def _indent(self) -> int:
        """Columns of white space before what is unread."""
        column = self.column
        for character in self.rest:
            if character == "\t":
                column += TAB - column % TAB
            elif character == " ":
                column += 1
            else:
                break
        return column - self.column

    def _drop(self, columns: int) -> None:
        """Pass over so many columns of white space; what is left of a tab stays as spaces."""
        target, taken = self.column + columns, 0
        while taken < len(self.rest) and self.column < target:
            if self.rest[taken] == "\t":
                self.column += TAB - self.column % TAB
            elif self.rest[taken] == " ":
                self.column += 1
            else:
                break
            taken += 1
        self.rest = " " * max(0, self.column - target) + self.rest[taken:]
        self.column = min(self.column, target)


def _is_carried(boxes: tuple[Box, ...]) -> bool:
    """Whether these boxes are left of an item whose mark stands in the message before."""
    return any(isinstance(box, Item) and not box.shown for box in boxes)


def _stop_apart(outer: tuple[Box, ...], left: tuple[Box, ...], sort: str) -> str:
    """What follows the numbers of a list so that it stays apart from others that have moved to the left, beside it: a
    full stop or a bracket, since CommonMark tells lists apart by them."""
    taken: list[str] = []
    for box in outer:
        if isinstance(box, Quote):
            taken.clear()
        elif box.sort in STOPS and not box.shown:
            taken.append(_other(box.sort, taken))
    for depth, box in enumerate(left):
        if isinstance(box, Item) and box.shown and not margin(left[:depth]):
            taken.append(box.stop)
    return _other(sort, taken)


def _other(sort: str, taken: list[str]) -> str:
    return next((stop for stop in (sort, *STOPS) if stop not in taken), sort)


def cells(row: str) -> list[str]:
    """The cells of a table's row, as they are written."""
    body = row.strip().removeprefix("|")
    body = body[:-1] if body.endswith("|") and not body.endswith("\\|") else body
    return [cell.strip() for cell in BAR.split(body)]
