"""Mentions, written as people type them: `@Ada`. Within code they are only code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_CODE = r"```.*?(?:```|\Z)|``[^`\n]+``|`[^`\n]+`"


@lru_cache(maxsize=64)
def pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    """Finds code (no group) or a mention (`name`, and the blanks `after` it). Longer names come first, so
    that `@Ada Lovelace` is not taken for `@Ada`."""
    longest = sorted(names, key=len, reverse=True)
    return re.compile(
        rf"{_CODE}|(?<![\w@/])@(?P<name>{'|'.join(map(re.escape, longest))})(?!\w)(?P<after>[ \t]*)",
        re.DOTALL | re.IGNORECASE,
    )


def mentioned(text: str, name: str, names: Iterable[str]) -> bool:
    """Is `name`, one of all the `names`, mentioned?"""
    return any(_is(match, name) for match in pattern(tuple(names)).finditer(text))


def without(text: str, name: str, names: Iterable[str]) -> str:
    """The text as the bot gets it: mentions of `name` gone, with the comma or colon of an opening "@name,
    ..."; other mentions already are names."""
    text = pattern(tuple(names)).sub(lambda match: "" if _is(match, name) else match[0], text).strip()
    return text.lstrip(",:").lstrip() if text[:1] in (",", ":") else text


def _is(match: re.Match[str], name: str) -> bool:
    return match["name"] is not None and match["name"].casefold() == name.casefold()
