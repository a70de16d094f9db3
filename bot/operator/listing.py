"""Lists for operators, of turns and of use: a table to be read, plain lines to be cut, JSON to be parsed. No words of anybody's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.chat import Place
from bot.limits.pictures import draw
from bot.limits.reports import Span, as_csv, as_values, cost_text, judged_text, named, summed
from bot.ports import By, Row, Waiting

COLUMNS = ("turn", "place", "state", "age", "attempts", "owner", "error", "reference")


def show_turns(rows: Sequence[Waiting], form: str, out: Console) -> None:
    """Print them as `table`, `plain` or `json`."""
    if form == "json":
        print(json.dumps([turn_values(row) for row in rows], indent=2), file=out.file)
    elif form == "plain":
        for row in rows:
            print(*turn_values(row).values(), sep="\t", file=out.file)
    else:
        table = Table(*COLUMNS)
        for row in rows:
            values = turn_values(row)
            table.add_row(*(str(values[name]) for name in COLUMNS[:3]), _age(row), *_rest(values))
        out.print(table)


def show_usage(
    rows: Sequence[Row], by: By, period: Span, form: str, out: Console, picture: Path | None = None
) -> None:
    """Print a report as `table`, `csv` or `json`, or write it into the file of a `picture`."""
    if form == "picture" and picture is not None:
        picture.write_bytes(draw(rows, by, period, "en"))
    elif form == "csv":
        print(as_csv(rows, by, "en"), end="", file=out.file)
    elif form == "json":
        print(json.dumps([as_values(row, by) for row in rows], indent=2), file=out.file)
    else:
        columns = [str(by), "calls", "tokens", "cached", "cost", *(["judged"] if by is By.MODEL else [])]
        table = Table(*columns, title=f"{period.since:%Y-%m-%d} UTC, {period.name}")
        for name, row in [*((named(row, by, "en"), row) for row in rows), ("all together", summed(rows))]:
            cached = f"{row.cached / row.prompt:.0%}" if row.prompt else ""
            cells = (name, f"{row.calls:,}", f"{row.tokens:,}", cached, cost_text(row, "en"))
            table.add_row(*cells, *([judged_text(row, "en").strip(" ·")] if by is By.MODEL else []))
        out.print(table)


def turn_values(row: Waiting) -> dict[str, object]:
    """A row of `turns` for programs; the age is in seconds."""
    return {
        "turn": row.turn,
        "place": _place(row.place),
        "state": row.state.value,
        "age": round(row.age.total_seconds()),
        "attempts": row.attempts,
        "owner": row.owner,
        "error": row.error,
        "reference": row.reference,
    }


def _rest(values: dict[str, object]) -> list[str]:
    return [str(values[name]) for name in COLUMNS[4:]]


def _place(place: Place) -> str:
    return ":".join(
        part for part in (place.platform, place.installation, place.channel, place.thread) if part
    )


def _age(row: Waiting) -> str:
    """In the largest units that say it well."""
    minutes, seconds = divmod(round(row.age.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    )
