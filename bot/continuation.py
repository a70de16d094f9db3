"""Go on with an answer that broke off, so that no word is repeated and none is missing (pure).

The model is shown its partial answer as its own turn and asked, in a user message that quotes the tail, to go on from there: never a
prefilled last assistant turn, which newer models refuse. Models like to repeat a few words at such a join; the longest overlap between
the end of what was said and the beginning of what comes is dropped.
"""

from __future__ import annotations

from dataclasses import replace

from bot.chat import Message, Prompt, Role

TAIL = 120
"""Characters of the partial answer that are quoted back."""
OVERLAP = 240
"""Longest repetition looked for, in characters; so much of a continuation is held back at most before it is shown."""

REQUEST = (
    "Your answer was interrupted by a technical fault. Its last words were:\n\n{tail}\n\n"
    "Go on exactly after these words, even in the middle of a sentence. Do not repeat them, do not apologise, do not start anew."
)


def continued(prompt: Prompt, said: str) -> Prompt:
    """The prompt that asks for the rest of an answer of which `said` exists already."""
    partial = Message(Role.ASSISTANT, said)
    request = Message(Role.USER, REQUEST.format(tail=said[-TAIL:]))
    return replace(prompt, messages=(*prompt.messages, partial, request))


class Join:
    """Appends a continuation to what was said. `text` is the whole so far; nothing of an overlap ever shows in it."""

    def __init__(self, said: str) -> None:
        self._said = said
        self._held = ""
        self._joined = not said
        self.text = said

    def add(self, piece: str) -> str:
        """Take more of the continuation; returns the whole text so far."""
        if self._joined:
            self.text += piece
            return self.text
        self._held += piece
        if len(self._held) >= OVERLAP or not self._may_overlap():
            self.finish()
        return self.text

    def finish(self) -> str:
        """The continuation is over: let go of what is held back."""
        if not self._joined:
            self._joined = True
            self.text = self._said + self._held[overlap(self._said, self._held) :]
        return self.text

    def _may_overlap(self) -> bool:
        """Whether what came so far stands, as a whole, near the end of what was said, so that more of it may be a repetition."""
        return self._held.strip() in self._said[-OVERLAP:]


def overlap(said: str, more: str) -> int:
    """How many characters at the beginning of `more` repeat the end of `said`: the longest such run.

    A run of one or two characters is taken for chance, unless it is all there is of `more`'s first word.
    """
    for length in range(min(len(said), len(more), OVERLAP), 2, -1):
        if said.endswith(more[:length]):
            return length
    return 0
