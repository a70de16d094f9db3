"""Markdown as a reader sees it, read by markdown-it: each letter with all that it is: bold, a link, in a quote, in code ...

Two texts that are read alike say the same in the same style, however they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

MARKDOWN = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"])
SPANS = {"strong", "em", "s"}
Letter = tuple[str, tuple[str, ...]]


@dataclass
class Read:
    """What was read: the letters, the heads of tables apart, the marks of list items, the lines of code, and what is in one piece:
    inline code, links, pictures, a table's rows."""

    letters: list[Letter] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)


def read(text: str) -> Read:
    """Read a message. Blanks are left out, and the head of a table is no letters."""
    return _Reader().read(MARKDOWN.parse(text))


def joined(texts: Iterable[str]) -> Read:
    """Several messages, as one goes on reading."""
    whole = Read()
    for text in texts:
        part = read(text)
        whole.letters += part.letters
        whole.heads += part.heads
        whole.items += part.items
        whole.code += part.code
        whole.pieces += part.pieces
    return whole


def stands_for_itself(text: str) -> bool:
    """Whether every fence is closed: what comes after the message is outside of it."""
    marked = f"{text}\n\nSENTINEL"
    tokens = MARKDOWN.parse(marked)
    return any(token.type == "inline" and "SENTINEL" in token.content for token in tokens)


class _Reader:
    def __init__(self) -> None:
        self.found = Read()
        self.quotes, self.heading, self.head = 0, "", False
        self.numbers: list[int | None] = []
        self.row: list[str] = []

    def read(self, tokens: Sequence[Token]) -> Read:
        for token in tokens:
            self._block(token)
        return self.found

    def _block(self, token: Token) -> None:  # noqa: C901 - one case for each kind of token
        match token.type:
            case "blockquote_open" | "blockquote_close":
                self.quotes += token.nesting
            case "ordered_list_open":
                self.numbers.append(int(token.attrGet("start") or 1))
            case "bullet_list_open":
                self.numbers.append(None)
            case "ordered_list_close" | "bullet_list_close":
                self.numbers.pop()
            case "list_item_open":
                self._item()
            case "heading_open" | "heading_close":
                self.heading = token.tag if token.nesting > 0 else ""
            case "thead_open" | "thead_close":
                self.head = token.nesting > 0
            case "tr_open":
                self.row = []
            case "tr_close" if not self.head:
                self.found.pieces.append(f"row {self.row}")
            case "fence" | "code_block":
                self._code(token)
            case "inline":
                self._words(token)

    def _item(self) -> None:
        number = self.numbers[-1]
        self.found.items.append("-" if number is None else str(number))
        self.numbers[-1] = None if number is None else number + 1

    def _code(self, token: Token) -> None:
        self.found.code += [line for line in token.content.split("\n") if line.strip()]
        style = (f"code {token.info.strip()}", f"quote {self.quotes}")
        self.found.letters += [(one, style) for one in token.content if not one.isspace()]

    def _words(self, token: Token) -> None:
        self.row.append(token.content)
        children = token.children or []
        letters = list(_inline(children, (self.heading, f"quote {self.quotes}")))
        if self.head:
            self.found.heads.append("".join(one for one, _ in letters))
            return
        self.found.letters += letters
        for child in children:
            if child.type == "code_inline":
                self.found.pieces.append(f"code {child.content}")
            elif child.type in ("link_open", "image"):
                self.found.pieces.append(f"{child.type} {child.attrGet('href') or child.attrGet('src')}")


def _inline(tokens: list[Token], outside: tuple[str, ...]) -> Iterator[Letter]:
    styles: list[str] = []
    for token in tokens:
        name = token.type.removesuffix("_open").removesuffix("_close")
        if name in SPANS:
            styles.append(name) if token.nesting > 0 else styles.remove(name)
        elif name == "link":
            if token.nesting > 0:
                styles.append(f"link {token.attrGet('href')}")
            else:
                styles.pop()
        elif token.type in ("text", "html_inline"):
            yield from _letters(token.content, outside, styles)
        elif token.type == "code_inline":
            yield from _letters(token.content, outside, [*styles, "code"])
        elif token.type == "image":
            yield from _letters(token.content, outside, [*styles, f"picture {token.attrGet('src')}"])


def _letters(text: str, outside: tuple[str, ...], styles: list[str]) -> Iterator[Letter]:
    style = (*outside, *sorted(styles))
    return ((one, style) for one in text if not one.isspace())
