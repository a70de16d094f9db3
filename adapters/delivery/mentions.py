"""Nothing a model writes may ping anybody: how each platform's text is made harmless (pure).

Single characters are changed, never whole tokens, so that a mention that is split over two deltas or two messages is as harmless as
one in a piece.
"""

from __future__ import annotations

import regex

_AUTOLINK = regex.compile(r"<((?:https?://|mailto:)[^\s<>|]+)>")
_HALF_ADDRESS = regex.compile(r"<[^\s<>]{0,300}\Z")
_QUOTE = regex.compile(r"(?m)^([ ]{0,3}(?:>[ ]?)+)")
_BREAK = regex.compile(r"<br/?>", regex.IGNORECASE)
_CODE = regex.compile(r"(?s)(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`)")
JOINER = "\u2060"
"""WORD JOINER: no width, and no longer a mention."""


def slack_markdown(text: str) -> str:
    """For Markdown blocks: Slack reads `<!channel>`, `<@U1>` and their like there as in mrkdwn, so no bare `<` or `>` is left.

    Quotes keep their `>` at the start of a line, autolinks become plain addresses, `<br>` in a table's cell is a blank, and `&` stays,
    since links are full of it.
    """
    pieces = _CODE.split(text)
    plain = "".join(
        piece if number % 2 else _AUTOLINK.sub(r"\1", piece) for number, piece in enumerate(pieces)
    )
    return "\n".join(_escape_line(line) for line in plain.split("\n"))


def without_half_address(text: str) -> str:
    """A text that goes on, without an address in angle brackets that has only begun: its first bracket may go."""
    return _HALF_ADDRESS.sub("", text)


def _escape_line(line: str) -> str:
    if line.lstrip().startswith("|"):
        line = _BREAK.sub(" ", line)
    quote = _QUOTE.match(line)
    start = quote.end() if quote else 0
    return line[:start] + line[start:].replace("<", "&lt;").replace(">", "&gt;")
