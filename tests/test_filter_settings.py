"""What the operator says of the filter: understood, or refused with the cure; and told where a key is wanting."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.privacy.settings import actions_of, masked_for_want_of_a_key, redactor_for_logs
from bot.redaction import Action
from bot.settings import Settings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def settings(**more: object) -> Settings:
    return Settings(**more)  # type: ignore[arg-type]


def test_actions_are_read_and_a_mistake_names_itself() -> None:
    assert actions_of(settings(REJOINDER_FILTER_ACTIONS="email=off, card = BLOCK")) == {
        "email": Action.OFF,
        "card": Action.BLOCK,
    }
    with pytest.raises(ConfigError, match=r"REJOINDER_FILTER_ACTIONS.*email=mask or .*email=off"):
        actions_of(settings(REJOINDER_FILTER_ACTIONS="email=hide"))


def test_without_a_key_it_is_told_what_will_not_come_back() -> None:
    assert "cn_id, iban" in masked_for_want_of_a_key(settings())
    assert masked_for_want_of_a_key(settings(REJOINDER_SECRET_KEY="k")) == ""
    assert masked_for_want_of_a_key(settings(REJOINDER_FILTER_ACTIONS="all=mask")) == ""
    only = settings(REJOINDER_FILTER_ACTIONS="all=mask, email=pseudonymise")
    assert masked_for_want_of_a_key(only).endswith(": email")


def test_the_log_is_masked_though_the_operators_words_cant_be_read(tmp_path: Path) -> None:
    mail = "ada" + "@example.org"
    there = redactor_for_logs(settings(REJOINDER_FILTER_WORDS=str(tmp_path / "missing.txt")))
    assert there.mask(f"Falcon, {mail}").text == "Falcon, [FILTERED:email]"
    (tmp_path / "words.txt").write_text("Falcon\n", encoding="utf-8")
    there = redactor_for_logs(settings(REJOINDER_FILTER_WORDS=str(tmp_path / "words.txt")))
    assert there.mask(f"Falcon, {mail}").text == "[FILTERED:word], [FILTERED:email]"
