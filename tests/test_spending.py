"""Several processes spend from one database at once, some are killed: the books agree to the token, and no limit was passed."""

from __future__ import annotations

from pathlib import Path

from tests.spending import spend

pytest_plugins = ["tests.databases"]


async def test_the_books_of_several_processes_agree_and_no_limit_was_passed(
    store_url: str, tmp_path: Path
) -> None:
    diary, result = await spend(store_url, tmp_path, spenders=3, killed=1, each=150, abreast=40)
    assert "no limit was passed" in result
    assert diary.done == 2 and len(diary.settled) > 30
    assert len(diary.refused) >= 2 and len(diary.granted) > len(diary.settled)
