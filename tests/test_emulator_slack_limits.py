"""Every limit of the Slack emulator broken on purpose, through the real slack_sdk client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from tests.emulators.slack import Channel, ManualClock, SlackEmulator, SlackLimits, User
from tests.emulators.slack import text as wire
from tests.emulators.slack.probes import error, markdown, post, refused, section, start

Json = dict[str, Any]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def slack(clock: ManualClock) -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator(clock=clock, ack_timeout=0.01, retry_delays=()) as emulator:
        yield emulator


@pytest.fixture
def alice(slack: SlackEmulator) -> User:
    return slack.add_user("alice", admin=True, locale="zh-CN")


@pytest.fixture
def room(slack: SlackEmulator, alice: User) -> Channel:
    return slack.add_channel("general", members=[alice])


@pytest.fixture
async def client(slack: SlackEmulator) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session)


async def test_posts_are_limited_a_channel_with_a_short_burst(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, clock: ManualClock
) -> None:
    other = slack.add_channel("other")
    for _ in range(3):
        await post(client, room)
    answer = await refused(client.chat_postMessage(channel=room.id, text="too many"))
    assert (answer.status_code, answer["error"], answer.headers["Retry-After"]) == (429, "ratelimited", "1")
    await post(client, other)
    clock.advance(1.0)
    await post(client, room)
    assert await error(client.chat_postMessage(channel=room.id, text="too many")) == "ratelimited"
    assert slack.count_429 == 2
    assert len(slack.messages(room)) == 4


@pytest.mark.parametrize(
    ("method", "allowed"),
    [
        ("chat.update", 50),
        ("chat.startStream", 20),
        ("chat.stopStream", 20),
        ("chat.appendStream", 100),
        ("conversations.history", 50),
        ("conversations.replies", 50),
    ],
)
async def test_methods_are_limited_a_workspace_and_minute(
    slack: SlackEmulator, client: AsyncWebClient, clock: ManualClock, method: str, allowed: int
) -> None:
    async def call() -> str:
        return await error(client.api_call(method, json={"channel": "C404"}))

    assert {await call() for _ in range(allowed)} == {"channel_not_found"}
    clock.advance(59.0)
    answer = await refused(client.api_call(method, json={"channel": "C404"}))
    assert (answer["error"], answer.headers["Retry-After"]) == ("ratelimited", "1")
    elsewhere = AsyncWebClient(slack.add_team("Other").bot_token, base_url=slack.api_url)
    assert await error(elsewhere.api_call(method, json={"channel": "C404"})) == "channel_not_found"
    clock.advance(1.0)
    assert await call() == "channel_not_found"


async def test_commercial_apps_read_once_a_minute_and_fifteen_objects(clock: ManualClock) -> None:
    async with SlackEmulator(clock=clock, limits=SlackLimits.commercial(), retry_delays=()) as slack:
        alice, client = slack.add_user("alice"), AsyncWebClient(slack.bot_token, base_url=slack.api_url)
        room = slack.add_channel("general")
        for number in range(20):
            await slack.say(alice, room, f"number {number}")
        first = await client.conversations_history(channel=room.id, limit=100)
        assert (len(first["messages"]), first["has_more"]) == (15, True)
        assert await error(client.conversations_history(channel=room.id)) == "ratelimited"


async def test_sdk_waits_out_a_429_of_its_own_accord(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel
) -> None:
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    slack.fail_next("chat.postMessage", 429, retry_after=0)
    await post(client, room, "patient")
    assert [request.status for request in slack.requests] == [429, 200]


@pytest.mark.filterwarnings("ignore:The top-level `text` argument")
async def test_texts_that_are_too_long_are_cut_or_refused(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel
) -> None:
    cut = await client.chat_postMessage(channel=room.id, text="x" * 40_001)
    assert cut["warning"] == "message_truncated"
    ts = str(cut["ts"])
    assert len(slack.message(ts).text) == 40_000
    assert await error(client.chat_update(channel=room.id, ts=ts, text="x" * 4_001)) == "msg_too_long"
    await client.chat_update(channel=room.id, ts=ts, text="x" * 4_000)
    assert await error(client.chat_postMessage(channel=room.id, markdown_text="x" * 12_001)) == "msg_too_long"
    assert await error(client.chat_postMessage(channel=room.id, text=" ")) == "no_text"


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([section(3_001)], "invalid_blocks"),
        ([section(1)] * 51, "invalid_blocks"),
        ([markdown(12_001)], "invalid_blocks"),
        ([markdown(7_000), markdown(6_201)], "msg_blocks_too_long"),
        ([{"type": "sections"}], "invalid_blocks"),
        ([section(0)], "invalid_blocks"),
        ("nonsense", "invalid_blocks_format"),
    ],
)
async def test_bad_blocks_are_refused(
    client: AsyncWebClient, room: Channel, blocks: Any, expected: str
) -> None:
    assert await error(client.chat_postMessage(channel=room.id, text="t", blocks=blocks)) == expected
    ts = await post(client, room, "t", blocks=[section(3_000)] * 50)
    assert await error(client.chat_update(channel=room.id, ts=ts, text="t", blocks=blocks)) == expected


async def test_markdown_text_goes_alone(client: AsyncWebClient, room: Channel) -> None:
    post_it = client.chat_postMessage(channel=room.id, markdown_text="**a**", text="a")
    assert await error(post_it) == "markdown_text_conflict"
    with_blocks = client.chat_postMessage(channel=room.id, markdown_text="**a**", blocks=[section(1)])
    assert await error(with_blocks) == "markdown_text_conflict"


async def test_update_with_text_alone_takes_the_blocks_away(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel
) -> None:
    ts = await post(client, room, "fallback", blocks=[markdown(3)])
    assert slack.message(ts).shown == "xxx"
    await client.chat_update(channel=room.id, ts=ts, text="plain")
    assert (slack.message(ts).blocks, slack.message(ts).shown) == ([], "plain")
    assert [revision.text for revision in slack.history(ts)] == ["xxx", "plain"]


async def test_stream_ends_five_minutes_after_its_start_whatever_is_appended(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, alice: User, clock: ManualClock
) -> None:
    root = await slack.say(alice, room, "go")
    ts = await start(client, room, alice, root.ts, markdown_text="one")
    clock.advance(299)
    await client.chat_appendStream(channel=room.id, ts=ts, markdown_text=" two")
    assert await error(client.chat_update(channel=room.id, ts=ts, text="no")) == "streaming_state_conflict"
    assert await error(client.chat_delete(channel=room.id, ts=ts)) == "cant_delete_message"
    clock.advance(1)
    late = client.chat_appendStream(channel=room.id, ts=ts, markdown_text=" three")
    assert await error(late) == "message_not_in_streaming_state"
    assert await error(client.chat_stopStream(channel=room.id, ts=ts)) == "message_not_in_streaming_state"
    assert slack.message(ts).shown == "one two"
    await client.chat_update(channel=room.id, ts=ts, text="one two three")
    assert slack.message(ts).shown == "one two three"


async def test_streams_keep_to_their_mode_owner_and_recipient(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, alice: User
) -> None:
    root = await slack.say(alice, room, "go")
    nobody = client.chat_startStream(channel=room.id, thread_ts=root.ts, recipient_team_id=alice.team_id)
    assert await error(nobody) == "missing_recipient_user_id"
    nowhere = client.chat_startStream(channel=room.id, thread_ts=root.ts, recipient_user_id=alice.id)
    assert await error(nowhere) == "missing_recipient_team_id"
    direct = slack.open_im(alice)
    asked = await slack.say(alice, direct, "go")
    await client.chat_startStream(channel=direct.id, thread_ts=asked.ts, markdown_text="free")
    ts = await start(client, room, alice, root.ts, markdown_text="text")
    chunk = [{"type": "markdown_text", "text": "chunk"}]
    mixed = client.chat_appendStream(channel=room.id, ts=ts, chunks=chunk)
    assert await error(mixed) == "streaming_mode_mismatch"
    long = client.chat_appendStream(channel=room.id, ts=ts, markdown_text="x" * 12_001)
    assert await error(long) == "msg_too_long"
    foreign = client.chat_appendStream(channel=room.id, ts=root.ts, markdown_text="x")
    assert await error(foreign) == "message_not_owned_by_app"
    plain = await post(client, room)
    other = client.chat_appendStream(channel=room.id, ts=plain, markdown_text="x")
    assert await error(other) == "message_not_in_streaming_state"


async def test_appending_after_the_user_stopped_is_refused(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, alice: User
) -> None:
    root = await slack.say(alice, room, "go")
    ts = await start(client, room, alice, root.ts)
    await client.agents_sessions_setStatus(channel_id=room.id, thread_ts=root.ts, status="processing")
    await slack.stop_session(alice, room, root)
    append = client.chat_appendStream(channel=room.id, ts=ts, markdown_text="x")
    assert await error(append) == "stopped_by_user"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": "<!channel> and <!here|here>"}, {"channel", "here"}),
        ({"text": "&lt;!channel&gt; @channel @alice"}, set()),
        ({"text": "@channel @alice", "link_names": True}, {"channel", "alice"}),
        ({"text": "@everyone", "parse": "full"}, {"everyone"}),
        ({"markdown_text": "**<!everyone>** <@alice> <!subteam^S1|@team>"}, {"everyone", "alice", "S1"}),
        ({"text": "t", "blocks": [{"type": "markdown", "text": "<!here>"}]}, {"here"}),
        ({"text": "t", "blocks": [{"type": "markdown", "text": "&lt;!here&gt; <@alice|al>"}]}, {"alice"}),
        (
            {"text": "t", "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "<!here>"}}]},
            set(),
        ),
    ],
)
async def test_pings_are_found_where_slack_finds_them(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, alice: User, fields: Json, expected: set[str]
) -> None:
    def real(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("<@alice", f"<@{alice.id}")
        if isinstance(value, list):
            return [real(item) for item in value]
        return {key: real(item) for key, item in value.items()} if isinstance(value, dict) else value

    posted = await client.chat_postMessage(channel=room.id, **real(fields))
    assert slack.message(posted["ts"]).pings == {alice.id if who == "alice" else who for who in expected}


async def test_token_split_over_two_chunks_pings_and_stays_recorded(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, alice: User
) -> None:
    root = await slack.say(alice, room, "go")
    ts = await start(client, room, alice, root.ts, markdown_text="<!cha")
    assert slack.message(ts).pings == set()
    await client.chat_appendStream(channel=room.id, ts=ts, markdown_text="nnel>")
    await client.chat_stopStream(channel=room.id, ts=ts)
    await client.chat_update(channel=room.id, ts=ts, text="nothing here")
    assert slack.message(ts).pings == {"channel"}


def test_typing_is_escaped_and_shown_again() -> None:
    people, rooms = {"alice": "U1", "bob.k": "U2"}, {"general": "C1"}
    typed = wire.typed(
        "hi @alice, @bob.k. & <b> in #general: https://x.io/a?b=1&c=2. @here a@alice", people, rooms
    )
    assert typed == (
        "hi <@U1>, <@U2>. &amp; &lt;b&gt; in <#C1|general>: <https://x.io/a?b=1&amp;c=2>. <!here> a@alice"
    )
    names = {"U1": "alice", "U2": "bob.k"}
    shown = wire.shown(typed, lambda name: names[name])
    assert shown == "hi @alice, @bob.k. & <b> in #general: https://x.io/a?b=1&c=2. @here a@alice"
    assert wire.typed("@alice", people, rooms, labels=True) == "<@U1|alice>"
    assert wire.shown("<https://x.io|a link> &lt;@U1&gt;", lambda name: names[name]) == "a link <@U1>"
