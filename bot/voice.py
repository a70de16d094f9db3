"""A model as it speaks in one place, and where to ask for those that may answer there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.chat import Author, Place
from bot.context import Window
from bot.models.catalogue import Model
from bot.ports import Provider
from bot.tokens.counting import Counter


@dataclass(frozen=True, slots=True)
class Voice:
    """A model that may answer: who is asked, what it is told first, what fits, and how its tokens are counted.

    `aside`: it answers some people only, so that it does not decide where prompts of the place begin.
    Each candidate is one of its own, so that windows, counts and prices are always those of the model that answers.
    """

    provider: Provider
    model: Model
    system: str
    window: Window
    counter: Counter
    aside: bool = False

    @property
    def label(self) -> str:
        """As operators and logs call it."""
        return f"{self.model.provider}:{self.model.name}"


class Voices(Protocol):
    """Who may answer where."""

    async def candidates(self, place: Place, author: Author | None = None) -> Sequence[Voice]:
        """The models that may answer in a place, never none: the usual one, then those that stand in for it, in order. Where somebody
        is to be answered by another model than the others, that one."""


class SameEverywhere:
    """The same candidates in every place."""

    def __init__(self, *voices: Voice) -> None:
        self._voices = voices

    async def candidates(self, place: Place, author: Author | None = None) -> Sequence[Voice]:
        return self._voices
