"""The plain view: disguises are seen through, and every place leads back to the original."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.redaction.normalise import FoldedView, View, folded, plain

ODD = st.text(
    st.sampled_from("aé\u0301ß①１３.．\u200b\u200d\u00ad 　\n密각－–·İΣς\ud800\U0001f600") | st.characters(),
    max_size=60,
)


def view_of(*pieces: str) -> View:
    view = View()
    for piece in pieces:
        view.append(piece)
    return view


def test_disguises_are_seen_through() -> None:
    assert view_of("１３８－００１３").text == "138-0013"
    assert view_of("1\u200b3\u00ad8\u2060").text == "138"
    assert view_of("٠١٢").text == "012"
    assert view_of("𝟏𝟑𝟖 ①").text == "138 1"
    assert view_of("foo＠bar．com").text == "foo@bar.com"
    assert view_of("138\u00a00013\u20098000\u3000").text == "138 0013 8000 "


def test_every_character_stands_for_one_that_stands_for_itself() -> None:
    for code in range(0x20000):
        once = plain(chr(code))
        assert len(once) == 1
        assert plain(once) == once


@given(ODD)
def test_places_lead_back_to_the_original(text: str) -> None:
    view = view_of(text)
    for index, character in enumerate(view.text):
        start, end = view.start(index), view.end(index + 1)
        assert end == start + 1
        assert plain(text[start]) == character


@given(ODD, st.data())
def test_a_view_is_the_same_in_pieces(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    whole, pieces = view_of(text), view_of(text[:cut], text[cut:])
    assert pieces.text == whole.text
    assert [pieces.start(i) for i in range(len(pieces.text))] == [
        whole.start(i) for i in range(len(whole.text))
    ]


@given(ODD, st.data())
def test_places_stay_right_when_the_front_is_dropped(text: str, data: st.DataObject) -> None:
    view = view_of(text)
    places = [view.start(index) for index in range(len(view.text))]
    count = data.draw(st.integers(0, len(places)))
    view.drop(count)
    assert [view.start(index) for index in range(len(view.text))] == places[count:]


def test_a_long_run_of_invisible_characters_is_not_left_out_entirely() -> None:
    assert len(view_of("a" + "\u200b" * 1000 + "b").text) > 900
    assert view_of("a" + "\u200b" * 10, "\u200b" * 6 + "b").text == "ab"


@given(ODD)
def test_every_folded_character_leads_back_to_the_one_it_is_of(text: str) -> None:
    text = view_of(text).text
    assume(
        not any(" " in folded(character) and not character.isspace() for character in text)
    )  # such as a cedilla
    view = FoldedView(text)
    assert len(re.sub(r"\s+", " ", "".join(map(folded, text)))) == len(view.text)
    for index, character in enumerate(view.text):
        start, end = view.start(index), view.end(index + 1)
        if character == " ":
            assert text[start:end].isspace()
        else:
            assert end == start + 1
            assert character in folded(text[start])


@pytest.mark.parametrize("word", ["CAFÉ", "Cafe\u0301", "ISTANBUL", "STRASSE", "ΟΔΟΣ", "Ａ"])
def test_folding_is_blind_to_case_and_composition(word: str) -> None:
    for other in (
        word.lower(),
        word.upper(),
        unicodedata.normalize("NFC", word),
        unicodedata.normalize("NFD", word),
    ):
        assert FoldedView(other).text == FoldedView(word).text


def test_folding_makes_a_run_of_space_one() -> None:
    view = FoldedView("A  \n B")
    assert view.text == "a b"
    assert (view.start(0), view.end(1), view.start(2), view.end(3)) == (0, 1, 5, 6)


def test_folding_lengthens_and_leads_back() -> None:
    view = FoldedView("ßx")
    assert view.text == "ssx"
    assert (view.start(0), view.end(2), view.start(2)) == (0, 1, 1)
    assert not view.is_whole(0, 1)
    assert view.is_whole(0, 2)
