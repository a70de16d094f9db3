"""Every limit of the Discord emulator, broken on purpose and refused; time moves only by the test's hand."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.emulators.discord import Channel, Clock, DiscordEmulator, Limits, Rate
from tests.emulators.discord.bare import Answer, BareClient, bare_client
from tests.emulators.discord.client import Listener, running


@pytest.fixture
async def platform() -> AsyncIterator[DiscordEmulator]:
    async with DiscordEmulator(clock=Clock(running=False)) as emulator:
        yield emulator


@pytest.fixture
def talk(platform: DiscordEmulator) -> Channel:
    return platform.add_channel(platform.add_guild("home"), "talk")


@pytest.fixture
async def api(platform: DiscordEmulator) -> AsyncIterator[BareClient]:
    async with bare_client(platform) as client:
        yield client


def assert_waits(answer: Answer, seconds: float, *, everything: bool = False) -> None:
    """A 429 as discord.py must understand it."""
    assert answer.status == 429 and answer.body["retry_after"] == pytest.approx(seconds, abs=0.002)
    assert answer.body["global"] is everything
    assert answer.headers["Content-Type"] == "application/json" and answer.headers["Via"]
    assert int(answer.headers["Retry-After"]) >= seconds
    assert answer.headers["X-RateLimit-Scope"] == ("global" if everything else "user")


async def test_five_creates_in_five_seconds_per_channel(
    platform: DiscordEmulator, api: BareClient, talk: Channel
) -> None:
    answers = [await api.post(talk.id, content="hi") for _ in range(5)]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == list("43210")
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/json"}
    headers = answers[0].headers
    assert headers["X-RateLimit-Limit"] == "5" and headers["X-RateLimit-Reset-After"] == "5.000"
    assert float(headers["X-RateLimit-Reset"]) == pytest.approx(platform.clock.time() + 5, abs=0.001)
    platform.clock.advance(2)
    assert_waits(await api.post(talk.id, content="hi"), 3)
    other = platform.add_channel(platform.add_guild("other"))
    assert (await api.post(other.id, content="hi")).status == 200
    platform.clock.advance(3)
    assert (await api.post(talk.id, content="hi")).status == 200
    assert platform.count_429 == 1 and len(platform.bot_messages(talk)) == 6


async def test_edits_share_one_bucket_per_channel_apart_from_creates(api: BareClient, talk: Channel) -> None:
    ids = [(await api.post(talk.id, content="hi")).body["id"] for _ in range(2)]
    answers = [await api.edit(talk.id, ids[turn % 2], content=str(turn)) for turn in range(5)]
    assert [answer.status for answer in answers] == [200] * 5
    assert_waits(await api.edit(talk.id, ids[0], content="one too many"), 5)
    assert (await api.post(talk.id, content="hi")).status == 200


async def test_typing_is_limited_too(platform: DiscordEmulator, api: BareClient, talk: Channel) -> None:
    for _ in range(5):
        assert (await api.ask("POST", f"/channels/{talk.id}/typing")).status == 204
    assert_waits(await api.ask("POST", f"/channels/{talk.id}/typing"), 5)
    assert len(platform.world.typings) == 5


async def test_fifty_requests_a_second_in_all(platform: DiscordEmulator, api: BareClient) -> None:
    channels = [platform.add_channel(platform.add_guild()) for _ in range(11)]
    for turn in range(50):
        assert (await api.post(channels[turn % 11].id, content="hi")).status == 200
    refused = await api.ask("GET", "/users/@me")
    assert_waits(refused, 1, everything=True)
    assert refused.headers["X-RateLimit-Global"] == "true"
    assert (await api.ask("POST", "/interactions/1/none/callback", type=5)).code == 10062
    platform.clock.advance(1)
    assert (await api.ask("GET", "/users/@me")).status == 200


async def test_edits_of_messages_older_than_an_hour_are_scarce(
    platform: DiscordEmulator, api: BareClient, talk: Channel
) -> None:
    number = (await api.post(talk.id, content="hi")).body["id"]
    platform.clock.advance(3601)
    for turn in range(3):
        assert (await api.edit(talk.id, number, content=str(turn))).status == 200
    refused = await api.edit(talk.id, number, content="again")
    assert_waits(refused, 20)
    assert refused.code == 30046 and refused.headers["X-RateLimit-Remaining"] == "1"


LONG = "x" * 2001
BUTTON = {"type": 2, "style": 1, "label": "b", "custom_id": "b"}


def row(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(buttons)}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"content": LONG}, "content BASE_TYPE_MAX_LENGTH"),
        ({"content": "hi", "nonce": "n" * 26}, "nonce BASE_TYPE_MAX_LENGTH"),
        (
            {"components": [row(BUTTON | {"custom_id": "c" * 101})]},
            "components.1.custom_id BASE_TYPE_BAD_LENGTH",
        ),
        ({"components": [row(BUTTON, BUTTON)]}, "components.2.custom_id COMPONENT_CUSTOM_ID_DUPLICATED"),
        ({"components": [row()]}, "components.0.components BASE_TYPE_BAD_LENGTH"),
        ({"components": [{"type": 10, "content": "hi"}]}, "components.0 UNION_TYPE_CHOICES"),
        ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds MAX_EMBED_SIZE_EXCEEDED"),
        (
            {"flags": 1 << 15, "content": "hi", "components": [{"type": 10, "content": "hi"}]},
            "content MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        ),
        (
            {"flags": 1 << 15, "components": [{"type": 10, "content": LONG}] * 2},
            "components COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
        ),
        (
            {"content": "hi", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            "allowed_mentions MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
        (
            {"content": "hi", "message_reference": {"message_id": "1"}},
            "message_reference REPLIES_UNKNOWN_MESSAGE",
        ),
    ],
)
async def test_broken_form_is_refused(
    platform: DiscordEmulator, api: BareClient, talk: Channel, body: dict[str, Any], fault: str
) -> None:
    answer = await api.post(talk.id, **body)
    assert (answer.status, answer.code, answer.faults) == (400, 50035, [fault])
    assert platform.messages(talk) == []


async def test_content_of_an_edit_is_limited_like_that_of_a_create(api: BareClient, talk: Channel) -> None:
    number = (await api.post(talk.id, content="x" * 2000)).body["id"]
    assert (await api.edit(talk.id, number, content=LONG)).faults == ["content BASE_TYPE_MAX_LENGTH"]
    assert (await api.edit(talk.id, number, content="")).code == 50006
    assert (await api.edit(talk.id, number, content="🙂" * 2000)).status == 200


async def test_length_can_be_counted_in_utf_16() -> None:
    async with DiscordEmulator(limits=Limits(utf16=True)) as platform, bare_client(platform) as api:
        talk = platform.add_channel(platform.add_guild())
        assert (await api.post(talk.id, content="🙂" * 1001)).code == 50035


@pytest.mark.parametrize("body", [{"content": ""}, {"content": " \n"}, {"embeds": []}])
async def test_empty_message_is_refused(api: BareClient, talk: Channel, body: dict[str, Any]) -> None:
    answer = await api.post(talk.id, **body)
    assert (answer.status, answer.code) == (400, 50006)


async def test_enforced_nonce_returns_the_message_it_made_for_some_minutes(
    platform: DiscordEmulator, api: BareClient, talk: Channel
) -> None:
    first = await api.post(talk.id, content="first", nonce="turn-1", enforce_nonce=True)
    again = await api.post(talk.id, content="again", nonce="turn-1", enforce_nonce=True)
    assert again.status == 200 and again.body["id"] == first.body["id"] and again.body["content"] == "first"
    loose = await api.post(talk.id, content="loose", nonce="turn-1")
    assert loose.body["id"] != first.body["id"] and loose.body["nonce"] == "turn-1"
    platform.clock.advance(301)
    late = await api.post(talk.id, content="late", nonce="turn-1", enforce_nonce=True)
    assert late.body["content"] == "late"
    assert [message.text for message in platform.messages(talk)] == ["first", "loose", "late"]


async def test_too_large_a_file_is_refused() -> None:
    async with (
        DiscordEmulator(limits=Limits(file=10, request=2000)) as platform,
        bare_client(platform) as api,
    ):
        talk = platform.add_channel(platform.add_guild())
        path = f"/channels/{talk.id}/messages"
        assert (await api.ask("POST", path, files={"a.bin": b"x" * 10})).status == 200
        for size in (11, 5000):
            answer = await api.ask("POST", path, files={"a.bin": b"x" * size})
            assert (answer.status, answer.code) == (413, 40005)


async def test_unknown_things_have_their_codes(
    platform: DiscordEmulator, api: BareClient, talk: Channel
) -> None:
    alice = platform.add_user()
    theirs = platform.say(alice, talk, "mine")
    assert (await api.post(1, content="hi")).code == 10003
    assert (await api.edit(talk.id, 1, content="hi")).code == 10008
    assert (await api.edit(talk.id, theirs.id, content="yours")).code == 50005
    assert (await api.ask("GET", "/nowhere")).body == {"message": "404: Not Found", "code": 0}
    assert (await api.ask("GET", "/channels/none")).code == 50035
    platform.delete_channel(talk)
    assert (await api.post(talk.id, content="hi")).code == 10003
    async with bare_client(platform, "wrong") as stranger:
        answer = await stranger.ask("GET", "/users/@me")
        assert answer.status == 401 and answer.body == {"message": "401: Unauthorized", "code": 0}


async def test_too_many_invalid_requests_end_in_a_ban_that_carries_no_via() -> None:
    limits = Limits(invalid=Rate(2, 600.0))
    async with DiscordEmulator(limits=limits) as platform, bare_client(platform, "wrong") as stranger:
        assert [(await stranger.ask("GET", "/users/@me")).status for _ in range(3)] == [401, 401, 429]
        banned = await stranger.ask("GET", "/users/@me")
        assert "Via" not in banned.headers and banned.body == "error code: 1015"


async def test_the_real_client_waits_the_limits_out() -> None:
    async with DiscordEmulator(limits=Limits().faster(25)) as platform:
        talk, client = platform.add_channel(platform.add_guild()), Listener()
        async with running(platform, client):
            channel = client.get_partial_messageable(talk.id)
            started = time.monotonic()
            for turn in range(11):
                await channel.send(str(turn))
            assert 0.35 < time.monotonic() - started < 2
        assert [message.text for message in platform.messages(talk)] == [str(turn) for turn in range(11)]
        assert platform.count_429 == 0
