"""What `Conversations` promise: who is followed, what a place remembers, and what a reset forgets."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.chat import Cancel, Exchange, Finish, Place, Size, State
from bot.ports import Pulse
from tests.desk import LEASE, THREAD, Desk
from tests.fakes import ADA, CHANNEL, GRACE

pytest_plugins = ["tests.databases"]

OTHER_CHANNEL = replace(CHANNEL, channel="C2")


# Following.


async def test_a_thread_is_followed_from_its_first_mention_on(desk: Desk) -> None:
    conversations = desk.stores.conversations
    assert not await conversations.following(THREAD)
    await desk.ask(place=THREAD, mentioned=False)
    assert not await conversations.following(THREAD)
    await desk.ask(place=THREAD, mentioned=True)
    assert await conversations.following(THREAD)
    assert not await conversations.following(CHANNEL)


async def test_a_thread_that_an_answer_opens_is_followed(desk: Desk) -> None:
    await desk.ask(opens_thread="t1")
    assert await desk.stores.conversations.following(THREAD)


async def test_a_redelivery_does_not_follow_a_thread_again_that_was_left(desk: Desk) -> None:
    said = desk.question(opens_thread="t1")
    await desk.accept(said)
    await desk.stores.conversations.follow(THREAD, False)
    await desk.accept(said)
    assert not await desk.stores.conversations.following(THREAD)


async def test_following_tells_whether_it_changed_anything(desk: Desk) -> None:
    conversations = desk.stores.conversations
    changes = [await conversations.follow(THREAD, on) for on in (False, True, True, False, False)]
    assert changes == [False, True, False, True, False]
    assert not await conversations.following(THREAD)


async def test_a_thread_that_was_left_is_followed_again_after_a_mention(desk: Desk) -> None:
    await desk.stores.conversations.follow(THREAD, True)
    await desk.stores.conversations.follow(THREAD, False)
    await desk.ask(place=THREAD)
    assert await desk.stores.conversations.following(THREAD)


# History.


async def test_history_holds_what_was_said_newest_first(desk: Desk) -> None:
    first = await desk.converse("one", "1")
    await desk.converse("two", "2", author=GRACE)
    assert await desk.history() == [
        Exchange(first.id + 1, "Grace", "two", "2", Size(7), Size(11), "o200k", desk.clock.now),
        Exchange(first.id, "Ada", "one", "1", Size(7), Size(11), "o200k", first.sent_at),
    ]


async def test_history_is_in_order_of_saying_not_of_arrival(desk: Desk) -> None:
    late = desk.question("said first", author=GRACE)
    await desk.converse("said second", "2")
    await desk.accept(late)
    await desk.finish(await desk.claimed(), "1")
    assert await desk.questions() == ["said second", "said first"]


async def test_history_holds_only_finished_turns_with_an_answer(desk: Desk) -> None:
    await desk.converse("done", "x")
    for state in (State.REFUSED, State.FAILED, State.CANCELLED):
        await desk.ask(state.value)
        await desk.close((await desk.claimed()).id, state=state)
    await desk.ask("stopped half-way", author=GRACE)
    turn = await desk.claimed()
    await desk.stores.inbox.answered(turn.id, "w1", "half", Size(1), "o200k", Finish.STOP)
    await desk.close(turn.id, state=State.CANCELLED)
    await desk.ask("running", author=GRACE)
    running = await desk.claimed()
    await desk.stores.inbox.answered(running.id, "w1", "whole, not yet shown", Size(1), "o200k", Finish.STOP)
    await desk.ask("waiting", author=GRACE)
    assert await desk.questions() == ["stopped half-way", "done"]


async def test_tokens_counted_by_two_counters_bear_neither(desk: Desk) -> None:
    await desk.ask("q")
    turn = await desk.claimed()
    await desk.stores.inbox.answered(turn.id, "w1", "a", Size(5), "cl100k", Finish.STOP)
    await desk.close(turn.id)
    assert [exchange.counter for exchange in await desk.history()] == [""]


async def test_history_before_a_turn_ends_where_it_was_asked(desk: Desk) -> None:
    await desk.converse("one", "1")
    middle = await desk.converse("two", "2")
    await desk.converse("three", "3")
    assert await desk.questions(before=middle) == ["one"]


async def test_turns_of_the_same_moment_are_in_order_of_acceptance(desk: Desk) -> None:
    now = desk.clock.advance(1)
    for text in ("one", "two", "three"):
        await desk.converse(text, "x", sent_at=now)
    assert await desk.questions() == ["three", "two", "one"]


async def test_history_is_read_page_by_page_without_gaps(desk: Desk) -> None:
    now = desk.clock.advance(1)
    texts = [f"q{number}" for number in range(120)]
    for number, text in enumerate(texts):  # three of them share each moment
        await desk.converse(text, "x", sent_at=now + timedelta(seconds=number // 3))
    assert await desk.questions() == texts[::-1]


async def test_every_place_remembers_for_itself(desk: Desk) -> None:
    await desk.converse("here", "x")
    await desk.converse("there", "x", place=OTHER_CHANNEL)
    await desk.converse("elsewhere", "x", place=Place("fake", "T2", "C1"))
    assert await desk.questions() == ["here"]
    assert await desk.questions(Place("fake", "T9", "C1")) == []


async def test_a_thread_reads_its_channel_up_to_its_root_then_its_own(desk: Desk) -> None:
    await desk.converse("before", "x")
    root = desk.clock.advance(1)
    await desk.converse("root", "x", sent_at=root)
    await desk.converse("after", "x")
    await desk.converse("in thread", "x", place=THREAD, branched_at=root)
    await desk.converse("in thread too", "x", place=THREAD, branched_at=root)
    assert await desk.questions(THREAD) == ["in thread too", "in thread", "root", "before"]
    assert await desk.questions() == ["after", "root", "before"]


async def test_a_question_in_the_thread_that_an_answer_opened_sees_that_answer(desk: Desk) -> None:
    await desk.converse("root", "x", opens_thread="t1")
    await desk.converse("after", "x")
    await desk.ask("in thread", place=THREAD, mentioned=False)
    turn = await desk.claimed()
    assert await desk.questions(THREAD, before=turn) == ["root"]


async def test_a_late_answer_of_the_channel_said_before_the_root_is_inherited(desk: Desk) -> None:
    early = desk.question("early")
    root = desk.clock.advance(1)
    await desk.converse("in thread", "x", place=THREAD, branched_at=root, author=GRACE)
    await desk.accept(early)
    await desk.finish(await desk.claimed(), "x")
    assert await desk.questions(THREAD) == ["in thread", "early"]


# Resets.


async def test_a_reset_forgets_the_channel_and_its_threads(desk: Desk) -> None:
    root = desk.clock.advance(1)
    await desk.converse("root", "x", sent_at=root)
    await desk.converse("in thread", "x", place=THREAD, branched_at=root)
    await desk.converse("elsewhere", "x", place=OTHER_CHANNEL)

    forgotten = await desk.stores.conversations.reset(CHANNEL, desk.clock.advance(1))

    assert forgotten.turns == 2
    assert await desk.questions() == [] and await desk.questions(THREAD) == []
    assert await desk.questions(OTHER_CHANNEL) == ["elsewhere"]
    assert (await desk.stores.conversations.reset(CHANNEL, desk.clock.now)).turns == 0


async def test_after_a_reset_a_thread_inherits_only_what_is_new(desk: Desk) -> None:
    root = desk.clock.advance(1)
    await desk.converse("root", "x", sent_at=root)
    await desk.converse("in thread", "x", place=THREAD, branched_at=root)
    await desk.stores.conversations.reset(CHANNEL, desk.clock.advance(1))
    await desk.converse("again in thread", "x", place=THREAD)
    assert await desk.questions(THREAD) == ["again in thread"]
    later = desk.clock.advance(1)
    await desk.converse("new root", "x", sent_at=later)
    await desk.converse("new thread", "x", place=replace(THREAD, thread="t2"), branched_at=later)
    assert await desk.questions(replace(THREAD, thread="t2")) == ["new thread", "new root"]


async def test_a_thread_that_is_reset_forgets_alone_and_inherits_nothing(desk: Desk) -> None:
    root = desk.clock.advance(1)
    await desk.converse("root", "x", sent_at=root)
    await desk.converse("in thread", "x", place=THREAD, branched_at=root)

    forgotten = await desk.stores.conversations.reset(THREAD, desk.clock.advance(1))

    assert forgotten.turns == 1
    assert await desk.questions(THREAD) == [] and await desk.questions() == ["root"]


async def test_a_thread_that_is_reset_before_its_first_question_inherits_nothing(desk: Desk) -> None:
    root = desk.clock.advance(1)
    await desk.converse("root", "x", sent_at=root)
    await desk.stores.conversations.reset(THREAD, desk.clock.advance(1))
    await desk.converse("in thread", "x", place=THREAD, branched_at=root)
    assert await desk.questions(THREAD) == ["in thread"]


async def test_a_late_answer_belongs_to_the_epoch_of_its_question(desk: Desk) -> None:
    asked = await desk.ask("before the reset")
    await desk.claimed()
    await desk.stores.conversations.reset(CHANNEL, desk.clock.advance(1))
    await desk.stores.inbox.answered(asked, "w1", "late", Size(1), "o200k", Finish.STOP)
    await desk.close(asked)
    assert await desk.questions() == []


@pytest.mark.parametrize("place", [CHANNEL, THREAD])
async def test_a_question_that_is_heard_after_the_reset_it_was_asked_before_is_of_what_ended(
    desk: Desk, place: Place
) -> None:
    await desk.converse("root", "x")
    late = desk.question("late", place=place, branched_at=desk.clock.now)
    await desk.stores.conversations.reset(CHANNEL, desk.clock.advance(1))
    await desk.accept(late)
    turn = await desk.claimed()
    assert await desk.questions(place, before=turn) == ["root"]
    await desk.finish(turn, "x")
    await desk.converse("new", "x", place=place)
    assert await desk.questions(place) == ["new"]


async def test_a_reset_that_is_heard_after_what_was_asked_after_it_leaves_that_alone(desk: Desk) -> None:
    old = await desk.ask("old")
    given_at = desk.clock.advance(1)
    new = await desk.ask("new", author=GRACE)
    await desk.stores.conversations.reset(CHANNEL, desk.clock.advance(1), given_at)
    assert await desk.states() == {new: State.WAITING} and old != new
    await desk.finish(await desk.claimed(), "x")
    assert await desk.questions() == ["new"]


async def test_what_was_said_before_the_later_of_two_resets_is_of_what_ended_whichever_is_heard_of_last(
    desk: Desk,
) -> None:
    first = desk.clock.advance(1)
    late = desk.question("late")
    second = desk.clock.advance(1)
    for given_at in (second, first):
        await desk.stores.conversations.reset(CHANNEL, desk.clock.advance(1), given_at)
    await desk.accept(late)
    await desk.finish(await desk.claimed(), "x")
    await desk.converse("new", "x")
    assert await desk.questions() == ["new"]


async def test_an_older_question_asked_again_sees_its_own_epoch(desk: Desk) -> None:
    root = desk.clock.advance(1)
    await desk.converse("root", "x", sent_at=root)
    await desk.converse("in thread", "x", place=THREAD, branched_at=root)
    old = await desk.converse("old", "x", place=THREAD, branched_at=root)
    await desk.stores.conversations.reset(CHANNEL, desk.clock.advance(1))
    await desk.converse("new", "x", place=THREAD)
    await desk.again(old.id)
    again = await desk.claimed()
    assert again.id == old.id and again.epoch == 0
    assert await desk.questions(THREAD, before=again) == ["in thread", "root"]


async def test_a_reset_calls_off_what_is_unfinished_there(desk: Desk) -> None:
    running = await desk.ask("running")
    await desk.claimed()
    await desk.ask("waiting")
    elsewhere = await desk.ask("elsewhere", place=OTHER_CHANNEL)
    await desk.ask("waiting in thread", place=THREAD)
    await desk.stores.conversations.reset(CHANNEL, desk.clock.advance(1))
    assert await desk.states() == {running: State.RUNNING, elsewhere: State.WAITING}
    renewal = await desk.stores.inbox.renew(running, "w1", desk.clock.now + LEASE)
    assert (renewal.pulse, renewal.cancel) == (Pulse.MINE, Cancel.RESET)


# Told once.


async def test_trimming_is_told_by_one_turn_per_epoch(desk: Desk) -> None:
    first, second = await desk.converse("one", "1"), await desk.converse("two", "2")
    told = desk.stores.conversations.told_trimmed
    assert [await told(turn) for turn in (first, first, second)] == [True, True, False]
    await desk.stores.conversations.reset(CHANNEL, desk.clock.now)
    third = await desk.converse("three", "3")
    assert [await told(turn) for turn in (third, second, third)] == [True, False, True]


async def test_each_person_is_met_once(desk: Desk) -> None:
    first, second = await desk.converse("one", "1"), await desk.converse("two", "2", place=OTHER_CHANNEL)
    other = await desk.converse("three", "3", author=GRACE)
    far = await desk.converse("four", "4", place=Place("fake", "T2", "C1"), author=ADA)
    met = desk.stores.conversations.met
    assert [await met(turn, desk.clock.now) for turn in (first, first, second, other, far)] == [
        True,
        True,
        False,
        True,
        True,
    ]
