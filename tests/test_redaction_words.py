"""The operator's own words and patterns."""

from __future__ import annotations

import pytest

from bot.redaction import FilterWordsError, Redactor, parse_words

FILE = """\ufeff
# what nobody may read
Project Titan
Acme
café
机密文件
절대비밀
C++
straße

re: PRJ-\\d+
re: (?i)budget .{0,20}final
re: ^internal
"""
REDACTOR = Redactor(words=parse_words(FILE))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("the acme plan", "the [FILTERED:word] plan"),
        ("ACME's plan", "[FILTERED:word]'s plan"),
        ("_acme_, *Acme*, (aCmE)", "_[FILTERED:word]_, *[FILTERED:word]*, ([FILTERED:word])"),
        ("我在Acme上班", "我在[FILTERED:word]上班"),
        ("project  titan", "[FILTERED:word]"),
        ("project\ntitan", "[FILTERED:word]"),
        ("PROJECT\u00a0TITAN!", "[FILTERED:word]!"),
        ("pro\u200bject titan", "[FILTERED:word]"),
        ("ｐｒｏｊｅｃｔ　ｔｉｔａｎ", "[FILTERED:word]"),
        ("un café", "un [FILTERED:word]"),
        ("un cafe\u0301!", "un [FILTERED:word]!"),
        ("CAFÉ", "[FILTERED:word]"),
        ("这是机密文件吗", "这是[FILTERED:word]吗"),
        ("机\u200b密文件", "[FILTERED:word]"),
        ("그건 절대비밀이야", "그건 [FILTERED:word]이야"),
        ("we use C++.", "we use [FILTERED:word]."),
        ("Hauptstrasse, STRASSE", "Hauptstrasse, [FILTERED:word]"),
        ("see PRJ-12 and PRJ-7", "see [FILTERED:word] and [FILTERED:word]"),
        ("see (PRJ-12)", "see ([FILTERED:word])"),
        ("Budget is nearly Final now", "[FILTERED:word] now"),
        ("internal: x\nnot internal\ninternal", "[FILTERED:word]: x\nnot internal\n[FILTERED:word]"),
    ],
)
def test_a_word_is_masked_however_it_is_written(text: str, masked: str) -> None:
    assert REDACTOR.mask(text).text == masked
    assert REDACTOR.mask(masked).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "acmeology",
        "macme",
        "projects titan",
        "project-titan",
        "cafe",
        "cafés",
        "机密的文件",
        "PRJ-",
        "prj-12",
    ],
)
def test_a_part_of_a_word_or_another_word_is_left_alone(text: str) -> None:
    assert REDACTOR.mask(text).text == text


def test_a_pattern_masks_the_words_it_begins_and_ends_in() -> None:
    redactor = Redactor(words=parse_words("re: cret"))
    assert redactor.mask("top secrets, 密cret码").text == "top [FILTERED:word], 密[FILTERED:word]码"


def test_what_a_longer_kind_covers_is_of_that_kind() -> None:
    masked = REDACTOR.mask("acme@acme.com and Acme")
    assert masked.text == "[FILTERED:email] and [FILTERED:word]"
    assert masked.kinds == ("email", "word")


def test_words_never_reach_into_a_placeholder() -> None:
    redactor = Redactor(words=parse_words("filtered\nemail\nre: F.*R"))
    assert redactor.mask("[FILTERED:email] EMAIL").text == "[FILTERED:email] [FILTERED:word]"


def test_thousands_of_words_are_found_as_one() -> None:
    words = "\n".join(f"name{number} of thing" for number in range(20_000))
    redactor = Redactor(words=parse_words(words))
    assert (
        redactor.mask("a NAME19999 of thing, name20000 of thing").text
        == "a [FILTERED:word], name20000 of thing"
    )


def test_a_match_beyond_256_characters_does_not_count() -> None:
    redactor = Redactor(words=parse_words("re: begin.*end"))
    short, long = f"begin{' x' * 100} end", f"begin{' x' * 200} end"
    assert redactor.mask(short).text == "[FILTERED:word]"
    assert redactor.mask(long).text == long


def test_an_empty_file_is_no_words() -> None:
    assert Redactor(words=parse_words("\n# nothing\n\n")).mask("nothing").text == "nothing"


@pytest.mark.parametrize(
    ("line", "telling"),
    [
        ("re: (a", "missing"),
        ("re: (?=look)x", "look-around"),
        (r"re: (a)\1", "back-references"),
        ("re: x*", "matches nothing"),
        ("re:", "matches nothing"),
        ("\u200b\u200b", "nothing visible"),
        ("long " * 40, "Keep it to 128"),
    ],
)
def test_a_wrong_line_is_named_with_its_cure(line: str, telling: str) -> None:
    with pytest.raises(FilterWordsError, match="line 3") as caught:
        parse_words(f"fine\n# fine\n{line}\n")
    assert telling in str(caught.value)
    assert caught.value.line == 3
