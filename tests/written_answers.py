"""Answers as models write them, made up: every construct of Markdown in every other, within reason.

Each word and number is there once, so that one that is lost, doubled or moved is noticed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

CHINESE = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏"
ARABIC = ["مرحبا", "بالعالم", "العربية", "كتاب", "شمس"]
EMOJI = ["👩‍👩‍👧‍👦", "🇫🇷", "👍🏽", "⚠️", "😀", "e\u0301", "नि"]
LISTS = "-*0123456789"
DEEPEST = 2
LANGUAGES = ["", "python", "c++", "sh", 'js title="a"']


def answers(most: int = 8) -> st.SearchStrategy[str]:
    """Answers of some words up to some thousand characters. Each block has a seed of its own, so that a failure is told by the
    few blocks that it takes."""
    return st.lists(st.integers(0, 2**32), min_size=1, max_size=most).map(written)


def written(seeds: Sequence[int]) -> str:
    """One answer, a block for each seed."""
    number = itertools.count(1)
    blocks = [_Writer(Random(seed), number).block() for seed in seeds]
    return "\n\n".join("\n".join(block) for block in _apart(blocks))


def _apart(blocks: list[list[str]]) -> Iterator[list[str]]:
    """Two lists in a row might be one, and two quotes too, so that words stand between them."""
    before = ""
    for block in blocks:
        here = block[0][:1]
        if (before == here == ">") or (before and here in LISTS and before in LISTS):
            yield ["In between."]
        yield block
        before = here


class _Writer:
    """Writes blocks as its seed says, as lists of lines."""

    def __init__(self, random: Random, number: Iterator[int]) -> None:
        self._random, self._number = random, number

    def block(self) -> list[str]:
        return self._blocks(0, 1)[0]

    def _blocks(self, depth: int, count: int) -> list[list[str]]:
        kinds = [self._paragraph, self._paragraph, self._heading, self._code, self._table]
        return list(_apart([self._any(kinds, depth) for _ in range(count)]))

    def _any(self, kinds: list[Callable[[], list[str]]], depth: int) -> list[str]:
        if depth < DEEPEST:
            kinds = [*kinds, partial(self._list, depth + 1), partial(self._quote, depth + 1)]
        return self._one_of(kinds)()

    def _paragraph(self) -> list[str]:
        lines = [self._sentences() for _ in range(self._int(1, 3))]
        return [line.strip() for line in lines]

    def _heading(self) -> list[str]:
        return ["#" * self._int(1, 6) + " " + " ".join(self._atom() for _ in range(self._int(1, 3)))]

    def _code(self) -> list[str]:
        mark = self._one_of(["```", "```", "````", "~~~", "~~~~"])
        lines = [self._code_line(mark) for _ in range(self._int(1, 20))]
        return [mark + self._one_of(LANGUAGES), *lines, mark]

    def _code_line(self, mark: str) -> str:
        number = next(self._number)
        other = "~~~" if mark[0] == "`" else "```"
        lines = [f"x{number} = {number}", f"    if {number} < x > 0:  # *no* _emphasis_ <@U{number}>", ""]
        rare = [other, mark[:-1], f"{mark} {number}", f"- item {number}", f"| {number} | b |", f"> {number}"]
        return self._one_of([*lines, *lines, self._one_of(rare)])

    def _table(self) -> list[str]:
        columns = self._int(1, 4)
        side = self._one_of([":--", "--:", ":-:", "---"])
        head = [f"head{next(self._number)}" for _ in range(columns)]
        rows = [[self._cell() for _ in range(columns)] for _ in range(self._int(0, 12))]
        return [f"| {' | '.join(row)} |" for row in (head, [side] * columns, *rows)]

    def _cell(self) -> str:
        return " ".join(self._atom() for _ in range(self._int(1, 2))).replace("|", "\\|")

    def _list(self, depth: int) -> list[str]:
        sort = self._one_of(["-", "*", "1.", "1)"])
        first = self._int(1, 99)
        lines: list[str] = []
        for index in range(self._int(1, 6)):
            mark = sort if sort in "-*" else f"{first + index}{sort[1]}"
            task = self._one_of(["", "", "[ ] ", "[x] "]) if sort in "-*" else ""
            inside = self._item(depth)
            lines.append(f"{mark} {task}{inside[0]}")
            lines += [" " * (len(mark) + 1) + line if line else "" for line in inside[1:]]
        return lines

    def _item(self, depth: int) -> list[str]:
        lines = [self._sentences().strip()]
        if self._int(0, 3) == 0:
            for block in self._blocks(depth, 1):
                lines += ["", *block]
        return lines

    def _quote(self, depth: int) -> list[str]:
        lines: list[str] = []
        for block in self._blocks(depth, self._int(1, 2)):
            lines += ([""] if lines else []) + block
        return [f"> {line}".rstrip() for line in lines]

    # Words.

    def _sentences(self) -> str:
        return " ".join(self._sentence() for _ in range(self._int(1, 3)))

    def _sentence(self) -> str:
        if self._int(0, 5) == 0:
            start, end = self._int(0, 10), self._int(11, len(CHINESE))
            return f"{CHINESE[start:end]}{next(self._number)}，{CHINESE[end:]}{next(self._number)}。"
        return " ".join([self._word(), *(self._atom() for _ in range(self._int(2, 9)))]) + "."

    def _atom(self) -> str:
        number = next(self._number)
        words = [f"word{number}", f"w{number}", f"some{number} words{number}"]
        rich = [
            f"**bold{number} words{number}**",
            f"*slanted{number}*",
            f"**both{number} *of{number}* them{number}**",
            f"~~gone{number}~~",
            f"`code{number} + {number}`",
            f"``tick{number} ` {number}``",
            f"[link{number} words](https://example.org/{number}?a=1&b={number})",
            f"![picture{number}](https://example.org/{number}.png)",
            f"<https://example.org/auto/{number}>",
            f"https://example.org/plain/{number}",
            f"$x_{number}^2$",
            f"{number} < {number + 1} > 0",
            f"\\*{number}\\*",
            f"{self._one_of(ARABIC)}{number}",
            f"{self._one_of(EMOJI)}{self._one_of(EMOJI)}{number}",
            f"{CHINESE[: 2 + number % 9]}{number}",
        ]
        return self._one_of([*words, self._one_of(words), self._one_of(rich), self._one_of(rich)])

    def _word(self) -> str:
        return f"Word{next(self._number)}"

    # Drawing.

    def _int(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def _one_of(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)
