"""Answers as Slack's native streams: grown, ended in time, repaired where they die, and done without where they are refused."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.delivery.mentions import slack_markdown, without_half_address
from adapters.delivery.splitter import Splitter, split
from bot.chat import Posted, Turn
from bot.ports import Button, Control, Reply
from tests.delivery_rig import Notebook, Stage, stage
from tests.emulators.slack import Message
from tests.test_delivery_mentions import SLACK_PINGS
from tests.test_delivery_splitter import TEXTS

FIRST, SECOND, WHOLE = "First words", "First words, and some more", "First words, and some more, and the end."


@pytest.fixture
async def at() -> AsyncIterator[Stage]:
    async with stage("slack", faster=50) as opened:
        yield opened


async def begun(at: Stage, text: str = FIRST) -> tuple[Reply, Notebook, Message]:
    """An answer whose first words stand there as a stream."""
    book = Notebook()
    reply = at.reply(await at.turn(), book)
    reply.start()
    await until(lambda: bool(at.emulator.calls("assistant.threads.setStatus")))
    reply.update(text)
    await until(lambda: bool(book.parts and book.parts[0].message))
    return reply, book, at.emulator.message(book.parts[0].message)


def streams(message: Message) -> bool:
    return message.streaming


async def shows(message: Message, text: str) -> None:
    await until(lambda: message.shown == text)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the emulator's state and the bot's own, one condition
            await asyncio.sleep(0.002)


def methods(at: Stage) -> Counter[str]:
    """The calls that took effect, by method without its first word."""
    return Counter(name.partition(".")[2] for name, status, _ in at.requests() if status == 200)


def failed(at: Stage) -> list[str]:
    return [request.error for request in at.emulator.requests if request.error]


async def test_an_answer_is_a_stream_from_its_first_words_to_its_buttons(at: Stage) -> None:
    reply, book, message = await begun(at)
    session = at.emulator.core.world.sessions[message.channel.id, message.root_ts]
    assert streams(message) and message.shown == FIRST
    assert session.session_status == "processing" and session.title == "a question"
    reply.update(SECOND)
    await shows(message, SECOND)
    await reply.finish(WHOLE, buttons=[Control(Button.RETRY, 0)])
    assert message.shown == WHOLE and not streams(message)
    assert list(message.actions) == ["rejoinder:retry:1:0"]
    assert message.metadata is not None
    assert message.metadata["event_payload"]["nonce"] == book.parts[0].nonce
    assert session.statuses == ["processing", "is thinking…", "active"]
    assert methods(at) == {
        "sessions.setStatus": 2,
        "threads.setStatus": 1,
        "startStream": 1,
        "appendStream": 1,
        "stopStream": 1,
    }
    assert not failed(at)


async def test_a_stream_is_given_up_for_edits_before_slack_ends_it(at: Stage) -> None:
    reply, _, message = await begun(at)
    assert at.clock is not None
    at.clock.advance(250)
    reply.update(SECOND)
    await shows(message, SECOND)
    assert not streams(message) and "rejoinder:stop:1:0" in message.actions
    at.clock.advance(100)
    await reply.finish(WHOLE)
    assert message.shown == WHOLE and not message.actions
    assert not failed(at)


@pytest.mark.parametrize("final", [False, True], ids=["while it grows", "at the end"])
async def test_a_stream_that_slack_ended_is_repaired_by_an_edit(at: Stage, final: bool) -> None:
    reply, _, message = await begun(at)
    assert message.stream is not None
    message.stream.started -= 301  # as if Slack's clock were ahead of ours
    if not final:
        reply.update(SECOND)
        await shows(message, SECOND)
    await reply.finish(WHOLE)
    assert message.shown == WHOLE and not streams(message)
    assert failed(at) == ["message_not_in_streaming_state"]
    assert len(at.emulator.bot_messages(message.channel)) == 1


async def test_a_stream_that_a_person_stopped_goes_on_as_a_message_until_the_bot_has_stopped(
    at: Stage,
) -> None:
    reply, _, message = await begun(at)
    ada = next(user for user in at.emulator.core.world.users.values() if user.name == "Ada")
    await at.emulator.stop_session(ada, message.channel, message.root_ts)
    reply.update(SECOND)
    await shows(message, SECOND)
    await reply.finish(f"{SECOND}\n\n_Stopped._")
    assert message.shown.endswith("_Stopped._")


@pytest.mark.parametrize("error", ["not_allowed_token_type", "missing_scope", "channel_not_found"])
async def test_where_streams_are_refused_answers_grow_by_edits(at: Stage, error: str) -> None:
    at.emulator.fail_next("chat.startStream", error)
    reply, _, message = await begun(at)
    assert not streams(message) and "rejoinder:stop:1:0" in message.actions
    await reply.finish(WHOLE)
    assert message.shown == WHOLE
    again, _, other = await begun(at)
    assert streams(other) is (error == "channel_not_found"), (
        "a workspace is asked once, a channel says little"
    )
    await again.finish(WHOLE)
    assert other.shown == WHOLE


async def test_without_a_session_there_is_no_stop_so_that_answers_grow_by_edits(at: Stage) -> None:
    at.emulator.fail_next("agents.sessions.setStatus", "not_allowed")
    reply, _, message = await begun(at)
    assert not streams(message) and "rejoinder:stop:1:0" in message.actions
    await reply.finish(WHOLE)


async def test_more_answers_than_a_workspace_has_streams_grow_by_edits(at: Stage) -> None:
    async def one(number: int) -> None:
        reply = at.reply(await at.turn(f"channel-{number}"), Notebook())
        reply.start()
        await asyncio.sleep(0.2)
        for end in range(1, len(WHOLE), 4):
            reply.update(WHOLE[:end])
            await asyncio.sleep(0.02)
        await reply.finish(WHOLE)

    await asyncio.gather(*(one(number) for number in range(35)))
    calls = methods(at)
    assert 10 <= calls["startStream"] <= 25 and calls["startStream"] + calls["postMessage"] == 35
    assert calls["startStream"] == calls["stopStream"]
    assert at.refused == 0
    messages = [message for message in at.emulator.core.world.messages.values() if message.bot_id]
    assert {message.shown for message in messages} == {WHOLE}


async def test_what_is_said_while_an_answer_waits_is_no_beginning_of_a_stream(at: Stage) -> None:
    book = Notebook()
    reply = at.reply(await at.turn(), book)
    reply.start()
    await until(lambda: bool(at.emulator.calls("assistant.threads.setStatus")))
    reply.wait("You are number 2.")
    await until(lambda: bool(book.parts and book.parts[0].message))
    message = at.emulator.message(book.parts[0].message)
    assert message.shown == "You are number 2." and not streams(message)
    reply.update(SECOND)
    await shows(message, SECOND)
    await reply.finish(WHOLE)
    assert message.shown == WHOLE and not failed(at)


async def test_whoever_takes_over_an_open_stream_ends_it_and_goes_on_by_edits(at: Stage) -> None:
    reply, book, message = await begun(at)
    await reply.abandon()
    again = at.reply(await taken_over(at, message), book)
    again.update(SECOND)
    await shows(message, SECOND)
    assert not streams(message)
    await again.finish(WHOLE)
    assert message.shown == WHOLE
    assert len(at.emulator.bot_messages(message.channel)) == 1


async def test_a_stream_that_was_started_but_not_recorded_is_found_again(at: Stage) -> None:
    reply, book, message = await begun(at)
    await reply.abandon()
    at.adapter._streams.bot = at.emulator.team.bot.id  # type: ignore[attr-defined]
    at.adapter._streams._open.clear()  # type: ignore[attr-defined]  # another process
    unsure = Notebook((Posted(0, book.parts[0].nonce),))
    await at.reply(await taken_over(at, message), unsure).finish(WHOLE)
    assert unsure.parts[0].message == message.ts
    assert [one.shown for one in at.emulator.bot_messages(message.channel)] == [WHOLE]


async def test_a_stream_beside_it_in_the_thread_is_not_taken_for_a_lost_one(at: Stage) -> None:
    reply, book, message = await begun(at)
    at.adapter._streams.bot = at.emulator.team.bot.id  # type: ignore[attr-defined]
    at.adapter._streams._open.clear()  # type: ignore[attr-defined]  # another process
    beside = Notebook((Posted(0, "never-posted"),), others=[book])
    await at.reply(await taken_over(at, message), beside).finish(SECOND)
    await reply.finish(WHOLE)
    assert [one.shown for one in at.emulator.bot_messages(message.channel)] == [WHOLE, SECOND]


async def taken_over(at: Stage, message: Message) -> Turn:
    """The turn that was asked with the thread's root, claimed a second time."""
    turn = await at.turn()
    address = {**turn.address, "thread": message.root_ts, "question": message.root_ts}
    return replace(turn, address=address, attempts=2)


