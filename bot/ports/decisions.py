"""What admins decided by command, and the record of who did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.chat import Place


class Level(StrEnum):
    """Whose limit it is. A provider's is waited for, not refused; a share only counts how much of it somebody had lately."""

    USER = "user"
    PLACE = "place"
    WORKSPACE = "workspace"
    BOT = "bot"
    PROVIDER = "provider"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Levels:
    """What admins decided, as text by the option's name: for a channel, and for its whole installation."""

    channel: Mapping[str, str]
    installation: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A decision of an admin's: from one text to another (None: nothing decided). `actor` is the person's id on the platform.

    `action` is the command that made it, `subject` what was changed. `everywhere`: for the installation, not just the channel.
    """

    place: Place
    actor: str
    action: str
    subject: str
    new: str | None
    old: str | None = None
    everywhere: bool = False
    at: datetime | None = None


class PreferenceStore(Protocol):
    """What was decided for places, and the record of who did (`storage/preferences.py`)."""

    async def levels(self, place: Place) -> Levels:
        """What is decided there. One small read, kept for a moment; a change holds at once, in every process."""

    async def change(self, change: Change, now: datetime) -> bool:
        """Decide an option and write it down in the record; `old` is found here. False when it was decided just so already."""

    async def changes(self, place: Place, most: int) -> Sequence[Change]:
        """The newest changes that concern that channel, newest first."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A limit as an admin set it by command: for one certain place (`here`), or for all of a kind in an installation.

    `metric` and `value` are as in the operator's file, the value as text. The whole bot's limits are of no installation.
    """

    level: Level
    metric: str
    value: str
    here: bool = False
    role: str = ""
    model: str = ""


class Rulings(Protocol):
    """What admins allowed by command, and the record of who did (`storage/rulings.py`)."""

    async def of(self, place: Place) -> Sequence[Ruling]:
        """What they said that concerns that place. One small read, kept for a moment; a change holds at once, in every process."""

    async def rule(self, ruling: Ruling, change: Change, now: datetime) -> bool:
        """Allow what the ruling says, or leave it to the file again where the change's `new` is None; and write it down in the
        record. False when it was just so already."""

    async def changes(self, place: Place, most: int) -> Sequence[Change]:
        """The newest changes that concern that place, newest first."""
