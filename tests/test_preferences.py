"""What holds at a place: read and written alike, the nearest level that decided counts, and only what can be may be decided."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import Author
from bot.notices import TEXTS
from bot.ports import Levels
from bot.preferences import (
    LONGEST_PROMPT,
    OPTIONS,
    Answers,
    Level,
    Preferences,
    Scope,
    Talk,
    Unfit,
    resolve,
    written,
)
from tests.fakes import ADA, GRACE, ROOT, a_menu

IDS = st.from_regex(r"[A-Z0-9]{1,12}|&[0-9]{1,20}", fullmatch=True)
WHOLE = st.builds(
    Preferences,
    model=st.text(alphabet="abc:-.6", min_size=1),
    system_prompt=st.text(max_size=LONGEST_PROMPT),
    scope=st.sampled_from(Scope),
    answers=st.sampled_from(Answers),
    talk=st.builds(Talk, st.none() | st.lists(IDS, unique=True, max_size=5).map(tuple)),
)


def test_every_field_is_an_option_that_people_are_told_the_meaning_of() -> None:
    assert list(OPTIONS) == [field.name for field in fields(Preferences)]
    for texts in TEXTS.values():
        assert {f"setting_{name}" for name in OPTIONS} <= texts.keys()


@given(WHOLE)
def test_what_is_written_is_read_again(preferences: Preferences) -> None:
    assert resolve(Preferences(), Levels(written(preferences), {}))[0] == preferences


@given(WHOLE, st.sets(st.sampled_from(list(OPTIONS))), st.sets(st.sampled_from(list(OPTIONS))))
def test_the_nearest_level_that_decided_counts(
    decided: Preferences, here: set[str], everywhere: set[str]
) -> None:
    texts, other = written(decided), written(Preferences("there", "there", Scope.USER, talk=Talk(())))
    usual = Preferences("usual", "usual", Scope.THREAD)
    levels = Levels({name: texts[name] for name in here}, {name: other[name] for name in everywhere})
    holds, deciders = resolve(usual, levels)
    for name, text in written(holds).items():
        level = (
            Level.CHANNEL if name in here else Level.INSTALLATION if name in everywhere else Level.OPERATOR
        )
        assert deciders[name] is level
        assert (
            text
            == {Level.CHANNEL: texts, Level.INSTALLATION: other, Level.OPERATOR: written(usual)}[level][name]
        )


def test_what_another_version_stored_decides_nothing() -> None:
    strange = Levels({"scope": "galaxy", "colour": "blue", "answers": "thread"}, {"scope": "user"})
    holds, deciders = resolve(Preferences(answers=Answers.CHANNEL), strange)
    assert (holds.scope, holds.answers) == (Scope.USER, Answers.THREAD)
    assert deciders.keys() == OPTIONS.keys()


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("scope", "galaxy", "setting_not_a_choice"),
        ("answers", "", "setting_not_a_choice"),
        ("system_prompt", "x" * (LONGEST_PROMPT + 1), "setting_too_long"),
        ("talk", "somebody", "setting_not_people"),
        ("talk", "<@U1> and the rest", "setting_not_people"),
        ("talk", " ".join(f"<@U{n}>" for n in range(51)), "setting_too_many"),
    ],
)
def test_what_can_not_be_is_refused_with_a_reason(name: str, text: str, code: str) -> None:
    with pytest.raises(Unfit) as refused:
        OPTIONS[name].read(text)
    assert refused.value.code == code
    for texts in TEXTS.values():
        assert texts[code].format(**refused.value.parameters)


def test_people_and_roles_are_listed_as_platforms_write_them() -> None:
    talk = OPTIONS["talk"].read("<@U1|ada>, <@!22> <@&5>")
    assert talk == Talk(("U1", "22", "&5"))
    assert talk.admits(ADA) and talk.admits(ROOT) and not talk.admits(GRACE)
    assert talk.admits(Author("U7", "Linus", roles=("4", "5")))
    assert not OPTIONS["talk"].read("admins").admits(ADA)
    assert OPTIONS["talk"].read("Everyone").admits(GRACE)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("gpt-6-sol", "openai:gpt-6-sol"),
        ("openai-chat:gpt-6-sol", "openai-chat:gpt-6-sol"),
        ("openai:gpt-9-nova", "openai:gpt-9-nova"),
        ("openai:gpt-6-luna", "openai:gpt-6-luna"),
    ],
)
def test_a_model_that_can_be_reached_may_be_chosen(text: str, chosen: str) -> None:
    assert a_menu().choose(text) == chosen


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("gtp-6-sol", "setting_no_model"),
        ("openai:", "setting_no_model"),
        ("claude-haiku-5-5", "setting_model_out_of_reach"),
        ("local:SmolLM2-135M-Instruct", "setting_model_out_of_reach"),
        ("openai:gpt-9-nova", "setting_model_unpriced"),
    ],
)
def test_a_model_that_can_not_answer_may_not_be_chosen(text: str, code: str) -> None:
    with pytest.raises(Unfit) as refused:
        a_menu(priced=True).choose(text)
    assert refused.value.code == code
    assert TEXTS["en"][code].format(**refused.value.parameters)


def test_only_models_that_may_be_chosen_are_proposed() -> None:
    names = a_menu(priced=True).names()
    assert names[0] == "openai:gpt-6-luna"
    assert len(names) == len(set(names)) > 5
    assert [a_menu(priced=True).choose(name) for name in names] == names
