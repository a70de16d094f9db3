"""Which limits hold for whom: the operator's file and what admins say, and how mistakes in the file are told."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from bot.chat import Author, Place
from bot.derived import rulebook_of
from bot.errors import ConfigError
from bot.limits.file import read_limits
from bot.limits.rules import Allowed, Rulebook, Scope, said_rules
from bot.ports import Level, Ruling
from bot.settings import ROOT, read_settings

ADA, STAFF, BOSS = Author("U1", "Ada"), Author("U012AB3CD", "Sam"), Author("U9", "Root", admin=True)
CHANNEL, OTHER = Place("slack", "T012AB3CD", "C012AB3CD"), Place("slack", "T2", "C2")
SOL = ("openai:gpt-6-sol", "gpt-6-sol")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Rulebook:
    """The example of the documentation."""
    page = (ROOT / "docs/limits.md").read_text("utf-8")
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    file = tmp_path_factory.mktemp("limits") / "limits.toml"
    file.write_text(example[1], "utf-8")
    filed, roles = read_limits(file)
    return Rulebook(filed, roles, usual={"tokens_per_day": 7, "usd_per_month": 3}, operators=("slack:U7",))


def numbers(
    book: Rulebook, author: Author, place: Place = OTHER, *said: Ruling, names: tuple[str, ...] = ()
) -> dict[tuple[str, str], dict[str, Allowed]]:
    return {
        (one.level, one.model): dict(one.numbers)
        for one in book.allowances(place, author, names, said_rules(said, place))
        if one.numbers
    }


def test_the_more_special_rule_replaces_the_more_general_one_number_by_number(book: Rulebook) -> None:
    assert numbers(book, ADA)["user", ""] == {
        "requests_per_minute": 10,
        "burst": 20,
        "tokens_per_day": 200_000,
        "usd_per_month": 3,  # the settings: the file says nothing of it
    }
    assert numbers(book, STAFF)["user", ""]["tokens_per_day"] == 1_000_000
    moderator = Author("8", "Mo", roles=("80351110224678912",))
    assert numbers(book, moderator, Place("discord", "1", "2"))["user", ""]["tokens_per_day"] == 1_000_000
    for admin in (BOSS, Author("U7", "Op")):
        assert numbers(book, admin)["user", ""]["tokens_per_day"] is None
    assert numbers(book, ADA)["place", ""] == {"usd_per_day": 5}
    assert numbers(book, ADA, CHANNEL)["place", ""] == {"usd_per_day": 50}
    assert numbers(book, ADA, CHANNEL)["workspace", ""] == {"usd_per_month": 500}
    assert numbers(book, ADA)["bot", ""] == {"usd_per_day": 100, "usd_per_month": 1000}


def test_a_rule_for_a_model_holds_besides_and_only_for_it(book: Rulebook) -> None:
    assert ("user", SOL[0]) not in numbers(book, ADA, names=("openai:gpt-6-luna", "gpt-6-luna"))
    assert numbers(book, ADA, names=SOL)["user", SOL[0]] == {"tokens_per_day": 20_000}
    assert numbers(book, ADA, names=SOL)["user", ""]["tokens_per_day"] == 200_000


def test_what_admins_say_may_be_less_than_the_file_but_never_more(book: Rulebook) -> None:
    def said(value: str, **more: object) -> Allowed:
        ruling = Ruling(Level.USER, "tokens_per_day", value, **more)  # type: ignore[arg-type]
        return numbers(book, ADA, OTHER, ruling)["user", ""]["tokens_per_day"]

    assert (said("5"), said("300000"), said("none")) == (5, 200_000, 200_000)
    here = Ruling(Level.PLACE, "usd_per_day", "0.5", here=True)
    assert numbers(book, ADA, OTHER, here)["place", ""] == {"usd_per_day": Decimal("0.5")}
    month = Ruling(Level.USER, "usd_per_month", "99")
    assert numbers(book, ADA, OTHER, month)["user", ""]["usd_per_month"] == 99  # a setting is no ceiling


def test_what_a_provider_allows_is_said_for_each_model(book: Rulebook) -> None:
    assert book.of_provider(SOL) == {"requests_per_minute": 500}
    assert book.of_provider(("openai:gpt-6-luna", "gpt-6-luna"))["tokens_per_minute"] == 200_000


@pytest.mark.parametrize(
    ("words", "line", "told"),
    [
        ("[user]\n\ntoken_per_day = 3", 3, "user.token_per_day is no key .* Did you mean tokens_per_day"),
        ("[user]\nburst = -1", 2, "user.burst is not between 0 and"),
        ("[user]\nburst = 1.5", 2, "user.burst is not a whole number"),
        ('[user.role.admin]\nusd_per_day = "lots"', 2, "usd_per_day is not a number"),
        ("\n[usr]\nburst = 1", 2, "usr is no table .* Did you mean user"),
        ("user = 3", 1, "user is not a table"),
        ("[user.role.boss]\nburst = 1", 1, "user.role.boss is a role that nobody has"),
        ('[roles]\nx = ["bob"]', 2, "roles.x holds 'bob', which names nobody"),
        ("[roles]\nx = 3", 2, "roles.x is not a list"),
        ('[place.only."slack:C1"]\nburst = 1', 1, 'place.only."slack:C1" names no place'),
        ("[provider]\nusd_per_day = 3", 2, "provider.usd_per_day is no key"),
        ("[bot]\nrole = {}", 2, "bot.role is no key"),
        ("[user\n", 1, "is no TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line_its_key_and_the_cure(
    tmp_path: Path, words: str, line: int, told: str
) -> None:
    file = tmp_path / "limits.toml"
    file.write_text(words, "utf-8")
    with pytest.raises(ConfigError, match=told) as caught:
        read_limits(file)
    assert caught.value.variable == "REJOINDER_LIMITS" and caught.value.cure
    assert f"line {line}" in caught.value.cause


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        read_limits(tmp_path / "none.toml")


def test_what_the_operator_has_set_is_raised_by_no_admin_and_what_is_usual_may_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REJOINDER_USER_USD_PER_MONTH", "5")
    monkeypatch.setenv("REJOINDER_USER_REQUESTS_PER_MINUTE", "none")
    raised = (
        Ruling(Level.USER, "usd_per_month", "none"),
        Ruling(Level.USER, "usd_per_month", "500", role="staff"),
        Ruling(Level.USER, "tokens_per_day", "900000"),
        Ruling(Level.USER, "requests_per_minute", "3"),
    )
    book = rulebook_of(read_settings())
    assert book.in_money and book.ceiling(Scope(Level.USER, role="staff"), "usd_per_month") == 5
    assert numbers(book, ADA, OTHER, *raised)["user", ""] == {
        "usd_per_month": 5,
        "tokens_per_day": 900_000,
        "requests_per_minute": 3,
    }
    file = tmp_path / "limits.toml"
    file.write_text("[user]\nusd_per_month = 7\n", "utf-8")
    monkeypatch.setenv("REJOINDER_LIMITS", str(file))
    assert numbers(rulebook_of(read_settings()), ADA)["user", ""]["usd_per_month"] == 7
