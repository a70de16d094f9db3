"""Tell a secret from a name, a sentence, or the place where a secret would go."""

from __future__ import annotations

import re
from collections import Counter
from math import log2

from bot.redaction.normalise import WIDE

ENDS = rf"\s\"'`<>{WIDE}"  # what ends a secret that is not quoted, for use inside a character class

_PLACEHOLDER = re.compile(
    r"\.\.\.|…|\*{3}|x{5}|X{5}|<|>|\$\{|\$\(|\{\{|%\(|\A%[sdrv]\b|FILTERED"
    r"|(?i:your|\bmy[-_]|insert|replace|change[-_]?(?:me|it|this)|placeholder|dummy|redacted|goes[-_]?here|[-_]here\b|here\Z)"
)


def is_placeholder(value: str) -> bool:
    """Whether the value only marks where a secret belongs: `YOUR_API_KEY`, `sk-...`, `xxxxx`, `<token>`, `${TOKEN}`."""
    head = value[:256]
    return len(set(head)) <= (3 if len(head) > 8 else 2) or _PLACEHOLDER.search(head) is not None


def entropy(value: str) -> float:
    """Shannon's entropy of the value's characters, in bits a character."""
    size = len(value)
    return -sum(count / size * log2(count / size) for count in Counter(value).values()) if size else 0.0


_PART = re.compile(r"[A-Za-z0-9]+")
# A word, words written together with capitals, a number, or such with a short number.
_VERSIONED = re.compile(
    r"(?:[A-Za-z]?[a-z]{0,14}(?:[A-Z]{1,4}[a-z]{2,14}){0,8}[A-Z]{0,4}|[A-Z]{0,14})\d{0,4}|\d+[A-Za-z]{0,2}"
)


def is_random(value: str) -> bool:
    """Whether some part of the value mixes letters and digits as only a machine does.

    `gpt-4o-mini-2024-07-18` and `user_token2` are names: their parts are words, numbers, or words with a number.
    """
    for part in _PART.findall(value[:512]):
        if len(part) >= 30 and len(re.findall("[a-z][A-Z]", part)) >= 6:
            return True
        enough = (len(part) >= 8 and _changes(part) >= 3) or len(part) >= 20
        if enough and not is_name(part) and any(map(str.isdigit, part)) and entropy(part) > 1.9:
            return True
    return False


def is_name(value: str) -> bool:
    """Whether every part of the value is a word, a number, or a word with a short number."""
    return all(_VERSIONED.fullmatch(part) for part in _PART.findall(value[:512]))


def _changes(part: str) -> int:
    """How often the part goes from letters to digits or back, or from small to large inside a word."""
    return len(re.findall(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])|(?<=[a-z])(?=[A-Z])", part))


def is_scrambled(value: str) -> bool:
    """Whether small letters give way to capitals more often than in words written together, digits or not."""
    head = value[:512]
    return len(head) >= 10 and len(re.findall("[a-z][A-Z]", head)) * 5 >= len(head)


def is_mixed(value: str) -> bool:
    """Whether the value has capitals, small letters and digits, changing as in no path or name (at least 10 times
    in 40 characters)."""
    if not (re.search("[a-z]", value) and re.search("[A-Z]", value) and re.search("[0-9]", value)):
        return False
    return _changes(value) * 40 >= 10 * len(value) and entropy(value) >= 4.0


def trailing_marks(value: str) -> int:
    """How many characters at the end of the value belong to the sentence it stands in."""
    return len(value) - len(value.rstrip(".,;:!?)]}"))
