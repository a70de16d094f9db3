"""From the model's Markdown to what Discord shows of it (pure).

Discord knows headings of three levels, lists, quotes, links and code between three backticks ("Markdown Text 101"). What it
does not know becomes the nearest that it does: tables are aligned in code, deeper headings bold, pictures links; `~~~` and
indented code are fenced with backticks. Its own `allowed_mentions` keep everybody from being pinged; beside them `@everyone`
and `@here` are broken up wherever they could be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final

import regex

from adapters.delivery.blocks import lines_of
from adapters.delivery.markup import Fence, Kind, Line, margin
from adapters.delivery.mentions import JOINER
from adapters.delivery.tables import aligned

FENCE: Final = "```"
LEVELS: Final = 3
RULE: Final = "─" * 20
LANGUAGE: Final = regex.compile(r"[A-Za-z0-9_+\-.#]+")
HEADING: Final = regex.compile(r"(?P<level>#+)[ \t]*(?P<words>.*?)(?:[ \t]+#+)?[ \t]*$")
TASK: Final = regex.compile(r"\[(?P<done>[ xX])\](?=[ \t])")
TICKS: Final = regex.compile(r"`{3,}")
CODE: Final = r"(?P<code>(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=ticks)(?!`))"
STRONG: Final = regex.compile(rf"{CODE}|(?P<mark>\*\*|__)", regex.DOTALL)
BROADCAST: Final = regex.compile(r"@(?=everyone|here)", regex.IGNORECASE)
INLINE: Final = regex.compile(
    rf"(?P<escaped>\\[`!\\])|{CODE}|(?P<loose>`{{3,}})|(?P<address>https?://[^\s<>]+)"
    r"|(?P<image>!(?=\[[^\]\n]*\]\())|(?P<cast>@(?=everyone|here))",
    regex.DOTALL | regex.IGNORECASE,
)
ITS_CODE: Final = regex.compile(
    r"(?P<code>(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`))|(?P<cast>@(?=everyone|here))",
    regex.DOTALL | regex.IGNORECASE,
)
"""What Discord takes for code, or else a broadcast: it knows no paragraphs and no lines."""


@lru_cache(maxsize=64)
def shown(text: str) -> str:
    """The text of one message. It stands for itself: whatever is open in it is closed at its end. Kept for a moment, since it is
    measured before it is sent."""
    return ITS_CODE.sub(_quiet, _Writer(lines_of(text)).text())


class _Writer:
    """Goes through the lines once; each line written is code or not."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines, self._at = lines, 0
        self._written: list[tuple[bool, str]] = []

    def text(self) -> str:
        while self._at < len(self._lines):
            self._next()
        blocks = groupby(self._written, key=lambda line: line[0])
        joined = (("\n".join(line for _, line in block), code) for code, block in blocks)
        return "\n".join(block if code else INLINE.sub(_harmless, block) for block, code in joined)

    def _next(self) -> None:
        line = self._lines[self._at]
        after = self._lines[self._at + 1] if self._at + 1 < len(self._lines) else None
        if line.kind is Kind.FENCE:
            self._fence(line)
        elif line.kind is Kind.INDENTED:
            self._indented(line)
        elif after is not None and after.kind is Kind.RULER:
            self._table(line)
        else:
            self._words(line, after)
            self._at += 1

    def _words(self, line: Line, after: Line | None) -> None:
        content = line.content
        match line.kind:
            case Kind.HEADING:
                content = _heading(content)
            case Kind.RULE:
                content = RULE
            case Kind.UNDERLINE:
                return
            case _ if line.item and (task := TASK.match(content)):
                content = ("☐" if task["done"] == " " else "☑") + content[task.end() :]
        if after is not None and after.kind is Kind.UNDERLINE and not line.joins:
            content = f"{'#' if after.content.lstrip().startswith('=') else '##'} {content.strip()}"
        self._written.append((False, line.lead + content))

    def _fence(self, opening: Line) -> None:
        leaf = opening.after.leaf
        info = leaf.info.split() if isinstance(leaf, Fence) else []
        language = info[0] if info and LANGUAGE.fullmatch(info[0]) else ""
        first, self._at = self._at + 1, self._at + 1
        while self._at < len(self._lines) and self._lines[self._at].kind is Kind.CODE:
            self._at += 1
        body = self._lines[first : self._at]
        self._at += self._at < len(self._lines) and self._lines[self._at].kind is Kind.FENCE_END
        self._code(opening, language, [(line.lead, line.content) for line in body])

    def _indented(self, first: Line) -> None:
        body: list[Line] = []
        for line in self._lines[self._at :]:
            if line.kind not in (Kind.INDENTED, Kind.BLANK) or (line.item and body):
                break
            body.append(line)
        while body[-1].kind is Kind.BLANK:
            body.pop()
        self._at += len(body)
        self._code(first, "", [(line.lead, line.content.expandtabs(4)[4:]) for line in body])

    def _table(self, header: Line) -> None:
        ruler = self._lines[self._at + 1]
        self._at += 2
        first = self._at
        while self._at < len(self._lines) and self._lines[self._at].kind is Kind.ROW:
            self._at += 1
        rows = [line.content for line in self._lines[first : self._at]]
        table = aligned(header.content, ruler.content, rows)
        self._code(header, "", [(ruler.lead, line) for line in table])

    def _code(self, first: Line, language: str, body: Sequence[tuple[str, str]]) -> None:
        """A code block; its first line may hold the mark of the list item that it begins."""
        self._written.append((True, first.lead + FENCE + language))
        self._written += [(True, before + TICKS.sub(_apart, content)) for before, content in body]
        self._written.append((True, margin(first.after.boxes) + FENCE))


def _heading(content: str) -> str:
    found = HEADING.match(content.strip())
    if found is None or not found["words"]:
        return ""
    level, words = len(found["level"]), found["words"]
    if level <= LEVELS:
        return f"{found['level']} {words}"
    return f"**{STRONG.sub(lambda mark: mark['code'] or '', words).strip()}**"


def _harmless(found: regex.Match[str]) -> str:
    """Words outside of code blocks: an address keeps leading where it did, a picture is a link to it."""
    if found["address"]:
        return BROADCAST.sub("%40", found["address"])
    if found["loose"]:
        return _apart(found)
    return "" if found["image"] else _quiet(found)


def _quiet(found: regex.Match[str]) -> str:
    return "@" + JOINER if found["cast"] else found.group()


def _apart(ticks: regex.Match[str]) -> str:
    """Backticks that would begin or end code, since Discord counts no more than three."""
    return JOINER.join(ticks.group())
