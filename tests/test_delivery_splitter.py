"""The splitter: the parts give the text back, stand for themselves, fit, and never change once they are finished."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adapters.delivery.splitter import Part, Splitter, split
from tests.cases import cases
from tests.markdown_reading import stands_for_itself

LIMIT = 120
MARKDOWN = MarkdownIt("commonmark").enable("table")
PIECES = st.sampled_from(
    [
        "A sentence of some words. ",
        "word ",
        "averyveryverylongwordthatgoesonandon" * 4,
        "\n",
        "\n\n",
        "```python\n",
        "```\n",
        "~~~~\n",
        "x = 1\n",
        "- item\n",
        "1. first\n2. second\n",
        "> quoted\n",
        "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |\n",
        "**bold** and `code` ",
        "[a link](https://example.org/path) ",
        "https://example.org/a/b?c=d ",
        "你好，世界。",
        "مرحبا بالعالم ",
        "👩‍👩‍👧‍👦 🇫🇷 ",
        "$$e^{i\\pi} = -1$$\n",
        "# Heading\n",
    ]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)


def measured(text: str, lasting: bool) -> int:
    return len(text)


def fences(text: str) -> list[str]:
    return [token.content for token in MARKDOWN.parse(text) if token.type == "fence"]


@cases(200)
@given(TEXTS)
def test_the_sources_give_the_text_back_and_every_part_fits(text: str) -> None:
    parts = split(text, LIMIT)
    joined = "".join(part.source for part in parts)
    assert text.startswith(joined)
    assert not text[len(joined) :].strip()
    assert all(len(part.shown) <= LIMIT and part.shown.strip() for part in parts)
    assert all(stands_for_itself(part.shown) for part in parts)


@cases(60)
@given(TEXTS, st.lists(st.integers(1, 200), min_size=1, max_size=30))
def test_a_finished_part_never_changes_however_the_text_comes(text: str, steps: list[int]) -> None:
    whole = Splitter(LIMIT, measured)
    whole.feed(text)
    grown, end = Splitter(LIMIT, measured), 0
    seen: list[list[Part]] = []
    while end < len(text):
        end = min(len(text), end + steps[len(seen) % len(steps)])
        open_part = grown.feed(text[:end])
        assert open_part is None or len(open_part.shown) <= LIMIT
        seen.append(list(grown.done))
    for earlier, later in pairwise(seen):
        assert later[: len(earlier)] == earlier
    assert grown.done == whole.done


@cases(60)
@given(TEXTS)
def test_going_on_from_finished_parts_is_as_if_nothing_had_happened(text: str) -> None:
    first = Splitter(LIMIT, measured)
    first.feed(text)
    again = Splitter(LIMIT, measured, [part.source for part in first.done])
    assert again.feed(text, final=True) == first.feed(text, final=True)


def test_code_is_closed_and_reopened_with_its_language() -> None:
    code = "".join(f"line {number}\n" for number in range(60))
    parts = split(f"Here it is:\n\n```python\n{code}```\n\nThat was it.", LIMIT)
    assert len(parts) > 3
    assert all(part.shown.count("```") in (0, 2) for part in parts)
    assert all("```python" in part.shown for part in parts[:-1])
    lines = [line for part in parts for fence in fences(part.shown) for line in fence.splitlines()]
    assert lines == code.splitlines()


@pytest.mark.parametrize("line", ["word " * 20 + "```", "```" + " word" * 40, "``` " * 50 + "x"])
def test_code_is_never_cut_where_half_a_line_would_close_it(line: str) -> None:
    parts = split(f"```\nfirst\n{line}\nlast\n```\nThat was it.", LIMIT)
    assert all(stands_for_itself(part.shown) for part in parts)
    assert parts[-1].shown.endswith("That was it.")
    assert "That was it." not in "".join(code for part in parts for code in fences(part.shown))


def test_a_table_that_goes_on_repeats_its_head() -> None:
    rows = "".join(f"| row {number} | {number} |\n" for number in range(30))
    parts = split(f"| name | n |\n| --- | --- |\n{rows}", LIMIT)
    assert all(part.shown.startswith("| name | n |") for part in parts)


def test_links_words_and_emoji_stay_whole() -> None:
    link, family = "[the page](https://example.org/a/long/path/that/goes/on)", "👩‍👩‍👧‍👦"
    text = " ".join([f"{link} {family}"] * 12)
    parts = split(text, LIMIT)
    assert sum(part.shown.count(link) for part in parts) == 12
    assert sum(part.shown.count(family) for part in parts) == 12


def test_what_is_half_written_is_closed_for_the_moment() -> None:
    splitter = Splitter(400, measured)
    shown = [
        part.shown
        for text in ("Some **bold", "Some **bold** and `co", "Some **bold** and `co`\n```py\nx =")
        if (part := splitter.feed(text))
    ]
    assert shown[0].count("**") in (0, 2)
    assert shown[1].count("`") in (0, 2)
    assert shown[2].count("```") == 2


def test_an_ordinary_answer_is_one_part_as_it_was_written() -> None:
    text = "Hello **you**.\n\n- one\n- two"
    assert split(text, 400) == [Part(text, text, False)]
