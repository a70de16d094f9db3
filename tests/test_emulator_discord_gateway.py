"""The Discord emulator's gateway: lost and resumed connections, intents, shards, and what it turns away."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest
from discord.ext import commands

from tests.emulators.discord import Channel, DiscordEmulator, Limits, Rate, User
from tests.emulators.discord.client import AtOnce, Listener, discord_py_pointed_at, running

GUILDS_AND_MESSAGES = 1 << 0 | 1 << 9


@pytest.fixture
async def platform() -> AsyncIterator[DiscordEmulator]:
    async with DiscordEmulator() as emulator:
        yield emulator


@pytest.fixture
def talk(platform: DiscordEmulator) -> Channel:
    return platform.add_channel(platform.add_guild("home"), "talk")


@pytest.fixture
def alice(platform: DiscordEmulator, talk: Channel) -> User:
    return platform.add_user("alice")


class Line:
    """A bare gateway client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, op: int, data: Any = None) -> None:
        await self.socket.send_json({"op": op, "d": data})

    async def identify(self, platform: DiscordEmulator, **changes: Any) -> None:
        identity = {"token": platform.token, "intents": GUILDS_AND_MESSAGES, "properties": {}}
        await self.send(2, identity | changes)

    async def receive(self) -> dict[str, Any]:
        payload: dict[str, Any] = await self.socket.receive_json(timeout=5)
        return payload

    async def until(self, event: str) -> dict[str, Any]:
        while (payload := await self.receive())["t"] != event:
            pass
        return payload

    async def close_code(self) -> int | None:
        while not (await self.socket.receive(timeout=5)).type.name.startswith("CLOS"):
            pass
        return self.socket.close_code


@asynccontextmanager
async def line(platform: DiscordEmulator, query: str = "?v=10&encoding=json") -> AsyncIterator[Line]:
    async with aiohttp.ClientSession() as session, session.ws_connect(platform.gateway_url + query) as socket:
        yield Line(socket)


@pytest.mark.parametrize("trouble", ["drop", "reconnect", "resumable"])
async def test_resume_replays_what_was_missed_in_order(
    platform: DiscordEmulator, talk: Channel, alice: User, trouble: str
) -> None:
    client = Listener()
    async with running(platform, client):
        platform.say(alice, talk, "before")
        platform.pause_delivery()
        missed = [platform.say(alice, talk, text).content for text in "abc"]
        if trouble == "drop":
            platform.drop_connections()
        elif trouble == "reconnect":
            platform.ask_reconnect()
        else:
            platform.invalidate_sessions(resumable=True)
        await platform.wait_for(lambda: platform.gateway.resumes)
        platform.resume_delivery()
        platform.say(alice, talk, "after")
        assert [(await client.hear()).content for _ in range(5)] == ["before", *missed, "after"]
        assert client.messages.empty() and len(platform.gateway.identifies) == 1


async def test_invalid_session_loses_what_was_missed(
    platform: DiscordEmulator, talk: Channel, alice: User
) -> None:
    client = Listener()
    async with running(platform, client):
        platform.pause_delivery()
        platform.say(alice, talk, "lost")
        platform.invalidate_sessions(resumable=False)
        await platform.wait_for(lambda: platform.connected == 0)
        platform.resume_delivery()
        await platform.wait_for(lambda: len(platform.gateway.identifies) == 2, timeout=10)
        platform.say(alice, talk, "after")
        assert (await client.hear()).content == "after"


async def test_session_lost_for_too_long_cannot_be_resumed(platform: DiscordEmulator, talk: Channel) -> None:
    async with line(platform) as first:
        await first.identify(platform)
        session_id = (await first.until("READY"))["d"]["session_id"]
        platform.drop_connections()
    platform.clock.advance(181)
    async with line(platform) as second:
        await second.send(6, {"token": platform.token, "session_id": session_id, "seq": 1})
        assert (await second.receive())["op"] == 10
        invalid = await second.receive()
        assert (invalid["op"], invalid["d"]) == (9, False)


async def test_event_can_come_twice(platform: DiscordEmulator, talk: Channel, alice: User) -> None:
    client = Listener()
    async with running(platform, client):
        platform.say(alice, talk, "once")
        await client.get_partial_messageable(talk.id).send("mine")
        platform.replay_last_event()
        first, second = await client.hear(), await client.hear()
        assert first.id == second.id and first.content == second.content == "once"


async def test_every_connection_of_a_token_hears_everything(
    platform: DiscordEmulator, talk: Channel, alice: User
) -> None:
    one, two = Listener(), Listener()
    async with running(platform, one), running(platform, two):
        assert platform.connected == 2
        platform.say(alice, talk, "to both")
        assert (await one.hear()).id == (await two.hear()).id
    await platform.wait_for(lambda: platform.connected == 0)


async def test_goodbye_ends_the_session_and_another_close_keeps_it(platform: DiscordEmulator) -> None:
    async with line(platform) as raw:
        await raw.identify(platform)
        await raw.until("READY")
        await raw.socket.close(code=4000)
        await platform.wait_for(lambda: platform.connected == 0)
        assert len(platform.gateway.sessions) == 1
    async with line(platform) as raw:
        await raw.identify(platform)
        await raw.until("READY")
        await raw.socket.close(code=1000)
        await platform.wait_for(lambda: platform.connected == 0)
        assert len(platform.gateway.sessions) == 1


class Sharded(AtOnce, commands.AutoShardedBot):
    """Asks the platform how many shards it should have."""


