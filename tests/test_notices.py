"""What the bot says itself: complete in every language, and never broken by its parameters."""

import string
from datetime import UTC, datetime, timedelta

import pytest

from bot import errors
from bot.notices import TEXTS, language_of, notice, reference, wait_text


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_language_has_every_notice_with_the_same_parameters() -> None:
    for language, texts in TEXTS.items():
        assert texts.keys() == TEXTS["en"].keys(), language
        for code, text in texts.items():
            assert fields(text) == fields(TEXTS["en"][code]), (language, code)


def all_errors(root: type[errors.RejoinderError]) -> list[type[errors.RejoinderError]]:
    return [root, *(deeper for child in root.__subclasses__() for deeper in all_errors(child))]


def test_every_error_that_people_may_see_has_a_notice() -> None:
    silent = {"config", "limit", "lease", "store"}
    for error in all_errors(errors.RejoinderError):
        assert error.code in silent or error.code in TEXTS["en"], error


def test_the_error_tree_is_drawn_as_it_is() -> None:
    for error in all_errors(errors.RejoinderError):
        if error.__module__ == errors.__name__:
            assert error.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize(
    ("tag", "language"), [("zh-CN", "zh"), ("zh_TW", "zh"), ("en-GB", "en"), ("fr", "en"), ("", "en")]
)
def test_people_are_spoken_to_in_their_language(tag: str, language: str) -> None:
    assert language_of(tag, "en") == language


def test_an_unknown_notice_is_our_mistake() -> None:
    with pytest.raises(KeyError):
        notice("no such thing")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (90, "90 seconds"),
        (150, "3 minutes"),
        (7200, "2 hours"),
        (200_000, "3 days"),
    ],
)
def test_a_wait_is_said_in_the_unit_that_fits_and_never_too_short(seconds: float, text: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert wait_text(now, now + timedelta(seconds=seconds), "en") == text


def test_references_differ() -> None:
    assert len({reference() for _ in range(100)}) == 100
