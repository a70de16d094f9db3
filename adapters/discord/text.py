"""Discord's text format, read: what people wrote, with Discord's own tokens made readable (pure).

`<@1>` and `<@!1>` are people, `<@&1>` roles, `<#1>` channels, `<:name:1>` and `<a:name:1>` custom emoji, `<t:1:R>` times and
`</name:1>` commands ("Message formatting").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

_TOKEN = re.compile(r"<(@!?|@&|#)(\d+)>|<a?:(\w+):\d+>|<t:(-?\d{1,12})(?::[tTdDfFR])?>|</([^:<>]+):\d+>")


_LINK = re.compile(r"https://(?:\w+\.)?discord(?:app)?\.com/channels/(?:\d+|@me)/\d+/(\d+)")


def linked(text: str) -> str:
    """The id of the message that a text links to."""
    found = _LINK.search(text)
    return found[1] if found else ""


def mentions(text: str, user: int) -> bool:
    """Whether that user is mentioned by name."""
    return f"<@{user}>" in text or f"<@!{user}>" in text


def readable(text: str, ours: frozenset[int], names: Mapping[int, str]) -> str:
    """The text as it was meant. `ours` are the bot's own ids (its user, its role): their mentions are left out."""
    return _TOKEN.sub(lambda match: _meaning(match, ours, names), text).strip()


def _meaning(match: re.Match[str], ours: frozenset[int], names: Mapping[int, str]) -> str:
    sigil, number, emoji, time, command = match.groups()
    if emoji:
        return f":{emoji}:"
    if command:
        return f"/{command}"
    if time:
        return f"{datetime.fromtimestamp(int(time), UTC):%Y-%m-%d %H:%M} UTC"
    if int(number) in ours:
        return ""
    return ("#" if sigil == "#" else "@") + names.get(int(number), number)