async def test_an_answer_that_is_withdrawn_while_it_streams_is_gone(at: Stage) -> None:
    reply, book, message = await begun(at)
    await reply.withdraw()
    assert message.deleted and not book.parts


async def test_a_deleted_stream_is_begun_anew(at: Stage) -> None:
    reply, book, message = await begun(at)
    at.emulator.core.remove(message)
    await reply.finish(WHOLE)
    [anew] = at.emulator.bot_messages(message.channel)
    assert anew.shown == WHOLE and book.parts[0].message == anew.ts


async def test_a_long_answer_is_a_stream_after_the_other_each_with_its_code_closed(at: Stage) -> None:
    code = "".join(f"line_{number} = {number}\n" for number in range(700))
    text = f"Here:\n\n```python\n{code}```\n\nDone."
    reply, book, _ = await begun(at)
    for end in range(0, len(text), 700):
        reply.update(text[:end])
        await asyncio.sleep(0.02)
    await reply.finish(text)
    shown = [at.emulator.message(part.message or "").shown for part in book.parts]
    assert shown == [slack_markdown(part.shown) for part in split(text, 3_900)]
    assert methods(at)["startStream"] == len(shown) > 2
    assert not failed(at)


@pytest.mark.parametrize("ping", SLACK_PINGS)
async def test_nobody_is_pinged_wherever_a_mention_is_split(at: Stage, ping: str) -> None:
    text = f"Hey {ping}, `{ping}` and [a link](https://example.org/{ping})"
    for cut in range(4, 5 + len(ping)):
        reply, _, message = await begun(at, text[:cut])
        reply.update(text[: cut + 1])
        await asyncio.sleep(0.01)
        await reply.finish(text)
        assert not message.pings


@settings(max_examples=300)
@given(TEXTS, st.lists(st.integers(1, 80), min_size=1, max_size=30))
def test_what_is_streamed_stays_as_it_is(text: str, steps: list[int]) -> None:
    """A growing part goes on from the same beginning, so that it can be appended to; at most it waits for a moment."""
    splitter, end, sent = Splitter(3_900, lambda shown, _: len(shown)), 0, ""
    for number in range(1_000):
        end = min(len(text), end + steps[number % len(steps)])
        part = splitter.feed(text[:end])
        if part is None or splitter.done:
            break
        steady = slack_markdown(without_half_address(part.steady))
        assert steady.startswith(sent) or sent.startswith(steady)
        sent = max(sent, steady, key=len)
        if end == len(text):
            break
