"""What people see of buttons: answers given anew in their place, gone on with, leafed through and judged; the rest is refused kindly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.chat import Finish, Invocation, Size, State
from bot.errors import CutOff, QuotaExhausted
from bot.limits.rules import Rulebook
from bot.ports import Button, Control, Press, Pressed
from bot.pressing import PAUSES, Pressing
from tests.fakes import ADA, CHANNEL, FULL, GRACE, HERE, ROOT, Gate, answer
from tests.test_engine import EMAIL, Start, start

__all__ = ["start"]

REGENERATE, EARLIER, LATER = Button.REGENERATE, Button.EARLIER, Button.LATER
UNDER_THE_SECOND = (Control(EARLIER, 1, "1/2"),)
ONE_A_MINUTE = Rulebook(usual={"requests_per_minute": 1})


async def test_a_new_answer_stands_in_place_of_the_old_and_is_asked_as_the_old_one_was(start: Start) -> None:
    bot = await start(answer("One."), answer("Later."), answer("Two."), answer("Last."))
    shown = await bot.ask("first")
    assert shown.buttons == FULL and shown.text.startswith("One.")
    await bot.ask("second")
    assert await bot.press(REGENERATE) == Pressed()
    await bot.settled()
    assert bot.heard == ["first"]
    assert shown.text.startswith("Two.") and shown.buttons == (*FULL, EARLIER)
    assert shown.controls[-1:] == UNDER_THE_SECOND
    await bot.ask("third")
    assert bot.heard == ["first", "Two.", "second", "Later.", "third"]


async def test_a_second_or_late_press_is_answered_kindly_and_does_nothing(start: Start) -> None:
    gate = Gate()
    bot = await start(answer("One."), ["Tw", gate, "o.", Finish.STOP])
    shown = await bot.ask("first")
    assert await bot.press(REGENERATE, key="twice") == Pressed()
    assert await bot.press(REGENERATE, key="twice") == Pressed(), "the same press, delivered again"
    await gate.reached.wait()
    for button in (REGENERATE, EARLIER, Button.UP, Button.CONTINUE):
        busy = await bot.press(button)
        assert busy.said and busy.said.private and busy.said.text == "I'm at it already."
    gate.open.set()
    await bot.settled()
    late = await bot.press(REGENERATE)
    assert late.said and "Another answer stands there" in late.said.text
    assert shown.text.startswith("Two.") and len(bot.provider.prompts) == 2


async def test_others_may_not_press_and_are_told_alone(start: Start) -> None:
    bot = await start(answer("One."), answer("Two."))
    shown = await bot.ask("first")
    for button in (*FULL, Button.STOP, Button.CONTINUE, EARLIER):
        refused = await bot.press(button, author=GRACE)
        assert refused.said and refused.said.private and "for the person who asked" in refused.said.text
    assert await bot.press(REGENERATE, author=ROOT) == Pressed()
    await bot.settled()
    assert shown.text.startswith("Two.")


async def test_answers_are_leafed_through_and_the_one_that_is_shown_counts(start: Start) -> None:
    bot = await start(answer("One."), answer("Two."), answer("Last."))
    shown = await bot.ask("first")
    await bot.press(REGENERATE)
    await bot.settled()
    await bot.press(EARLIER, version=1)
    await bot.settled()
    assert shown.text.startswith("One.") and shown.controls[-1] == Control(LATER, 0, "2/2")
    assert len(bot.provider.prompts) == 2, "nothing is asked to show what there is"
    await bot.ask("second")
    assert bot.heard == ["first", "One.", "second"]


@pytest.mark.parametrize("whispering", [False, True])
async def test_a_refusal_leaves_the_old_answer_standing(start: Start, whispering: bool) -> None:
    bot = await start(answer("One."), rules=ONE_A_MINUTE, whispering=whispering)
    shown = await bot.ask("first")
    await bot.press(REGENERATE)
    await bot.settled()
    assert shown.text.startswith("One.") and shown.buttons == FULL
    assert ("limit" in shown.text) is not whispering
    assert len(bot.platform.whispers) == whispering
    assert shown.controls[0] == Control(REGENERATE, 0), "and may be pressed again"


async def test_a_failure_leaves_the_old_answer_standing_with_a_note(start: Start) -> None:
    bot = await start(answer("One."), [QuotaExhausted()], answer("Last."))
    shown = await bot.ask("first")
    await bot.press(REGENERATE)
    await bot.settled()
    assert shown.text.startswith("One.") and "out of credit" in shown.text and "reference" in shown.text
    assert shown.buttons == FULL
    await bot.ask("second")
    assert bot.heard == ["first", "One.", "second"]


async def test_every_version_is_shown_with_the_words_that_people_said_themselves(start: Start) -> None:
    bot = await start(answer("To <EMAIL_1>."), [QuotaExhausted()], answer("Or <EMAIL_1>!"), keys="a key")
    shown = await bot.ask(f"write to {EMAIL} please")
    for version, begins in ((0, f"To {EMAIL}."), (0, f"Or {EMAIL}!")):
        await bot.press(REGENERATE, version=version)
        await bot.settled()
        assert shown.text.startswith(begins)
    await bot.press(EARLIER, version=2)
    await bot.settled()
    assert shown.text == f"To {EMAIL}."


async def test_stop_keeps_what_was_said_as_the_new_version(start: Start) -> None:
    gate = Gate()
    bot = await start(answer("One."), ["Two was begun and ", gate, "never ended"])
    shown = await bot.ask("first")
    await bot.press(REGENERATE)
    await gate.reached.wait()
    await bot.press(Button.STOP, version=1)
    await bot.settled()
    assert shown.text.startswith("Two was begun and") and "Stopped." in shown.text
    assert shown.buttons == (*FULL, EARLIER)
    await bot.press(EARLIER, version=1)
    await bot.settled()
    assert shown.text.startswith("One.")


async def test_stop_before_the_first_word_leaves_the_old_answer(start: Start) -> None:
    gate = Gate()
    bot = await start(answer("One."), [gate, "never said"])
    shown = await bot.ask("first")
    await bot.press(REGENERATE)
    await gate.reached.wait()
    await bot.press(Button.STOP, version=1)
    await bot.settled()
    assert shown.text.startswith("One.") and shown.buttons == FULL


async def test_stop_shows_no_half_of_anything_sensitive(start: Start) -> None:
    gate = Gate()
    bot = await start(["Do pay with 4111 1111", gate, " 1111 1111."], answer("Well."))
    message = await bot.say("how?")
    await gate.reached.wait()
    await bot.press(Button.STOP)
    await bot.settled()
    assert bot.shown(message).text.startswith("Do pay") and "4111" not in bot.shown(message).text
    await bot.ask("and?")
    assert bot.heard[1].startswith("Do pay") and "4111" not in bot.heard[1]


async def test_a_new_answer_that_breaks_off_can_be_gone_on_with_or_left(start: Start) -> None:
    bot = await start(
        answer("One."), ["Two begins with a beginning", CutOff()], answer(" and goes on."), continuations=0
    )
    shown = await bot.ask("first")
    await bot.press(REGENERATE)
    await bot.settled()
    assert "broke off" in shown.text and shown.buttons == (Button.CONTINUE, Button.RETRY, EARLIER)
    await bot.press(Button.CONTINUE, version=1)
    await bot.settled()
    assert shown.text.startswith("Two begins with a beginning and goes on.") and shown.buttons == (
        *FULL,
        EARLIER,
    )


async def test_a_refusal_to_go_on_leaves_what_was_said_and_the_button(start: Start) -> None:
    bot = await start(answer("Half of", finish=Finish.LENGTH), answer(" it."), rules=ONE_A_MINUTE)
    shown = await bot.ask("first")
    await bot.press(Button.CONTINUE)
    await bot.settled()
    assert shown.text.startswith("Half of") and "limit" in shown.text
    assert shown.buttons == (Button.CONTINUE, *FULL)
    bot.clock.advance(120)
    await bot.press(Button.CONTINUE)
    await bot.settled()
    assert shown.text.startswith("Half of it.") and shown.buttons == FULL


async def test_what_continue_completes_to_something_sensitive_is_masked_whole(start: Start) -> None:
    bot = await start(
        answer("Do pay with 4111 1111", finish=Finish.LENGTH),
        answer("Do pay with 4111 1111 1111 1111, thanks."),
        answer("Well."),
    )
    shown = await bot.ask("how?")
    await bot.press(Button.CONTINUE)
    await bot.settled()
    assert shown.text.startswith("Do pay with [FILTERED:card], thanks.")
    await bot.ask("and?")
    assert bot.heard == ["how?", "Do pay with [FILTERED:card], thanks.", "and?"]


async def test_thumbs_are_shown_as_the_one_who_asked_chose_and_told_to_the_presser_alone(
    start: Start,
) -> None:
    bot = await start(answer("One."), answer("Two."))
    shown = await bot.ask("first")
    for button, word, up, down in (
        (Button.UP, "good answer", True, False),
        (Button.DOWN, "bad answer", False, True),
        (Button.DOWN, "Taken back", False, False),
        (Button.UP, "good answer", True, False),
    ):
        pressed = await bot.press(button)
        assert pressed.said and pressed.said.private and word in pressed.said.text
        assert pressed.row == (
            Control(REGENERATE, 0),
            Control(Button.UP, 0, chosen=up),
            Control(Button.DOWN, 0, chosen=down),
        )
    admins = await bot.press(Button.DOWN, author=ROOT)
    assert admins.row is not None and admins.row[1].chosen and not admins.row[2].chosen
    await bot.press(REGENERATE)
    await bot.settled()
    assert not any(control.chosen for control in shown.controls), "the new answer is judged by itself"
    await bot.press(EARLIER, version=1)
    await bot.settled()
    assert [control.button for control in shown.controls if control.chosen] == [Button.UP]
    report = await bot.command("usage", "by model", author=ROOT)
    assert "1 👍 1 👎" in report


async def test_a_place_may_do_without_what_is_only_good_to_have(start: Start) -> None:
    bot = await start(answer("One.", finish=Finish.LENGTH), answer("Two."))
    assert "now few" in (await bot.command("settings", "buttons few", author=ROOT)).replace("`", "")
    shown = await bot.ask("first")
    assert shown.buttons == (Button.CONTINUE,)
    assert (await bot.ask("second")).buttons == ()


@pytest.mark.parametrize(("ends", "done"), [(True, True), (False, False)])
async def test_a_press_that_comes_with_the_last_edit_waits_for_the_answer_to_be_ended(
    start: Start, ends: bool, done: bool
) -> None:
    """People see the buttons a moment before it is written down that they do."""
    bot = await start(working=False)
    await bot.say("hello")
    inbox, waited = bot.stores.inbox, []
    turn = await inbox.claim("w", bot.clock.now, timedelta(seconds=30), platforms=HERE, abreast=1, attempts=1)
    assert turn is not None
    by, press = Invocation("K", CHANNEL, ADA, REGENERATE.value), Press(REGENERATE, turn.id, 0)

    async def meanwhile(seconds: float) -> None:
        waited.append(seconds)
        if ends and len(waited) == 2:
            await inbox.close(turn.id, "w", State.DONE, now=bot.clock.now)

    pressing = Pressing(inbox, bot.stores.versions, bot.desk._decided, "en", bot.clock, sleep=meanwhile)
    assert "at it already" in _said(await pressing.pressed(by, press, "en")) and not waited
    await inbox.answered(turn.id, "w", "One.", Size(1), "c", Finish.STOP)
    told = await pressing.pressed(replace(by, key="K2"), press, "en")
    assert (told == Pressed()) is done and ("press again in a moment" in _said(told)) is not done
    assert len(waited) == (2 if ends else len(PAUSES))
    [standing] = await inbox.unfinished()
    assert standing.state is (State.WAITING if done else State.RUNNING)


def _said(pressed: Pressed) -> str:
    return pressed.said.text if pressed.said is not None else ""


async def test_what_is_kept_is_said_below_a_first_answer_and_not_below_another_one(start: Start) -> None:
    bot = await start([QuotaExhausted()], answer("One."), answer("Two."))
    shown = await bot.ask("first")
    await bot.press(Button.RETRY)
    await bot.settled()
    assert shown.text.startswith("One.") and "I keep our conversation" in shown.text
    await bot.press(REGENERATE, version=1)
    await bot.settled()
    assert shown.text == "Two."
