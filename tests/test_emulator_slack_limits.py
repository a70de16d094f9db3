"""Every rule of the Slack emulator's Web API broken on purpose, through the real slack_sdk client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from tests.emulators.slack import Channel, ManualClock, SlackEmulator, SlackLimits, User
from tests.emulators.slack import text as wire

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


async def refused(call: Awaitable[AsyncSlackResponse]) -> Any:
    """The answer that the SDK raised."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


async def error(call: Awaitable[AsyncSlackResponse]) -> str:
    return str((await refused(call))["error"])


async def post(client: AsyncWebClient, room: Channel, text: str = "hi", **more: Any) -> str:
    return str((await client.chat_postMessage(channel=room.id, text=text, **more))["ts"])


async def start(client: AsyncWebClient, room: Channel, user: User, root: str, **more: Any) -> str:
    started = await client.chat_startStream(
        channel=room.id, thread_ts=root, recipient_user_id=user.id, recipient_team_id=user.team_id, **more
    )
    return str(started["ts"])


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


def section(length: int) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "x" * length}}


def markdown(length: int) -> Json:
    return {"type": "markdown", "text": "x" * length}


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


async def test_wrong_places_and_messages_have_their_own_errors(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, alice: User
) -> None:
    slack.core.meter.limits = SlackLimits(post_burst=10)
    asked = await slack.say(alice, room, "hello")
    reply = await slack.say(alice, room, "reply", thread=asked)
    joined = await slack.join(alice, room)
    outside = slack.add_channel("outside", bot=False)
    secret = slack.add_channel("secret", private=True, bot=False)
    old = slack.add_channel("old")
    old.is_archived = True
    bob = slack.add_user("bob")

    def posting(channel: str, **more: Any) -> Awaitable[AsyncSlackResponse]:
        return client.chat_postMessage(channel=channel, text="x", **more)

    cases = {
        posting("C404"): "channel_not_found",
        posting(secret.id): "channel_not_found",
        posting(outside.id): "not_in_channel",
        posting(old.id): "is_archived",
        posting(room.id, thread_ts="1.000001"): "thread_not_found",
        posting(room.id, thread_ts=reply.ts): "cannot_reply_to_message",
        posting(room.id, thread_ts=joined.ts): "cannot_reply_to_message",
        posting(room.id, metadata={"event_type": "x"}): "invalid_metadata_format",
        client.chat_update(channel=room.id, ts="1.000001", text="x"): "message_not_found",
        client.chat_update(channel=room.id, ts=asked.ts, text="x"): "cant_update_message",
        client.chat_delete(channel=room.id, ts=asked.ts): "cant_delete_message",
        client.chat_postEphemeral(channel=room.id, user=bob.id, text="x"): "user_not_in_channel",
        client.conversations_history(channel=outside.id): "not_in_channel",
        client.conversations_replies(channel=room.id, ts="1.000001"): "thread_not_found",
        client.users_info(user="U404"): "user_not_found",
        client.files_info(file="F404"): "file_not_found",
        client.reactions_remove(channel=room.id, timestamp=asked.ts, name="eyes"): "no_reaction",
        client.views_open(trigger_id="1.2", view={"type": "modal", "blocks": []}): "invalid_trigger_id",
        client.api_call("chat.nonsense"): "unknown_method",
    }
    assert [await error(call) for call in cases] == list(cases.values())


