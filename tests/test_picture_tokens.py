"""How many tokens a picture takes: OpenAI's own examples ("Images and vision", Calculating costs), and the rules' edges."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import Picture
from bot.errors import ConfigError
from bot.models.catalogue import load_models
from bot.tokens.counting import Sight, counter_for
from bot.tokens.pictures import Detail, PictureRule
from storage.stores import Stores

pytest_plugins = ["tests.databases"]

MODELS = load_models()
SIDES = st.integers(1, 4_000)


def tokens(model: str, width: int, height: int, detail: str = "high") -> int:
    return MODELS.get(model).picture.tokens(width, height, "low" if detail == "low" else "high")


@pytest.mark.parametrize(
    ("model", "width", "height", "detail", "published"),
    [
        ("gpt-4o", 1_024, 1_024, "high", 765),
        ("gpt-4o", 2_048, 4_096, "high", 1_105),
        ("gpt-4o", 4_096, 8_192, "low", 85),
        ("gpt-4o", 150, 150, "high", 255),
        ("gpt-4o-mini", 1_024, 1_024, "high", 25_501),
        ("o3", 1_024, 1_024, "high", 675),
        ("gpt-5", 1_024, 1_024, "high", 630),
        ("gpt-5.4", 1_024, 1_024, "high", 1_024),
    ],
)
def test_pictures_count_as_published(
    model: str, width: int, height: int, detail: str, published: int
) -> None:
    assert tokens(model, width, height, detail) == published


def test_a_picture_of_too_many_patches_counts_as_the_smaller_one_that_is_looked_at() -> None:
    plain = PictureRule("patches")
    assert plain.tokens(1_024, 1_024) == 1_024
    assert plain.tokens(1_800, 2_400) == 1_452
    assert PictureRule("patches", factor=1.62).tokens(1_800, 2_400) == 2_353  # 1452 times 1.62, rounded up


@given(SIDES, SIDES)
def test_no_rule_gives_nothing_or_more_than_its_most(width: int, height: int) -> None:
    assert 1 <= PictureRule("patches").tokens(width, height) <= 1_536
    assert 255 <= tokens("gpt-4o", width, height) <= 85 + 170 * 8
    assert tokens("gpt-4o", width, height) == tokens("gpt-4o", height, width)
    assert PictureRule("area").tokens(width, height) * 750 >= width * height


async def test_a_prompt_with_pictures_is_counted_with_them(stores: Stores) -> None:
    picture = Picture("image/png", b"", 1_024, 1_024)
    details: tuple[tuple[Detail, int], ...] = (("high", 765), ("low", 85))
    for detail, expected in details:
        counter = await counter_for(MODELS.get("gpt-4o"), stores.calibrations, detail=detail)
        words = counter.measure("What is it?")
        assert counter.tokens(words + counter.measure_picture(picture)) == counter.tokens(words) + expected
    unknown = Sight().rule
    assert unknown.tokens(1, 1) == unknown.tokens(4_000, 4_000) == 1_500


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('picture = { rule = "waves" }', "rule"),
        ('picture = { rule = "tiles", base = 0 }', "positive"),
        ('picture = { rule = "tiles", bass = 1 }', "bass"),
        ("picture = 3", "rule"),
    ],
)
def test_a_rule_that_is_none_is_told(tmp_path: Path, line: str, why: str) -> None:
    file = tmp_path / "models.toml"
    file.write_text(f"[openai.mine]\n{line}")
    with pytest.raises(ConfigError, match=why):
        load_models(file)
