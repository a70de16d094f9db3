"""The `usage` command: what one has used oneself, and for admins what all have.

usage                                     one's own, of one's own limits
usage by user|channel|model|day           a report, of this installation
usage by day 30d                          of another period: `today`, `month`, so many days
usage by user csv                         the report as a file for a spreadsheet, or as a `picture`, to the asker alone
usage by model month --everywhere         of all installations, for those alone whom the operator has named
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.chat import Invocation
from bot.errors import Unwieldy
from bot.limits.admission import Limits
from bot.limits.pictures import NoPlots, draw
from bot.limits.reports import Span, as_csv, as_text, line_text, span, sum_text, summed
from bot.limits.rules import Rulebook
from bot.limits.texts import spent_text
from bot.notices import notice
from bot.ports import Attached, By, Clock, Reports, Row, Said, Whose, Word

USUAL: Final = "month"
EVERYWHERE: Final = "everywhere"
MOST_IN_TEXT: Final = 1000
MOST_IN_FILE: Final = 50_000
"""Rows of which each is named: the rest stand in one."""


class Shape(StrEnum):
    """How a report comes."""

    TEXT = "text"
    CSV = "csv"
    PICTURE = "picture"


WORDS: Final = (
    Word("by", choices=tuple(By)),
    Word("period"),
    Word("shape", choices=tuple(Shape)),
    Word(EVERYWHERE, flag=True),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an argument asks for; `by` is None for one's own use."""

    by: By | None = None
    period: str = USUAL
    everywhere: bool = False
    shape: Shape = Shape.TEXT


def parse(argument: str) -> Asked:
    """The words may come in any order, so that a platform may leave some out. Raises `ValueError` for any other word."""
    by, period, everywhere, shape = None, USUAL, False, Shape.TEXT
    for word in argument.lower().replace("—", "--").replace("–", "--").split():
        if word in tuple(By):
            by = By(word)
        elif word in tuple(Shape):
            shape = Shape(word)
        elif word == f"--{EVERYWHERE}":
            everywhere = True
        elif word in ("today", "month") or (word[:-1].isdecimal() and word.endswith("d")):
            period = word
        elif word != "by":
            raise ValueError(word)
    return Asked(by, period, everywhere, shape)


def takes(argument: str) -> bool:
    """Whether those words, said after `usage`, belong to the command and are not the rest of a question."""
    try:
        return not argument or parse(argument).by is not None
    except ValueError:
        return False


class UsageCommand:
    def __init__(self, limits: Limits, reports: Reports, rulebook: Rulebook, clock: Clock) -> None:
        self._limits, self._reports, self._rulebook, self._clock = limits, reports, rulebook, clock

    async def run(self, invocation: Invocation, language: str) -> str | Said:
        if not invocation.argument.strip():
            return await self._own(invocation, language)
        if not self._may(invocation):
            return notice("settings_not_admin", language)
        try:
            asked = parse(invocation.argument)
            period = span(asked.period, self._clock())
        except ValueError:
            return notice("report_how", language)
        if asked.by is None:
            return notice("report_how", language)
        if asked.everywhere and not self._operates(invocation):
            return notice("settings_not_operator", language)
        place = invocation.place
        whose = Whose() if asked.everywhere else Whose(place.platform, place.installation)
        most = MOST_IN_FILE if asked.shape is Shape.CSV else MOST_IN_TEXT
        try:
            rows = await self._reports.rows(asked.by, period.since, period.until, whose, most=most)
        except Unwieldy as error:
            return notice(error.code, language)
        return await _shaped(rows, asked.by, period, asked.shape, language)

    async def _own(self, invocation: Invocation, language: str) -> str:
        """What somebody has used, of their limits and in all."""
        spent = await self._limits.spent(invocation.place, invocation.author, self._clock())
        lines = [notice("usage_head", language)]
        lines += [spent_text(one, language) for one in spent] or [notice("usage_none", language)]
        lines += [await self._own_sum(invocation, name, language) for name in ("today", "month")]
        if self._may(invocation):
            lines += ["", notice("report_how", language)]
        return "\n".join(lines)

    async def _own_sum(self, invocation: Invocation, name: str, language: str) -> str:
        place, period = invocation.place, span(name, self._clock())
        mine = Whose(place.platform, place.installation, self._limits.person(place, invocation.author))
        rows = await self._reports.rows(By.DAY, period.since, period.until, mine)
        return line_text(notice(f"usage_{name}", language), summed(rows), language)

    def _may(self, invocation: Invocation) -> bool:
        return invocation.author.admin or self._operates(invocation)

    def _operates(self, invocation: Invocation) -> bool:
        return self._rulebook.is_operator(invocation.place.platform, invocation.author.id)


async def _shaped(rows: Sequence[Row], by: By, period: Span, shape: Shape, language: str) -> str | Said:
    """A file goes with the sum of it in words; of nothing there is no file."""
    if shape is Shape.TEXT or not rows:
        return as_text(rows, by, period, language)
    name = f"usage-by-{by}-{period.since:%Y-%m-%d}"
    if shape is Shape.CSV:
        # The mark in front tells spreadsheets that this is UTF-8.
        data = as_csv(rows, by, language).encode("utf-8-sig")
        file = Attached(f"{name}.csv", "text/csv", data)
    else:
        try:
            picture = await asyncio.to_thread(draw, rows, by, period, language)
        except NoPlots:
            return notice("report_no_plots", language)
        file = Attached(f"{name}.png", "image/png", picture)
    return Said(sum_text(rows, by, period, language), files=(file,))
