"""Go on with an answer that broke off, so that no word is repeated and none is missing (pure).

The model is shown its partial answer as its own turn and asked, in a user message that quotes the tail, to go on from there: never a
prefilled last assistant turn, which newer models refuse. It is asked to begin with its very last words again, so that the join is certain:
they are dropped. A model that repeats less than that, or more, or nothing, is understood too; one that begins anew, or with an apology, is
not: such a join is doubtful.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from bot.chat import Message, Prompt, Role
from bot.errors import CutOff

TAIL: Final = 120
"""Characters of the partial answer that are quoted back."""
ANCHOR: Final = 32
"""About so many of them are asked for again."""
NO_CHANCE: Final = 8
"""Characters: a shorter repetition that begins inside of a word is taken for chance (sing|ing)."""
STRANGE: Final = 24
"""Characters that stand earlier in the answer, and then lead elsewhere: it was begun anew."""

REQUEST: Final = (
    "Your answer broke off before its end. Its last words were:\n\n{tail}\n\n"
    "Go on exactly there, even in the middle of a word. So that both parts can be joined, begin with these words of it once more, and "
    "then write what follows them: {anchor}\n\nNo apology, no introduction, no new start."
)

_BLANKS = re.compile(r"\s+")
_LETTER = re.compile(r"[^\W\u2e80-\ud7ff\uf900-\ufaff]")
_WIDE = re.compile(r"[\u2e80-\ud7ff\uf900-\ufaff]")
_TALK = re.compile(
    r"(?:i'm |i am )?(?:so |very )?sorry\b|(?:my )?apolog|i apologi|(?:certainly|of course|sure)[!,.]|continuing\b"
    r"|here(?:'s| is) the (?:rest|continuation|remainder)|(?:非常)?抱歉|对不起|(?:好的|当然)[，,。!！]",
    re.IGNORECASE,
)


class Doubtful(CutOff):
    """What came does not go on where the answer broke off."""


def continued(prompt: Prompt, said: str) -> Prompt:
    """The prompt that asks for the rest of an answer of which `said` exists already."""
    partial = Message(Role.ASSISTANT, said)
    request = Message(Role.USER, REQUEST.format(tail=said[-TAIL:], anchor=_anchor(said)))
    return replace(prompt, messages=(*prompt.messages, partial, request))


class Join:
    """Tells what is new in a continuation. What may still be a repetition is held back until it is clear."""

    def __init__(self, said: str) -> None:
        self._said, self._known = said, _squeezed(said)
        self._held = ""
        self._joined = not said

    def add(self, piece: str) -> str:
        """Take more of the continuation; what of it goes on. Raises `Doubtful`."""
        if self._joined:
            return piece
        self._held += piece
        unclear = len(self._held) < STRANGE or _squeezed(self._held).strip() in self._known
        return "" if unclear else self.finish()

    def finish(self) -> str:
        """It is over, or clear: let go of what was held back. Raises `Doubtful`."""
        if self._joined:
            return ""
        self._joined = True
        return self._held[joint(self._said, self._held) :]


def joint(said: str, more: str) -> int:
    """How many characters at the beginning of `more` only repeat the end of `said`. Raises `Doubtful`.

    White space counts as one blank, however much of it there is.
    """
    known, new = _squeezed(said).rstrip(), _squeezed(more)
    start = 0
    if said != said.rstrip():
        start, new = len(more) - len(more.lstrip()), new.lstrip()
    whole = said != said.rstrip() or new.startswith(" ")
    if repeated := _repeated(known, new, whole=whole):
        end = _end_of(more, repeated, start)
    else:
        _check(known, new.lstrip())
        end = 0
    return end + _blanks_repeated(
        said[len(said.rstrip()) :], more[end : len(more) - len(more[end:].lstrip())], after_words=end > 0
    )


def _repeated(known: str, new: str, *, whole: bool) -> int:
    """The longest end of what is known that the new begins with; where just the quote or the anchor was repeated, no more than that.

    `whole`: both begin or end with whole words, so that "the" is no beginning of "theory".
    """
    lengths = range(min(len(known), len(new)), 0, -1)
    longest = next((n for n in lengths if known.endswith(new[:n]) and _is_meant(known, new, n, whole)), 0)
    begins = new.startswith(" ")
    for quoted in (known[-TAIL:].lstrip(), _anchor(known)):
        if len(quoted) + begins <= longest and new.startswith(quoted, begins):
            return len(quoted) + begins
    return longest


def _is_meant(known: str, new: str, length: int, whole: bool) -> bool:
    """Whether a repetition is more than chance."""
    ends_inside = _LETTER.match(new, length - 1) and _LETTER.match(new, length)
    if whole and ends_inside and " " not in new[1:length]:
        return False
    if _WIDE.match(new):
        return length > 1
    if not _LETTER.match(new.lstrip()):
        return length > 2
    begins_inside = _LETTER.match(new) and _LETTER.match(known[: len(known) - length][-1:])
    return length >= NO_CHANCE or not begins_inside


def _blanks_repeated(blank: str, lead: str, *, after_words: bool) -> int:
    """How many characters of the white space `lead` only repeat `blank`, the one before it. Half an indentation is gone on with, and so
    is a line end by an empty line, unless words were repeated, too."""
    if "\n" in lead and not after_words:
        return 0
    indentation = blank.rpartition("\n")[2] if "\n" in blank else None
    if indentation is not None and "\n" not in lead:
        return len(indentation) if lead.startswith(indentation) else 0
    return next(n for n in range(len(lead), -1, -1) if blank.endswith(lead[:n]))


def _check(known: str, new: str) -> None:
    """What repeats nothing must at least go on."""
    again = new[:STRANGE]
    if len(again) == STRANGE and again in known:
        raise Doubtful("the continuation repeats an earlier part of the answer")
    if _TALK.match(new) and not known.endswith(tuple(".!?。！？:：")):
        raise Doubtful("the continuation begins with talk")


def _anchor(said: str) -> str:
    """The last words, from the beginning of a word on."""
    text = said.rstrip()
    tail = text[-ANCHOR:]
    begins = _BLANKS.search(tail) if len(tail) < len(text) else None
    return tail[begins.end() :] if begins else tail


def _squeezed(text: str) -> str:
    return _BLANKS.sub(" ", text)


def _end_of(text: str, squeezed: int, start: int) -> int:
    """Where so many characters of the squeezed text end in the text, counted from `start`."""
    for _ in range(squeezed):
        blanks = _BLANKS.match(text, start)
        start = blanks.end() if blanks else start + 1
    return start