async def test_events_go_to_the_shard_of_their_guild() -> None:
    async with DiscordEmulator(shards=2) as platform:
        guilds = [platform.add_guild(f"guild {number}", guild_id=number << 22) for number in (10, 11)]
        alice = platform.add_user("alice")
        client = Sharded("!", intents=discord.Intents.default(), guild_ready_timeout=0.02)
        async with running(platform, client):
            assert {guild.id: guild.shard_id for guild in client.guilds} == {guilds[0].id: 0, guilds[1].id: 1}
            sessions = {session.shard[0]: session for session in platform.gateway.online}
            before = {number: session.seq for number, session in sessions.items()}
            assert guilds[1].system_channel is not None
            platform.say(alice, guilds[1].system_channel, "odd")
            assert (sessions[0].seq, sessions[1].seq) == (before[0], before[1] + 1)
            platform.say(alice, platform.open_dm(alice), "direct")
            assert (sessions[0].seq, sessions[1].seq) == (before[0] + 1, before[1] + 1)


async def test_privileged_intent_not_granted_ends_with_4014() -> None:
    async with DiscordEmulator(privileged=()) as platform:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            async with running(platform, Listener()):
                pytest.fail("connected without the intent")
        async with running(platform, Listener(message_content=False)) as _:
            assert platform.connected == 1


async def test_bad_token_is_refused_by_both_sides(platform: DiscordEmulator) -> None:
    with discord_py_pointed_at(platform):
        async with Listener() as client:
            with pytest.raises(discord.LoginFailure):
                await client.login("wrong")
    async with line(platform) as raw:
        await raw.identify(platform, token="wrong")
        assert await raw.close_code() == 4004


async def test_intents_decide_which_events_come(
    platform: DiscordEmulator, talk: Channel, alice: User
) -> None:
    async with line(platform) as raw:
        await raw.identify(platform, intents=1 << 12)
        await raw.until("READY")
        platform.say(alice, talk, "in the guild")
        platform.type_in(alice, talk)
        platform.say(alice, platform.open_dm(alice), "direct")
        event = await raw.receive()
        assert (event["t"], event["s"], event["d"]["content"]) == ("MESSAGE_CREATE", 2, "direct")


async def test_transport_is_compressed_as_asked(platform: DiscordEmulator) -> None:
    async with line(platform, "?v=10&encoding=json&compress=zlib-stream") as raw:
        context = zlib.decompressobj()
        greeting = await raw.socket.receive_bytes(timeout=5)
        assert greeting.endswith(b"\x00\x00\xff\xff")
        assert json.loads(context.decompress(greeting))["op"] == 10
        await raw.identify(platform)
        assert json.loads(context.decompress(await raw.socket.receive_bytes(timeout=5)))["t"] == "READY"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"intents": None}, 4013),
        ({"intents": 1 << 30}, 4013),
        ({"intents": 1 << 1}, 4014),
        ({"shard": [2, 2]}, 4010),
        ({"properties": {"os": "x" * 5000}}, 4002),
    ],
)
async def test_bad_identify_is_turned_away(
    platform: DiscordEmulator, changes: dict[str, Any], code: int
) -> None:
    async with line(platform) as raw:
        await raw.identify(platform, **changes)
        assert await raw.close_code() == code


@pytest.mark.parametrize(("op", "data", "code"), [(8, {}, 4003), (99, None, 4001), (2, None, 4002)])
async def test_payload_out_of_turn_is_turned_away(
    platform: DiscordEmulator, op: int, data: Any, code: int
) -> None:
    async with line(platform) as raw:
        await raw.send(op, data)
        assert await raw.close_code() == code


async def test_second_identify_and_a_sequence_from_the_future_are_turned_away(
    platform: DiscordEmulator,
) -> None:
    async with line(platform) as raw:
        await raw.identify(platform)
        ready = await raw.until("READY")
        async with line(platform) as other:
            await other.send(6, {"token": platform.token, "session_id": ready["d"]["session_id"], "seq": 99})
            assert await other.close_code() == 4007
        await raw.identify(platform)
        assert await raw.close_code() == 4005


async def test_too_many_sends_identifies_or_guilds_are_turned_away() -> None:
    limits = Limits(gateway_sends=Rate(3, 60.0), identifies=Rate(2, 86_400.0), guilds_per_shard=1)
    async with DiscordEmulator(limits=limits) as platform:
        async with line(platform) as raw:
            for _ in range(4):
                await raw.send(1)
            assert await raw.close_code() == 4008
        platform.add_guild("one", guild_id=2 << 22)
        platform.add_guild("two", guild_id=3 << 22)
        for changes, code in (({}, 4011), ({"shard": [1, 2]}, None), ({"shard": [1, 2]}, 4004)):
            async with line(platform) as raw:
                await raw.identify(platform, **changes)
                if code is None:
                    assert (await raw.until("READY"))["d"]["shard"] == [1, 2]
                else:
                    assert await raw.close_code() == code


async def test_heartbeats_are_answered_and_their_absence_ends_the_line() -> None:
    async with DiscordEmulator(heartbeat_interval=0.05) as platform, line(platform) as raw:
        assert (await raw.receive())["d"]["heartbeat_interval"] == 50
        await raw.identify(platform)
        await raw.until("READY")
        await raw.send(1, 1)
        assert (await raw.receive())["op"] == 11
        assert await raw.close_code() == 4009
        await platform.wait_for(lambda: platform.connected == 0)


async def test_client_comes_back_after_the_platform_was_down(
    platform: DiscordEmulator, talk: Channel, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord.backoff.ExponentialBackoff, "delay", lambda self: 0.02)
    client = Listener()
    async with running(platform, client):
        await platform.stop()
        platform.say(alice, talk, "while it was down")
        await platform.start()
        assert (await client.hear()).content == "while it was down"
