"""How the lines of one message are shown: while they grow, when the message is cut after them, and at the very end.

Whatever is open is closed in what is shown, so that each message stands for itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from adapters.delivery.blocks import FENCE
from adapters.delivery.inline import heal, seal
from adapters.delivery.markup import Fence, Flow, Kind, Line, margin

BARE = regex.compile(r"(?:[\s>|:*+\-_=#~`]|\d{1,9}[.)]?(?=\s*$))*(?:\[[ xX]?\]?\s*)?")
INLINE = {Kind.TEXT, Kind.HEADING, Kind.ROW}
LEADING_BLANK = regex.compile(r"(?:[ \t]*\n)+")


def growing(lines: Sequence[Line], unfinished: bool) -> str:
    """The view of a text that still grows; `unfinished`: the last line has no newline yet.

    Half-written marks wait until it is clear what they are, so that nothing flickers.
    """
    kept = list(lines)
    if unfinished and kept and _is_bare(kept[-1]):
        kept.pop()
    if kept and _may_be_header(kept[-1]):
        kept.pop()
    while kept and kept[-1].kind is Kind.BLANK and not kept[-1].item:
        kept.pop()
    if kept and kept[-1].kind is Kind.FENCE:
        kept.pop()
    if not kept:
        return ""
    if kept[-1].kind not in INLINE:
        return _closed(kept)
    first = _paragraph(kept)
    healed = heal("\n".join(line.content for line in kept[first:])).split("\n")
    while healed and FENCE.match(healed[-1].lstrip()):
        healed.pop()  # shortened, it would look like a fence
    shown = [line.shown for line in kept[:first]]
    shown += [line.lead + content for line, content in zip(kept[first:], healed, strict=False)]
    return _trimmed(shown)


def cut(lines: Sequence[Line]) -> tuple[str, str]:
    """The lasting view of a message that ends after these lines though the text goes on, and the emphasis marks with
    which the next one has to begin."""
    last = lines[-1]
    if isinstance(last.after.leaf, Fence):
        return _closed(lines), ""
    if last.kind not in INLINE:
        return _trimmed([line.shown for line in lines]), ""
    closing, marks = seal("\n".join(line.content for line in lines[_paragraph(lines) :]))
    goes_on = last.after.leaf is Flow.PARAGRAPH
    return _trimmed([line.shown for line in lines]) + closing, marks if goes_on else ""


def plain(lines: Sequence[Line]) -> str:
    """The text as far as it goes, nothing closed, nothing held back."""
    return _trimmed([line.shown for line in lines])


def common_start(one: str, other: str) -> str:
    """What both texts begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return one[:low]


def final(lines: Sequence[Line]) -> str:
    """The view of the last message of a whole text: as it was written, only a fence that was left open is closed."""
    return _closed(lines) if lines else ""


def _closed(lines: Sequence[Line]) -> str:
    shown = _trimmed([line.shown for line in lines])
    after = lines[-1].after
    if not isinstance(after.leaf, Fence) or not shown:
        return shown
    last = lines[-1]
    if after.fresh or (last.kind is Kind.CODE and after.leaf.is_closed_by(last.content)):
        return shown
    return f"{shown}\n{margin(after.boxes)}{after.leaf.closing}"


def _trimmed(shown: list[str]) -> str:
    text = "\n".join(shown).rstrip()
    if blank := LEADING_BLANK.match(text):
        text = text[blank.end() :]
    return text


def _paragraph(lines: Sequence[Line]) -> int:
    """Where the paragraph begins that the last of these lines belongs to."""
    first = len(lines) - 1
    while first and lines[first].joins:
        first -= 1
    return first


def _is_bare(line: Line) -> bool:
    """A mark without anything behind it yet: it might become a list item, a heading, a table's ruler, a closing fence."""
    leaf = line.before.leaf
    if isinstance(leaf, Fence) and line.kind in (Kind.CODE, Kind.BLANK):
        return not line.content.strip() or leaf.may_be_closed_by(line.content)
    if line.kind in (Kind.FENCE_END, Kind.FENCE):
        return line.kind is Kind.FENCE
    return BARE.fullmatch(line.shown) is not None


def _may_be_header(line: Line) -> bool:
    """Only the next line tells whether this is the head of a table."""
    return line.kind is Kind.TEXT and line.content.lstrip().startswith("|")
