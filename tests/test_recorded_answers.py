"""What thirty typical answers become on each platform is what is written down, so that every change of it is seen and looked at."""

from __future__ import annotations

import pytest

from tests.recorded.recording import FOLDER, NAMES, PLATFORMS, calls, file_of


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", NAMES)
async def test_an_answer_becomes_the_calls_that_are_written_down(name: str, platform: str) -> None:
    """Where a change is meant: `python -m tests.recorded`."""
    assert await calls(name, platform) == file_of(name, platform).read_text(encoding="utf-8")


def test_there_are_thirty_of_them_and_no_record_without_an_answer() -> None:
    assert len(NAMES) >= 30
    assert {file.name.split(".")[0] for file in FOLDER.iterdir()} == set(NAMES)
