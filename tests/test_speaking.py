"""Who answers when the usual model can't, what an answer that broke off becomes, and what Continue does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from bot.chat import Finish, Role, State
from bot.context import Window
from bot.errors import ContentFiltered, CutOff, Misconfigured, Overloaded, ProviderError, TooLong
from bot.limits.rules import Rulebook
from bot.models.catalogue import Model
from bot.ports import Button
from bot.speaking import Continuing
from storage.stores import open_stores
from tests.fakes import FULL, FakeClock, ScriptedProvider, Step, answer
from tests.speaking_rig import Rig, voice

pytest_plugins = ["tests.databases"]

USUAL, SPARE = Model("openai", "usual"), Model("anthropic", "spare")
FOX = "The quick brown fox jumps over the lazy dog and sleeps under a tree."


@pytest.fixture
async def rig(store_url: str, clock: FakeClock) -> AsyncIterator[Rig]:
    stores = open_stores(store_url, clock)
    yield Rig(stores, clock)
    await stores.aclose()


def script(*scripts: Sequence[Step]) -> ScriptedProvider:
    return ScriptedProvider(*scripts)


async def test_the_next_model_answers_within_its_own_window_and_at_its_own_price(rig: Rig) -> None:
    usual, spare = (
        script(answer("One. " * 40), answer("Two. " * 40), [Misconfigured(free=True)]),
        script(answer("Three.")),
    )
    rig.open(voice(usual, USUAL), voice(spare, SPARE, window=Window(150, 50)))
    await rig.ask("first")
    await rig.ask("second")
    outcome = await rig.ask("third")
    assert "Answered by `spare`, since `usual` could not." in outcome.text
    assert [(call.provider, call.model) for call in outcome.calls] == [
        ("openai", "usual"),
        ("anthropic", "spare"),
    ]
    assert [call.prompt_tokens for call in outcome.calls] == [0, 10]
    assert len(usual.prompts[-1].messages) == 5
    assert [message.text for message in spare.prompts[0].messages][-1] == "third"
    assert len(spare.prompts[0].messages) == 3
    assert spare.prompts[0].max_output_tokens == 50
    assert "no longer see" in outcome.text, "what the smaller window left out is told"


async def test_another_model_goes_on_with_what_the_usual_one_began(rig: Rig) -> None:
    usual = script([FOX[:20], CutOff()], ["quick brown fox jumps ", CutOff()])
    spare = script(answer("fox jumps over the lazy dog and sleeps under a tree."))
    rig.open(voice(usual, USUAL), voice(spare, SPARE))
    outcome = await rig.ask("a story")
    assert outcome.turn.answer == FOX
    assert "Answered by `spare`" in outcome.text
    assert [message.role for message in spare.prompts[0].messages] == [Role.USER, Role.ASSISTANT, Role.USER]


async def test_a_question_that_was_refused_is_not_taken_elsewhere(rig: Rig) -> None:
    spare = script()
    rig.open(voice(script([ContentFiltered(free=True)]), USUAL), voice(spare, SPARE))
    assert "declined" in (await rig.ask("something bad")).text
    assert not spare.prompts


async def test_when_all_fail_people_read_why_the_usual_one_did(rig: Rig) -> None:
    rig.open(voice(script([Misconfigured(free=True)]), USUAL), voice(script(*[[Overloaded()]] * 3), SPARE))
    assert "not set up right" in (await rig.ask("hello")).text


async def test_a_model_that_keeps_failing_is_left_alone_and_tried_again_by_one_question(rig: Rig) -> None:
    failing: list[Sequence[Step]] = [[Misconfigured(free=True)]] * 4
    usual, spare = script(*failing, answer("I am back.")), script()
    rig.open(voice(usual, USUAL), voice(spare, SPARE))
    for _ in range(5):
        assert "Answered by `spare`" in (await rig.ask("hello")).text
    assert len(usual.prompts) == 3, "then it was left alone"
    rig.clock.advance(20)
    await rig.ask("still broken?")
    assert len(usual.prompts) == 4
    rig.clock.advance(25)
    await rig.ask("too early")
    assert len(usual.prompts) == 4, "after a failed trial it is left alone for longer"
    rig.clock.advance(40)
    assert (await rig.ask("and now?")).turn.answer == "I am back."
    assert (await rig.ask("for good?")).turn.answer == "Fine."
    assert len(usual.prompts) == 6


async def test_when_every_model_is_left_alone_people_are_told_when_to_come_back(rig: Rig) -> None:
    usual = script(*[[Misconfigured(free=True)]] * 3)
    rig.open(voice(usual, USUAL))
    for _ in range(3):
        await rig.ask("hello")
    outcome = await rig.ask("hello")
    assert "try again in 1" in outcome.text
    assert len(usual.prompts) == 3
    assert not outcome.calls


async def test_a_prompt_that_is_too_long_for_the_api_is_tried_once_more_with_less(rig: Rig) -> None:
    usual = script(
        answer("One."), answer("Two."), [TooLong(free=True)], answer("Three."), [TooLong(free=True)] * 1
    )
    rig.open(voice(usual, USUAL))
    await rig.ask("first")
    await rig.ask("second")
    assert (await rig.ask("third")).turn.answer == "Three."
    assert [len(prompt.messages) for prompt in usual.prompts] == [1, 3, 5, 3]


@pytest.mark.parametrize("error", [CutOff("the stream broke"), Overloaded("no answer in time")])
async def test_rounds_are_used_up_and_then_the_answer_ends_with_a_mark_and_can_be_gone_on_with(
    rig: Rig, error: ProviderError
) -> None:
    usual = script([FOX[:20], error], [FOX[20:40], error], [error], answer(FOX[30:]))
    rig.open(voice(usual, USUAL))
    broken = await rig.ask("a story")
    assert broken.shown.text.startswith(FOX[:39])
    assert "broke off here" in broken.text
    assert broken.shown.buttons == (Button.CONTINUE, Button.RETRY)
    assert (broken.state, broken.turn.answer) == (State.FAILED, FOX[:40])
    whole = await rig.go_on(broken)
    assert (whole.state, whole.turn.answer, whole.turn.version) == (State.DONE, FOX, broken.turn.version)
    assert whole.shown.text.startswith(FOX)
    assert "broke off" not in whole.shown.text
    assert whole.shown.buttons == FULL
    assert usual.prompts[-1].messages[-2].text == FOX[:40]
    assert [exchange.answer for exchange in await rig.desk.history()] == [FOX]


@pytest.mark.parametrize("begun", ["```", "- ", "**", "\n"])
async def test_an_answer_that_broke_off_before_its_first_word_is_begun_anew(rig: Rig, begun: str) -> None:
    model = script([begun, CutOff()], answer(f"{begun}{FOX}"))
    rig.open(voice(model, USUAL))
    outcome = await rig.ask("what?")
    assert outcome.turn.answer == f"{begun}{FOX}"
    assert len(model.prompts[1].messages) == 1, "nothing is there to go on with"


async def test_a_doubtful_join_is_not_shown_and_ends_with_a_mark(rig: Rig) -> None:
    begun = FOX[:40]
    anew = ["I apologize for the interruption. Let me begin anew: a fox"]
    usual = script([begun, CutOff()], anew, ["The quick brown fox jumps happily around"])
    rig.open(voice(usual, USUAL))
    outcome = await rig.ask("a story")
    assert outcome.shown.text.startswith(begun.rstrip())
    assert not any(
        "apologize" in update or "happily" in update for update in [*outcome.shown.updates, outcome.text]
    )
    assert Button.CONTINUE in outcome.shown.buttons
    assert usual.closed_early == 3, "what is not wanted is not waited for"


@pytest.mark.parametrize("allowed", [False, True])
async def test_an_answer_at_its_length_limit_goes_on_by_itself_only_where_the_operator_allows(
    rig: Rig, allowed: bool
) -> None:
    usual = script(answer(FOX[:30], finish=Finish.LENGTH), answer(FOX[30:]))
    rig.open(voice(usual, USUAL), continuing=Continuing(at_length=allowed))
    outcome = await rig.ask("a story")
    assert outcome.turn.answer == (FOX if allowed else FOX[:30])
    assert outcome.shown.buttons == (FULL if allowed else (Button.CONTINUE, *FULL))
    assert ("length limit" in outcome.text) is not allowed
    if not allowed:
        assert (await rig.go_on(outcome)).turn.answer == FOX
    assert not await rig.desk.go_on(outcome.turn.id), "it is whole"


async def test_only_the_asker_goes_on_and_a_new_version_begins_without_what_was_said(rig: Rig) -> None:
    usual = script(answer(FOX[:30], finish=Finish.LENGTH), answer("Something else."))
    rig.open(voice(usual, USUAL))
    outcome = await rig.ask("a story")
    assert not await rig.desk.go_on(outcome.turn.id, "U2")
    assert await rig.desk.go_on(outcome.turn.id, "U1")
    begun = await rig.desk.claimed()
    assert begun.begun == FOX[:30]
    await rig.stores.inbox.release(begun.id, "w1")
    assert (await rig.desk.claimed()).begun == FOX[:30], "whoever takes it over goes on, too"
    await rig.desk.close(begun.id)
    assert await rig.desk.again(begun.id, "U1")
    again = await rig.desk.claimed()
    assert (again.begun, again.version) == ("", begun.version + 1)
    assert (await rig.answer(again)).turn.answer == "Something else."


@pytest.mark.parametrize(("tokens", "whole"), [(10_000, True), (560, False)])
async def test_all_calls_of_an_answer_are_one_request_and_a_limit_keeps_the_words(
    rig: Rig, tokens: int, whole: bool
) -> None:
    usual = script([FOX[:20], CutOff()], answer(FOX[20:]))
    rig.open(voice(usual, USUAL), rules=Rulebook(usual={"requests_per_minute": 1, "tokens_per_day": tokens}))
    outcome = await rig.ask("a story")
    assert outcome.turn.answer == (FOX if whole else FOX[:20])
    assert outcome.state is (State.DONE if whole else State.REFUSED)
    assert ("limit of 560 tokens a day" in outcome.text) is not whole
    assert outcome.shown.text.startswith(outcome.turn.answer.rstrip())
