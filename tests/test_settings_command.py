"""The `settings` command, from what people say to what they read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.chat import Author, Invocation, Place
from bot.commands.settings import Asked, SettingsCommand, parse
from bot.commands.table import spoken_command
from bot.ports import Form, Said
from bot.preferences import Decided, Preferences, Scope
from bot.privacy.filtering import Filtering
from bot.redaction import Action, Redactor
from storage.stores import open_stores
from tests.fakes import ADA, CHANNEL, GRACE, ROOT, FakeClock, a_menu

EMAIL = "ada" + "@" + "example.org"


class Told:
    """Says things to the command."""

    def __init__(self, command: SettingsCommand, decided: Decided) -> None:
        self.command, self.decided = command, decided

    async def __call__(
        self, argument: str = "", *, by: Author = ROOT, place: Place = CHANNEL, language: str = "en"
    ) -> str:
        said = await self.command.run(Invocation("K", place, by, "settings", argument), language)
        return said.text if isinstance(said, Said) else said


@pytest.fixture
async def say(tmp_path: Path) -> AsyncIterator[Told]:
    clock = FakeClock()
    stores = open_stores(f"sqlite:///{tmp_path / 'bot.db'}", clock)
    await stores.upgrade()
    decided = Decided(stores.preferences, lambda _: Preferences("openai:gpt-6-luna", "Be kind."))
    operators = ("fake:U2",)
    filtering = Filtering(Redactor(), stores.vault, decided)
    yield Told(SettingsCommand(decided, stores.preferences, a_menu(), filtering, operators, clock), decided)
    await stores.aclose()


async def test_what_holds_is_shown_with_who_decided_it(say: Told) -> None:
    shown = await say(by=Author("U5", "Eve"))
    assert "`model`: `openai:gpt-6-luna` (the default)" in shown
    assert "`talk`: `everyone` (the default)" in shown
    assert "NAME VALUE" not in shown
    assert "NAME VALUE" in await say()
    assert "`scope`" in await say(language="zh")


async def test_an_admin_changes_a_value_and_takes_it_back(say: Told) -> None:
    assert await say("scope user") == "`scope` is now `user` here."
    assert await say("scope user") == "`scope` is `user` already."
    assert "`scope`: `user` (set for this channel)" in await say()
    assert (await say.decided.at(CHANNEL)).scope is Scope.USER
    assert await say("scope default") == "`scope` is no longer set here. What holds: `channel`"
    assert "for everywhere" not in await say("history")
    history = (await say("history")).splitlines()
    assert len(history) == 3
    assert "<@U9>: `scope` from the default to `user` (set for this channel)" in history[2]


async def test_everywhere_is_the_whole_installation_and_a_channel_goes_before(say: Told) -> None:
    assert await say("--everywhere scope thread") == "`scope` is now `thread` everywhere."
    await say("scope user")
    assert (await say("scope —everywhere channel")).endswith(
        "This channel has a `scope` of its own, which goes before."
    )
    elsewhere = Place("fake", "T1", "C2")
    assert "`scope`: `channel` (set everywhere)" in await say(place=elsewhere)
    assert "no longer set everywhere" in await say("--everywhere scope default", place=elsewhere)


async def test_only_admins_and_those_the_operator_named_may(say: Told) -> None:
    stranger = Author("U5", "Eve")
    for argument in ("scope user", "--everywhere talk everyone", "history"):
        assert await say(argument, by=stranger) == "Only the admins of this place can do that."
    assert (await say.decided.at(CHANNEL)).scope is Scope.CHANNEL
    assert await say("scope user", by=GRACE) == "`scope` is now `user` here."


async def test_a_prompt_keeps_its_lines_and_loses_its_secrets(say: Told) -> None:
    said = await say(f"system_prompt Speak like a pirate.\nWrite to {EMAIL}.")
    assert "> Speak like a pirate." in said
    assert said.endswith("Something private in it was masked.")
    assert (await say.decided.at(CHANNEL)).system_prompt == "Speak like a pirate.\nWrite to [FILTERED:email]."
    assert EMAIL not in await say("history")


async def test_what_can_not_be_is_explained(say: Told) -> None:
    assert "no setting `colour`" in await say("colour blue")
    assert "It can be: `channel`, `thread`, `user`" in await say("scope galaxy")
    assert "my operator has set no key" in await say("model claude-haiku-5-5")
    assert "`openai:gpt-6-sol`" in await say("model")
    assert "whose memory" in await say("scope")


async def test_people_are_shown_by_mentions_and_all_else_to_the_letter(say: Told) -> None:
    assert await say("talk <@U1|ada> <@&5>") == "`talk` is now <@U1> <@&5> here."
    assert "`` `" not in await say("system_prompt say `<@U1>`")


async def test_the_form_shows_what_holds_and_takes_all_that_was_changed_or_nothing(say: Told) -> None:
    by_admin = Invocation("K", CHANNEL, ROOT, "settings")
    refused = await say.command.form(Invocation("K", CHANNEL, ADA, "settings"), "en")
    assert refused == Said("Only the admins of this place can do that.")
    await say("scope user")
    form = await say.command.form(by_admin, "en")
    assert isinstance(form, Form)
    fields = {field.name: field for field in form.fields}
    assert fields["scope"].value == "user"
    assert set(fields["scope"].choices) == {"channel", "thread", "user", "default"}
    assert fields["system_prompt"].choices == () and fields["system_prompt"].value == "Be kind."
    assert fields["model"].choices[0] == "openai:gpt-6-luna"
    wrong = {"scope": "thread", "model": "claude-haiku-5-5", "talk": "somebody"}
    answer = await say.command.submitted(by_admin, wrong, "en")
    assert not isinstance(answer, Said) and answer.keys() == {"model", "talk"}
    assert (await say.decided.at(CHANNEL)).scope is Scope.USER
    done = {"scope": "default", "system_prompt": "Be brief.", "where": "here"}
    answer = await say.command.submitted(by_admin, done, "en")
    assert isinstance(answer, Said) and len(answer.text.splitlines()) == 2
    holds = await say.decided.at(CHANNEL)
    assert (holds.scope, holds.system_prompt) == (Scope.CHANNEL, "Be brief.")
    await say.command.submitted(by_admin, {"system_prompt": "", "where": "here"}, "en")
    await say.command.submitted(by_admin, {"talk": "admins", "where": "everywhere"}, "en")
    elsewhere = await say.decided.at(Place("fake", "T1", "C2"))
    assert (elsewhere.system_prompt, elsewhere.talk.listed) == ("Be kind.", ())
    answer = await say.command.submitted(Invocation("K", CHANNEL, ADA, "settings"), {"scope": "user"}, "en")
    assert answer == {"scope": "Only the admins of this place can do that."}


@pytest.mark.parametrize(
    ("typed", "proposed"),
    [
        ("sco", ["scope"]),
        ("scope ", ["scope channel", "scope thread", "scope user", "scope default"]),
        ("--everywhere scope us", ["--everywhere scope user"]),
        ("model sol", ["model openai:gpt-6-sol", "model openai:gpt-6.1-sol"]),
        ("colour ", []),
    ],
)
async def test_what_is_typed_is_completed(say: Told, typed: str, proposed: list[str]) -> None:
    assert list(say.command.complete(typed))[: len(proposed) or 1] == proposed


@pytest.mark.parametrize(
    ("argument", "asked"),
    [
        ("", Asked()),
        ("scope  user", Asked("scope", "user")),
        ("System-Prompt  Be kind.\n\nBe  brief.", Asked("system_prompt", "Be kind.\n\nBe  brief.")),
        ("--everywhere scope user", Asked("scope", "user", everywhere=True)),
        ("scope user --everywhere", Asked("scope", "user", everywhere=True)),
        ("system_prompt\nBe kind.", Asked("system_prompt", "Be kind.")),
    ],
)
def test_an_argument_is_read_as_it_was_meant(argument: str, asked: Asked) -> None:
    assert parse(argument) == asked


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("settings", ("settings", "")),
        ("/Settings scope user", ("settings", "scope user")),
        ("settings system_prompt Be kind.\nBe brief.", ("settings", "system_prompt Be kind.\nBe brief.")),
        ("settings are what I don't understand", None),
        ("reset", ("reset", "")),
        ("reset my password", None),
        ("  ", None),
    ],
)
def test_a_question_that_begins_like_a_command_is_none(text: str, command: tuple[str, str] | None) -> None:
    assert spoken_command(text) == command


async def test_only_an_operator_decides_what_is_filtered(say: Told) -> None:
    assert "operator" in await say("filter email=off", by=ROOT)
    assert "`kind=action`" in await say("filter email=hide", by=GRACE)
    assert (
        await say("filter email=off, card=block", by=GRACE) == "`filter` is now `email=off, card=block` here."
    )
    assert (await say.decided.at(CHANNEL)).filter == {"email": Action.OFF, "card": Action.BLOCK}
    assert "`filter`: `email=off, card=block` (set for this channel)" in await say()
    await say("filter default", by=GRACE)
    assert not (await say.decided.at(CHANNEL)).filter


async def test_instructions_that_hold_what_is_blocked_are_not_kept(say: Told) -> None:
    await say("filter card=block", by=GRACE)
    said = await say("system_prompt Pay with 4111 1111 1111 1111", by=ROOT)
    assert "blocks here (`card`)" in said and "4111" not in said
    assert (await say.decided.at(CHANNEL)).system_prompt == "Be kind."
