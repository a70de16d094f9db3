"""The originals that placeholders stand for: the only place where they are kept, and encrypted there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.chat import Incoming, Place, Turn


@dataclass(frozen=True, slots=True)
class Original:
    """Something sensitive as it was written. It shows in no `repr`, and so in no log."""

    kind: str
    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A placeholder: of `kind`, the conversation's so-and-so-many-th, from 1."""

    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where an original came from: the message's key, whose words they were, and when they were said."""

    key: str
    person: str
    said_at: datetime

    @classmethod
    def of(cls, said: Incoming | Turn) -> Source:
        """Also of the answer to it."""
        return cls(said.key, said.author.id, said.sent_at)


class Vault(Protocol):
    """Originals by conversation (`storage/vault.py`). A thread shares its channel's. An original is there as long as one of the
    messages that it came from is remembered."""

    @property
    def open(self) -> bool:
        """Whether anything can be kept: there is a key to encrypt it with."""

    async def number(
        self, place: Place, wanted: Sequence[Original], source: Source
    ) -> Mapping[Original, Numbered]:
        """The placeholder of each: the one it has in that conversation already, or the next that nothing there ever had."""

    async def originals(self, place: Place, wanted: Collection[Numbered]) -> Mapping[Numbered, str]:
        """What those placeholders stand for; one that was forgotten, or that the key does not open, is not there."""

    async def forget_message(self, key: str) -> int:
        """Forget what came from that message alone; how many originals are gone."""
