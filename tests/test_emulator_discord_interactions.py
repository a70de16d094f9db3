"""The Discord emulator under the real discord.py: commands, buttons, menus, forms and their deadlines."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands, ui

from tests.emulators.discord import (
    Callback,
    Channel,
    Clock,
    DiscordEmulator,
    Interaction,
    Limits,
    Message,
    MessageFlag,
    MessageKind,
    Permission,
    User,
)
from tests.emulators.discord.client import Listener, running

AnyInteraction = discord.Interaction[Any]


class Vote(ui.DynamicItem[ui.Button[ui.View]], template=r"vote:(?P<turn>\d+)"):
    """A button whose id carries a number."""

    def __init__(self, turn: int) -> None:
        super().__init__(ui.Button(label="Like", custom_id=f"vote:{turn}"))
        self.turn = turn

    @classmethod
    async def from_custom_id(
        cls, interaction: AnyInteraction, item: ui.Item[ui.View], match: re.Match[str]
    ) -> Vote:
        return cls(int(match["turn"]))

    async def callback(self, interaction: AnyInteraction) -> None:
        await interaction.response.send_message(f"voted for {self.turn}", ephemeral=True)


class Name(ui.Modal, title="Name"):
    """A form of one line."""

    name: ui.TextInput[Name] = ui.TextInput(label="Name", custom_id="name")

    async def on_submit(self, interaction: AnyInteraction) -> None:
        await interaction.response.send_message(f"hello {self.name.value}")


class Controls(ui.View):
    """Buttons and a menu that outlive the process."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @ui.button(label="Stop", custom_id="stop")
    async def stop_it(self, interaction: AnyInteraction, button: ui.Button[Controls]) -> None:
        await interaction.response.edit_message(content="stopped", view=None)

    @ui.button(label="Later", custom_id="later")
    async def later(self, interaction: AnyInteraction, button: ui.Button[Controls]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="done later")

    @ui.button(label="Name", custom_id="ask name")
    async def ask(self, interaction: AnyInteraction, button: ui.Button[Controls]) -> None:
        await interaction.response.send_modal(Name())

    @ui.select(
        custom_id="language",
        options=[discord.SelectOption(label="English"), discord.SelectOption(label="中文")],
    )
    async def choose(self, interaction: AnyInteraction, select: ui.Select[Controls]) -> None:
        await interaction.response.send_message(f"chose {select.values[0]}")


class Commander(Listener):
    """Registers commands, and views that survive a restart."""

    async def setup_hook(self) -> None:
        memory = app_commands.Group(name="memory", description="What is remembered")

        @memory.command(name="forget", description="Forget")
        @app_commands.choices(what=[app_commands.Choice(name="all", value="all")])
        async def forget(
            interaction: AnyInteraction, what: str, times: app_commands.Range[int, 1, 3] = 1
        ) -> None:
            await interaction.response.send_message(f"forgot {what} {times}")

        self.tree.add_command(memory)
        self.tree.add_command(app_commands.Command(name="ask", description="Ask", callback=ask))
        self.tree.add_command(app_commands.Command(name="slow", description="Never answers", callback=slow))
        self.tree.add_command(app_commands.Command(name="panel", description="Controls", callback=panel))
        self.tree.add_command(app_commands.ContextMenu(name="Quote", callback=quote))
        await self.tree.sync()
        self.add_view(Controls())
        self.add_dynamic_items(Vote)


async def ask(interaction: AnyInteraction, question: str, private: bool = False) -> None:
    await interaction.response.defer(thinking=True, ephemeral=private)
    await interaction.edit_original_response(content=f"{question}? {interaction.locale}")
    await interaction.followup.send("anything else?", ephemeral=private)


async def slow(interaction: AnyInteraction) -> None:
    await asyncio.sleep(0)


async def panel(interaction: AnyInteraction) -> None:
    view = Controls()
    view.add_item(Vote(7))
    await interaction.response.send_message("controls", view=view)


async def quote(interaction: AnyInteraction, message: discord.Message) -> None:
    await interaction.response.send_message(f"> {message.content}")


@pytest.fixture
async def platform() -> AsyncIterator[DiscordEmulator]:
    async with DiscordEmulator(clock=Clock()) as emulator:
        yield emulator


@pytest.fixture
def talk(platform: DiscordEmulator) -> Channel:
    return platform.add_channel(platform.add_guild("home"), "talk")


