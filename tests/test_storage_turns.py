"""What an `Inbox` promises: each message once, one person's turns in order, and a lease that fences."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.chat import Author, Cancel, File, Finish, Place, Posted, Size, State, Text
from bot.errors import LeaseLost
from bot.ports import Accepted, Pulse, Renewal
from tests.desk import LEASE, THREAD, Desk
from tests.fakes import ADA, CHANNEL, GRACE

pytest_plugins = ["tests.databases"]

OTHER_CHANNEL = replace(CHANNEL, channel="C2")


async def test_a_turn_comes_out_as_it_went_in(desk: Desk) -> None:
    said = replace(
        desk.question("grüß\u0000 dich 🦜", message="m1", direct=True),
        author=Author("U1", "Ada\u0000 \ud83d", admin=True, language="de"),
        content=(
            Text("grüß\u0000 dich 🦜"),
            File("a.pdf", "application/pdf", 12, {"id": "F1", "pages": [1, 2]}),
        ),
        address={"v": 1, "deep": {"list": [1, "2", None]}},
    )
    await desk.accept(said)

    turn = await desk.claimed()

    assert turn.place == said.place and turn.message == "m1" and turn.direct
    assert turn.content == said.content and turn.address == said.address
    assert turn.author == Author("U1", "Ada\ufffd \ufffd", admin=True, language="de")
    assert turn.sent_at == said.sent_at and turn.sent_at.tzinfo is not None
    assert turn.masked == ("email",) and turn.parts == () and turn.cancel is None and turn.answer is None
    assert (turn.state, turn.attempts, turn.version, turn.epoch) == (State.RUNNING, 1, 0, 0)


async def test_what_was_read_of_its_files_is_kept_by_whoever_holds_the_turn_as_long_as_it_is_asked(
    desk: Desk,
) -> None:
    file = File("a.txt", "text/plain", 5, {"id": "F1"})
    said = replace(desk.question("what?", message="m1"), content=(Text("what?"), file))
    await desk.accept(said)
    turn, inbox = await desk.claimed(), desk.stores.inbox

    async def read(owner: str, text: str) -> None:
        content = (Text("what?"), replace(file, text=text, cut=True))
        await inbox.read(turn.id, owner, content, masked=["iban"], size=Size(50), counter="o200k")

    await read("another", "not mine")
    await read("w1", "the words")
    await inbox.cancel(Cancel.DELETED, turn=turn.id)
    await read("w1", "after all that")
    assert (await desk.claim("w2")) is None
    await desk.close(turn.id, state=State.CANCELLED)

    await desk.accept(replace(said, message="m2"))
    turn = await desk.claimed()
    await read("w1", "the words")
    await desk.finish(turn, "that")
    (exchange,) = await desk.history()
    assert "the words" in exchange.question
    assert exchange.question_size == Size(50)


async def test_a_turn_is_left_to_those_who_speak_to_its_platform(desk: Desk) -> None:
    theirs = await desk.ask(place=replace(CHANNEL, platform="elsewhere"))
    mine = await desk.ask()
    assert (await desk.claimed()).id == mine and await desk.claim() is None
    inbox = desk.stores.inbox
    taken = await inbox.claim("w2", desk.clock.now, LEASE, platforms=["elsewhere"], abreast=1, attempts=3)
    assert taken is not None and (taken.id, taken.attempts) == (theirs, 1)


async def test_times_keep_their_microseconds(desk: Desk) -> None:
    said = desk.question(sent_at=desk.clock.now + timedelta(microseconds=123457))
    await desk.accept(said)
    assert (await desk.claimed()).sent_at == said.sent_at


async def test_a_redelivery_is_the_same_turn(desk: Desk) -> None:
    said = desk.question()
    first, again = await desk.accept(said), await desk.accept(said)
    assert first is not None and again == Accepted(first.turn, False, 0)


async def test_a_redelivery_is_known_even_when_the_queue_is_full(desk: Desk) -> None:
    said = desk.question()
    first = await desk.accept(said, queue=1)
    again = await desk.accept(said, queue=1)
    assert first is not None and again is not None and again.turn == first.turn and not again.created


async def test_a_redelivery_after_the_answer_asks_nothing_again(desk: Desk) -> None:
    said = desk.question()
    await desk.accept(said)
    await desk.finish(await desk.claimed(), "that")
    again = await desk.accept(said)
    assert again is not None and not again.created and await desk.claim() is None


async def test_a_full_queue_takes_no_more_of_that_person_there(desk: Desk) -> None:
    await desk.ask()
    await desk.ask()
    assert await desk.accept(desk.question(), queue=2) is None
    assert await desk.accept(desk.question(author=GRACE), queue=2) is not None
    assert await desk.accept(desk.question(place=OTHER_CHANNEL), queue=2) is not None


async def test_the_queue_counts_only_what_is_unfinished(desk: Desk) -> None:
    await desk.converse("a", "b")
    assert await desk.accept(desk.question(), queue=1) is not None


async def test_the_position_counts_earlier_turns_of_the_same_person(desk: Desk) -> None:
    late = desk.question()
    positions = []
    for said in (desk.question(), desk.question(author=GRACE), desk.question()):
        accepted = await desk.accept(said)
        positions.append(accepted.position if accepted else None)
    overtaking = await desk.accept(late)
    assert positions == [0, 0, 1]
    assert overtaking is not None and overtaking.position == 0


async def test_claims_go_from_the_oldest_to_the_newest(desk: Desk) -> None:
    second, first = desk.question(author=ADA), desk.question(author=GRACE)
    first = replace(first, sent_at=second.sent_at - timedelta(seconds=5))
    await desk.accept(second)
    await desk.accept(first)
    assert [(await desk.claimed()).author for _ in range(2)] == [GRACE, ADA]


async def test_one_persons_turns_run_one_after_another(desk: Desk) -> None:
    first, second = await desk.ask(), await desk.ask()
    assert (await desk.claimed()).id == first
    assert await desk.claim() is None
    await desk.close(first)
    assert (await desk.claimed()).id == second


async def test_one_persons_turns_in_two_places_run_side_by_side(desk: Desk) -> None:
    await desk.ask()
    await desk.ask(place=OTHER_CHANNEL)
    assert {(await desk.claimed()).place, (await desk.claimed()).place} == {CHANNEL, OTHER_CHANNEL}


async def test_an_older_turn_asked_again_waits_for_the_running_one(desk: Desk) -> None:
    old = await desk.converse("a", "b")
    running = await desk.ask()
    assert (await desk.claimed()).id == running
    assert await desk.again(old.id)
    assert await desk.claim() is None
    await desk.close(running)
    assert (await desk.claimed()).id == old.id


async def test_an_older_turn_does_not_wait_for_a_dead_worker(desk: Desk) -> None:
    old = await desk.converse("a", "b")
    abandoned = await desk.ask()
    await desk.claimed("dead")
    await desk.again(old.id)
    desk.clock.advance(31)
    assert (await desk.claimed("w2")).id == old.id
    await desk.close(old.id, "w2")
    assert (await desk.claimed("w2")).id == abandoned


async def test_no_more_run_abreast_in_a_conversation_than_allowed(desk: Desk) -> None:
    people = [Author(f"U{number}", "x") for number in range(4)]
    for person in people:
        await desk.ask(author=person)
    await desk.ask(author=people[0], place=OTHER_CHANNEL)
    claimed = [await desk.claim(abreast=2) for _ in range(4)]
    places = [turn.place for turn in claimed if turn is not None]
    assert places == [CHANNEL, CHANNEL, OTHER_CHANNEL]


async def test_a_lease_that_ended_is_taken_over_with_what_was_posted(desk: Desk) -> None:
    await desk.ask()
    first = await desk.claimed("w1")
    journal = desk.stores.inbox.journal(first, "w1")
    await journal.intend(0, "nonce-0")
    await journal.posted(0, "p0")
    await journal.finished(0, "once upon ")
    await journal.intend(1, "nonce-1")
    desk.clock.advance(29)
    assert await desk.claim("w2") is None
    desk.clock.advance(2)

    taken = await desk.claimed("w2")

    assert taken.id == first.id and taken.attempts == 2 and taken.version == 0
    assert taken.parts == (Posted(0, "nonce-0", "p0", "once upon "), Posted(1, "nonce-1"))


async def test_who_lost_the_lease_can_write_nothing_more(desk: Desk) -> None:
    await desk.ask()
    turn = await desk.claimed("w1")
    inbox, journal = desk.stores.inbox, desk.stores.inbox.journal(turn, "w1")
    await journal.intend(0, "n0")
    desk.clock.advance(31)
    taken = await desk.claimed("w2")

    late: list[Callable[[], Awaitable[object]]] = [
        lambda: inbox.answered(turn.id, "w1", "late", Size(1), "c", Finish.STOP),
        lambda: inbox.close(turn.id, "w1", State.DONE, now=desk.clock.now),
        lambda: inbox.release(turn.id, "w1"),
        lambda: journal.intend(1, "n1"),
        lambda: journal.posted(0, "p0"),
        lambda: journal.finished(0, "late"),
        lambda: journal.removed(0),
    ]
    for write in late:
        with pytest.raises(LeaseLost):
            await write()
    assert await inbox.renew(turn.id, "w1", desk.clock.now + LEASE) == Renewal(Pulse.LOST)
    await desk.finish(taken, "mine", "w2")
    assert [exchange.answer for exchange in await desk.history()] == ["mine"]


async def test_an_earlier_claim_of_the_same_owner_can_write_nothing_more(desk: Desk) -> None:
    await desk.ask()
    old = desk.stores.inbox.journal(await desk.claimed(), "w1")
    desk.clock.advance(31)
    await desk.claimed("w1")
    with pytest.raises(LeaseLost):
        await old.intend(0, "n0")


async def test_a_finished_turn_takes_no_more_writes(desk: Desk) -> None:
    turn = await desk.converse("a", "b")
    with pytest.raises(LeaseLost):
        await desk.stores.inbox.answered(turn.id, "w1", "c", Size(1), "c", Finish.STOP)


async def test_a_renewed_lease_lasts(desk: Desk) -> None:
    await desk.ask()
    turn = await desk.claimed()
    desk.clock.advance(29)
    renewal = await desk.stores.inbox.renew(turn.id, "w1", desk.clock.now + LEASE)
    assert renewal == Renewal(Pulse.MINE)
    desk.clock.advance(29)
    assert await desk.claim("w2") is None


async def test_a_released_turn_is_claimed_at_once_and_the_attempt_is_not_counted(desk: Desk) -> None:
    await desk.ask()
    turn = await desk.claimed("w1")
    await desk.stores.inbox.journal(turn, "w1").intend(0, "n0")
    await desk.stores.inbox.release(turn.id, "w1")
    again = await desk.claimed("w2")
    assert (again.id, again.attempts, again.parts) == (turn.id, 1, (Posted(0, "n0"),))


async def test_an_answer_that_was_whole_is_handed_on(desk: Desk) -> None:
    await desk.ask()
    turn = await desk.claimed("w1")
    await desk.stores.inbox.answered(turn.id, "w1", "all of it", Size(3), "c", Finish.STOP)
    desk.clock.advance(31)
    assert (await desk.claimed("w2")).answer == "all of it"


async def test_a_turn_that_kills_its_workers_is_handed_out_once_more_to_be_failed(desk: Desk) -> None:
    asked = await desk.ask()
    following = await desk.ask()
    attempts = []
    for number in range(4):
        turn = await desk.claim(f"w{number}", attempts=3)
        assert turn is not None and turn.id == asked
        attempts.append(turn.attempts)
        desk.clock.advance(31)
    assert attempts == [1, 2, 3, 4]
    turn = await desk.claim("w9", attempts=3)
    assert turn is not None and turn.id == following
    assert asked not in await desk.states()


async def test_void_leases_leaves_every_running_turn_to_be_claimed(desk: Desk) -> None:
    await desk.ask()
    turn = await desk.claimed("before")
    assert await desk.stores.inbox.void_leases() == 1
    with pytest.raises(LeaseLost):
        await desk.close(turn.id, "before")
    again = await desk.claimed("after")
    assert again.id == turn.id and again.attempts == 2
    await desk.close(again.id, "after")
    assert await desk.stores.inbox.void_leases() == 0


async def test_an_answer_with_words_no_column_holds_is_kept_in_length(desk: Desk) -> None:
    await desk.ask()
    turn = await desk.claimed()
    journal = desk.stores.inbox.journal(turn, "w1")
    await journal.intend(0, "n0")
    await journal.finished(0, "a\0b\udc00c")
    await desk.stores.inbox.answered(turn.id, "w1", "a\0b\udc00c…", Size(1), "c", Finish.STOP)
    desk.clock.advance(31)
    again = await desk.claimed("w2")
    assert again.answer == "a\ufffdb\ufffdc…"
    assert again.answer.startswith(again.parts[0].text or "?")


async def test_the_journal_keeps_its_parts_up_to_date(desk: Desk) -> None:
    await desk.ask()
    turn = await desk.claimed()
    journal = desk.stores.inbox.journal(turn, "w1")
    await journal.intend(0, "n0")
    await journal.posted(0, "p0")
    await journal.finished(0, "text")
    await journal.intend(1, "n1")
    await journal.intend(1, "n2")
    assert list(journal.parts) == [Posted(0, "n0", "p0", "text"), Posted(1, "n2")]
    await journal.removed(1)
    assert list(journal.parts) == [Posted(0, "n0", "p0", "text")]
    desk.clock.advance(31)
    assert (await desk.claimed("w2")).parts == tuple(journal.parts)


async def test_a_message_is_one_turns_whoever_writes_it_down_first(desk: Desk) -> None:
    await desk.ask()
    await desk.ask(author=GRACE)
    await desk.ask(place=OTHER_CHANNEL)
    journals = [
        desk.stores.inbox.journal(await desk.claimed(f"w{number}"), f"w{number}") for number in range(3)
    ]
    for number, journal in enumerate(journals):
        await journal.intend(0, f"n{number}")
    assert [await journal.posted(0, "p0") for journal in journals] == [True, False, True]
    assert journals[1].parts == (Posted(0, "n1"),)
    assert await journals[0].posted(0, "p0"), "its own again"


async def test_a_part_that_was_never_intended_is_a_mistake(desk: Desk) -> None:
    await desk.ask()
    journal = desk.stores.inbox.journal(await desk.claimed(), "w1")
    with pytest.raises(LookupError):
        await journal.posted(3, "p3")


async def test_unfinished_turns_are_listed_oldest_first(desk: Desk) -> None:
    first, second = await desk.ask(), await desk.ask(place=THREAD, mentioned=False)
    await desk.claimed("w7")
    desk.clock.advance(10)
    rows = await desk.stores.inbox.unfinished()
    assert [(row.turn, row.place, row.state, row.owner, row.attempts) for row in rows] == [
        (first, CHANNEL, State.RUNNING, "w7", 1),
        (second, THREAD, State.WAITING, "", 0),
    ]
    assert [row.age.total_seconds() for row in rows] == [11, 10]


async def test_a_key_is_new_once(desk: Desk) -> None:
    once = [await desk.stores.inbox.once(key, desk.clock.now) for key in ("a", "b", "a")]
    assert once == [True, True, False]
    assert [await desk.stores.inbox.seen(key) for key in ("a", "c")] == [True, False]


# Edits and retries.


async def test_an_edit_of_an_unknown_message_is_none(desk: Desk) -> None:
    assert await desk.amend(desk.question(), "new", "1") is None


async def test_an_edited_question_is_answered_anew_in_the_same_messages(desk: Desk) -> None:
    said = desk.question("old")
    await desk.accept(said)
    turn = await desk.claimed()
    journal = desk.stores.inbox.journal(turn, "w1")
    await journal.intend(0, "n0")
    await journal.posted(0, "p0")
    await journal.finished(0, "old answer")
    await desk.finish(turn, "old answer")

    assert await desk.amend(said, "new", "2") == Accepted(turn.id, True, 0)

    again = await desk.claimed()
    assert (again.id, again.text, again.version, again.attempts, again.answer) == (turn.id, "new", 1, 1, None)
    assert again.sent_at == said.sent_at and again.masked == ()
    assert again.parts == (Posted(0, "n0", "p0", None, stale=True),)


async def test_an_edit_is_taken_once_and_never_after_a_later_one(desk: Desk) -> None:
    said = desk.question("old")
    await desk.accept(said)
    created = []
    for text, revision in (("b", "2"), ("b", "2"), ("a", "1"), ("c", "3")):
        amended = await desk.amend(said, text, revision)
        created.append(amended is not None and amended.created)
    assert created == [True, False, False, True]
    assert (await desk.claimed()).text == "c"


async def test_an_edit_that_changes_no_words_asks_nothing_but_counts_as_seen(desk: Desk) -> None:
    said = desk.question("same")
    await desk.accept(said)
    unfurled = await desk.amend(said, "same", "3")
    late = await desk.amend(said, "other", "2")
    assert unfurled is not None and not unfurled.created
    assert late is not None and not late.created
    turn = await desk.claimed()
    assert (turn.text, turn.version) == ("same", 0)


async def test_a_running_turn_that_is_edited_begins_anew_when_its_worker_lets_go(desk: Desk) -> None:
    said = desk.question("old")
    await desk.accept(said)
    turn = await desk.claimed("w1")
    journal = desk.stores.inbox.journal(turn, "w1")
    await journal.intend(0, "n0")
    await desk.amend(said, "new", "1")

    renewal = await desk.stores.inbox.renew(turn.id, "w1", desk.clock.now + LEASE)
    assert renewal == Renewal(Pulse.MINE, Cancel.EDITED)
    assert await desk.claim("w2") is None
    await journal.posted(0, "p0")
    await journal.finished(0, "old ans")
    await desk.stores.inbox.release(turn.id, "w1")

    again = await desk.claimed("w2")
    assert (again.text, again.version, again.attempts, again.cancel) == ("new", 1, 1, None)
    assert again.parts == (Posted(0, "n0", "p0", None, stale=True),)


async def test_an_edit_is_not_lost_to_a_worker_that_finishes_the_old_answer(desk: Desk) -> None:
    said = desk.question("old")
    await desk.accept(said)
    turn = await desk.claimed()
    await desk.amend(said, "new", "1")
    await desk.finish(turn, "old answer")
    assert await desk.history() == []
    again = await desk.claimed()
    assert (again.text, again.version, again.answer) == ("new", 1, None)


async def test_an_edit_is_not_lost_to_a_worker_that_dies(desk: Desk) -> None:
    said = desk.question("old")
    await desk.accept(said)
    turn = await desk.claimed("dead")
    await desk.stores.inbox.answered(turn.id, "dead", "old answer", Size(1), "c", Finish.STOP)
    await desk.amend(said, "new", "1")
    desk.clock.advance(31)
    again = await desk.claimed("w2")
    assert (again.text, again.version, again.attempts, again.answer, again.cancel) == (
        "new",
        1,
        1,
        None,
        None,
    )


async def test_only_its_author_may_ask_a_turn_again(desk: Desk) -> None:
    turn = await desk.converse("a", "b")
    assert not await desk.again(turn.id, GRACE.id)
    assert await desk.again(turn.id, ADA.id)
    again = await desk.claimed()
    assert (again.id, again.version, again.attempts, again.answer) == (turn.id, 1, 1, None)


async def test_an_unfinished_turn_is_not_asked_again(desk: Desk) -> None:
    asked = await desk.ask()
    assert not await desk.again(asked)
    await desk.claimed()
    assert not await desk.again(asked)
    assert not await desk.again(asked + 1)


async def test_a_turn_asked_again_leaves_the_history_until_it_is_answered(desk: Desk) -> None:
    turn = await desk.converse("a", "b")
    await desk.again(turn.id)
    assert await desk.history() == []
    await desk.finish(await desk.claimed(), "c")
    assert [exchange.answer for exchange in await desk.history()] == ["c"]


# Calling off.


async def test_a_waiting_turn_that_is_called_off_is_over(desk: Desk) -> None:
    asked = await desk.ask()
    assert await desk.stores.inbox.cancel(Cancel.STOPPED, turn=asked) == 1
    assert await desk.claim() is None and await desk.states() == {}
    assert await desk.stores.inbox.cancel(Cancel.STOPPED, turn=asked) == 0


async def test_a_running_turn_that_is_called_off_is_left_to_its_worker(desk: Desk) -> None:
    asked = await desk.ask()
    await desk.claimed()
    assert await desk.stores.inbox.cancel(Cancel.STOPPED, turn=asked) == 1
    renewal = await desk.stores.inbox.renew(asked, "w1", desk.clock.now + LEASE)
    assert renewal == Renewal(Pulse.MINE, Cancel.STOPPED)
    await desk.close(asked, "w1", State.CANCELLED)
    assert await desk.states() == {}


async def test_whoever_takes_over_learns_that_the_turn_was_called_off(desk: Desk) -> None:
    asked = await desk.ask()
    await desk.claimed("dead")
    await desk.stores.inbox.cancel(Cancel.STOPPED, turn=asked)
    desk.clock.advance(31)
    assert (await desk.claimed("w2")).cancel is Cancel.STOPPED


async def test_a_waiting_turn_that_has_shown_something_gets_a_worker_to_put_it_in_order(desk: Desk) -> None:
    asked = await desk.ask()
    turn = await desk.claimed()
    await desk.stores.inbox.journal(turn, "w1").intend(0, "n0")
    await desk.stores.inbox.release(asked, "w1")
    assert await desk.stores.inbox.cancel(Cancel.DELETED, turn=asked) == 1
    again = await desk.claimed()
    assert (again.cancel, again.content, again.parts) == (Cancel.DELETED, (), (Posted(0, "n0"),))
    await desk.stores.inbox.journal(again, "w1").removed(0)
    await desk.close(asked, "w1", State.CANCELLED)
    assert await desk.states() == {}


async def test_only_the_authors_own_turn_is_called_off_for_them(desk: Desk) -> None:
    asked = await desk.ask(author=ADA)
    assert await desk.stores.inbox.cancel(Cancel.STOPPED, turn=asked, author=GRACE.id) == 0
    assert await desk.stores.inbox.cancel(Cancel.STOPPED, turn=asked, author=ADA.id) == 1


async def test_a_deleted_question_forgets_the_words_and_leaves_the_history(desk: Desk) -> None:
    said = desk.question("a secret")
    await desk.accept(said)
    turn = await desk.claimed()
    journal = desk.stores.inbox.journal(turn, "w1")
    await journal.intend(0, "n0")
    await journal.finished(0, "it is safe")
    await desk.finish(turn, "it is safe")
    await desk.converse("next", "yes")

    assert await desk.stores.inbox.cancel(Cancel.DELETED, place=THREAD, message=said.message) == 0

    assert await desk.questions() == ["next"]
    assert not await desk.again(turn.id)
    late_edit = await desk.amend(said, "a secret again", "9")
    assert late_edit is not None and not late_edit.created


async def test_words_deleted_while_the_answer_runs_do_not_come_back(desk: Desk) -> None:
    said = desk.question("a secret")
    await desk.accept(said)
    turn = await desk.claimed()
    journal = desk.stores.inbox.journal(turn, "w1")
    await journal.intend(0, "n0")
    assert await desk.stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message=said.message) == 1
    await journal.finished(0, "it is")
    await desk.stores.inbox.answered(turn.id, "w1", "it is safe", Size(3), "c", Finish.STOP)
    desk.clock.advance(31)

    again = await desk.claimed("w2")

    assert again.cancel is Cancel.DELETED and again.content == () and again.answer is None
    assert again.parts == (Posted(0, "n0"),)


async def test_deleted_gives_way_to_no_other_reason(desk: Desk) -> None:
    asked = await desk.ask()
    await desk.claimed()
    await desk.stores.inbox.cancel(Cancel.DELETED, turn=asked)
    await desk.stores.inbox.cancel(Cancel.STOPPED, turn=asked)
    renewal = await desk.stores.inbox.renew(asked, "w1", desk.clock.now + LEASE)
    assert renewal.cancel is Cancel.DELETED


async def test_a_message_of_the_same_id_elsewhere_is_another_one(desk: Desk) -> None:
    await desk.ask(message="m1")
    await desk.ask(message="m1", place=OTHER_CHANNEL)
    assert await desk.stores.inbox.cancel(Cancel.DELETED, place=CHANNEL, message="m1") == 1
    assert [row.place for row in await desk.stores.inbox.unfinished()] == [OTHER_CHANNEL]


async def test_all_of_a_channel_is_called_off_with_its_threads_and_nothing_else(desk: Desk) -> None:
    await desk.ask()
    await desk.ask(place=THREAD)
    await desk.ask(place=replace(THREAD, thread="t2"), author=GRACE)
    await desk.ask(place=OTHER_CHANNEL)
    assert await desk.stores.inbox.cancel(Cancel.STOPPED, place=THREAD) == 1
    assert await desk.stores.inbox.cancel(Cancel.STOPPED, place=CHANNEL, author=GRACE.id) == 1
    assert await desk.stores.inbox.cancel(Cancel.STOPPED, place=CHANNEL) == 1
    assert [row.place for row in await desk.stores.inbox.unfinished()] == [OTHER_CHANNEL]


async def test_what_is_asked_after_a_stop_is_not_stopped_by_it(desk: Desk) -> None:
    await desk.ask(place=THREAD)
    pressed = desk.clock.now
    later = await desk.ask(place=THREAD, author=GRACE)
    assert await desk.stores.inbox.cancel(Cancel.STOPPED, place=THREAD, until=pressed) == 1
    assert [row.turn for row in await desk.stores.inbox.unfinished()] == [later]


async def test_calling_off_everything_everywhere_takes_a_place_or_a_turn(desk: Desk) -> None:
    with pytest.raises(ValueError, match="a turn or a place"):
        await desk.stores.inbox.cancel(Cancel.STOPPED)


# Installations.


async def test_nothing_is_answered_where_the_bot_was_removed(desk: Desk) -> None:
    await desk.ask()
    await desk.ask(author=GRACE)
    running = await desk.claimed()
    elsewhere = Place("fake", "T2", "C1")
    await desk.ask(place=elsewhere)
    await desk.stores.conversations.revoke("fake", "T1", desk.clock.advance(1))
    with pytest.raises(LeaseLost):
        await desk.close(running.id)
    assert (await desk.claimed()).place == elsewhere
    assert await desk.claim() is None


async def test_a_late_event_from_before_the_removal_is_not_answered(desk: Desk) -> None:
    await desk.converse("a", "b")
    late = desk.question()
    await desk.stores.conversations.revoke("fake", "T1", desk.clock.advance(1))
    assert await desk.accept(late) is not None
    assert await desk.claim() is None


async def test_a_question_after_the_removal_means_that_the_bot_is_back(desk: Desk) -> None:
    await desk.stores.conversations.revoke("fake", "T1", desk.clock.advance(1))
    asked = await desk.ask()
    assert (await desk.claimed()).id == asked
