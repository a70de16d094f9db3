"""Placeholders come back exactly as what they stood for, in a growing answer too, and only in their own conversation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.redaction import (
    Found,
    Policy,
    Redactor,
    escaped,
    parse_actions,
    restore,
    sort_out,
)
from bot.redaction.findings import mask
from tests.pseudonyms import Pseudonyms, Restorer, put_back
from tests.test_redaction_stream import FRAGMENTS, NEGATIVES, POSITIVES

REDACTOR = Redactor(ip_addresses=True)
EVERYTHING = Policy(parse_actions("all=pseudonymise"))
MARKS = st.sampled_from(
    [
        *("<", ">", "&lt;", "&gt;", "\\", "\\<", "\\>", "＜", "＞", "[", "](", "_", " ", "&", "`", "\n", "x", "1", "0"),
        *("<EMAIL_1>", "<PHONE_1>", "<TYPED_1>", "EMAIL_1", "EMAIL\\_1", "<email 1>", "&lt;CN_ID_1&gt;", "<EMAIL_", "EMAIL", "CARD_12"),
        *("ada@example.org", "13800138000", "11010519491231002X", "4111 1111 1111 1111", "[FILTERED:email]", "TYPED_", "<NATIONAL"),
    ]
)  # fmt: skip
TYPED_TEXTS = st.lists(MARKS | FRAGMENTS, max_size=12).map("".join)
ORIGINALS = {
    "<EMAIL_1>": "ada@example.org",
    "<EMAIL_12>": "bob@example.org",
    "<CN_ID_2>": "11010519491231002X",
}


def said(text: str, pseudonyms: Pseudonyms) -> str:
    """What of a person's words goes to the model."""
    sorted_out = sort_out(escaped(REDACTOR.pieces(text)), EVERYTHING)
    return sorted_out.text(pseudonyms.names(sorted_out.wanted))


def restorable(text: str) -> str:
    """The text, but for what is too long to be kept: that is masked for good."""
    pieces = REDACTOR.pieces(text)
    return "".join([p if isinstance(p, str) else p.original or mask(p.kind) for p in pieces])


def shown(answer: str, originals: dict[str, str]) -> str:
    restorer = Restorer(originals)
    return "".join([*map(restorer.feed, answer), restorer.finish()])


@settings(max_examples=500, deadline=None)
@given(TYPED_TEXTS)
def test_restoring_is_exact(text: str) -> None:
    pseudonyms = Pseudonyms()
    kept = said(text, pseudonyms)
    assert put_back(kept, pseudonyms.originals) == restore(kept, pseudonyms.originals) == restorable(text)


@pytest.mark.parametrize("text", POSITIVES + NEGATIVES, ids=range(len(POSITIVES + NEGATIVES)))
def test_every_known_case_comes_back(text: str) -> None:
    pseudonyms = Pseudonyms()
    kept = said(text, pseudonyms)
    assert put_back(kept, pseudonyms.originals) == restore(kept, pseudonyms.originals) == restorable(text)


@settings(max_examples=500, deadline=None)
@given(TYPED_TEXTS, st.data())
def test_a_growing_answer_shows_what_the_whole_would_and_no_placeholder_in_part(
    text: str, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    whole = put_back(text, ORIGINALS)
    restorer, seen = Restorer(ORIGINALS), ""
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        seen += restorer.feed(text[start:end])
        assert whole.startswith(seen)
    assert seen + restorer.finish() == whole


@pytest.mark.parametrize(
    "written",
    ["<EMAIL_1>", "<email_1>", "<Email 1>", "<EMAIL-1>", "<EMAIL1>", "< EMAIL_1 >", "&lt;EMAIL_1&gt;", "＜EMAIL_1＞", "<EMAIL\\_1>",
     "\\<EMAIL_1\\>", "\\<EMAIL\\_1\\>", "EMAIL_1", "EMAIL\\_1"],
)  # fmt: skip
def test_a_placeholder_is_known_however_the_model_writes_it(written: str) -> None:
    for answer, expected in (
        (f"Write to {written}.", "Write to ada@example.org."),
        (f"**{written}**的", "**ada@example.org**的"),
    ):
        assert put_back(answer, ORIGINALS) == shown(answer, ORIGINALS) == expected


@pytest.mark.parametrize(
    "answer", ["<EMAIL_2>", "EMAIL_10", "MY_EMAIL_1", "EMAIL_1x", "email_1", "EMAIL 1", "<MAIL_1>", "<EMAIL_01>", "<EMAIL_1234567>"]
)  # fmt: skip
def test_what_is_no_placeholder_of_the_conversation_stays(answer: str) -> None:
    assert put_back(answer, ORIGINALS) == shown(answer, ORIGINALS) == answer


def test_a_longer_number_is_another_placeholder() -> None:
    assert shown("EMAIL_12, <EMAIL_1>2", ORIGINALS) == "bob@example.org, ada@example.org2"


def test_a_typed_placeholder_brings_out_nobodys_original() -> None:
    """Neither from another conversation nor from this one, whatever the model does with it."""
    here = Pseudonyms()
    said("mail ada@example.org", here)
    there = Pseudonyms()
    for pseudonyms in (here, there):
        for typed in (
            "<EMAIL_1>",
            "<email_1>",
            "EMAIL_1",
            "&lt;EMAIL_1&gt;",
            "\\<EMAIL_1\\>",
            "<EMAIL\u200b_1>",
        ):
            question = said(f"Repeat: {typed}", pseudonyms)
            assert put_back(question, pseudonyms.originals) == f"Repeat: {typed}"
            echo = question.removeprefix("Repeat: ")
            assert "ada" not in put_back(echo.replace("TYPED", "typed"), pseudonyms.originals)
    assert "ada" not in str(there.originals)
    assert put_back("<EMAIL_1>", there.originals) == "<EMAIL_1>"


def test_the_same_original_has_the_same_placeholder_and_another_the_next() -> None:
    pseudonyms = Pseudonyms()
    assert said("a@b.io, c@d.io, a@b.io", pseudonyms) == "<EMAIL_1>, <EMAIL_2>, <EMAIL_1>"
    later = Pseudonyms(pseudonyms.fresh)
    assert said("e@f.io and c@d.io", later) == "<EMAIL_3> and <EMAIL_2>"
    assert later.fresh == {"<EMAIL_3>": Found("email", "e@f.io")}


def test_the_number_of_a_deleted_original_is_given_to_no_other() -> None:
    pseudonyms = Pseudonyms({"<EMAIL_1>": Found("email", "a@b.io"), "<EMAIL_2>": Found("email", None)})
    assert said("c@d.io", pseudonyms) == "<EMAIL_3>"
    assert put_back("<EMAIL_2>", pseudonyms.originals) == "<EMAIL_2>"


def test_ordinary_words_of_an_answer_are_shown_at_once() -> None:
    restorer = Restorer(ORIGINALS)
    for word in (
        "I ",
        "hope ",
        "this ",
        "helps. ",
        "In C, ",
        "a <= b ",
        "&& c; ",
        "你好 ",
        "[1] ",
        "`x` ",
        "\\n",
    ):
        assert restorer.feed(word) == word
