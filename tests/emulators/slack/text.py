"""Slack's text: what typing becomes on the wire, what a reader sees, and whom a message pings.

Rules: docs.slack.dev "Formatting message text" (escaping, `<...>` tokens, `link_names`, `parse`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]

BROADCASTS = ("channel", "here", "everyone")
TOKEN = re.compile(r"<([@#!]?)([^<>|\n]+)(?:\|([^<>\n]*))?>")
_URL = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?)\]'\"]")
_NAME = re.compile(r"(?<![\w&;@#/])([@#])([\w.\-]*\w)")


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def typed(text: str, people: Mapping[str, str], rooms: Mapping[str, str], *, labels: bool = False) -> str:
    """What a person's typing becomes: escaped, with `@name`, `#name` and links as tokens.

    `people` and `rooms` map names to ids; `labels` keeps the name in the token, as in slash commands.
    """

    def token(match: re.Match[str]) -> str:
        sigil, name = match.groups()
        if sigil == "@" and name in BROADCASTS:
            return f"<!{name}>"
        known = (people if sigil == "@" else rooms).get(name)
        if known is None:
            return match.group()
        return f"<{sigil}{known}|{name}>" if labels or sigil == "#" else f"<{sigil}{known}>"

    pieces, at = [], 0
    escaped = escape(text)
    for link in _URL.finditer(escaped):
        pieces += [_NAME.sub(token, escaped[at : link.start()]), f"<{link.group()}>"]
        at = link.end()
    return "".join([*pieces, _NAME.sub(token, escaped[at:])])


def shown(text: str, name_of: Callable[[str], str]) -> str:
    """What a reader sees of wire text: tokens rendered, entities decoded."""

    def render(match: re.Match[str]) -> str:
        sigil, target, label = match.groups()
        if sigil == "@":
            return "@" + name_of(target)
        if sigil == "#":
            return "#" + (label or name_of(target))
        if sigil == "!":
            return label or "@" + target.partition("^")[0]
        return label or target

    return unescape(TOKEN.sub(render, text))


def pings(text: str, names: Mapping[str, str] | None = None) -> set[str]:
    """Whom wire text pings: user ids, user group ids and `channel`, `here`, `everyone`.

    With `names` (as by `link_names` or `parse=full`) a plain `@name` pings too. Escaped text never does.
    """
    found = set()
    for sigil, target, _ in TOKEN.findall(text):
        person = sigil == "@" and re.fullmatch(r"[UW][A-Z0-9]+", target)
        if person or (sigil == "!" and target in BROADCASTS):
            found.add(target)
        elif sigil == "!" and target.startswith("subteam^"):
            found.add(target.removeprefix("subteam^"))
    if names is not None:
        for sigil, name in _NAME.findall(text):
            if sigil == "@" and (name in BROADCASTS or name in names):
                found.add(names.get(name, name))
    return found


def rich_text(text: str) -> Json:
    """The `rich_text` block that Slack attaches to what people type."""
    return {
        "type": "rich_text",
        "block_id": "typed",
        "elements": [{"type": "rich_text_section", "elements": list(_elements(text))}],
    }


def _elements(text: str) -> Iterator[Json]:
    at = 0
    for match in TOKEN.finditer(text):
        if match.start() > at:
            yield {"type": "text", "text": unescape(text[at : match.start()])}
        sigil, target, _ = match.groups()
        if sigil == "@":
            yield {"type": "user", "user_id": target}
        elif sigil == "#":
            yield {"type": "channel", "channel_id": target}
        elif sigil == "!":
            yield {"type": "broadcast", "range": target}
        else:
            yield {"type": "link", "url": unescape(target)}
        at = match.end()
    if at < len(text):
        yield {"type": "text", "text": unescape(text[at:])}
