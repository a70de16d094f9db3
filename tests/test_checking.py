"""`python -m bot check`: whatever is set up wrong on this machine is named, with its cure. (The platforms: test_command_line.)"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.operator.check import Finding
from bot.operator.checking import findings
from bot.settings import Settings, read_settings
from storage import migrations
from tests.emulators.llm import LLMEmulator, Refusal, refuse


@pytest.fixture(autouse=True)
def no_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


async def found(data: Path, *, free_mb: int = 1, **settings: Any) -> list[Finding]:
    return [one async for one in findings(read_settings(REJOINDER_DATA=data, **settings), free_mb=free_mb)]


async def faults(data: Path, **settings: Any) -> str:
    """What is wrong, a line each: the fault, and the cure."""
    return "\n".join(f"{one.what} -> {one.cure}" for one in await found(data, **settings) if not one.well)


async def test_an_empty_machine_with_a_secret_key_has_no_fault(tmp_path: Path) -> None:
    said = await found(tmp_path / "data", REJOINDER_SECRET_KEY="a-key")
    assert [one.what for one in said if not one.well] == []
    told = "\n".join(one.what for one in said)
    for expected in (
        "SQLite, made at the first start",
        "vocabularies are in",
        "local:SmolLM2-135M-Instruct: its tokens are counted by o200k_base",
        "to be installed at the first start",
        "the playground is served instead",
    ):
        assert expected in told


async def test_a_misspelt_setting_is_told_with_the_likely_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("REJOINDER_LANGAUGE=zh\n", encoding="utf-8")
    monkeypatch.setitem(Settings.model_config, "env_file", env_file)
    monkeypatch.setenv("REJOINDER_UNHEARD_OF", "1")
    said = await faults(tmp_path / "data")
    assert "REJOINDER_LANGAUGE: there is no such setting -> Did you mean REJOINDER_LANGUAGE?" in said
    assert "REJOINDER_UNHEARD_OF: there is no such setting -> Look it up" in said


async def test_too_little_room_is_told(tmp_path: Path) -> None:
    assert "Make room: 1000000000 MB at least" in await faults(tmp_path / "data", free_mb=10**9)


async def test_a_data_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    data = tmp_path / "file" / "data"
    said = await faults(data, DATABASE_URL=f"sqlite:///{data / 'a.db'}")
    assert f"REJOINDER_DATA: {data} can't be written to -> Name a folder" in said
    assert f"DATABASE_URL: {data} can't be written to -> Name a file" in said


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("mysql://h/d", "DATABASE_URL: mysql is not supported -> Use sqlite://"),
        ("postgresql://x@127.0.0.1:1/d", "does not answer (Connection refused) -> Start it"),
    ],
)
async def test_a_database_url_that_leads_nowhere_is_told(tmp_path: Path, url: str, fault: str) -> None:
    assert fault in await faults(tmp_path / "data", DATABASE_URL=url)


async def test_every_state_of_a_sqlite_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "rejoinder.db"

    async def database(**settings: Any) -> Finding:
        return next(one for one in await found(tmp_path, **settings) if "atabase" in one.what)

    file.write_bytes(b"These are no tables, but words of at least a hundred bytes." * 3)
    broken = await database()
    assert broken.what == "DATABASE_URL: file is not a database"
    assert "put a backup in its place" in broken.cure

    file.unlink()
    file.touch()
    empty = await database()
    assert empty.well
    assert f"has no tables yet, to be brought to {migrations.head()} at the next start" in empty.what

    with sqlite3.connect(file) as sql:
        sql.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        sql.execute("INSERT INTO alembic_version VALUES ('9999')")
    newer = await database()
    assert "a newer version brought the database to revision 9999" in newer.what
    assert "restore a backup" in newer.cure

    with sqlite3.connect(file) as sql:
        sql.execute("UPDATE alembic_version SET version_num = ?", [migrations.head()])
    assert (await database()).what == f"database: SQLite is at revision {migrations.head()}"


async def test_a_damaged_local_model_is_told(tmp_path: Path, local_model: Path) -> None:
    data = tmp_path / "data"
    folder = data / "local-model" / local_model.name
    folder.parent.mkdir(parents=True)
    folder.symlink_to(local_model)
    assert "installed and whole" in "\n".join(one.what for one in await found(data))
    folder.unlink()
    folder.mkdir()
    assert "REJOINDER_LOCAL_MODEL: cannot read" in await faults(data)


async def test_a_filter_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    said = await faults(tmp_path, REJOINDER_FILTER_WORDS=tmp_path / "none.txt")
    assert "REJOINDER_FILTER_WORDS: can't be read" in said


async def test_every_model_that_may_answer_is_asked(tmp_path: Path) -> None:
    async with LLMEmulator() as llm:
        no_money = Refusal(429, ("insufficient_quota", "insufficient_quota", None), ("", None), "No credit.")
        llm.script(refuse(no_money))
        said = await found(
            tmp_path,
            OPENAI_API_KEY="x",
            OPENAI_BASE_URL=llm.openai_url,
            REJOINDER_MODEL="openai-chat:gpt-4o-mini",
            REJOINDER_FALLBACK_MODELS="openai-chat:nobodys-model",
        )
    told = "\n".join(f"{one.what} -> {one.cure}" for one in said)
    assert "gpt-4o-mini: its tokens are counted by o200k_base, exactly ->" in told
    assert (
        "gpt-4o-mini: it does not answer: QuotaExhausted 429 insufficient_quota -> Look at the account"
        in told
    )
    assert "nobodys-model: its tokens are counted by o200k_base, as an estimate" in told
    assert "nobodys-model: its price is not known" in told
    assert "nobodys-model: it answers" in told
