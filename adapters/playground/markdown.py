"""Messages as HTML for the page. No HTML of a message's own gets through, nothing is fetched from elsewhere.

Code is coloured by Pygments as classes; an image becomes a link to it; a mention of somebody here becomes a
mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from adapters.playground.mentions import pattern

_ICON = '<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>'
_AWAY = {"rel": "noopener nofollow", "target": "_blank"}
_ADDRESS = re.compile(r"""\bhttps?://[^\s<>"`\\]*[^\s<>"`\\.,:;!?'*_~)\]]""")

_TASK = re.compile(r"\[([ xX])\](?= )")
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_TABLE_BEGUN = re.compile(r"(?:\A|(?<=\n)(?<!\|\n))\|[^\n]*(?:\n[|: -]*)?\Z")


@lru_cache(maxsize=2_000)
def to_html(text: str, names: tuple[str, ...], growing: bool = False) -> str:
    """The message's Markdown as HTML; `names` are those that can be mentioned. Of a text that still grows, the last
    code is not coloured yet, which is by far the slowest step, and a table is held back until it is known to be one."""
    if growing:
        text = _TABLE_BEGUN.sub("", text)
    html: str = _markdown().render(text, {"names": names, "growing": growing})
    return html


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    markdown.core.ruler.push("marks", _mark)
    markdown.core.ruler.push("sides", _side)
    markdown.core.ruler.push("boxes", _boxes)
    rules: Mapping[str, Callable[..., str]] = {
        "link_open": _link_open,
        "image": _image,
        "fence": _fence,
        "code_block": _fence,
        "table_open": lambda *_: '<div class="table" dir="auto"><table>',
        "table_close": lambda *_: "</table></div>\n",
        "th_open": _cell,
        "td_open": _cell,
        "heading_open": lambda _self, tokens, index, *_: (
            f'<p class="heading {tokens[index].tag}" dir="auto">'
        ),
        "heading_close": lambda *_: "</p>\n",
        "mention": lambda _self, tokens, index, *_: (
            f'<span class="mention">@{escape(tokens[index].content)}</span>'
        ),
    }
    for name, rule in rules.items():
        markdown.add_render_rule(name, rule)
    return markdown


def _mark(state: StateCore) -> None:
    """Split the text tokens at mentions and bare addresses. Code is a token of its own kind, and so stays as
    it is."""
    names: tuple[str, ...] = state.env["names"]
    for block in state.tokens:
        if block.type != "inline" or not block.children:
            continue
        children: list[Token] = []
        within = 0
        for token in block.children:
            within += token.nesting if token.type in ("link_open", "link_close") else 0
            children += _split(token, names) if token.type == "text" and not within else [token]
        block.children = children


def _boxes(state: StateCore) -> None:
    """A list of things to do has boxes, and a line may be broken in a table's cell, where Markdown has no other way to."""
    for before, block in pairwise(state.tokens):
        if block.type != "inline" or not block.children:
            continue
        first = block.children[0]
        if before.level and before.type == "paragraph_open" and (task := _TASK.match(first.content)):
            first.content = ("☐" if task[1] == " " else "☑") + first.content[task.end() :]
        if before.type in ("td_open", "th_open"):
            block.children = [piece for child in block.children for piece in _broken(child)]


def _broken(token: Token) -> Iterator[Token]:
    for number, words in enumerate(_BREAK.split(token.content) if token.type == "text" else ()):
        if number:
            yield Token("hardbreak", "br", 0)
        yield _token("text", words)
    if token.type != "text":
        yield token


def _side(state: StateCore) -> None:
    """Each block stands on the side where its own words begin: Arabic and Hebrew on the right."""
    for block in state.tokens:
        if block.level == 0 and block.nesting == 1:
            block.attrSet("dir", "auto")


def _split(token: Token, names: tuple[str, ...]) -> Iterator[Token]:
    end = 0
    for start, stop, pieces in _marks(token.content, names):
        if start >= end:
            yield _token("text", token.content[end:start])
            yield from pieces
            end = stop
    yield _token("text", token.content[end:])


def _marks(text: str, names: tuple[str, ...]) -> list[tuple[int, int, list[Token]]]:
    """Where a mention or an address stands, and the tokens to put there."""
    marks = [(*match.span(), _link(match[0])) for match in _ADDRESS.finditer(text)]
    found = [match for match in pattern(names).finditer(text) if match["name"] is not None]
    marks += [(match.start(), match.end("name"), [_token("mention", match["name"])]) for match in found]
    return sorted(marks, key=lambda mark: mark[0])


def _link(address: str) -> list[Token]:
    return [
        Token("link_open", "a", 1, attrs={"href": address}),
        _token("text", address),
        Token("link_close", "a", -1),
    ]


def _token(kind: str, content: str) -> Token:
    return Token(kind, "", 0, content=content)


def _link_open(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any
) -> str:
    tokens[index].attrs.update(_AWAY)
    return self.renderToken(tokens, index, options, env)


def _image(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
    """Loading a picture would tell its server who reads the message, so there is only a link to it."""
    source = escape(str(tokens[index].attrGet("src") or ""))
    label = escape(tokens[index].content) or source
    if sum(token.nesting for token in tokens[:index] if token.type in ("link_open", "link_close")):
        return label
    away = " ".join(f'{name}="{value}"' for name, value in _AWAY.items())
    return f'<a class="picture" href="{source}" {away}>{_ICON.format("picture")}{label}</a>'


def _cell(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
    """The page's policy allows no inline style: the alignment becomes a class."""
    align = str(tokens[index].attrs.pop("style", "")).removeprefix("text-align:")
    if align:
        tokens[index].attrSet("class", align)
    return self.renderToken(tokens, index, options, env)


def _fence(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
    content, language = tokens[index].content, (tokens[index].info.split() or [""])[0]
    growing = env["growing"] and index == len(tokens) - 1
    code = escape(content) if growing or not language else _colour(content, language)
    kind = f' class="language-{escape(language)}"' if language else ""
    label = escape(language) or "text"
    copy = f'<button type="button" class="quiet" data-do="copy-code">{_ICON.format("copy")}<span>Copy</span></button>'
    bar = f'<div class="code-bar"><span class="code-language">{label}</span>{copy}</div>'
    return f'<div class="code" dir="ltr">{bar}<pre><code{kind}>{code}</code></pre></div>\n'


@lru_cache(maxsize=500)
def _colour(code: str, language: str) -> str:
    lexer = _lexer(language.lower())
    return str(highlight(code, lexer, _FORMATTER)) if lexer else escape(code)


_FORMATTER: HtmlFormatter[str] = HtmlFormatter(nowrap=True, classprefix="hl-")


@lru_cache(maxsize=200)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language[:40], stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
