"""What people see and do on a platform, and the troubles of an ordinary day there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from bot.notices import TEXTS
from tests.crash.questions import Pressed, Question, Whim

REFUSALS: tuple[Literal["reset"] | int, ...] = (429, 500, 503, "reset")
SURE = 2.0
"""Seconds within which a button is acknowledged when it is done; later it is acknowledged beforehand, since platforms wait no longer."""
PATIENCE = 10.0
"""Seconds that somebody waits for what comes of a button or a command."""


@dataclass(frozen=True)
class Spoken:
    """A message of the bot's as it stands. `times`: when it appeared, and whenever its words changed."""

    id: str
    channel: str
    under: str
    text: str
    stoppable: bool
    times: tuple[float, ...]


class Stage(Protocol):
    platform: str
    people: int

    def environment(self, process: int, of: int) -> dict[str, str]:
        """How a bot process reaches it: the `process`th `of` so many."""

    async def ask(
        self, person: int, number: int, words: int, whim: Whim | None = None, *, directly: bool = False
    ) -> Question: ...

    async def edit(self, question: Question, number: int, words: int) -> None:
        """It asks for something else from now on."""

    async def delete(self, question: Question) -> None: ...

    async def press(self, question: Question, button: str) -> Pressed:
        """Press a button under its answer."""

    def offers(self, question: Question, button: str) -> bool: ...

    def stops_all(self, question: Question) -> bool:
        """Whether Stop is the platform's own just now, and stops all that its asker asked in its thread."""

    async def reset(self, question: Question) -> bool:
        """Reset the place where it was asked; whether that was confirmed."""

    def spoken(self, channel: str = "", since: str = "") -> list[Spoken]:
        """What the bot said as answers, oldest first."""

    def story(self, question: Question) -> str:
        """For one that was never answered: what is known of its way to the bot."""

    def looks(self, message: str) -> list[tuple[float, str]]:
        """How a message looked, from when on: the ends of its words."""

    async def trouble(self) -> str:
        """Something that happens on an ordinary day; what it was."""


def is_reset(text: str) -> bool:
    """Whether somebody is told that what was said in a place is forgotten."""
    done, nothing = TEXTS["en"]["reset_done"].partition("{")[0], TEXTS["en"]["reset_nothing"]
    return text.startswith((done, nothing))
