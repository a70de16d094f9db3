"""Reads the inside of a paragraph: what must stay in one piece, and what is still open at its end.

Emphasis is matched as CommonMark does it. A backtick, bracket or emphasis mark that is still unanswered counts as open for
`REACH` characters, then as the plain character that it most likely is.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

import regex

REACH = 400
FENCE_TICKS = 3

SPECIAL = regex.compile(
    r"\\.|`+|\*+|_+|~+|!?\[|\]|<|(?<![\w@])(?:https?://|www\.)", regex.DOTALL | regex.IGNORECASE
)
TICKS = regex.compile(r"`+")
ANGLE = regex.compile(r"<[^\s<>]{1,200}>")
HALF_ANGLE = regex.compile(r"<[^\s<>]{0,200}$")
URL = regex.compile(r"[^\s<>`\"|\u3000-\u303f\uff00-\uffef\u2018-\u201f]*")
URL_TAIL = regex.compile(r"[*_~.,:;!?'\])}]+$")
TARGET = regex.compile(
    r"""\(\s*+(?:<[^<>\n]*>|(?:[^\s()\\<]|\\.|\((?:[^\s()\\]|\\.)*\))*+)"""
    r"""(?:\s++(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\)))?+\s*+\)""",
    regex.DOTALL,
)
PRODUCT = regex.compile(r"[A-Za-z0-9)]\*[A-Za-z0-9(]")
LABEL = regex.compile(r"\[[^\[\]\n]{0,200}\]")
LAST_RUN = regex.compile(r"(?P<mark>[*_~`])(?P=mark)*$")
HALF_PICTURE = regex.compile(r"(?<!\S)!$")
LAST_SLASHES = regex.compile(r"\\+$")
MOST_MARKS = 6


@dataclass(slots=True)
class Mark:
    """An emphasis mark, or backticks, still unanswered."""

    start: int
    sign: str
    count: int
    both: bool = False

    @property
    def text(self) -> str:
        return self.sign * self.count


@dataclass(slots=True)
class Scan:
    """`spans` must stay in one piece. `halves` are links being written: where they start, and from where to where their
    words go. `code` are backticks that open code at the end, `angle` where an unfinished `<...` starts."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    halves: list[tuple[int, int, int]] = field(default_factory=list)
    code: Mark | None = None
    angle: int | None = None

    def solid(self, length: int) -> list[tuple[int, int]]:
        """What can't be cut: the spans, and whatever may become one when the text goes on."""
        starts = [half[0] for half in self.halves]
        starts += [self.code.start] if self.code else []
        starts += [self.angle] if self.angle is not None else []
        return self.spans + [(start, length + 1) for start in starts]


def scan(text: str) -> Scan:
    """Read a paragraph from its beginning."""
    return _Scanner(text).run()


def heal(text: str) -> str:
    """How a paragraph that is still being written looks best: what is open is closed for the moment, half a mark or link
    waits for its other half. Keeps all newlines before the last shown character."""
    for _ in range(2 * MOST_MARKS):
        text = text.rstrip()
        found = scan(text)
        shorter = _without_half(text, found)
        if shorter == text:
            break
        text = shorter
    return text + _closing(found) if text else text


def seal(text: str) -> tuple[str, str]:
    """For a paragraph cut at its end: what closes it there, and what opens the same again."""
    found = scan(text.rstrip())
    if found.code and found.code.count >= FENCE_TICKS:
        found.code = None  # opened again at the start of a line, it would be a fence
    opened = found.marks + ([found.code] if found.code else [])
    return _closing(found), "".join(mark.text for mark in opened)


def _closing(found: Scan) -> str:
    opened = found.marks + ([found.code] if found.code else [])
    return "".join(mark.text for mark in reversed(opened))


def _without_half(text: str, found: Scan) -> str:
    run = LAST_RUN.search(text)
    if found.code is not None:
        return text[: run.start()] if run and run["mark"] == "`" else text
    start, words, end = max(found.halves, default=(0, 0, 0))
    if words and _is_word(text, start, words):
        return text[:start] + text[words:end]
    if found.angle is not None and text.startswith(("<h", "<m", "<w"), found.angle):
        return text[: found.angle] + text[found.angle + 1 :]
    if found.angle == len(text) - 1 or HALF_PICTURE.search(text):
        return text[:-1]
    slashes = LAST_SLASHES.search(text)
    if slashes and len(slashes.group()) % 2:
        return text[:-1]
    if run and not any(
        start < run.end() <= end for start, end in found.spans if end - start > len(run.group())
    ):
        dangling = run.start() == 0 or text[run.start() - 1].isspace()
        if dangling or found.marks:
            return text[: run.start()]
    return text


