"""The corpus is large enough, the same every time, and found as the page says; and none of it is ever seen in a stream."""

from __future__ import annotations

import pytest

from tests.corpus.case import Case
from tests.corpus.freezes import DEVELOPMENT, ROOT, freezes
from tests.corpus.page import page
from tests.corpus.score import OTHERS, SECRETS, SIZES, half, measured, redactor

SEEDS = (DEVELOPMENT, *(freeze.commit for freeze in freezes()[-1:]))
EVERYTHING = redactor()


def one_of_each_shape() -> list[Case]:
    return list({(case.kind, case.shape): case for case in half(DEVELOPMENT) if case.kind}.values())


def test_the_page_says_what_is_measured() -> None:
    """If it does not: `make corpus`."""
    assert (ROOT / "docs/filter-recall.md").read_text(encoding="utf-8") == page()


def test_both_halves_are_large_and_differ_and_stay_the_same() -> None:
    halves = [half(seed) for seed in SEEDS]
    for cases in halves:
        assert {case.kind for case in cases} == {*SIZES, ""}
        assert sum(bool(case.kind) for case in cases) >= 1_000 <= sum(not case.kind for case in cases)
    assert halves == [half(seed) for seed in SEEDS]
    secrets = [{case.secret for case in cases if case.kind == "api_key"} for cases in halves]
    assert all(len(made) > 590 for made in secrets)
    assert len(set.union(*secrets)) == sum(map(len, secrets))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_aims_are_kept(seed: str) -> None:
    result = measured(seed)
    assert result.total(SECRETS).recall >= 0.99
    assert result.total(OTHERS).recall >= 0.97
    assert result.total(SIZES).precision >= 0.99


@pytest.mark.parametrize("case", one_of_each_shape(), ids=lambda case: f"{case.kind}, {case.shape}")
def test_nothing_is_seen_wherever_the_text_is_split(case: Case) -> None:
    masked = EVERYTHING.mask(case.text).text
    for split in range(0, len(case.text) + 1, max(1, len(case.text) // 60)):
        stream = EVERYTHING.stream()
        shown = stream.feed(case.text[:split])
        assert masked.startswith(shown)
        assert shown + stream.feed(case.text[split:]) + stream.finish() == masked


@pytest.mark.parametrize("seed", SEEDS)
def test_every_text_may_come_character_by_character(seed: str) -> None:
    for case in half(seed)[::9]:
        masked, stream = EVERYTHING.mask(case.text).text, EVERYTHING.stream()
        shown = ""
        for character in case.text[:1500]:
            shown += stream.feed(character)
            assert masked.startswith(shown)
        assert shown + stream.feed(case.text[1500:]) + stream.finish() == masked
