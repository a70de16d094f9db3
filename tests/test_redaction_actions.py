"""Masked, exchanged or blocked, kind by kind; and the whole text and the growing one agree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.redaction import (
    KINDS,
    Action,
    ActionsError,
    Found,
    Piece,
    Policy,
    Redactor,
    escaped,
    parse_actions,
    sort_out,
)
from tests.pseudonyms import Pseudonyms
from tests.test_redaction_stream import TEXTS

REDACTOR = Redactor(ip_addresses=True)
MAIL, CARD, KEY = "ada@example.org", "4111 1111 1111 1111", "ghp_" + "a1B2" * 9
PEM = "-----BEGIN PRIVATE KEY-----\nQUJDREVGR0hJSktMTU5PUFFS\n-----END PRIVATE KEY-----"


def treated(text: str, policy: Policy, pseudonyms: Pseudonyms) -> str:
    sorted_out = sort_out(escaped(REDACTOR.pieces(text)), policy)
    return sorted_out.text(pseudonyms.names(sorted_out.wanted))


def test_secrets_and_cards_are_masked_and_personal_data_exchanged_unless_told_otherwise() -> None:
    sorted_out = sort_out(REDACTOR.pieces(f"{MAIL} pays with {CARD}, not {KEY}; {MAIL}!"), Policy())
    assert (sorted_out.masked, sorted_out.pseudonymised, sorted_out.blocked) == (
        ("card", "api_key"),
        ("email",),
        (),
    )
    assert sorted_out.wanted == (Found("email", MAIL),)
    names = Pseudonyms().names(sorted_out.wanted)
    assert sorted_out.text(names) == "<EMAIL_1> pays with [FILTERED:card], not [FILTERED:api_key]; <EMAIL_1>!"


def test_every_kind_has_a_default_and_says_what_it_is() -> None:
    assert all(kind.about and kind.action in Action for kind in KINDS)
    secrets = {"private_key", "jwt", "connection_string", "url_credentials", "api_key", "card"}
    assert all(Policy().of_kind(kind) is Action.MASK for kind in secrets)


def test_the_operators_word_and_the_places_word_come_first() -> None:
    operator = Policy().with_actions(parse_actions("email=mask, card = BLOCK"))
    place = operator.with_actions(parse_actions("email=pseudonymise"))
    assert place.of_kind("email") is Action.PSEUDONYMISE
    assert place.of_kind("card") is Action.BLOCK
    assert operator.of_kind("phone") is Action.PSEUDONYMISE
    assert {place.with_actions(parse_actions("all=block")).of_kind(kind.name) for kind in KINDS} == {
        Action.BLOCK
    }


@pytest.mark.parametrize(
    ("written", "telling"),
    [("mail=mask", "email"), ("email=hide", "email=pseudonymise"), ("email", "email=block")],
)
def test_a_wrong_action_is_answered_with_the_right_ones(written: str, telling: str) -> None:
    with pytest.raises(ActionsError, match=telling):
        parse_actions(written)


def test_what_blocks_a_message_is_never_in_its_text() -> None:
    sorted_out = sort_out(REDACTOR.pieces(f"it is {KEY}"), Policy(parse_actions("api_key=block")))
    assert sorted_out.blocked == ("api_key",)
    assert sorted_out.text({}) == "it is [FILTERED:api_key]"


def test_without_a_key_exchanging_falls_back_to_masking() -> None:
    sorted_out = sort_out(escaped(REDACTOR.pieces(f"<EMAIL_1> is {MAIL}")), Policy(reversible=False))
    assert sorted_out.wanted == ()
    assert sorted_out.text({}) == "<EMAIL_1> is [FILTERED:email]"


def test_what_is_too_long_to_be_held_is_masked_even_if_it_should_be_exchanged() -> None:
    policy = Policy(parse_actions("all=pseudonymise"))
    for text in (f"a {PEM} b", "a postgres://bob:s3cret@db/" + "x" * 9000 + " b"):
        sorted_out = sort_out(REDACTOR.pieces(text), policy)
        assert sorted_out.wanted == ()
        assert "[FILTERED:" in sorted_out.text({})


def test_an_original_shows_in_no_log() -> None:
    assert MAIL not in repr(sort_out(REDACTOR.pieces(f"<{MAIL}>"), Policy()).wanted)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.data())
def test_a_growing_text_is_treated_as_the_whole_would_be(text: str, data: st.DataObject) -> None:
    policy = Policy(parse_actions("all=pseudonymise, phone=mask"))
    whole = sort_out(REDACTOR.pieces(text), policy)
    expected = whole.text(Pseudonyms().names(whole.wanted))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    stream, pseudonyms, shown = REDACTOR.taking_apart(), Pseudonyms(), ""

    def show(pieces: list[Piece]) -> str:
        batch = sort_out(pieces, policy)
        return batch.text(pseudonyms.names(batch.wanted))

    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        shown += show(stream.feed(text[start:end]))
        assert expected.startswith(shown)
    assert shown + show(stream.finish()) == expected


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_treating_again_finds_nothing_new(text: str) -> None:
    once = treated(text, Policy(), pseudonyms := Pseudonyms())
    again = sort_out(REDACTOR.pieces(once), Policy())
    assert again.text(pseudonyms.names(again.wanted)) == once