def _is_word(text: str, start: int, words: int) -> bool:
    """Whether a link's words can be shown without their bracket: at the start of a line they might become something else."""
    return (start > 0 and text[start - 1] != "\n") or text[words : words + 1].isalpha() or words >= len(text)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text, self.found = text, Scan()
        self.brackets: list[tuple[int, int]] = []

    def run(self) -> Scan:
        at = 0
        while special := SPECIAL.search(self.text, at):
            at = self._take(special.group(), special.start(), special.end())
        length, found = len(self.text), self.found
        found.halves += [(start, words, length) for start, words in self.brackets]
        found.halves = [half for half in found.halves if length - half[0] <= REACH]
        found.marks = [mark for mark in found.marks if length - mark.start <= REACH][-MOST_MARKS:]
        return found

    def _take(self, token: str, start: int, end: int) -> int:
        """Deal with one token; where to go on."""
        sign = token[0]
        if sign == "\\":
            self.found.spans.append((start, end))
        elif sign == "`":
            return self._ticks(start, end)
        elif sign in "*_~":
            self._emphasis(sign, start, end)
        elif token in ("[", "!["):
            self.brackets.append((start, end))
        elif sign == "]":
            return self._bracket(start)
        elif sign == "<":
            return self._angle(start)
        else:
            return self._url(start, end)
        return end

    def _ticks(self, start: int, end: int) -> int:
        for run in TICKS.finditer(self.text, end):
            if run.end() - run.start() == end - start:
                self.found.spans.append((start, run.end()))
                return run.end()
        if len(self.text) - start <= REACH:
            self.found.code = Mark(start, "`", end - start)
            return len(self.text)
        return end

    def _bracket(self, close: int) -> int:
        if not self.brackets:
            return close + 1
        start, words = self.brackets.pop()
        after = close + 1
        target = TARGET.match(self.text, after, partial=True) or LABEL.match(self.text, after, partial=True)
        if target is None:
            return after
        if target.partial:
            if len(self.text) - start <= REACH:
                self.found.halves.append((start, words, close))
                return len(self.text)
            return after
        self.found.spans.append((start, target.end()))
        return target.end()

    def _angle(self, start: int) -> int:
        if whole := ANGLE.match(self.text, start):
            self.found.spans.append(whole.span())
            return whole.end()
        if HALF_ANGLE.match(self.text, start):
            self.found.angle = start
            return len(self.text)
        return start + 1

    def _url(self, start: int, end: int) -> int:
        stop = URL.match(self.text, end)
        end = stop.end() if stop else end
        if self.brackets and (close := self.text.find("]", start, end)) >= 0:
            end = close
        tail = URL_TAIL.search(self.text, start, end)
        end = tail.start() if tail else end
        self.found.spans.append((start, end))
        return max(end, start + 1)

    def _emphasis(self, sign: str, start: int, end: int) -> None:
        count = end - start
        if count > 1:
            self.found.spans.append((start, end))
        if count > 3 or (sign == "~" and count != 2):
            return
        opens, closes = self._flanks(sign, start, end)
        if closes:
            count = self._answer(sign, count, opens)
        if count and opens and not PRODUCT.match(self.text, max(0, start - 1)):
            self.found.marks.append(Mark(start, sign, count, closes))

    def _answer(self, sign: str, count: int, opens: bool) -> int:
        """Match closing marks with open ones; how many are left over."""
        marks = self.found.marks
        while count:
            for place in range(len(marks) - 1, -1, -1):
                mark = marks[place]
                odd = (mark.both or opens) and (mark.count + count) % 3 == 0 and (mark.count % 3 or count % 3)
                if mark.sign == sign and not odd and (sign != "~" or mark.count == count):
                    break
            else:
                return count
            used = 2 if min(mark.count, count) >= 2 else 1
            del marks[place + 1 :]
            count -= used
            mark.count -= used
            if not mark.count:
                del marks[place]
        return count

    def _flanks(self, sign: str, start: int, end: int) -> tuple[bool, bool]:
        """Whether a run of marks can open, and can close."""
        before = self.text[start - 1] if start else " "
        after = self.text[end] if end < len(self.text) else " "
        space_before, space_after = before.isspace(), after.isspace()
        mark_before, mark_after = _is_mark(before), _is_mark(after)
        left = not space_after and (not mark_after or space_before or mark_before)
        right = not space_before and (not mark_before or space_after or mark_after)
        if sign == "_":
            return left and (not right or mark_before), right and (not left or mark_after)
        return left, right


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"
