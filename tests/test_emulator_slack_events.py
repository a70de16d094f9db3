"""What the Slack emulator tells the bot of, and what it makes of streams and files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.emulators.slack import Channel, SlackEmulator, User


@pytest.fixture
async def slack() -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator(ack_timeout=0.01, retry_delays=()) as emulator:
        yield emulator


@pytest.fixture
def alice(slack: SlackEmulator) -> User:
    return slack.add_user("alice", locale="de-DE")


@pytest.fixture
def general(slack: SlackEmulator, alice: User) -> Channel:
    return slack.add_channel("general", members=[alice])


async def test_stream_helper_streams_into_one_message(
    slack: SlackEmulator, alice: User, general: Channel
) -> None:
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    question = await slack.say(alice, general, "tell", mention_bot=True)
    stream = await client.chat_stream(
        channel=general.id,
        thread_ts=question.ts,
        recipient_user_id=alice.id,
        recipient_team_id=alice.team_id,
        buffer_size=4,
    )
    for piece in ("**Once", " upon a", " time**"):
        await stream.append(markdown_text=piece)
    await stream.stop(markdown_text=" the end", metadata={"event_type": "turn", "event_payload": {"id": 1}})
    answer = slack.messages(general, thread=question)[-1]
    assert answer.shown == "**Once upon a time** the end"
    assert [revision.text for revision in slack.history(answer)] == [
        "**Once",
        "**Once upon a",
        "**Once upon a time**",
        "**Once upon a time** the end",
    ]
    assert slack.requests[0].method == "chat.startStream"
    page = await client.conversations_replies(channel=general.id, ts=question.ts, include_all_metadata=True)
    assert page["messages"][-1]["metadata"]["event_payload"] == {"id": 1}


async def test_own_posts_edits_and_deletions_are_events_too(
    slack: SlackEmulator, alice: User, general: Channel
) -> None:
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    posted = await client.chat_postMessage(channel=general.id, text="one")
    await client.chat_update(channel=general.id, ts=posted["ts"], text="two")
    await client.chat_delete(channel=general.id, ts=posted["ts"])
    asked = await slack.say(alice, general, "see https://example.com")
    await slack.unfurl(asked)
    await slack.join(slack.add_user("bob"), general)
    events = [delivery.event for delivery in slack.deliveries]
    assert [delivery.name for delivery in slack.deliveries] == [
        "message",
        "message.message_changed",
        "message.message_deleted",
        "message",
        "message.message_changed",
        "message.channel_join",
    ]
    assert events[0]["bot_id"] == slack.team.bot_id
    assert events[0]["app_id"]
    assert (events[1]["previous_message"]["text"], events[1]["message"]["text"]) == ("one", "two")
    assert events[2]["deleted_ts"] == posted["ts"]
    assert events[4]["message"]["text"] == events[4]["previous_message"]["text"]


async def test_only_subscribed_events_of_places_the_bot_is_in_are_sent(slack: SlackEmulator) -> None:
    alice = slack.add_user("alice")
    secret = slack.add_channel("secret", private=True, bot=False)
    await slack.say(alice, secret, "unheard", mention_bot=True)
    assert slack.deliveries == []
    slack.team.scopes.discard("groups:history")
    await slack.say(alice, slack.add_channel("known", private=True), "no scope")
    assert slack.deliveries == []
    await slack.say(alice, slack.open_im(alice), "heard, but no app_mention", mention_bot=True)
    await slack.say(alice, slack.open_group([alice, slack.add_user("bob")]), "heard twice", mention_bot=True)
    await slack.open_home(alice)
    slack.core.feed.events.discard("message.channels")
    room = slack.add_channel("general")
    await slack.say(alice, room, "not subscribed")
    await slack.say_as_app(room, "neither")
    assert [(d.name, d.event.get("channel_type")) for d in slack.deliveries] == [
        ("message", "im"),
        ("app_mention", None),
        ("message", "mpim"),
        ("app_home_opened", None),
    ]


async def test_other_apps_speak_without_a_user(slack: SlackEmulator, general: Channel) -> None:
    await slack.say_as_app(general, "build failed")
    event = slack.deliveries[0].event
    assert event["subtype"] == "bot_message"
    assert event["bot_id"] != slack.team.bot_id
    assert "user" not in event


async def test_strangers_speak_for_their_own_workspace(slack: SlackEmulator) -> None:
    stranger = slack.add_user("eve", stranger=True)
    shared = slack.add_channel("shared", members=[stranger], shared=True)
    await slack.say(stranger, shared, "hello", mention_bot=True)
    mention, plain = (delivery.payload for delivery in slack.deliveries)
    assert mention["is_ext_shared_channel"] and plain["is_ext_shared_channel"]
    assert mention["event"]["user_team"] == stranger.team_id
    assert mention["authorizations"][0]["team_id"] == mention["team_id"] == slack.team.id


async def test_deleted_root_of_a_thread_becomes_a_tombstone(
    slack: SlackEmulator, alice: User, general: Channel
) -> None:
    root = await slack.say(alice, general, "root")
    await slack.say(alice, general, "reply", thread=root)
    await slack.delete(root)
    last = slack.deliveries[-1].event
    assert (last["subtype"], last["message"]["subtype"]) == ("message_changed", "tombstone")


async def test_files_are_shared_downloaded_with_the_token_and_uploaded(
    slack: SlackEmulator, alice: User, general: Channel
) -> None:
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    await slack.say(alice, general, "read this", files=[("notes.txt", b"the notes", "text/plain")])
    shared = slack.deliveries[0].event
    assert shared["subtype"] == "file_share"
    url = shared["files"][0]["url_private"]
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers={"Authorization": f"Bearer {slack.bot_token}"}) as response:
            assert await response.read() == b"the notes"
        async with session.get(url) as response:
            assert (response.status, response.content_type) == (200, "text/html")
        slack.core.world.files[shared["files"][0]["id"]].redirect = "http://127.0.0.1:1/elsewhere"
        headers = {"Authorization": f"Bearer {slack.bot_token}"}
        async with session.get(url, headers=headers, allow_redirects=False) as response:
            assert response.headers["Location"] == "http://127.0.0.1:1/elsewhere"
    assert [allowed for _, allowed in slack.files.downloads] == [True, False, True]
    await client.files_upload_v2(channel=general.id, content="a,b", filename="t.csv", initial_comment="here")
    upload = slack.bot_messages(general)[-1]
    assert (upload.shown, upload.files[0].content) == ("here", b"a,b")
    file: dict[str, Any] = {"channel": general.id, "content": "a", "filename": "t.csv"}
    with pytest.raises(SlackApiError, match="internal_error"):
        await client.files_upload_v2(**file, blocks=json.dumps([{"type": "markdown", "text": "here"}]))
    press = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    await client.files_upload_v2(**file, blocks=json.dumps([{"type": "actions", "elements": [press]}]))
    assert list(slack.bot_messages(general)[-1].actions) == ["go"]
    stranger = slack.add_user("eve", stranger=True)
    await slack.say(stranger, general, "mine", files=[("x.txt", b"x", "text/plain")])
    hidden = slack.deliveries[-1].event["files"][0]
    assert hidden["file_access"] == "check_file_info"
    assert (await client.files_info(file=hidden["id"]))["file"]["name"] == "x.txt"


async def test_stop_button_ends_the_stream_and_tells_the_bot(
    slack: SlackEmulator, alice: User, general: Channel
) -> None:
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    asked = await slack.say(alice, general, "long story", mention_bot=True)
    with pytest.raises(LookupError):
        await slack.stop_session(alice, general, asked)
    await client.agents_sessions_setStatus(channel_id=general.id, thread_ts=asked.ts, status="processing")
    started = await client.chat_startStream(
        channel=general.id,
        thread_ts=asked.ts,
        recipient_user_id=alice.id,
        recipient_team_id=alice.team_id,
        chunks=[{"type": "markdown_text", "text": "Once"}],
    )
    assert await slack.stop_session(alice, general, asked) == [started["ts"]]
    assert slack.deliveries[-1].event["streaming_message_ts"] == [started["ts"]]
    await client.chat_stopStream(channel=general.id, ts=started["ts"], session_status="closed")
    assert slack.core.world.session(general.id, asked.ts).session_status == "closed"
