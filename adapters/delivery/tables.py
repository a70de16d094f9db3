"""Tables for places that have none: rows of plain words, aligned by the cells that they take on a screen (pure).

A character of Chinese takes two cells, an emoji two, however many code points it is made of. A table that is too wide is made
narrower by breaking the words of its widest columns into lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, pairwise, zip_longest
from typing import Final

import regex
from markdown_it import MarkdownIt
from rich.cells import cell_len

from adapters.delivery.blocks import cells

WIDEST: Final = 76
"""Cells of a row, as wide as a window usually shows without breaking it."""
NARROWEST: Final = 6
BETWEEN: Final = " | "
BREAK: Final = regex.compile(r"<br\s*/?>", regex.IGNORECASE)
GRAPHEME: Final = regex.compile(r"\X")
_INLINE: Final = MarkdownIt("commonmark").enable("strikethrough")


def aligned(header: str, ruler: str, rows: Sequence[str]) -> list[str]:
    """The lines of a table, given as the source lines of its head, its ruler and its rows."""
    sides = [_side(cell) for cell in cells(ruler)]
    table = [_row(row, len(sides)) for row in (header, *rows)]
    widths = _widths(table, len(sides))
    head, *body = [_lines(row, widths, sides) for row in table]
    apart = BETWEEN.join(" " * width for width in widths).rstrip()
    for above, below in pairwise(body):
        if len(above) > 1 or len(below) > 1:
            above.append(apart)
    return [*head, "-+-".join("-" * width for width in widths), *chain.from_iterable(body)]


@lru_cache(maxsize=4_000)
def plain(cell: str) -> str:
    """The words of a cell, without the marks that mean nothing in code; what a link or a picture leads to stands behind it."""
    said, address = "", ""
    for token in _INLINE.parseInline(cell.replace("\\|", "|").replace("\t", " "))[0].children or []:
        if token.type == "link_open":
            address = str(token.attrGet("href") or "")
        elif token.type == "link_close":
            said += "" if said.endswith(address.removeprefix("mailto:")) else f" ({address})"
        elif token.type == "image":
            said += f"{token.content} ({token.attrGet('src')})"
        elif token.type == "html_inline":
            said += "\n" if BREAK.fullmatch(token.content) else token.content
        elif token.type in ("text", "code_inline"):
            said += token.content
        elif token.type.endswith("break"):
            said += " "
    return said.strip()


def _side(cell: str) -> str:
    """Where a column's words stand: `<`, `>` or `^`."""
    left, right = cell.startswith(":"), cell.endswith(":")
    return "^" if left and right else ">" if right else "<"


def _row(source: str, columns: int) -> list[str]:
    """As many cells as the table has columns; what is too much stays in the last one."""
    given = [plain(cell) for cell in cells(source)]
    given += [""] * (columns - len(given))
    return [*given[: columns - 1], BETWEEN.join(given[columns - 1 :])]


def _widths(table: list[list[str]], columns: int) -> list[int]:
    wanted = [
        max(1, *(cell_len(line) for row in table for line in row[column].split("\n")))
        for column in range(columns)
    ]
    room, cap = WIDEST - len(BETWEEN) * (columns - 1), max(wanted)
    while cap > NARROWEST and sum(min(width, cap) for width in wanted) > room:
        cap -= 1
    return [min(width, cap) for width in wanted]


def _lines(row: list[str], widths: list[int], sides: list[str]) -> list[str]:
    """One row, as the lines that it takes."""
    columns = [_broken(cell, width) for cell, width in zip(row, widths, strict=True)]
    return [
        BETWEEN.join(_padded(*cell) for cell in zip(line, widths, sides, strict=True)).rstrip()
        for line in zip_longest(*columns, fillvalue="")
    ]


def _broken(words: str, width: int) -> list[str]:
    lines = []
    for given in words.split("\n"):
        line = given
        while cell_len(line) > width:
            full = _fitting(line, width)
            blank = line.rfind(" ", 1, full + 1)
            at = blank if blank > 0 else full
            lines.append(line[:at].rstrip())
            line = line[at:].lstrip()
        lines.append(line)
    return lines


def _fitting(line: str, width: int) -> int:
    """How much of a line fits, without breaking a character."""
    at = taken = 0
    for grapheme in GRAPHEME.finditer(line):
        taken += cell_len(grapheme.group())
        if taken > width and at:
            break
        at = grapheme.end()
    return at


def _padded(words: str, width: int, side: str) -> str:
    missing = width - cell_len(words)
    before = {"<": 0, ">": missing, "^": missing // 2}[side]
    return " " * before + words + " " * (missing - before)
