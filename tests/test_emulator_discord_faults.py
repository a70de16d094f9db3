"""Trouble made with the Discord emulator: failing and lost answers, resets and requests that hang."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.emulators.discord import RESET, Channel, Clock, DiscordEmulator, Limits, Upload
from tests.emulators.discord.bare import BareClient, bare_client
from tests.emulators.discord.client import Listener, running

CREATE = "/channels/{channel_id}/messages"


@pytest.fixture
async def platform() -> AsyncIterator[DiscordEmulator]:
    async with DiscordEmulator() as emulator:
        yield emulator


@pytest.fixture
def talk(platform: DiscordEmulator) -> Channel:
    return platform.add_channel(platform.add_guild("home"), "talk")


@pytest.fixture
async def api(platform: DiscordEmulator) -> AsyncIterator[BareClient]:
    async with bare_client(platform) as client:
        yield client


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_request_fails_as_often_as_planned_and_without_effect(
    platform: DiscordEmulator, api: BareClient, talk: Channel, status: int
) -> None:
    platform.fail_next("POST", CREATE, status, times=2)
    assert [(await api.post(talk.id, content="hi")).status for _ in range(3)] == [status, status, 200]
    assert len(platform.messages(talk)) == 1
    assert [line.status for line in platform.calls("POST", CREATE)] == [status, status, 200]
    assert [line.body for line in platform.calls("POST", CREATE)] == [{"content": "hi"}] * 3


async def test_answer_can_be_lost_after_the_effect(
    platform: DiscordEmulator, api: BareClient, talk: Channel
) -> None:
    platform.fail_next("POST", CREATE, 502, after=True)
    assert (await api.post(talk.id, content="hi", nonce="1", enforce_nonce=True)).status == 502
    (message,) = platform.messages(talk)
    again = await api.post(talk.id, content="hi", nonce="1", enforce_nonce=True)
    assert again.body["id"] == str(message.id) and platform.messages(talk) == [message]


@pytest.mark.parametrize("after", [False, True])
async def test_connection_can_be_reset_before_or_after_the_effect(
    platform: DiscordEmulator, api: BareClient, talk: Channel, after: bool
) -> None:
    platform.fail_next("POST", "/channels/*/messages", RESET, after=after)
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.post(talk.id, content="hi")
    assert len(platform.messages(talk)) == after
    assert platform.requests[-1].status == 0


async def test_the_real_client_waits_for_the_global_limit_and_repeats(
    platform: DiscordEmulator, talk: Channel
) -> None:
    client = Listener()
    async with running(platform, client):
        platform.fail_next("POST", CREATE, 429, times=2, retry_after=0.05)
        await client.get_partial_messageable(talk.id).send("at last")
    assert platform.count_429 == 2 and [message.text for message in platform.messages(talk)] == ["at last"]


async def test_lost_answer_is_repeated_by_the_real_client_without_a_second_message(
    platform: DiscordEmulator, talk: Channel
) -> None:
    client = Listener()
    async with running(platform, client):
        platform.fail_next("POST", CREATE, 500, after=True)
        await client.get_partial_messageable(talk.id).send("once")
    assert len(platform.calls("POST", CREATE)) == 2 and len(platform.messages(talk)) == 1


@pytest.mark.parametrize("after", [False, True])
async def test_request_hangs_until_it_is_let_go(
    platform: DiscordEmulator, api: BareClient, talk: Channel, after: bool
) -> None:
    gate = platform.hold("POST", CREATE, after=after)
    sending = asyncio.create_task(api.post(talk.id, content="hi"))
    await platform.wait_for(lambda: gate.waiting)
    assert not sending.done() and len(platform.messages(talk)) == after
    gate.release()
    assert (await sending).status == 200 and len(platform.messages(talk)) == 1


async def test_waiting_gives_up_and_says_what_it_saw(platform: DiscordEmulator, api: BareClient) -> None:
    await api.ask("GET", "/users/@me")
    with pytest.raises(TimeoutError, match=r"still 0 after 0.01 s; connected: 0, .*GET /users/@me 200"):
        await platform.wait_for(lambda: platform.connected, timeout=0.01)


async def test_fault_of_the_emulator_itself_fails_the_test() -> None:
    with pytest.RaisesGroup(AttributeError):
        async with DiscordEmulator() as broken, bare_client(broken) as api:
            place = broken.add_channel(broken.add_guild())
            assert (await api.post(place.id, content="hi", embeds=["no embed"])).status == 500


async def test_files_survive_a_restart_of_the_platform_on_the_same_port(
    platform: DiscordEmulator, api: BareClient, talk: Channel
) -> None:
    message = platform.say(platform.add_user(), talk, attachments=[Upload("a.txt", b"kept")])
    address = platform.api_url
    await platform.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.ask("GET", "/users/@me")
    await platform.start()
    shown = await api.ask("GET", f"/channels/{talk.id}/messages/{message.id}")
    async with aiohttp.request("GET", shown.body["attachments"][0]["url"]) as answer:
        assert await answer.read() == b"kept" and platform.api_url == address


async def test_ids_follow_the_clock_and_never_repeat() -> None:
    async with DiscordEmulator(clock=Clock(1_800_000_000, running=False), limits=Limits()) as platform:
        talk = platform.add_channel(platform.add_guild())
        alice = platform.add_user()
        ids = [platform.say(alice, talk, "x").id for _ in range(3)]
        platform.clock.advance(60)
        ids.append(platform.say(alice, talk, "x").id)
        assert sorted(set(ids)) == ids and (ids[3] >> 22) - (ids[0] >> 22) == 60_000
        assert (ids[0] >> 22) + 1_420_070_400_000 == 1_800_000_000_000
