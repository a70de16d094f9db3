"""What the bot says in its own voice about a turn: below an answer, or in its place. In the language of whoever asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from bot.chat import File, Finish, Turn
from bot.errors import (
    BadResponse,
    CutOff,
    EmptyAnswer,
    LimitReached,
    Overcrowded,
    Overloaded,
    ProviderError,
    RejoinderError,
)
from bot.files import FileLimits, Unread, listed, unread_texts
from bot.limits.texts import limit_text, warning_text
from bot.notices import language_of, notice, wait_text
from bot.ports import Clock, Conversations, Line, Warned
from bot.speaking import Spoken

PASSING: Final = {error.code for error in (Overloaded, EmptyAnswer, BadResponse, CutOff, ProviderError)}
"""Whatever of these ended an answer that had begun: it broke off, and can be gone on with."""
_FENCE: Final = re.compile(r"((?:[ \t>]|[-+*][ \t]|\d{1,9}[.)][ \t])*)(`{3,}|~{3,})(.*)")
_MARKER: Final = re.compile(r"[^>\s]")
"""A character of a list item's mark."""


class OwnWords:
    """`language` is spoken to those whose platform does not tell theirs."""

    def __init__(self, conversations: Conversations, limits: FileLimits, language: str, clock: Clock) -> None:
        self._conversations, self._limits = conversations, limits
        self._language, self._clock = language, clock

    def say(self, turn: Turn, code: str, **parameters: object) -> str:
        return notice(code, self._speaks(turn), **parameters)

    # Below an answer, each when it is due and only then.

    async def fresh(self, turn: Turn, spoken: Spoken, unread: Sequence[Unread]) -> list[str]:
        """Below an answer that was just given; the same for the same turn, however often it is asked."""
        notes = self._files(turn, spoken, unread)
        if spoken.finish is Finish.LENGTH:
            notes.append(self.say(turn, "cut_at_length"))
        if spoken.finish in (Finish.FILTERED, Finish.REFUSED):
            notes.append(self.say(turn, "declined"))
        if spoken.voice is not spoken.usual:
            names = {"model": spoken.voice.model.name, "usual": spoken.usual.model.name}
            notes.append(self.say(turn, "stand_in", **names))
        if spoken.fitted.dropped and await self._conversations.told_trimmed(turn):
            notes.append(self.say(turn, "trimmed"))
        if turn.masked:
            notes.append(self.say(turn, "masked"))
        if not turn.others and await self._conversations.met(turn, self._clock()):
            notes.append(self.say(turn, "first_meeting"))
        return notes

    def lasting(self, turn: Turn) -> list[str]:
        """Below an answer that was given before, whenever it is shown again."""
        match turn.finish:
            case Finish.LENGTH:
                return [self.say(turn, "not_whole")]
            case Finish.FILTERED | Finish.REFUSED:
                return [self.say(turn, "declined")]
            case _:
                return []

    def _files(self, turn: Turn, spoken: Spoken, unread: Sequence[Unread]) -> list[str]:
        """What was not read, and what a model that can't see was not shown."""
        language, model = self._speaks(turn), spoken.voice.model
        notes = unread_texts(unread, self._limits, language)
        known = {one.name for one in unread}
        pictures = [part.name for part in turn.content if isinstance(part, File) and part.is_picture]
        if unseen := [name for name in pictures if not model.images and name not in known]:
            notes.append(notice("unread_unseen", language, model=model.name, names=listed(unseen, language)))
        return notes

    # Why there is no answer, or not yet.

    def failure(self, turn: Turn, error: RejoinderError, number: str, *, said: bool) -> str:
        """`said`: of an answer that had begun."""
        if said and isinstance(error, ProviderError) and error.code in PASSING:
            return self.say(turn, CutOff.code, reference=number)
        if isinstance(error, Overcrowded):
            until = wait_text(self._clock(), error.until, self._speaks(turn))
            return self.say(turn, error.code, position=error.position, wait=until, reference=number)
        wait = error.retry_after if isinstance(error, Overloaded) else None
        if wait is not None:
            now = self._clock()
            until = wait_text(now, now + timedelta(seconds=wait), self._speaks(turn))
            return self.say(turn, "overloaded_until", wait=until, reference=number)
        return self.say(turn, error.code, reference=number)

    def in_line(self, turn: Turn, line: Line) -> str:
        """Where one stands in line."""
        wait = wait_text(self._clock(), line.until, self._speaks(turn))
        return self.say(turn, "in_line", position=line.position, wait=wait)

    def limit(self, turn: Turn, limit: LimitReached) -> str:
        return limit_text(limit, self._clock(), self._speaks(turn))

    def warning(self, turn: Turn, warned: Warned) -> str:
        return warning_text(warned, self._clock(), self._speaks(turn))

    def _speaks(self, turn: Turn) -> str:
        return language_of(turn.author.language, self._language)


def with_notes(answer: str, notes: Sequence[str]) -> str:
    """The answer with the bot's own words below it, outside of any code block that was left open."""
    said = answer.rstrip()
    return "\n\n".join([_closed(said), *(f"_{note}_" for note in notes)]) if notes else said


def _closed(text: str) -> str:
    """The text, with a code block closed that is open at its end; in the quote or the list item that it was opened in."""
    opened = margin = ""
    for line in text.split("\n"):
        if ">" in margin and not line.lstrip().startswith(">"):
            opened = margin = ""  # it ended with the quote
        found = _FENCE.match(line)
        if found is None:
            continue
        before, mark, rest = found.groups()
        if not opened and (mark[0] == "~" or "`" not in rest):
            opened, margin = mark, _MARKER.sub(" ", before)
        elif opened and mark.startswith(opened) and not (_MARKER.search(before) or rest.strip()):
            opened = margin = ""
    return f"{text}\n{margin}{opened}" if opened else text
