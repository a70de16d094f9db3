"""Slack's text format, read: what people wrote, without Slack's escapes (pure).

Slack hands over `&amp; &lt; &gt;` for the three characters and puts everything of its own in angle brackets: `<@U1|name>`,
`<#C1|name>`, `<!here>`, `<!subteam^S1|@name>`, `<!date^…|text>`, `<https://…|label>` ("Formatting text for app surfaces").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from markdown_it import MarkdownIt

from adapters.delivery.mentions import slack_markdown

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_TOKEN = re.compile(r"<([^<>\n]*)>")
_NAMED = re.compile(r"&lt;@([UW][A-Z0-9]+)&gt;")
_USER = re.compile(r"<@([A-Z0-9]+)(?:\|[^<>\n]*)?>")


_LINK = re.compile(r"https://[\w.-]+/archives/\w+/p(\d{10})(\d{6})")


def linked(text: str) -> str:
    """The timestamp of the message that a text links to."""
    found = _LINK.search(text)
    return f"{found[1]}.{found[2]}" if found else ""


def user_ids(text: str) -> set[str]:
    """Everybody who is mentioned."""
    return set(_USER.findall(text))


def readable(text: str, bot: str, names: Mapping[str, str]) -> str:
    """The text as it was meant: mentions as names, links readable, escapes undone, the bot's own mention left out."""
    plain = _TOKEN.sub(lambda match: _meaning(match[1], bot, names), text)
    return _unescape(plain).strip()


def escape(text: str) -> str:
    """Text that Slack will show as it is, and never read as a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def spoken(text: str, private: bool) -> str:
    """What the bot says itself, for a Markdown block. Words of others may stand in it, so that nobody is called; what only one
    person sees calls nobody anyway, so that people are named there as Slack does it."""
    harmless = slack_markdown(text)
    return _NAMED.sub(r"<@\1>", harmless) if private else harmless


def preview(markdown: str, longest: int) -> str:
    """The first words of a Markdown block, as a notification shows them: without marks, and harmless."""
    said = " ".join(" ".join(_words(markdown[: 4 * longest])).split())
    return escape(said if len(said) <= longest else said[: longest - 1].rstrip() + "…")


def _words(markdown: str) -> Iterator[str]:
    for token in _MARKDOWN.parse(_unescape(markdown)):
        if token.type == "inline":
            yield "".join(
                child.content or " " * child.type.endswith("break") for child in token.children or []
            )
        elif token.type in ("fence", "code_block"):
            yield token.content


def _meaning(token: str, bot: str, names: Mapping[str, str]) -> str:
    target, _, label = token.partition("|")
    match target[:1]:
        case "@":
            user = target[1:]
            return "" if user == bot else f"@{names.get(user) or label or user}"
        case "#":
            return f"#{label or names.get(target[1:]) or target[1:]}"
        case "!":
            return label or f"@{target[1:].partition('^')[0]}"
    address = target.removeprefix("mailto:").removeprefix("tel:")
    return address if not label or label in (address, target) else f"[{label}]({address})"


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
