"""Reports of what was spent, as text, as a table for a spreadsheet, or as a picture: the same rows, three forms.

A cost that is not known is said to be unknown, never nothing. Days and months are UTC.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from bot.notices import counted, notice
from bot.ports import OTHERS, By, Row

MOST_SHOWN: Final = 20
"""Rows that a text names; the rest are summed up in one."""
LONGEST: Final = 366
TINY: Final = Decimal("0.0001")
"""Dollars: less than that four digits would show as nothing."""
COLUMNS: Final = (
    "name",
    "calls",
    "prompt_tokens",
    "cached_tokens",
    "output_tokens",
    "reasoning_tokens",
    "reserved_tokens",
    "usd",
    "unpriced_calls",
    "good_answers",
    "bad_answers",
)


@dataclass(frozen=True, slots=True)
class Span:
    """A period, from `since` to just before `until`; `name` is what was asked for."""

    name: str
    since: datetime
    until: datetime


def span(name: str, now: datetime) -> Span:
    """`today`, `month` (this one), or `7d` for the last seven days, today included. Raises `ValueError`."""
    tomorrow = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if name == "month":
        return Span(name, (tomorrow - timedelta(days=1)).replace(day=1), tomorrow)
    days = re.fullmatch(r"(\d{1,3})d", "1d" if name == "today" else name)
    if days is None or not 1 <= int(days[1]) <= LONGEST:
        raise ValueError(name)
    return Span(name, tomorrow - timedelta(days=int(days[1])), tomorrow)


def named(row: Row, by: By, language: str) -> str:
    """How a row is called."""
    if row.key == OTHERS:
        return notice("report_rest", language)
    if by is By.USER:
        if not row.key:
            return notice("report_forgotten", language)
        return row.name or notice("report_unnamed", language, hash=row.key[:6])
    if by is By.CHANNEL and row.key.endswith(":"):
        return row.key + notice("report_direct", language)
    return row.key


def cost_text(row: Row, language: str) -> str:
    """Dollars; a cost of which only a part is known is at least that. What is too little for its digits is said in words."""
    if row.cost is None and row.calls:
        return notice("report_unknown", language)
    cost = row.cost or Decimal(0)
    if cost < TINY:
        little = notice("report_tiny" if cost else "report_free", language)
        return notice("report_so_far", language, cost=little) if row.unpriced else little
    text = f"{cost:,.4f}" if cost < 1 else f"{cost:,.2f}"
    return notice("report_at_least" if row.unpriced else "report_usd", language, cost=text)


def summed(rows: Sequence[Row], key: str = "") -> Row:
    """Several rows as one."""
    known = [row.cost for row in rows if row.cost is not None]
    return Row(
        key,
        "",
        sum(row.calls for row in rows),
        sum(row.prompt for row in rows),
        sum(row.cached for row in rows),
        sum(row.output for row in rows),
        sum(row.reasoning for row in rows),
        sum(row.reserved for row in rows),
        sum(known, Decimal(0)) if known else None,
        sum(row.unpriced for row in rows),
        sum(row.good for row in rows),
        sum(row.bad for row in rows),
    )


def shortened(rows: Sequence[Row], most: int) -> Sequence[Row]:
    """The first of them, and one row more for the rest, if there are more."""
    return rows if len(rows) <= most else [*rows[:most], summed(rows[most:], OTHERS)]


def as_text(rows: Sequence[Row], by: By, period: Span, language: str) -> str:
    """A list in Markdown, the greatest first, with the sum below."""
    head = _head(by, period, language)
    if not rows:
        return f"{head}\n{notice('report_nothing', language)}"
    shown = rows if len(rows) <= MOST_SHOWN or by is By.DAY else rows[: MOST_SHOWN - 1]
    lines = [line_text(f"`{_plain(named(row, by, language))}`", row, language) for row in shown]
    if len(shown) < len(rows):
        others = rows[len(shown) :]
        counted = others[-1].key != OTHERS  # else there are more than were asked for
        name = notice("report_others" if counted else "report_rest", language, count=len(others))
        lines.append(line_text(name, summed(others), language))
    return "\n".join([head, *lines, line_text(notice("report_sum", language), summed(rows), language)])


def sum_text(rows: Sequence[Row], by: By, period: Span, language: str) -> str:
    """What a report is of, and its sum: the words beside a file that has the rest."""
    return (
        f"{_head(by, period, language)}\n{line_text(notice('report_sum', language), summed(rows), language)}"
    )


def as_csv(rows: Sequence[Row], by: By, language: str) -> str:
    """Comma-separated values with a header. An unknown cost is an empty cell. No cell can be taken for a formula."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows:
        numbers = (row.calls, row.prompt, row.cached, row.output, row.reasoning, row.reserved)
        cost = "" if row.cost is None else f"{row.cost:f}"
        table.writerow([_harmless(named(row, by, language)), *numbers, cost, row.unpriced, row.good, row.bad])
    return out.getvalue()


def as_values(row: Row, by: By) -> dict[str, object]:
    """A row of a report for programs; dollars are a text, exact."""
    return {
        "name": named(row, by, "en"),
        "calls": row.calls,
        "prompt_tokens": row.prompt,
        "cached_tokens": row.cached,
        "output_tokens": row.output,
        "reasoning_tokens": row.reasoning,
        "reserved_tokens": row.reserved,
        "usd": None if row.cost is None else f"{row.cost:f}",
        "unpriced_calls": row.unpriced,
        "good_answers": row.good,
        "bad_answers": row.bad,
    }


def _head(by: By, period: Span, language: str) -> str:
    return notice(
        "report_head",
        language,
        by=notice(f"report_by_{by}", language),
        since=f"{period.since:%Y-%m-%d}",
        until=f"{period.until - timedelta(days=1):%Y-%m-%d}",
    )


def judged_text(row: Row, language: str) -> str:
    """What people thought of its answers; nothing where nobody said."""
    return notice("report_judged", language, good=row.good, bad=row.bad) if row.good or row.bad else ""


def line_text(name: str, row: Row, language: str) -> str:
    """A row in words. Of nothing, the cost is nothing."""
    hit = f"{row.cached / row.prompt:.0%}" if row.prompt else "0%"
    return notice(
        "report_row",
        language,
        name=name,
        calls=counted("call", row.calls, language),
        tokens=counted("token", row.tokens, language),
        hit=hit,
        cost=cost_text(row, language),
    ) + judged_text(row, language)


def _plain(name: str) -> str:
    return name.replace("`", "'").replace("\n", " ")[:80]


def _harmless(cell: str) -> str:
    """A spreadsheet runs what begins like a formula (OWASP, "CSV Injection")."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
