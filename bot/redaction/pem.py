"""Private keys in PEM (RFC 7468, RFC 1421 for the older headers, RFC 9580 for OpenPGP) and PuTTY's form, whole or cut off.

A key is followed item by item and never held: from its header on it is masked for certain, and only the place where
it ends has to be found.
"""

from __future__ import annotations

import re

from bot.redaction.findings import PLACEHOLDER

# What stands between a key's lines when it is quoted, indented, or written as a string in a program.
_FILLER = r"(?:[\s\"'`,|>#;()*.:+]|\\{1,2}[nrt]?)"
_BODY = r"[A-Za-z0-9+/=]"
_BEGIN = "-----BEGIN "
_PUTTY = "Private-Lines: "
_HEADER = rf"(?:{_BEGIN}[A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----|{_PUTTY}\d{{1,3}}(?!\d))"
_FIELD = r"(?:Proc-Type|DEK-Info|Version|Comment|Charset|Hash|MessageID|X-[\w-]{1,20}) ?: [^\n]{0,120}"
_FILLER_LIMIT = 48

# A placeholder, or a key: its header, and enough behind it to know that a key follows.
_BARRIER = re.compile(
    rf"{PLACEHOLDER}|(?P<key>{_HEADER})(?={_FILLER}{{0,{_FILLER_LIMIT}}}(?:{_BODY}{{16}}|{_FIELD}))"
)
# At the end of the text less is enough.
_CLOSING_KEY = re.compile(rf"(?P<key>{_HEADER})(?={_FILLER}{{1,{_FILLER_LIMIT}}}{_BODY}{{1,15}}\Z)")
_UNFINISHED = re.compile(
    rf"(?:{_PUTTY}\d{{0,3}}|{_BEGIN}[A-Z0-9 ]{{0,58}}-{{0,5}}"
    rf"|{_HEADER}{_FILLER}{{0,{_FILLER_LIMIT}}}(?:{_BODY}{{0,15}}|[A-Z][\w-]{{0,24}} ?:?))\Z"
)
WINDOW = 256  # characters of the view that settle what comes next

_ITEM = re.compile(
    rf"(?P<end>-----END [A-Z0-9 ]{{0,58}}-----)"
    rf"|(?P<body>{_FIELD}|{_BODY}{{16,}}+|={_BODY}{{4}}(?!{_BODY})|{_BODY}{{0,15}}=(?!{_BODY})"
    rf"|{_BODY}{{1,15}}(?={_FILLER}{{0,{_FILLER_LIMIT}}}-----END ))"
    rf"|(?P<filler>\\{{1,2}}[nrt]?|{_FILLER})"
)
_LAST = re.compile(rf"{_BODY}{{1,15}}\Z")


def next_barrier(text: str, start: int, *, final: bool) -> re.Match[str] | None:
    """The next placeholder or key (then the match's last group is `key`); `final`: nothing will come behind the text."""
    if not any(text.find(mark, start) >= 0 for mark in ("[FILTERED:", "<", _BEGIN, _PUTTY)):
        return None
    return _BARRIER.search(text, start) or (_CLOSING_KEY.search(text, start) if final else None)


def unfinished_from(text: str, start: int) -> int:
    """Where a key may begin of whose header the end of the text has only a part; the text's length if nowhere."""
    for begin in (_BEGIN, _PUTTY):
        at = text.rfind(begin, max(start, len(text) - WINDOW))
        if at >= 0 and _UNFINISHED.match(text, at):
            return at
    most = min(max(len(_BEGIN), len(_PUTTY)), len(text) - start)
    for size in range(most, 0, -1):
        if (_BEGIN.startswith(end := text[-size:])) or _PUTTY.startswith(end):
            return len(text) - size
    return len(text)


class KeyReader:
    """Goes through a key behind its header.

    `position` is how far it has read, `end` where the last certain part of the key ends: indices of a text that the
    caller may shorten at the front, telling so by `shift`.
    """

    __slots__ = ("_filler", "end", "position")

    def __init__(self, start: int) -> None:
        self.position = self.end = start
        self._filler = 0

    def read(self, text: str, *, final: bool) -> bool:
        """Read on; whether the key has ended."""
        while final or len(text) - self.position >= WINDOW:
            match = _ITEM.match(text, self.position)
            if match is None:
                self._read_last(text, final=final)
                return True
            self.position = match.end()
            if match["filler"]:
                self._filler += 1
                if self._filler > _FILLER_LIMIT:
                    return True
                continue
            self._filler = 0
            self.end = self.position
            if match["end"]:
                return True
            if self.end == len(text) and not final:  # the line may go on: leave enough of it to know it by
                self.position = self.end = self.end - 16
        return False

    def _read_last(self, text: str, *, final: bool) -> None:
        """At the end of the text the beginning of another line belongs to the key."""
        gap = text[self.end : self.position]
        if final and ("\n" in gap or "\\" in gap) and (match := _LAST.match(text, self.position)):
            self.position = self.end = match.end()

    def shift(self, count: int) -> None:
        """The text lost `count` characters at its front."""
        self.position -= count
        self.end -= count