async def test_tokens_and_scopes_are_checked(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel
) -> None:
    def with_token(token: str) -> AsyncWebClient:
        return AsyncWebClient(token, base_url=slack.api_url)

    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"]) == (slack.team.id, slack.team.bot.id)
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")
    assert await error(with_token("").auth_test()) == "not_authed"
    assert await error(with_token("xoxb-guess").auth_test()) == "invalid_auth"
    assert await error(with_token(slack.app_token).auth_test()) == "not_allowed_token_type"
    assert await error(client.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"
    slack.team.scopes.discard("chat:write")
    missing = await refused(client.chat_postMessage(channel=room.id, text="x"))
    assert (missing["error"], missing["needed"]) == ("missing_scope", "chat:write")
    assert "users:read" in missing["provided"]
    slack.team.scopes.discard("groups:history")
    secret = slack.add_channel("secret", private=True)
    assert (await refused(client.conversations_history(channel=secret.id)))["needed"] == "groups:history"
    await slack.revoke()
    await slack.say(slack.add_user("bob"), room, "into the void")
    assert await error(client.auth_test()) == "token_revoked"
    other = slack.add_team("Other")
    await slack.uninstall(other)
    assert await error(with_token(other.bot_token).auth_test()) == "account_inactive"
    names = [delivery.name for delivery in slack.deliveries]
    assert names == ["tokens_revoked", "tokens_revoked", "app_uninstalled"]


async def test_oauth_code_installs_once(slack: SlackEmulator) -> None:
    client, team = AsyncWebClient(base_url=slack.api_url), slack.add_team("Other")
    await slack.uninstall(team)
    code, app = slack.oauth_code(team), slack.core.credentials

    async def exchange(secret: str = app.client_secret) -> AsyncSlackResponse:
        return await client.oauth_v2_access(client_id=app.client_id, client_secret=secret, code=code)

    assert await error(exchange("wrong")) == "bad_client_secret"
    assert (await exchange())["access_token"] == team.bot_token
    assert await error(exchange()) == "code_already_used"
    assert (await AsyncWebClient(team.bot_token, base_url=slack.api_url).auth_test())["team"] == "Other"


async def test_agents_say_what_they_do(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, alice: User
) -> None:
    root = await slack.say(alice, room, "go")
    session = slack.core.world.session(room.id, root.ts)
    where: Json = {"channel_id": room.id, "thread_ts": root.ts}
    await client.assistant_threads_setStatus(**where, status="is thinking...")
    assert session.status == "is thinking..."
    await post(client, room, "an answer", thread_ts=root.ts)
    assert (session.status, session.statuses) == ("", ["is thinking..."])
    await client.assistant_threads_setTitle(**where, title="A talk")
    prompts = [{"title": "Why?", "message": "Why is that so?"}]
    await client.assistant_threads_setSuggestedPrompts(**where, prompts=prompts)
    assert (session.title, session.prompts) == ("A talk", prompts)
    many = client.assistant_threads_setSuggestedPrompts(**where, prompts=prompts * 5)
    assert await error(many) == "invalid_arguments"
    assert "warning" not in await client.agents_sessions_setStatus(**where, status="processing")
    assert await error(client.agents_sessions_setStatus(**where, status="dancing")) == "invalid_arguments"
    slack.core.feed.events.discard("agent_session_stopped")
    unheard = await client.agents_sessions_setStatus(**where, status="processing")
    assert unheard["warning"] == "missing_agent_session_stopped_event_subscription"
    with pytest.raises(LookupError):
        await slack.stop_session(alice, room, root)


async def test_ephemeral_messages_are_for_one_and_in_no_history(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, alice: User
) -> None:
    shown = await client.chat_postEphemeral(channel=room.id, user=alice.id, text="psst")
    message = slack.message(shown["message_ts"])
    assert (message.ephemeral_to, message.shown) == (alice, "psst")
    assert slack.messages(room) == [message]
    assert (await client.conversations_history(channel=room.id))["messages"] == []
    assert await error(client.chat_update(channel=room.id, ts=message.ts, text="x")) == "message_not_found"
    assert slack.deliveries == []


async def test_trigger_ids_are_good_once_and_for_three_seconds(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, alice: User, clock: ManualClock
) -> None:
    view: Json = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [section(1)]}
    first = await slack.slash(alice, room, "/rejoinder")
    second = await slack.slash(alice, room, "/rejoinder")
    opened = await client.views_open(trigger_id=first.trigger_id, view=view)
    assert await error(client.views_open(trigger_id=first.trigger_id, view=view)) == "exchanged_trigger_id"
    clock.advance(3.1)
    assert await error(client.views_open(trigger_id=second.trigger_id, view=view)) == "expired_trigger_id"
    await client.views_update(view_id=opened["view"]["id"], view=view, hash=opened["view"]["hash"])
    stale = client.views_update(view_id=opened["view"]["id"], view=view, hash=opened["view"]["hash"])
    assert await error(stale) == "hash_conflict"
    await client.views_publish(user_id=alice.id, view={"type": "home", "blocks": [section(1)]})
    assert slack.core.world.homes[alice.id]["type"] == "home"


async def test_a_repeated_post_is_a_second_message(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, clock: ManualClock
) -> None:
    assert await post(client, room, "same") != await post(client, room, "same")
    clock.advance(2)
    slack.fail_next("chat.postMessage", "reset", after=True)
    await post(client, room, "lost answer")
    shown = [message.shown for message in slack.messages(room)]
    assert shown == ["same", "same", "lost answer", "lost answer"]


