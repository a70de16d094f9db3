"""Whom a message of the emulated Discord pings: its text, allowed mentions and the sender's permissions."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord
import pytest

from tests.emulators.discord import Channel, DiscordEmulator, Permission, Role, User
from tests.emulators.discord.bare import BareClient, bare_client
from tests.emulators.discord.client import Listener, running


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


@pytest.fixture
def crew(platform: DiscordEmulator, talk: Channel, alice: User) -> Role:
    assert talk.guild is not None
    return platform.add_role(talk.guild, "crew", members=[alice], mentionable=True)


@pytest.fixture
async def api(platform: DiscordEmulator) -> AsyncIterator[BareClient]:
    async with bare_client(platform) as client:
        yield client


async def test_everything_mentioned_is_pinged_unless_told_otherwise(
    platform: DiscordEmulator, api: BareClient, talk: Channel, alice: User, crew: Role
) -> None:
    text = f"{alice.mention} {crew.mention} @here"
    await api.post(talk.id, content=text)
    await api.post(talk.id, content=text, allowed_mentions={"parse": []})
    await api.post(
        talk.id, content=text, allowed_mentions={"parse": ["roles"], "users": [str(platform.bot.id)]}
    )
    all_of_them, nobody, only_roles = platform.bot_messages(talk)
    assert (
        all_of_them.pings.users == {alice}
        and all_of_them.pings.roles == {crew}
        and all_of_them.pings.everyone
    )
    assert not nobody.pings and not nobody.mentions
    assert only_roles.pings.roles == {crew} and not only_roles.pings.users and not only_roles.pings.everyone


@pytest.mark.parametrize(
    "text", ["`{0} @everyone`", "```\n{0}\n@everyone\n```", "``a ` {0}``", "<@999> @every one"]
)
async def test_code_and_unknown_names_ping_nobody(
    platform: DiscordEmulator, api: BareClient, talk: Channel, alice: User, text: str
) -> None:
    await api.post(talk.id, content=text.format(alice.mention))
    assert not platform.bot_messages(talk)[0].pings


async def test_unclosed_code_and_text_displays_do_ping(
    platform: DiscordEmulator, api: BareClient, talk: Channel, alice: User
) -> None:
    await api.post(talk.id, content=f"`{alice.mention}")
    await api.post(talk.id, flags=1 << 15, components=[{"type": 10, "content": "@everyone"}])
    await api.post(talk.id, embeds=[{"description": "@everyone"}])
    open_code, display, embed = platform.bot_messages(talk)
    assert open_code.pings.users == {alice} and display.pings.everyone and not embed.pings


async def test_everyone_and_closed_roles_need_the_permission(
    platform: DiscordEmulator, api: BareClient, talk: Channel, crew: Role
) -> None:
    crew.mentionable = False
    platform.permit(talk, platform.bot, deny=Permission.MENTION_EVERYONE)
    await api.post(talk.id, content=f"@everyone {crew.mention}")
    platform.permit(talk, platform.bot)
    await api.post(talk.id, content=f"@everyone {crew.mention}")
    denied, permitted = platform.bot_messages(talk)
    assert not denied.pings
    assert permitted.pings.everyone and permitted.pings.roles == {crew}


async def test_edit_mentions_without_pinging(
    platform: DiscordEmulator, api: BareClient, talk: Channel, alice: User
) -> None:
    number = (await api.post(talk.id, content="hi")).body["id"]
    await api.edit(talk.id, number, content=f"{alice.mention} @everyone")
    (message,) = platform.bot_messages(talk)
    assert not message.pings and message.mentions.users == {alice} and message.mentions.everyone
    await api.edit(talk.id, number, content=f"again {alice.mention}", allowed_mentions={"parse": []})
    assert not message.mentions


async def test_those_who_cannot_see_the_channel_are_not_pinged(
    platform: DiscordEmulator, api: BareClient, talk: Channel, alice: User
) -> None:
    platform.permit(talk, alice, deny=Permission.VIEW_CHANNEL)
    await api.post(talk.id, content=alice.mention)
    (message,) = platform.bot_messages(talk)
    assert message.mentions.users == {alice} and not message.pings


@pytest.mark.parametrize("ping", [True, False])
async def test_reply_pings_the_author_it_answers_as_the_client_says(
    platform: DiscordEmulator, talk: Channel, alice: User, ping: bool
) -> None:
    client = Listener()
    async with running(platform, client):
        platform.say(alice, talk, "hello")
        received = await client.hear()
        allowed = discord.AllowedMentions(everyone=False, users=False, roles=False, replied_user=ping)
        await received.reply(f"@everyone {alice.mention}", allowed_mentions=allowed)
        (answer,) = platform.bot_messages(talk)
        assert answer.pings.users == ({alice} if ping else set()) and not answer.pings.everyone

        platform.say(alice, talk, "and?", reply_to=answer, ping=ping)
        assert (client.user in (await client.hear()).mentions) is ping