@pytest.fixture
def alice(platform: DiscordEmulator, talk: Channel) -> User:
    return platform.add_user("alice", locale="zh-CN")


@pytest.fixture
async def bot(platform: DiscordEmulator, talk: Channel, alice: User) -> AsyncIterator[Listener]:
    client = Commander()
    async with running(platform, client):
        yield client


async def answered(platform: DiscordEmulator, interaction: Interaction) -> Interaction:
    await platform.wait_for(lambda: interaction.done)
    return interaction


async def controls(platform: DiscordEmulator, talk: Channel, alice: User) -> Message:
    panel = await answered(platform, platform.slash(alice, talk, "panel"))
    assert panel.response is not None
    return panel.response


@pytest.mark.parametrize("private", [False, True])
async def test_deferred_command_is_edited_and_followed_up(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User, private: bool
) -> None:
    bystander = platform.add_user("bob")
    interaction = platform.slash(alice, talk, "ask", {"question": "why", "private": private})
    await platform.wait_for(lambda: interaction.followups)
    assert interaction.callback is Callback.DEFERRED_MESSAGE and interaction.deferred
    assert interaction.content == "why? zh-CN" and interaction.ephemeral is private
    assert [message.text for message in interaction.followups] == ["anything else?"]
    response = interaction.response
    assert response is not None and response.kind is MessageKind.CHAT_INPUT_COMMAND
    assert [revision.content for revision in platform.history(response.id)] == ["", "why? zh-CN"]
    assert response.edited_at is None and MessageFlag.LOADING not in response.flags
    assert len(platform.messages(talk, alice)) == 2
    assert len(platform.messages(talk, bystander)) == (0 if private else 2)


