"""Counting tokens: known counts, unknown models, hostile texts, and no vocabulary at all."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from bot.tokens import texts as tokens
from bot.tokens.texts import Tokenizer, load, tokenizer_for


@pytest.mark.parametrize(
    ("model", "text", "count"),
    [
        ("gpt-4o", "tiktoken is great!", 6),
        ("gpt-4", "tiktoken is great!", 6),
        ("gpt-4o", "antidisestablishmentarianism", 6),
        ("gpt-4", "antidisestablishmentarianism", 6),
        ("gpt-4o", "2 + 2 = 4", 7),
        ("gpt-4", "2 + 2 = 4", 7),
        ("gpt-4o", "お誕生日おめでとう", 8),
        ("gpt-4", "お誕生日おめでとう", 9),
        ("gpt-4o", "", 0),
    ],
)
def test_counts_are_the_published_ones(model: str, text: str, count: int) -> None:
    assert tokenizer_for(model).count(text) == count


@pytest.mark.parametrize(
    ("model", "name", "exact"),
    [
        ("gpt-5.1-mini", "o200k_base", True),
        ("gpt-4.1", "o200k_base", True),
        ("gpt-3.5-turbo", "cl100k_base", True),
        ("gpt-oss-20b", "o200k_base", False),
        ("gpt-6-luna", "o200k_base", False),
        ("claude-sonnet-5", "o200k_base", False),
        ("text-davinci-003", "o200k_base", False),
        ("gpt2", "o200k_base", False),
        ("SmolLM2-135M-Instruct", "o200k_base", False),
        ("", "o200k_base", False),
    ],
)
def test_a_model_without_a_vocabulary_here_is_an_estimate(model: str, name: str, exact: bool) -> None:
    tokenizer = tokenizer_for(model)
    assert (tokenizer.name, tokenizer.exact) == (name, exact)


def test_a_model_is_counted_by_the_vocabulary_that_is_said_to_be_its_own() -> None:
    tokenizer = tokenizer_for("our-deployment", "cl100k_base")
    assert (tokenizer.name, tokenizer.exact) == ("cl100k_base", True)


def test_no_more_is_looked_at_of_how_a_text_begins_than_decides() -> None:
    assert tokens.beginning("2 + 2, or two and two?") == "2 + 2, or"
    assert len(tokens.beginning("1 " * 1_000_000)) == tokens.WORD
    assert tokens.beginning("") == ""


def test_special_tokens_in_a_message_are_plain_words() -> None:
    assert tokenizer_for("gpt-4o").count("<|endoftext|>") == 7


def test_a_text_with_half_a_surrogate_pair_is_counted() -> None:
    assert tokenizer_for("gpt-4o").count("half \ud83d pair") > 0


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4"])
@pytest.mark.parametrize("character", [" ", "\t", "\n", "\u00a0", "a", "你", "!", "\u0301"])
def test_a_million_of_one_character_is_counted_from_above(model: str, character: str) -> None:
    tokenizer = tokenizer_for(model)
    tenth = len(_encoding(tokenizer).encode_ordinary(character * 100_000))
    assert tenth * 9.9 <= tokenizer.count(character * 1_000_000) <= tenth * 10.1 + 100


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4"])
def test_a_large_text_is_counted_to_the_token(model: str) -> None:
    words = [
        "the",
        "bot's",
        "“quick”",
        "answer,",
        "42",
        "von",
        "naïve",
        "机器人。回答\n\n\tx",
        "=",
        "y[1];",
        "{don't}",
    ]
    choose = random.Random(7)
    text = " ".join(choose.choice(words) for _ in range(60_000))
    tokenizer = tokenizer_for(model)
    assert len(text) > 3 * tokens.PIECE
    assert tokenizer.count(text) == len(_encoding(tokenizer).encode_ordinary(text))


@given(
    text=st.text(st.sampled_from(" \n\t\r'’sAbé\u0301你，。1.!😀\u200b"), min_size=1, max_size=80),
    size=st.integers(min_value=2, max_value=40),
    model=st.sampled_from(["gpt-4o", "gpt-4"]),
)
def test_pieces_are_the_text_and_never_count_less(text: str, size: int, model: str) -> None:
    encoding = _encoding(tokenizer_for(model))
    pieces = list(tokens._pieces(text, size))
    assert "".join(piece for piece, _ in pieces) == text
    assert all(len(piece) <= size for piece, _ in pieces)
    counted = sum(len(encoding.encode_ordinary(piece)) + margin for piece, margin in pieces)
    whole = len(encoding.encode_ordinary(text))
    assert counted == whole if not any(margin for _, margin in pieces) else counted >= whole


async def test_loading_prepares_the_fallback_and_the_models_asked_for() -> None:
    tokens._loaded.cache_clear()
    await load("gpt-4", "nobody-knows-this-one")
    assert tokens._loaded.cache_info().currsize == 2


def test_without_any_vocabulary_characters_are_weighed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    tokenizer = tokenizer_for("gpt-4o")
    assert (tokenizer.name, tokenizer.exact) == ("characters", False)
    assert tokenizer.count("") == 0
    assert tokenizer.count("Hello") == 2
    assert tokenizer.count("你好") == 2
    assert tokenizer.count("😀") == 2


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox jumps over the lazy dog, and nobody minds that it does so every day.",
        "床前明月光，疑是地上霜。举头望明月，低头思故乡。",
        "Съешь же ещё этих мягких французских булок, да выпей чаю.",
        "def add(left: int, right: int) -> int:\n    return left + right\n",
    ],
)
def test_the_estimate_from_characters_is_not_far_below_the_truth(text: str) -> None:
    assert Tokenizer(None).count(text) >= tokenizer_for("gpt-4o").count(text) * 0.8


def _encoding(tokenizer: Tokenizer) -> tiktoken.Encoding:
    return tiktoken.get_encoding(tokenizer.name)
