"""What the documents say can be done, can be done: their links, commands, targets, variables, and the backup."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from pathlib import Path

import pytest
import typer.main

from bot.__main__ import cli
from bot.settings import known_names
from storage.stores import open_stores
from tests.desk import Desk
from tests.fakes import FakeClock

pytest_plugins = ["tests.databases"]

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
COMMANDS = set(typer.main.get_command(cli).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (page.parent / target).exists(), target
    assert set(re.findall(r"python -m bot (\w+)", text)) <= COMMANDS
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets
    named = set(re.findall(r"\b(?:REJOINDER|SLACK|DISCORD|OPENAI|ANTHROPIC)_[A-Z_]+[A-Z]\b", text))
    assert named <= set(known_names())


def test_every_command_is_told_of() -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert {command for command in COMMANDS if f"python -m bot {command}" not in told} == {"run", "settings"}


def test_every_picture_is_shown() -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for picture in (ROOT / "docs/images").glob("*.png"):
        assert f"(images/{picture.name})" in told or f"docs/images/{picture.name}" in told


async def test_a_backup_is_made_as_told_while_the_database_is_in_use(
    sqlite_store: str, tmp_path: Path, clock: FakeClock
) -> None:
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    told = re.search(r'\.venv/bin/python -c "(.*backup\.db.*)"', page)
    assert told is not None
    stores = open_stores(sqlite_store, clock)
    await Desk(stores, clock).ask("to be kept")
    (tmp_path / "data").symlink_to(tmp_path)
    copying = await asyncio.create_subprocess_exec(sys.executable, "-c", told[1], cwd=tmp_path)
    assert await copying.wait() == 0
    await stores.aclose()
    with sqlite3.connect(tmp_path / "backup.db") as backup:
        assert "to be kept" in backup.execute("SELECT content FROM turn").fetchone()[0]
