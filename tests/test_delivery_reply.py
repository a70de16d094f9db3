"""A growing reply: shown once, whole, in as many messages as it takes, whatever fails and wherever the process dies."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import pytest

from adapters.delivery.pacer import Pacer, Rate
from adapters.delivery.reply import EditedReply
from adapters.delivery.splitter import split
from adapters.delivery.surface import Call, Limits, Look
from bot.chat import Posted
from bot.errors import PlaceRefused, PlatformBusy, PlatformUnreachable
from bot.ports import Button, Control
from bot.redaction import begin_of, restore
from tests import virtual_time
from tests.fakes_delivery import LENGTH, Countdown, Crash, FakeJournal, FakeSurface, a_turn

ANSWER = "".join(f"Sentence number {number} of the answer. " for number in range(12)).strip()
EXPECTED = [part.shown for part in split(ANSWER, LENGTH)]

RETRY = Control(Button.RETRY, 0)


def reply(
    surface: FakeSurface, record: dict[int, Posted] | None = None, countdown: Countdown | None = None
) -> EditedReply:
    journal = FakeJournal({} if record is None else record, countdown)
    return EditedReply(surface, journal, Pacer({}), a_turn())


async def grow(growing: EditedReply, text: str, step: int = 17, buttons: Sequence[Control] = ()) -> None:
    """Say it piece by piece, letting the platform keep up, then finish."""
    for end in range(len(growing.kept) + step, len(text), step):
        growing.update(text[:end])
        for _ in range(12):
            await asyncio.sleep(0)
    await growing.finish(text, buttons=buttons)


async def test_an_answer_grows_in_place_and_ends_whole() -> None:
    surface = FakeSurface(length=1000)
    growing = reply(surface)
    growing.update("Hello")
    await asyncio.sleep(0.01)
    [message] = surface.messages.values()
    assert message.text == "Hello" and message.buttons == (Control(Button.STOP, 0),)
    growing.update("Hello world")
    await growing.finish("Hello world.", buttons=[RETRY])
    assert surface.shown == ["Hello world."]
    assert message.buttons == (RETRY,)


async def test_a_long_answer_takes_further_messages_and_finished_ones_are_left_alone() -> None:
    surface = FakeSurface()
    record: dict[int, Posted] = {}
    await grow(reply(surface, record), ANSWER)
    assert surface.shown == EXPECTED
    assert (
        "".join(record[index].text or "" for index in range(len(EXPECTED) - 1))
        == ANSWER[: -len(EXPECTED[-1])]
    )
    for written in surface.messages.values():
        assert not any(control.button is Button.STOP for control in written.buttons)


async def test_a_word_on_why_it_waits_makes_room_for_the_answer() -> None:
    surface = FakeSurface(length=1000)
    growing = reply(surface)
    for word in ("You are number 3.", "You are number 2."):
        growing.wait(word)
        await asyncio.sleep(0.01)
        assert surface.shown == [word]
    growing.update("Hello")
    growing.wait("Too late.")
    await growing.finish("Hello world.")
    assert surface.shown == ["Hello world."] and len(surface.messages) == 1
    refused = reply(surface)
    refused.wait("You are number 9.")
    await refused.fail("Too many are waiting.")
    assert surface.shown == ["Hello world.", "Too many are waiting."]


async def test_nothing_is_sent_when_nothing_changed() -> None:
    surface = FakeSurface(length=1000)
    growing = reply(surface)
    for _ in range(5):
        growing.update("Hello")
        await asyncio.sleep(0.001)
    before = len(surface.calls)
    growing.update("Hello")
    await asyncio.sleep(0.01)
    assert len(surface.calls) == before


def test_the_last_edit_does_not_wait_its_turn_as_the_others_do() -> None:
    async def main() -> float:
        surface = FakeSurface(length=1000)
        pacer = Pacer({"edit": Rate(4, 600.0)})
        growing = EditedReply(surface, FakeJournal({}), pacer, a_turn())
        for end in range(1, 40):
            growing.update(ANSWER[:end])
            await asyncio.sleep(1)
        assert surface.calls.count(Call.EDIT) == 1
        await growing.finish(ANSWER)
        assert surface.shown == [ANSWER]
        return asyncio.get_running_loop().time()

    assert virtual_time.run(main()) == pytest.approx(39)


@pytest.mark.parametrize("nameless", [False, True], ids=["with names", "without names"])
async def test_wherever_the_process_dies_the_answer_is_shown_once_and_whole(nameless: bool) -> None:
    for at in itertools.count(1):
        countdown = Countdown(at)
        surface, record = FakeSurface(countdown), dict[int, Posted]()
        surface.nameless = nameless
        try:
            await grow(reply(surface, record, countdown), ANSWER)
            break
        except Crash:
            pass
        countdown.at = None
        again = reply(surface, record)
        assert ANSWER.startswith(again.kept)
        await grow(again, ANSWER)
        assert surface.shown == EXPECTED, f"died at step {at}"
    assert at > 40


async def test_a_post_whose_answer_was_lost_is_not_made_twice() -> None:
    surface = FakeSurface(length=1000)
    surface.after = [PlatformUnreachable()]
    await reply(surface).finish("Hello.")
    assert surface.shown == ["Hello."]


async def test_another_answers_message_is_not_taken_for_a_lost_one() -> None:
    surface, record = FakeSurface(length=1000), {0: Posted(0, "n0")}
    surface.nameless = True
    theirs = await surface.post(Look("Theirs."), nonce="", first=True)
    mine = EditedReply(surface, FakeJournal(record, others=[theirs]), Pacer({}), a_turn())
    await mine.finish("Mine.")
    assert surface.shown == ["Theirs.", "Mine."]
    assert record[0].message != theirs


async def test_an_answer_whose_message_another_has_taken_is_shown_anew() -> None:
    surface, record = FakeSurface(length=1000), dict[int, Posted]()
    mine = EditedReply(surface, FakeJournal(record, others=["m1"]), Pacer({}), a_turn())
    await mine.finish("Mine.")
    assert list(surface.messages) == ["m1", "m2"] and record[0].message == "m2"


async def test_an_answer_whose_message_another_has_taken_takes_the_one_that_the_other_had_lost() -> None:
    surface, record = FakeSurface(length=1000), dict[int, Posted]()
    surface.nameless = True
    lost = await surface.post(Look("Lost."), nonce="", first=True)
    mine = EditedReply(surface, FakeJournal(record, others=["m2"]), Pacer({}), a_turn())
    await mine.finish("Mine.")
    assert record[0].message == lost and list(surface.messages) == [lost, "m2"]
    assert surface.messages[lost].text == "Mine."


async def test_a_busy_platform_loses_nothing() -> None:
    surface = FakeSurface(length=1000)
    surface.failures = [PlatformBusy(0.05), PlatformUnreachable(), None, PlatformBusy(0.05)]
    await reply(surface).finish("Hello.")
    assert surface.shown == ["Hello."]


async def test_a_refusal_for_good_is_told() -> None:
    surface = FakeSurface()
    surface.failures = [PlaceRefused("not_in_channel")]
    with pytest.raises(PlaceRefused):
        await reply(surface).finish("Hello.")


async def test_a_deleted_message_is_posted_anew() -> None:
    surface = FakeSurface(length=1000)
    growing = reply(surface)
    growing.update("Hello")
    await asyncio.sleep(0.01)
    surface.messages.clear()
    await growing.finish("Hello again.")
    assert surface.shown == ["Hello again."]


async def test_a_new_version_rewrites_the_old_messages_and_removes_what_is_too_many() -> None:
    surface, record = FakeSurface(), dict[int, Posted]()
    await grow(reply(surface, record), ANSWER)
    anew = {index: Posted(index, part.nonce, part.message, stale=True) for index, part in record.items()}
    kept = next(iter(surface.messages))
    await reply(surface, anew).finish("Much shorter.")
    assert list(surface.messages) == [kept]
    assert surface.shown == ["Much shorter."]
    assert list(anew) == [0]


async def test_a_notice_stands_below_what_was_said() -> None:
    surface = FakeSurface(length=1000)
    growing = reply(surface)
    growing.update("Half an answer")
    await growing.fail("It broke off.", buttons=[RETRY])
    assert surface.shown == ["Half an answer\n\nIt broke off."]
    alone = FakeSurface()
    await reply(alone).fail("Nothing at all.")
    assert alone.shown == ["Nothing at all."]


def test_an_ending_that_is_called_off_makes_way_for_another() -> None:
    """Whoever stops an answer may find its last edit waiting for the platform, or just made."""

    async def main() -> list[str]:
        surface = FakeSurface(length=1000)
        growing = EditedReply(surface, FakeJournal({}), Pacer({"edit": Rate(1, 60.0)}), a_turn())
        for text in ("Hello", "Hello w"):
            growing.update(text)
            await asyncio.sleep(1)
        ending = asyncio.create_task(growing.finish("Hello world."))
        await asyncio.sleep(1)
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
        await growing.finish("Hello world.\n\nStopped.")
        await growing.finish("Hello world.\n\nStopped twice.", buttons=[RETRY])
        (written,) = surface.messages.values()
        assert written.buttons == (RETRY,)
        return written.revisions

    assert virtual_time.run(main()) == [
        "Hello",
        "Hello w",
        "Hello world.\n\nStopped.",
        "Hello world.\n\nStopped twice.",
    ]


async def test_a_withdrawn_answer_is_gone_and_an_abandoned_one_untouched() -> None:
    surface, record = FakeSurface(), dict[int, Posted]()
    growing = reply(surface, record)
    growing.update(ANSWER)
    await asyncio.sleep(0.02)
    assert len(surface.messages) > 2
    await growing.abandon()
    left = dict(surface.messages)
    await asyncio.sleep(0.02)
    assert surface.messages == left
    await reply(surface, record).withdraw()
    assert not surface.messages and not record


async def test_what_is_too_long_for_messages_goes_into_a_file() -> None:
    surface = FakeSurface()
    surface.limits = Limits(LENGTH, most_messages=3)
    growing = reply(surface)
    await grow(growing, ANSWER, buttons=[RETRY])
    assert surface.shown == [*EXPECTED[:3], f"file: {ANSWER}"]
    assert [written.buttons for written in surface.messages.values()] == [(), (), (), (RETRY,)]


def test_the_sign_of_being_at_work_is_given_until_there_is_something_to_read_and_taken_away_in_the_end() -> (
    None
):
    async def main() -> list[tuple[int, bool]]:
        surface = FakeSurface(length=1000)
        surface.limits = Limits(1000, sign_lasts=10.0, sign_stays=True)
        growing, seen = reply(surface), []
        growing.start()
        for moment in (25, 40):
            await asyncio.sleep(moment - asyncio.get_running_loop().time())
            growing.update("Hello")
            seen.append((surface.calls.count(Call.WORK), surface.working))
        await growing.finish("Hello.")
        return [*seen, (surface.calls.count(Call.WORK), surface.working)]

    assert virtual_time.run(main()) == [(3, True), (3, True), (4, False)]


def test_the_sign_is_given_too_while_an_answer_is_to_be_rewritten() -> None:
    async def main() -> list[int]:
        surface, record = FakeSurface(length=1000), dict[int, Posted]()
        surface.limits = Limits(1000, sign_lasts=10.0)
        await grow(reply(surface, record), "An answer.")
        stale = {index: Posted(index, part.nonce, part.message, stale=True) for index, part in record.items()}
        growing, seen = reply(surface, stale), []
        growing.start()
        for moment in (25, 60):
            await asyncio.sleep(moment - asyncio.get_running_loop().time())
            growing.update("Another")
            seen.append(surface.calls.count(Call.WORK))
        await growing.finish("Another one.")
        return seen

    assert virtual_time.run(main()) == [3, 3]


def test_whoever_is_let_go_gives_no_sign_any_more() -> None:
    async def main() -> int:
        surface = FakeSurface()
        surface.limits = Limits(LENGTH, sign_lasts=10.0)
        growing = reply(surface)
        growing.start()
        await asyncio.sleep(15)
        await growing.abandon()
        await asyncio.sleep(100)
        return surface.calls.count(Call.WORK)

    assert virtual_time.run(main()) == 2


async def test_where_files_are_refused_all_of_it_is_shown_in_messages() -> None:
    surface = FakeSurface()
    surface.limits = Limits(LENGTH, most_messages=2)
    surface.refused = {Call.ATTACH}
    await grow(reply(surface), ANSWER)
    assert surface.shown == EXPECTED


async def test_a_file_is_attached_once_whoever_finishes_and_anew_for_a_new_version() -> None:
    surface, record = FakeSurface(), dict[int, Posted]()
    surface.limits = Limits(LENGTH, most_messages=2)
    await grow(reply(surface, record), ANSWER)
    before = list(surface.messages)
    again = EditedReply(surface, FakeJournal(record), Pacer({}), a_turn(answer=ANSWER))
    await again.finish(ANSWER)
    assert list(surface.messages) == before
    unread = {index: Posted(index, part.nonce, part.message, stale=True) for index, part in record.items()}
    await grow(reply(surface, unread), f"Another one. {ANSWER}")
    assert surface.shown[2] == f"file: Another one. {ANSWER}"
    assert len(surface.messages) == 3 and list(surface.messages)[:2] == before[:2]


async def test_an_answer_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="without words"):
        await reply(FakeSurface()).finish(" \n")


MAILS = {f"<EMAIL_{number}>": f"person.{number}@example.org" for number in range(1, 31)}
LETTER = " ".join(f"Write to {name}." for name in MAILS)
"""Restored it needs more room than as it is kept."""


async def test_people_see_originals_and_the_record_has_placeholders() -> None:
    surface, record = FakeSurface(), dict[int, Posted]()
    growing = reply(surface, record)
    growing.originals.update(MAILS)
    await grow(growing, LETTER)
    assert " ".join(surface.shown) == restore(LETTER, MAILS)
    assert all(len(shown) <= LENGTH for shown in surface.shown)
    assert LETTER.startswith("".join(part.text or "" for part in record.values()))
    assert not any("@" in (part.text or "") for part in record.values())


@pytest.mark.parametrize("steps", range(1, 40, 4))
async def test_whoever_takes_over_goes_on_with_originals_in_the_messages_there_are(steps: int) -> None:
    countdown, record = Countdown(steps), dict[int, Posted]()
    surface = FakeSurface(countdown)
    first = reply(surface, record, countdown)
    first.originals.update(MAILS)
    with pytest.raises(Crash):
        await grow(first, LETTER)
    countdown.at = None
    second = reply(surface, record)
    assert LETTER.startswith(second.kept)
    second.originals.update(MAILS)
    await grow(second, LETTER)
    assert " ".join(surface.shown) == restore(LETTER, MAILS)


async def test_no_message_ends_within_a_placeholder() -> None:
    text = "".join(f"没有空格的长句子{name}接着写" for name in MAILS)
    surface = FakeSurface()
    growing = reply(surface)
    growing.originals.update(MAILS)
    await grow(growing, text)
    assert "".join(surface.shown) == restore(text, MAILS)


@pytest.mark.parametrize("first", range(24))
async def test_no_placeholder_is_cut_in_code_without_blanks_not_even_while_it_grows(first: int) -> None:
    text = "```\n" + "x" * (first + 1) + "".join(f"{name};" for name in MAILS) + "\n```"
    surface = FakeSurface()
    growing = reply(surface)
    growing.originals.update(MAILS)
    for end in range(1, len(text)):
        if begin_of(text, end) == end:  # it grows by whole ones
            growing.update(text[:end])
            await asyncio.sleep(0.0001)
    await growing.finish(text)
    code = "".join(shown.removeprefix("```\n").removesuffix("\n```") for shown in surface.shown)
    assert code == "x" * (first + 1) + "".join(f"{mail};" for mail in MAILS.values())
    views = [view for written in surface.messages.values() for view in written.revisions]
    assert all(len(view) <= LENGTH and "<" not in view for view in views)


async def test_an_original_that_no_message_could_hold_stays_away_but_for_the_file() -> None:
    text, key = f"<JWT_1> is yours, {LETTER}", {"<JWT_1>": "e" * LENGTH}
    surface = FakeSurface()
    surface.limits = Limits(LENGTH, most_messages=2)
    growing = reply(surface)
    growing.originals.update(MAILS | key)
    await grow(growing, text)
    assert surface.shown[0].startswith("<JWT_1> is yours, Write to person.1@example.org.")
    assert surface.shown[-1] == f"file: {restore(text, MAILS | key)}"