async def test_client_offers_only_what_was_synced_and_fits(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    assert platform.commands(alice, talk) == ["ask", "memory", "panel", "slow"]
    with pytest.raises(LookupError):
        platform.slash(alice, talk, "unknown")
    with pytest.raises(LookupError):
        platform.slash(alice, talk, "memory")
    with pytest.raises(ValueError, match="missing"):
        platform.slash(alice, talk, "ask")
    with pytest.raises(ValueError, match="unknown"):
        platform.slash(alice, talk, "slow", {"fast": True})
    with pytest.raises(ValueError, match="one of"):
        platform.slash(alice, talk, "memory forget", {"what": "some"})
    with pytest.raises(ValueError, match="between"):
        platform.slash(alice, talk, "memory forget", {"what": "all", "times": 4})
    interaction = platform.slash(alice, talk, "memory forget", {"what": "all", "times": 3})
    assert (await answered(platform, interaction)).shown == "forgot all 3"


async def test_commands_are_offered_by_permission(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    admin: app_commands.Command[Any, ..., None] = app_commands.Command(
        name="admin", description="For managers", callback=slow
    )
    bot.tree.add_command(app_commands.default_permissions(manage_guild=True)(admin))
    await bot.tree.sync()
    with pytest.raises(PermissionError):
        platform.slash(alice, talk, "admin")
    assert talk.guild is not None
    platform.add_role(talk.guild, "manager", permissions=Permission.MANAGE_GUILD, members=[alice])
    assert "admin" in platform.commands(alice, talk)
    platform.permit(talk, alice, deny=Permission.VIEW_CHANNEL)
    assert platform.commands(alice, talk) == []


async def test_commands_work_in_direct_messages_and_on_messages(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    direct = platform.slash(alice, platform.open_dm(alice), "ask", {"question": "here"})
    assert (await answered(platform, direct)).content == "here? zh-CN"
    message = platform.say(alice, talk, "to be quoted")
    quoted = await answered(platform, platform.message_command(alice, message, "Quote"))
    assert quoted.content == "> to be quoted"


async def test_buttons_menus_and_forms_are_answered(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    message = await controls(platform, talk, alice)
    assert (await answered(platform, platform.press(alice, message, "vote:7"))).content == "voted for 7"
    chosen = await answered(platform, platform.select(alice, message, "language", ["中文"]))
    assert chosen.content == "chose 中文"
    form = await answered(platform, platform.press(alice, message, "ask name"))
    assert form.modal is not None and form.modal["title"] == "Name"
    greeted = await answered(platform, platform.submit(form, {"name": "Ada"}))
    assert greeted.content == "hello Ada"
    later = platform.press(alice, message, "later")
    await platform.wait_for(lambda: message.content == "done later")
    assert later.callback is Callback.DEFERRED_UPDATE and later.response is message
    stopped = await answered(platform, platform.press(alice, message, "stop"))
    assert stopped.callback is Callback.UPDATE and message.content == "stopped" and message.components == []
    with pytest.raises(LookupError):
        platform.press(alice, message, "stop")


async def test_buttons_survive_a_restart_of_the_bot(
    platform: DiscordEmulator, talk: Channel, alice: User
) -> None:
    async with running(platform, Commander()):
        message = await controls(platform, talk, alice)
    async with running(platform, Commander()):
        assert (await answered(platform, platform.press(alice, message, "vote:7"))).content == "voted for 7"
        assert (await answered(platform, platform.press(alice, message, "stop"))).content == "stopped"


async def test_silence_of_three_seconds_is_a_failure(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    interaction = platform.slash(alice, talk, "slow")
    platform.clock.advance(2.9)
    assert interaction.shown is None
    platform.clock.advance(0.2)
    assert platform.world.interactions[interaction.token].shown == "This interaction failed"
    late = f"{platform.api_url}/interactions/{interaction.id}/{interaction.token}/callback"
    hook = f"{platform.api_url}/webhooks/{platform.bot.id}/{interaction.token}"
    async with aiohttp.ClientSession() as session:
        async with session.post(late, json={"type": 4, "data": {"content": "sorry"}}) as answer:
            assert answer.status == 404 and (await answer.json())["code"] == 10062
        async with session.post(hook, json={"content": "sorry"}) as answer:
            assert answer.status == 404 and (await answer.json())["code"] == 10015


async def test_failure_shows_by_itself_when_real_time_runs_out() -> None:
    async with DiscordEmulator(limits=Limits(interaction_answer=0.05)) as platform:
        talk = platform.add_channel(platform.add_guild())
        async with running(platform, Commander()):
            interaction = platform.slash(platform.add_user(), talk, "slow")
            await answered(platform, interaction)
            assert interaction.failed


async def test_token_is_good_for_fifteen_minutes(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    interaction = await answered(platform, platform.slash(alice, talk, "ask", {"question": "why"}))
    original = f"{platform.api_url}/webhooks/{platform.bot.id}/{interaction.token}/messages/@original"
    async with aiohttp.ClientSession() as session:
        platform.clock.advance(890)
        async with session.patch(original, json={"content": "just in time"}) as answer:
            assert answer.status == 200 and interaction.content == "just in time"
        platform.clock.advance(10)
        async with session.patch(original, json={"content": "too late"}) as answer:
            assert answer.status == 401 and (await answer.json())["code"] == 50027
    assert interaction.content == "just in time"


async def test_promise_not_kept_shows_as_a_failure(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    interaction = platform.slash(alice, talk, "slow")
    callback = f"{platform.api_url}/interactions/{interaction.id}/{interaction.token}/callback"
    async with aiohttp.ClientSession() as session, session.post(callback, json={"type": 5}) as answer:
        assert answer.status == 204
    platform.clock.advance(5)
    assert interaction.thinking and not interaction.done
    platform.clock.advance(900)
    assert platform.world.interactions[interaction.token].done


async def test_follow_up_fills_a_deferred_answer_and_a_second_answer_is_refused(
    platform: DiscordEmulator, bot: Listener, talk: Channel, alice: User
) -> None:
    interaction = platform.slash(alice, talk, "slow")
    callback = f"{platform.api_url}/interactions/{interaction.id}/{interaction.token}/callback"
    hook = f"{platform.api_url}/webhooks/{platform.bot.id}/{interaction.token}"
    async with aiohttp.ClientSession() as session:
        async with session.post(callback, json={"type": 5, "data": {"flags": 64}}) as answer:
            assert answer.status == 204 and interaction.thinking
        async with session.post(callback, json={"type": 4, "data": {"content": "again"}}) as answer:
            assert answer.status == 400 and (await answer.json())["code"] == 40060
        async with session.post(hook, json={"content": "the answer"}) as answer:
            assert answer.status == 200
        assert interaction.content == "the answer" and interaction.ephemeral and not interaction.followups
        async with session.delete(hook + "/messages/@original") as answer:
            assert answer.status == 204 and platform.messages(talk, alice) == []
        async with session.get(hook + "/messages/@original") as answer:
            assert answer.status == 404 and (await answer.json())["code"] == 10008
