"""What was spent, by whom and on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

OTHERS: Final = "*"
"""The key of a row that stands for all that are not named."""


class By(StrEnum):
    """How a report sums up."""

    USER = "user"
    CHANNEL = "channel"
    MODEL = "model"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Whose:
    """What a report is about: one installation, or the whole bot where no platform is named; of all its people, or of one (by their
    keyed hash)."""

    platform: str = ""
    installation: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report. Tokens: `prompt` includes `cached`, `output` includes `reasoning`; `reserved` are those of calls of which
    nothing was reported. `cost` is what is known of it (None: nothing), `unpriced` the calls it knows nothing of.

    `key` is a keyed hash of a person (empty: forgotten), `platform:installation:channel` (no channel: direct messages),
    `provider:model`, or a day (UTC). `name` is a person's, as long as a turn of theirs is kept. `good` and
    `bad` are how often people found an answer so, told of models only.
    """

    key: str
    name: str
    calls: int
    prompt: int
    cached: int
    output: int
    reasoning: int
    reserved: int
    cost: Decimal | None
    unpriced: int
    good: int = 0
    bad: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt + self.output + self.reserved


@dataclass(frozen=True, slots=True)
class Health:
    """How calls and turns went: calls by the milliseconds to their first token (at most so many; None: longer), by how they ended, and
    failed turns by their error."""

    paces: Sequence[tuple[int | None, int]]
    finishes: Mapping[str, int]
    errors: Mapping[str, int]


class Reports(Protocol):
    """Sums over the ledger (`storage/reports.py`), from `since` to just before `until`."""

    async def rows(
        self, by: By, since: datetime, until: datetime, whose: Whose, *, most: int = 1000
    ) -> Sequence[Row]:
        """Days in their order, all else by cost. Where there are more than `most`, one row more, of the key `OTHERS`, has the sum of
        the rest."""

    async def health(self, since: datetime, until: datetime, whose: Whose) -> Health: ...
