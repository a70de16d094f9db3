"""The list of turns for operators: a table to be read, plain lines to be cut, JSON to be parsed. No words of anybody's."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bot.chat import Place
from bot.ports import Waiting

COLUMNS = ("turn", "place", "state", "age", "attempts", "owner", "error", "reference")


def show_turns(rows: Sequence[Waiting], form: str, out: Console) -> None:
    """Print them as `table`, `plain` or `json`."""
    if form == "json":
        print(json.dumps([_plain(row) for row in rows], indent=2), file=out.file)
    elif form == "plain":
        for row in rows:
            print(*_plain(row).values(), sep="\t", file=out.file)
    else:
        table = Table(*COLUMNS)
        for row in rows:
            values = _plain(row)
            table.add_row(*(str(values[name]) for name in COLUMNS[:3]), _age(row), *_rest(values))
        out.print(table)


def _plain(row: Waiting) -> dict[str, object]:
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
