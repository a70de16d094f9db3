"""The errors, tokens and answers of the Slack emulator's methods, through the real slack_sdk client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from tests.emulators.slack import Channel, ManualClock, SlackEmulator, SlackLimits, User
from tests.emulators.slack.probes import error, post, refused, section

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


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")
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
    client.timeout = 0.5  # type: ignore[assignment]
    with pytest.raises(TimeoutError):
        await post(client, room, "it stands too")
    assert len(slack.messages(room)) == 2
    assert [request.status for request in slack.requests] == [500, 503, 0, 200, 200, 0, 0]


async def test_what_is_deleted_between_two_pages_moves_no_other_message(
    slack: SlackEmulator, client: AsyncWebClient, room: Channel, alice: User
) -> None:
    said = [await slack.say(alice, room, f"{number}") for number in range(4)]
    first = await client.conversations_history(channel=room.id, limit=2)
    await slack.delete(said[3])
    rest = await client.conversations_history(
        channel=room.id, limit=2, cursor=first["response_metadata"]["next_cursor"]
    )
    assert [message["text"] for message in rest["messages"]] == ["1", "0"]


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
