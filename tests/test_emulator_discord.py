"""The Discord emulator under the real discord.py: chat in channels, direct messages and threads."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

import discord
import pytest

from tests.emulators.discord import Channel, Clock, DiscordEmulator, MessageKind, Permission, Upload, User
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
async def bot(platform: DiscordEmulator, talk: Channel, alice: User) -> AsyncIterator[Listener]:
    client = Listener()
    async with running(platform, client):
        yield client


async def test_client_becomes_ready_and_knows_its_guild(bot: Listener, talk: Channel) -> None:
    assert bot.user is not None and bot.user.name == "Rejoinder"
    assert talk.guild is not None
    (guild,) = bot.guilds
    assert (guild.id, guild.name) == (talk.guild.id, "home")
    assert [channel.name for channel in guild.text_channels] == ["general", "talk"]
    assert guild.me.guild_permissions.send_messages
    assert bot.application_flags.gateway_message_content_limited


async def test_reply_and_edits_show_in_the_channel(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    question = platform.say(alice, talk, "how are you?", mention_bot=True)
    received = await bot.hear()
    assert bot.user in received.mentions and received.clean_content == "@Rejoinder how are you?"
    reply = await received.reply("…")
    await reply.edit(content="Fine, thanks.")

    (answer,) = platform.bot_messages(talk)
    assert answer.reference == (talk, question.id)
    assert answer.kind is MessageKind.REPLY and answer.pings.users == {alice}
    assert [revision.content for revision in platform.history(answer.id)] == ["…", "Fine, thanks."]
    assert answer.edited_at is not None
    assert (
        reply.id == answer.id
        and abs(discord.utils.snowflake_time(answer.id).timestamp() - answer.created_at) < 1
    )


async def test_direct_messages_work_both_ways(platform: DiscordEmulator, bot: Listener, alice: User) -> None:
    direct = platform.open_dm(alice)
    platform.say(alice, direct, "in private")
    received = await bot.hear()
    assert isinstance(received.channel, discord.DMChannel) and received.guild is None
    await received.channel.send("as you like")
    person = await bot.fetch_user(alice.id)
    await person.send("hello again")
    assert [message.text for message in platform.bot_messages(direct)] == ["as you like", "hello again"]

    alice.accepts_dms = False
    with pytest.raises(discord.Forbidden) as refused:
        await person.send("still there?")
    assert refused.value.code == 50007


async def test_thread_under_a_message_has_its_id_and_wakes_when_written_to(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    question = platform.say(alice, talk, "a long story", mention_bot=True)
    received = await bot.hear()
    thread = await received.create_thread(name="story")
    await thread.send("once upon a time")
    assert thread.id == question.id and question.thread is not None
    assert (await bot.hear()).type is discord.MessageType.thread_starter_message
    platform.say(alice, question.thread, "go on")
    assert isinstance((await bot.hear()).channel, discord.Thread)

    await thread.edit(archived=True)
    assert talk.guild is not None and talk.guild.threads == []
    await thread.send("the end")
    assert talk.guild.threads == [question.thread]
    assert {member.id for member in await thread.fetch_members()} == {platform.bot.id, alice.id}
    with pytest.raises(discord.HTTPException) as refused:
        await received.create_thread(name="twice")
    assert refused.value.code == 160004


async def test_thread_by_a_person_reaches_the_bot(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    thread = platform.start_thread(alice, talk, "plans")
    platform.say(alice, thread, "who is in?")
    assert (await bot.hear()).type is discord.MessageType.thread_created
    received = await bot.hear()
    assert isinstance(received.channel, discord.Thread) and received.channel.name == "plans"
    platform.archive(thread, locked=True)
    with pytest.raises(discord.HTTPException) as refused:
        await received.channel.send("me")
    assert refused.value.code == 50083


async def test_private_thread_is_heard_once_the_bot_is_added(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    thread = platform.start_thread(alice, talk, "secret", private=True)
    platform.say(alice, thread, "not for bots")
    platform.add_to_thread(thread, platform.bot)
    platform.say(alice, thread, "now you may listen")
    assert (await bot.hear()).content == "now you may listen"


async def test_edits_deletions_and_link_previews_are_told(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    message = platform.say(alice, talk, "see https://example.com")
    await bot.hear()
    platform.unfurl(message)
    preview = await asyncio.wait_for(bot.edits.get(), 5)
    assert preview.data["content"] == "see https://example.com" and preview.data["edited_timestamp"] is None
    assert preview.message.embeds and len(platform.history(message.id)) == 1
    platform.edit(message, "see nothing")
    edited = await asyncio.wait_for(bot.edits.get(), 5)
    assert edited.data["content"] == "see nothing" and edited.data["edited_timestamp"]
    platform.delete(message)
    deleted = await asyncio.wait_for(bot.deletes.get(), 5)
    assert deleted.message_id == message.id and deleted.guild_id is not None
    assert platform.messages(talk) == [] and len(platform.history(message.id)) == 2


async def test_without_the_intent_only_mentions_direct_messages_and_its_own_have_content(
    platform: DiscordEmulator, talk: Channel, alice: User
) -> None:
    client = Listener(message_content=False)
    async with running(platform, client):
        platform.say(alice, talk, "unheard", attachments=[Upload("a.txt", b"a")])
        hidden = await client.hear()
        assert hidden.content == "" and hidden.attachments == []
        platform.say(alice, talk, "heard", mention_bot=True)
        assert "heard" in (await client.hear()).content
        platform.say(alice, platform.open_dm(alice), "direct")
        assert (await client.hear()).content == "direct"
        channel = client.get_partial_messageable(talk.id)
        mine = await channel.send("my own")
        platform.say(alice, talk, "re", reply_to=platform.bot_messages(talk)[0])
        answer = await client.hear()
        assert answer.content == "re" and answer.reference is not None
        assert isinstance(answer.reference.resolved, discord.Message)
        assert answer.reference.resolved.content == "my own" == mine.content


async def test_files_travel_both_ways_and_their_addresses_expire() -> None:
    clock = Clock()
    async with DiscordEmulator(clock=clock) as platform:
        channel = platform.add_channel(platform.add_guild())
        alice, client = platform.add_user(), Listener()
        async with running(platform, client):
            platform.say(alice, channel, attachments=[Upload("notes.txt", b"remember", "text/plain")])
            (file,) = (await client.hear()).attachments
            assert (file.filename, file.size, file.content_type) == ("notes.txt", 8, "text/plain")
            assert await file.read() == b"remember"
            upload = discord.File(io.BytesIO(b"a,b"), "table.csv", description="a table")
            await client.get_partial_messageable(channel.id).send("here", file=upload)
            (posted,) = platform.bot_messages(channel)[0].attachments
            assert (posted.filename, posted.data, posted.description) == ("table.csv", b"a,b", "a table")
            clock.advance(86_401)
            with pytest.raises(discord.NotFound):
                await file.read()


async def test_history_pages_as_asked(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    said = [platform.say(alice, talk, f"line {number}") for number in range(7)]
    channel = await bot.fetch_channel(talk.id)
    assert isinstance(channel, discord.TextChannel)

    async def page(**options: object) -> list[str]:
        return [message.content[-1] async for message in channel.history(**options)]  # type: ignore[arg-type]

    middle = discord.Object(said[3].id)
    assert await page(limit=3) == ["6", "5", "4"]
    assert await page(limit=2, before=middle) == ["2", "1"]
    assert await page(limit=2, after=middle) == ["4", "5"]
    assert await page(limit=3, around=middle) == ["4", "3", "2"]
    assert (await channel.fetch_message(said[0].id)).content == "line 0"


async def test_reactions_and_bulk_deletion(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    message = platform.say(alice, talk, "nice")
    received = await bot.hear()
    await received.add_reaction("👍")
    assert message.reactions == {"👍": [platform.bot]}
    platform.react(alice, message, "👍")
    await received.remove_reaction("👍", bot.user)  # type: ignore[arg-type]
    assert message.reactions == {"👍": [alice]}

    assert talk.guild is not None and isinstance(received.channel, discord.TextChannel)
    others = [platform.say(alice, talk, text) for text in "xy"]
    with pytest.raises(discord.Forbidden):
        await received.channel.delete_messages([discord.Object(other.id) for other in others])
    role = platform.add_role(
        talk.guild, "mod", permissions=Permission.MANAGE_MESSAGES, members=[platform.bot]
    )
    assert role in talk.guild.members[platform.bot.id].roles
    await received.channel.delete_messages([discord.Object(other.id) for other in others])
    assert platform.messages(talk) == [message]


async def test_what_the_bot_may_not_see_or_do_is_refused(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    channel = bot.get_partial_messageable(talk.id)
    platform.permit(talk, platform.bot, deny=Permission.SEND_MESSAGES)
    with pytest.raises(discord.Forbidden) as unable:
        await channel.send("hi")
    platform.permit(talk, platform.bot, deny=Permission.VIEW_CHANNEL)
    with pytest.raises(discord.Forbidden) as unseen:
        await channel.send("hi")
    assert (unable.value.code, unseen.value.code) == (50013, 50001)
    platform.say(alice, talk, "behind the bot's back")
    platform.permit(talk, platform.bot)
    platform.say(alice, talk, "welcome back")
    assert (await bot.hear()).content == "welcome back"


async def test_joining_is_a_system_message(platform: DiscordEmulator, bot: Listener, talk: Channel) -> None:
    newcomer = platform.add_user("bob", guilds=[])
    platform.join(newcomer)
    received = await bot.hear()
    assert received.type is discord.MessageType.new_member and received.is_system()
    with pytest.raises(discord.HTTPException) as refused:
        await received.reply("welcome")
    assert refused.value.code == 50035
