"""Whatever an answer is made of, it is read alike in one piece, in parts, and while it grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import regex
from hypothesis import given
from hypothesis import strategies as st

from adapters.delivery.mentions import slack_markdown
from adapters.delivery.splitter import Part, Splitter, split
from adapters.discord import markdown as discord_markdown
from adapters.discord.surface import measure as discord_measure
from tests.cases import cases
from tests.markdown_reading import Letter, joined, read, stands_for_itself
from tests.written_answers import EMOJI, answers

JOINER = "\u2060"
LIMITS = st.integers(500, 1_200)
"""What must stay in one piece fits."""
GRAPHEMES = st.lists(st.sampled_from([*EMOJI, "a", "b ", "é", "😀", "\r\n", "各", "한", "ก็"]), max_size=120)


def discord_size(text: str) -> int:
    return discord_measure(discord_markdown.shown(text))


def slack_size(text: str) -> int:
    return len(slack_markdown(text))


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


MEASURES: dict[str, Callable[[str], int]] = {
    "letters": len,
    "UTF-16": utf16,
    "as Slack counts": slack_size,
    "as Discord counts": discord_size,
}


@cases(120)
@given(answers(), LIMITS, st.sampled_from(sorted(MEASURES)))
def test_every_part_fits_as_the_platform_counts_and_stands_for_itself(
    text: str, limit: int, measure: str
) -> None:
    parts = split(text, limit, MEASURES[measure])
    assert "".join(part.source for part in parts) == text
    for part in parts:
        assert MEASURES[measure](part.shown) <= limit
        assert part.shown.strip() and stands_for_itself(part.shown)


@cases(120)
@given(answers(), LIMITS)
def test_parts_are_read_like_the_whole(text: str, limit: int) -> None:
    whole, parts = read(text), joined(part.shown for part in split(text, limit))
    assert parts.pieces == whole.pieces
    assert parts.code == whole.code
    assert parts.items == whole.items
    assert parts.letters == whole.letters


@cases(60)
@given(answers(4), LIMITS, st.integers(0, 2**32))
def test_a_growing_answer_takes_nothing_back_and_changes_no_style(text: str, limit: int, seed: int) -> None:
    """Except for a link, whose words are shown while its address is still being written."""
    whole = styled(read(text).letters)
    splitter = Splitter(limit, lambda shown, lasting: len(shown))
    done: list[Part] = []
    for end in sorted(Random(seed).choices(range(1, len(text) + 1), k=20)):
        part = splitter.feed(text[:end])
        assert splitter.done[: len(done)] == done
        done = list(splitter.done)
        shown = [one.shown for one in (*done, *([part] if part else [])) if one.shown]
        assert all(len(one) <= limit and stands_for_itself(one) for one in shown)
        seen = styled(joined(shown).letters)
        assert seen == whole[: len(seen)]
    splitter.feed(text)
    assert splitter.done == [one for one in split(text, limit) if one.done][: len(splitter.done)]


def styled(letters: list[Letter]) -> list[Letter]:
    return [
        (one, tuple(style for style in styles if not style.startswith(("link", "picture"))))
        for one, styles in letters
        if one != "|"
    ]


@cases(60)
@given(answers(), LIMITS)
def test_on_discord_nothing_is_lost_and_code_is_closed(text: str, limit: int) -> None:
    shown = [discord_markdown.shown(part.shown) for part in split(text, limit, discord_size)]
    assert all(stands_for_itself(one) and one.count("```") % 2 == 0 for one in shown)
    seen = iter(joined(shown).code)
    assert all(
        line.strip() in (code.replace(JOINER, "").strip() for code in seen) for line in read(text).code
    )
    assert digits("\n".join(shown)) >= digits(text)


def digits(text: str) -> Counter[str]:
    """Every word has a number, which may be broken into two lines in a narrow column."""
    return Counter(one for one in text if one.isdigit())


@cases(100)
@given(GRAPHEMES, st.integers(40, 80))
def test_no_character_is_cut_in_two(characters: list[str], limit: int) -> None:
    text = "".join(characters)
    whole, at = {0, *(match.end() for match in regex.finditer(r"\X", text))}, 0
    for part in split(text, limit, utf16):
        assert utf16(part.shown) <= limit
        at += len(part.source)
        assert at in whole