async def test_injected_failures_happen_before_or_after_the_effect(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel
) -> None:
    client.retry_handlers.clear()
    for how in (500, 503):
        slack.fail_next("chat.postMessage", how)
        with pytest.raises((SlackApiError, aiohttp.ClientError)):
            await post(client, room)
    slack.fail_next("chat.postMessage", "reset")
    with pytest.raises(aiohttp.ClientError):
        await post(client, room)
    slack.fail_next("*", "fatal_error", times=2)
    assert await error(client.chat_postMessage(channel=room.id, text="x")) == "fatal_error"
    assert await error(client.auth_test()) == "fatal_error"
    assert slack.messages(room) == []
    slack.fail_next("chat.postMessage", "reset", after=True)
    with pytest.raises(aiohttp.ClientError):
        await post(client, room, "it stands")
    assert [message.shown for message in slack.messages(room)] == ["it stands"]
    slack.fail_next("chat.postMessage", "stall", after=True)
    client.session = None
    client.timeout = 0.05  # type: ignore[assignment]
    with pytest.raises(TimeoutError):
        await post(client, room, "it stands too")
    assert len(slack.messages(room)) == 2
    assert [request.status for request in slack.requests] == [500, 503, 0, 200, 200, 0, 0]


async def test_reading_pages_metadata_threads_and_people(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, alice: User
) -> None:
    root = await slack.say(alice, room, "root")
    metadata = {"event_type": "turn", "event_payload": {"nonce": "n1"}}
    ts = await post(client, room, "reply", thread_ts=root.ts, metadata=metadata)
    await slack.say(alice, room, "later")
    history = await client.conversations_history(channel=room.id, limit=1)
    assert [m["text"] for m in history["messages"]] == ["later"]
    cursor = history["response_metadata"]["next_cursor"]
    rest = await client.conversations_history(channel=room.id, limit=5, cursor=cursor)
    assert [(m["text"], m["reply_count"], m["latest_reply"]) for m in rest["messages"]] == [("root", 1, ts)]
    bare = await client.conversations_replies(channel=room.id, ts=root.ts)
    assert [("metadata" in m) for m in bare["messages"]] == [False, False]
    full = await client.conversations_replies(channel=room.id, ts=root.ts, include_all_metadata=True)
    assert full["messages"][1]["metadata"] == metadata
    newer = await client.conversations_history(channel=room.id, oldest=root.ts)
    assert [m["text"] for m in newer["messages"]] == ["later"]
    user = (await client.users_info(user=alice.id, include_locale=True))["user"]
    assert (user["locale"], user["is_admin"], user["is_restricted"]) == ("zh-CN", True, False)
    assert [c["name"] for c in (await client.users_conversations())["channels"]] == ["general"]
    guest = slack.add_user("guest", guest="single")
    people = {member["id"]: member for member in (await client.users_list())["members"]}
    assert people[guest.id]["is_ultra_restricted"] and people[guest.id]["is_restricted"]
    stranger = (await client.users_info(user=slack.add_user("eve", stranger=True).id))["user"]
    assert stranger["is_stranger"] and stranger["team_id"] != slack.team.id
    assert (await client.bots_info(bot=slack.team.bot_id))["bot"]["user_id"] == slack.team.bot.id
    assert (await client.team_info())["team"]["id"] == slack.team.id
    listed = await client.conversations_list(types="public_channel,im")
    assert [c["id"] for c in listed["channels"]] == [room.id]
    assert (await client.conversations_info(channel=room.id, include_num_members=True))["channel"][
        "num_members"
    ] == 2
    assert (await client.conversations_members(channel=room.id))["members"] == room.members
    opened = await client.conversations_open(users=[alice.id])
    assert opened["channel"]["id"] == slack.open_im(alice).id
    link = (await client.chat_getPermalink(channel=room.id, message_ts=ts))["permalink"]
    assert link.endswith(f"?thread_ts={root.ts}&cid={room.id}")
    await client.reactions_add(channel=room.id, timestamp=root.ts, name="eyes")
    again = client.reactions_add(channel=room.id, timestamp=root.ts, name="eyes")
    assert await error(again) == "already_reacted"


async def test_get_and_post_forms_and_json_are_all_understood(slack: SlackEmulator, room: Channel) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.ClientSession(slack.api_url) as session:
        for verb, body in (
            ("GET", {"params": {"channel": room.id, "text": "query", "token": slack.bot_token}}),
            ("POST", {"data": {"channel": room.id, "text": "form", "blocks": "[]"}, "headers": headers}),
            ("POST", {"json": {"channel": room.id, "text": "json"}, "headers": headers}),
            ("POST", {"data": "{", "headers": {**headers, "Content-Type": "application/json"}}),
        ):
            async with session.request(verb, "chat.postMessage", **body) as response:
                answer = await response.json()
    assert answer == {"ok": False, "error": "invalid_json"}
    assert [message.shown for message in slack.messages(room)] == ["query", "form", "json"]
    assert all("token" not in request.params for request in slack.requests)


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
