"""Cut a text where nothing can be lost: between words that no rule could join.

Most of a text is *cold*: white space, ideographs and plain words, in which only the operator's words can be found.
The rest are *clusters*: a token with a digit or a symbol in it, together with the following tokens of the same line
that may belong to one number ("+86 138 0013 8000", "GB29 NWBK 6016 ..."). Rules look at one cluster at a time.
Where a cluster ends depends only on the characters up to there and a few beyond, so that a text is cut at the same
places however it arrives.
"""

from __future__ import annotations

import re

from bot.redaction.normalise import WIDE

# Sizes in characters of the view.
HOLD = 4096  # a longer cluster is cut
REACH = 1024  # a cut cluster is searched this far beyond the cut; no bounded rule finds anything longer
LOOK_AHEAD = 12  # behind a cluster, what may decide whether it goes on
CONTEXT = 64  # before a finding, what a rule may read

_TOKEN = rf"[^\s{WIDE}]"
_LETTERS = rf"[^\W\d_{WIDE}]{{1,19}}+"
_END = rf"(?=[\s{WIDE}])"
_END_OR_STOP = rf"(?=[\s{WIDE}]|\Z)"

# Two capitals before a blank may begin a spaced national insurance number, and a token of many letters may be a key, so
# these are not cold.
_WORD = (
    rf"(?![!-~]{{23}})[(\"'\[*_~`<]{{0,3}}+(?![A-Z]{{2}}[ \t]){_LETTERS}(?:[._'/\-]{{1,2}}+{_LETTERS}){{0,6}}"
    rf"[)\"'\]*_~`>.,;:!?]{{0,5}}+"
)
_MARKS = r"[-*.,;:!?/|=\#>_~`'\")\]}&]{1,80}+"


def _cold(end: str) -> re.Pattern[str]:
    return re.compile(rf"(?:[\s{WIDE}]++|(?:{_WORD}|{_MARKS}){end})*+")


_COLD = _cold(_END)
_COLD_CLOSED = _cold(_END_OR_STOP)

# Where two tokens may be parts of one number: digits go on (also "(", "-" and a check character X), the
# four-character groups of an IBAN (ISO 13616, print format), and the groups of a national insurance number.
_JOIN = (
    r"(?:(?<=[\d).\-+(/])[ \t]{1,3}(?=[(+\-./]{0,3}[ \t]{0,2}[(+]?\d|[xX](?![A-Za-z0-9]))"
    r"|(?<=[A-Za-z]{2}\d{2}) (?=[A-Za-z0-9]{4} )"
    r"|(?<= [A-Za-z0-9]{4}) (?=[A-Z0-9]{1,4}(?![A-Za-z0-9])|[a-z]{4} [a-z0-9])"
    r"|(?<=[A-Z]{2}) (?=\d{2} \d{2} |\d{6}[A-D])|(?<=\d{2}) (?=[A-D](?![A-Za-z0-9])))"
)
_CLUSTER = re.compile(rf"{_TOKEN}*+(?:{_JOIN}{_TOKEN}++)*+")
_BREAK = re.compile(rf"[\s{WIDE}]")


def skip_cold(text: str, start: int, stop: int, *, closed: bool) -> int:
    """Where the cold text from `start` ends; `closed`: nothing more will come behind `stop`."""
    match = (_COLD_CLOSED if closed else _COLD).match(text, start, stop)
    return match.end() if match else start


def cluster_end(text: str, start: int, stop: int) -> int:
    """Where the cluster that holds the token at `start` ends (that is `start` itself behind white space)."""
    match = _CLUSTER.match(text, start, stop)
    return match.end() if match else start


def token_start(text: str, floor: int, index: int) -> int:
    """Where the token that `index` lies in (or ends) begins, not before `floor`."""
    floor = max(floor, index - 256)
    while index > floor and not _BREAK.match(text[index - 1]):
        index -= 1
    return index


def is_decided(text: str, end: int, stop: int) -> bool:
    """Whether a cluster that ends at `end` is known to end there, of a text known up to `stop`."""
    if end >= stop:
        return False
    return text[end] not in " \t" or end + LOOK_AHEAD <= stop
