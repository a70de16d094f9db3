"""`python -m bot run` on an emulated Discord, from outside: only what a person there would do and see."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.marking import instructed
from tests.emulators.discord import DiscordEmulator, Permission
from tests.emulators.llm import Answer, LLMEmulator, say
from tests.emulators.llm import Request as Asked
from tests.nursery import ForkedProcess

pytestmark = pytest.mark.slow(4)


@dataclass
class Scene:
    """A server with a person and a channel, a model, and the bot between them."""

    discord: DiscordEmulator
    llm: LLMEmulator
    bot: ForkedProcess
    guild: Any
    ada: Any
    channel: Any

    def ask(self, text: str, **more: Any) -> Any:
        return self.discord.say(self.ada, self.channel, text, mention_bot=True, **more)

    async def answered(
        self, question: Any, channel: Any = None, *, within: float = 15, ending: str = ""
    ) -> list[Any]:
        """The bot's messages from a question to what comes after it, once none of them can be stopped any more."""
        where = channel or self.channel

        def done() -> list[Any]:
            first = [
                m
                for m in self.discord.bot_messages(where)
                if m.reference and str(question.id) in str(m.reference)
            ]
            mine = [m for m in self.discord.bot_messages(where) if first and m.id >= first[0].id]
            growing = any("rejoinder:stop" in str(m.components) for m in mine)
            return mine if mine and not growing and ending in mine[-1].text else []

        found: list[Any] = await self.discord.wait_for(done, timeout=within)
        return found

    def answers_to(self, question: Any) -> list[Any]:
        """The bot's replies to a message."""
        return [
            m
            for m in self.discord.bot_messages(self.channel)
            if m.reference and str(question.id) in str(m.reference)
        ]

    def finished(self) -> list[Any]:
        """The bot's messages in the channel that can't be stopped any more."""
        return [
            m for m in self.discord.bot_messages(self.channel) if "rejoinder:stop" not in str(m.components)
        ]

    def heard(self) -> list[str]:
        return [str(m["content"]) for m in self.llm.requests[-1].body["messages"] if m["role"] != "system"]

    async def context(self) -> str:
        command = self.discord.slash(self.ada, self.channel, "context")
        await self.discord.wait_for(lambda: command.done)
        return command.content or ""


def shown(messages: list[Any]) -> str:
    return "\n".join(message.text for message in messages)


@asynccontextmanager
async def scene(
    tmp_path: Path, *, privileged: tuple[str, ...] = ("message_content",), **more: str
) -> AsyncIterator[Scene]:
    async with DiscordEmulator(privileged=privileged) as discord, LLMEmulator() as llm:
        guild = discord.add_guild("Acme")
        ada = discord.add_user("Ada")
        channel = discord.add_channel(guild, "general")
        environment = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_GATEWAY_URL": discord.gateway_url,
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": llm.openai_url,
            "REJOINDER_MODEL": "openai-chat:gpt-4o-mini",
            "REJOINDER_USER_REQUESTS_PER_MINUTE": "none",
            "REJOINDER_MAX_OUTPUT_TOKENS": "8000",
        }
        async with ForkedProcess(tmp_path / "data", environment | more) as bot:
            yield Scene(discord, llm, bot, guild, ada, channel)


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as scene_:
        yield scene_


async def test_a_conversation_in_a_channel(at: Scene) -> None:
    at.llm.script(say("Hello ", "Ada, ", "nice to ", "meet you."), say("You are Ada."))
    answer = await at.answered(at.ask("hello"))
    assert "Hello Ada, nice to meet you." in shown(answer)
    assert "I keep our conversation" in shown(answer)
    assert shown(await at.answered(at.ask("who am I?"))) == "You are Ada."
    assert at.heard() == ["Ada: hello", "Hello Ada, nice to meet you.", "Ada: who am I?"]
    at.discord.say(at.ada, at.channel, "nobody asks the bot")
    at.discord.replay_last_event()
    await asyncio.sleep(0.5)
    assert len(at.llm.requests) == 2


async def test_a_replayed_message_is_answered_once(at: Scene) -> None:
    question = at.ask("hello")
    at.discord.replay_last_event()
    await at.answered(question)
    await asyncio.sleep(0.5)
    assert len(at.llm.requests) == 1
    assert len(at.discord.bot_messages(at.channel)) == 1


async def test_a_direct_message_needs_no_mention(at: Scene) -> None:
    at.llm.script(say("In private."))
    room = at.discord.open_dm(at.ada)
    question = at.discord.say(at.ada, room, "psst")
    assert "In private." in shown(await at.answered(question, room))
    assert at.heard() == ["psst"]


async def test_a_thread_is_a_branch_and_followed_without_a_mention(at: Scene) -> None:
    at.llm.script(say("First."), say("Second."), say("Third."))
    question = at.ask("hello")
    await at.answered(question)
    thread = at.discord.start_thread(at.ada, at.channel, "more", from_message=question)
    await at.answered(at.discord.say(at.ada, thread, "in here", mention_bot=True), thread)
    await at.answered(at.discord.say(at.ada, thread, "and on"), thread)
    assert at.heard() == ["Ada: hello", "First.", "Ada: in here", "Second.", "Ada: and on"]
    at.discord.say(at.ada, thread, "leave", mention_bot=True)
    await at.discord.wait_for(lambda: "quiet in this thread" in shown(at.discord.bot_messages(thread)[-1:]))
    at.discord.say(at.ada, thread, "still there?")
    await asyncio.sleep(0.5)
    assert len(at.llm.requests) == 3


async def test_without_the_privileged_intent_mentions_replies_and_direct_messages_are_heard(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, privileged=(), DISCORD_MESSAGE_CONTENT="off") as at:
        few = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
        assert at.discord.gateway.identifies[-1]["intents"] == few.value
        at.llm.script(say("First."), say("Second."), say("Third."))
        [answer] = await at.answered(at.ask("hello"))
        await at.answered(at.discord.say(at.ada, at.channel, "and a reply", reply_to=answer))
        assert at.heard() == ["Ada: hello", "First.", "Ada: and a reply"]
        room = at.discord.open_dm(at.ada)
        await at.answered(at.discord.say(at.ada, room, "psst"), room)
        assert at.heard() == ["psst"]


async def test_a_command_that_takes_longer_than_discord_waits_is_deferred(at: Scene) -> None:
    with closing(sqlite3.connect(at.bot.data / "rejoinder.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        command = at.discord.slash(at.ada, at.channel, "usage")
        await at.discord.wait_for(lambda: command.thinking)
        other.execute("ROLLBACK")
    await at.discord.wait_for(lambda: command.done)
    assert command.ephemeral and "tokens" in (command.content or "")
    assert not command.failed

    at.discord.fail_next("POST", "/interactions/*/*/callback", 404)
    at.discord.slash(at.ada, at.channel, "usage")
    await at.bot.wait_for_line("an interaction could not be answered")
    assert "Traceback" not in at.bot.output


async def test_reset_as_text_and_as_slash_command(at: Scene) -> None:
    await at.answered(at.ask("one"))
    command = at.discord.slash(at.ada, at.channel, "reset")
    await at.discord.wait_for(lambda: command.done)
    assert "forgotten the 1 earlier turn" in (command.content or "")
    assert not command.ephemeral
    await at.answered(at.ask("two"))
    assert at.heard() == ["Ada: two"]
    at.ask("reset")
    await at.discord.wait_for(
        lambda: "forgotten the 1 earlier turn" in shown(at.discord.bot_messages(at.channel)[-1:]), timeout=10
    )
    await at.answered(at.ask("three"))
    [answer] = await at.answered(at.ask("four"))
    at.discord.say(at.ada, at.channel, "pin", mention_bot=True, reply_to=answer)
    await at.discord.wait_for(
        lambda: "Pinned: `four`" in shown(at.discord.bot_messages(at.channel)[-1:]), timeout=10
    )
    note = at.discord.slash(at.ada, at.channel, "pin", {"note": "We deploy on Fridays"})
    await at.discord.wait_for(lambda: note.done)
    context = at.discord.slash(at.ada, at.channel, "context")
    await at.discord.wait_for(lambda: context.done)
    assert (context.content or "").endswith("Pinned:\n1. `four`\n2. `We deploy on Fridays`")
    usage = at.discord.slash(at.ada, at.channel, "usage")
    await at.discord.wait_for(lambda: usage.done)
    assert usage.ephemeral and "tokens" in (usage.content or "")


async def test_a_long_conversation_keeps_what_is_pinned_and_the_gist_of_the_rest(tmp_path: Path) -> None:
    def model(asked: Asked) -> Answer:
        return say("They talk about words." if asked.body["model"] == "gpt-4o" else "Fine, that is noted.")

    async with scene(
        tmp_path, REJOINDER_CONTEXT_TOKENS="500", REJOINDER_SUMMARY_MODEL="openai-chat:gpt-4o"
    ) as at:
        at.llm.rule = model
        [answer] = await at.answered(at.ask("my number is 4711"))
        at.discord.say(at.ada, at.channel, "pin", mention_bot=True, reply_to=answer)
        await at.discord.wait_for(
            lambda: "Pinned: `my number is 4711`" in shown(at.discord.bot_messages(at.channel)[-1:]), 10
        )
        for number in range(6):
            await at.answered(at.ask(f"question {number} " + "and some more words " * 15))
        async with asyncio.timeout(20):  # it is summed up after the answer
            while "They talk about words." not in (told := await at.context()):
                pass
        assert "1. `my number is 4711`" in told
        await at.answered(at.ask("and now?"))
        head = "\n".join(at.heard()[:5])
        assert "my number is 4711" in head and "They talk about words." in head
        assert "question 0" not in "".join(at.heard())
        summed = next(asked for asked in at.llm.requests if asked.body["model"] == "gpt-4o")
        assert "Ada: question 0" in str(summed.body["messages"])


async def test_why_tells_of_the_last_message_or_of_the_one_that_is_replied_to(at: Scene) -> None:
    question = at.ask("one")
    [answer] = await at.answered(question)
    chatter = at.discord.say(at.ada, at.channel, "nice weather")
    link = f"https://discord.com/channels/{at.guild.id}/{at.channel.id}/{question.id}"
    told = at.discord.slash(at.ada, at.channel, "why", {"message": link})
    await at.discord.wait_for(lambda: told.done)
    assert told.ephemeral and "I answered it" in (told.content or "")
    asked = at.ask("why", reply_to=chatter)
    await at.discord.wait_for(lambda: "It did not speak to me" in shown(at.answers_to(asked)), timeout=10)
    again = at.ask("why", reply_to=answer)
    await at.discord.wait_for(lambda: "I answered it" in shown(at.answers_to(again)), timeout=10)
    assert len(at.llm.requests) == 1
    at.llm.script(say("Because."))
    assert "Because." in shown(await at.answered(at.discord.say(at.ada, at.channel, "why", reply_to=answer)))


async def test_the_bot_remembers_after_a_restart(at: Scene) -> None:
    at.llm.script(say("Noted."), say("Seven."))
    await at.answered(at.ask("my number is seven"))
    await at.bot.terminate()
    await at.bot.start()
    await at.answered(at.ask("what is my number?"))
    assert at.heard() == ["Ada: my number is seven", "Noted.", "Ada: what is my number?"]
    assert len(list(at.discord.calls("PUT", "/applications/*/commands"))) == 1


async def test_a_killed_bot_finishes_the_answer_in_the_message_already_posted(at: Scene) -> None:
    at.llm.script(say("Half ", "of it", hold=1), say("The whole answer."))
    question = at.ask("tell me")
    await at.discord.wait_for(lambda: at.discord.bot_messages(at.channel), timeout=10)
    await at.bot.kill()
    await at.bot.start()
    answer = await at.answered(question)
    assert "The whole answer." in shown(answer)
    assert len(answer) == 1


async def test_a_long_answer_goes_on_in_further_messages_with_its_code_closed_and_reopened(at: Scene) -> None:
    code = "\n".join(f"line_{number} = {number}" for number in range(500))
    text = f"Here:\n\n```python\n{code}\n```\n\nDone."
    at.llm.script(say(*[text[start : start + 300] for start in range(0, len(text), 300)]))
    answer = await at.answered(at.ask("a long program"), within=60, ending="Done.")
    assert len(answer) > 3
    assert all(len(message.text) <= 2000 and message.text.count("```") % 2 == 0 for message in answer)
    assert all(f"line_{number} = " in shown(answer) for number in range(500))


async def test_ten_people_at_once_in_one_channel(at: Scene) -> None:
    at.llm.rule = _echo_number
    people = [at.discord.add_user(f"P{number}") for number in range(10)]
    asked = [
        at.discord.say(person, at.channel, f"I am number {n}", mention_bot=True)
        for n, person in enumerate(people)
    ]
    await at.discord.wait_for(lambda: len(at.finished()) == 10, timeout=60)
    for number, question in enumerate(asked):
        [answer] = [m for m in at.finished() if str(question.id) in str(m.reference)]
        assert f"you are number {number}." in answer.text
    assert len(at.discord.bot_messages(at.channel)) == 10
    assert at.discord.count_429 == 0


def _echo_number(request: Asked) -> Answer:
    number = str(request.body["messages"][-1]["content"]).rpartition(" ")[2]
    return say("So ", "you ", "are ", "number ", number, ".")


async def test_an_edit_rewrites_the_answer_and_a_deletion_takes_it_away(at: Scene) -> None:
    at.llm.script(say("Berlin."), say("Paris."), say("Gone ", "soon", hold=1))
    question = at.ask("capital of Germany?")
    [answer] = await at.answered(question)
    at.discord.unfurl(question)
    at.discord.edit(question, f"<@{at.discord.bot.id}> capital of France?")
    await at.discord.wait_for(
        lambda: "Paris." in answer.text and "stop" not in str(answer.components), timeout=10
    )
    assert len(at.llm.requests) == 2
    gone = at.ask("never mind")
    await at.discord.wait_for(lambda: len(at.discord.bot_messages(at.channel)) == 2, timeout=10)
    at.discord.delete(gone)
    await at.discord.wait_for(lambda: len(at.discord.bot_messages(at.channel)) == 1, timeout=10)


async def test_stop_keeps_what_was_said(at: Scene) -> None:
    at.llm.script(say("Once upon a time ", "there was ", "a king", hold=2))
    at.ask("a story")
    [answer] = await at.discord.wait_for(lambda: at.discord.bot_messages(at.channel), timeout=10)
    await at.discord.wait_for(lambda: "rejoinder:stop" in str(answer.components), timeout=5)
    other = at.discord.press(at.discord.add_user("Eve"), answer, "rejoinder:stop:1:0")
    await at.discord.wait_for(lambda: other.done)
    at.discord.press(at.ada, answer, "rejoinder:stop:1:0")
    await at.discord.wait_for(lambda: "Stopped." in answer.text, timeout=10)
    assert "king" not in answer.text


async def test_nobody_is_pinged_and_other_bots_are_not_answered(at: Scene) -> None:
    at.llm.script(say("Hey @every", f"one, @here and <@{at.ada.id}>!"))
    [answer] = await at.answered(at.ask("ping everyone"))
    assert not answer.pings
    beeper = at.discord.add_user("Beeper", bot=True)
    at.discord.say(beeper, at.channel, "beep", mention_bot=True)
    at.discord.join(at.discord.add_user("New"), at.guild)
    await asyncio.sleep(1)
    assert len(at.llm.requests) == 1


async def test_a_dropped_connection_loses_nothing(at: Scene) -> None:
    await at.answered(at.ask("one"))
    at.discord.drop_connections()
    question = at.ask("two")
    await at.answered(question, within=20)
    assert len(at.llm.requests) == 2


async def test_secrets_never_reach_the_model(at: Scene) -> None:
    address = "ada" + "@" + "example.org"
    answer = await at.answered(at.ask(f"write to {address}"))
    assert "masked" in shown(answer)
    assert address not in str(at.llm.requests[-1].body)
    assert address not in at.bot.output


async def test_a_report_as_a_file_is_for_the_asker_alone(at: Scene) -> None:
    discord = at.discord
    root = discord.add_user("Root")
    discord.add_role(at.guild, "keepers", permissions=Permission.MANAGE_GUILD, members=[root])
    await at.answered(at.ask("hello"))
    asked = discord.slash(root, at.channel, "usage", {"by": "user", "shape": "csv"})
    await discord.wait_for(lambda: asked.done)
    assert asked.ephemeral and asked.response is not None
    assert "1 call," in (asked.content or "")
    [table] = asked.response.attachments
    assert table.data.decode("utf-8-sig").splitlines()[1].startswith("Ada,1,")
    with closing(sqlite3.connect(at.bot.data / "rejoinder.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # so that it takes longer than Discord waits
        late = discord.slash(root, at.channel, "usage", {"by": "model", "shape": "csv"})
        await discord.wait_for(lambda: late.thinking)
        other.execute("ROLLBACK")
    await discord.wait_for(lambda: late.done)
    assert late.ephemeral and late.response is not None and len(late.response.attachments) == 1
    discord.world.limits = replace(discord.world.limits, file=10)
    large = discord.slash(root, at.channel, "usage", {"by": "user", "shape": "csv"})
    await discord.wait_for(lambda: large.done)
    assert "is larger than may be sent here" in (large.content or "")
    discord.world.limits = replace(discord.world.limits, file=10 << 20)
    in_room = discord.open_dm(root)
    said = discord.say(root, at.channel, "usage by day picture", mention_bot=True)
    await discord.wait_for(lambda: "I sent you `usage-by-day-" in shown(at.answers_to(said)), timeout=20)
    [picture] = discord.bot_messages(in_room)[0].attachments
    assert picture.data.startswith(b"\x89PNG")
    root.accepts_dms = False
    said = discord.say(root, at.channel, "usage by day csv", mention_bot=True)
    await discord.wait_for(lambda: "Allow direct messages" in shown(at.answers_to(said)), timeout=10)
    assert not any(message.attachments for message in discord.bot_messages(at.channel))


async def test_admins_settle_a_place_by_command_with_completion_by_text_and_by_form(at: Scene) -> None:
    discord = at.discord
    root, eve = discord.add_user("Root"), discord.add_user("Eve")
    discord.add_role(at.guild, "keepers", permissions=Permission.MANAGE_GUILD, members=[root])
    friends = discord.add_role(at.guild, "friends", members=[at.ada], mentionable=True)

    async def done(interaction: Any) -> str:
        await discord.wait_for(lambda: interaction.done)
        assert interaction.ephemeral
        return interaction.content or ""

    change = {"setting": "answers", "value": "thread"}
    assert "Only the admins" in await done(discord.slash(at.ada, at.channel, "settings", change))
    typing = discord.type_option(root, at.channel, "settings", {"setting": "answers", "value": "th"}, "value")
    assert await discord.wait_for(lambda: typing.choices) == ["thread"]
    assert "`answers` is now `thread` here." in await done(
        discord.slash(root, at.channel, "settings", change)
    )
    at.llm.script(say("In a thread."), say("In brief."))
    question = at.ask("hello")
    thread = await discord.wait_for(lambda: question.thread, timeout=10)
    await discord.wait_for(lambda: "In a thread." in shown(discord.bot_messages(thread)), timeout=10)

    everywhere = {"setting": "scope", "value": "thread", "everywhere": True}
    assert "everywhere" in await done(discord.slash(root, at.channel, "settings", everywhere))
    asked = discord.slash(root, at.channel, "settings")
    assert "`scope`: `thread` (set everywhere)" in await done(asked)
    assert asked.response is not None
    opened = discord.select(root, asked.response, "rejoinder:form:settings", ["system_prompt"])
    await discord.wait_for(lambda: opened.modal)
    sent = discord.submit(opened, {"system_prompt": "Be brief.", "where": "here"})
    assert "`system_prompt` is now `Be brief.` here." in await done(sent)
    opened = discord.select(root, asked.response, "rejoinder:form:settings", ["talk"])
    await discord.wait_for(lambda: opened.modal)
    assert "`talk` is now `admins` here." in await done(discord.submit(opened, {"talk": "admins"}))
    discord.say(root, at.channel, f"settings talk <@&{friends.id}>", mention_bot=True)
    said = f"`talk` is now <@&{friends.id}> here."
    await discord.wait_for(lambda: said in shown(discord.bot_messages(at.channel)), timeout=10)
    discord.say(eve, at.channel, "and me?", mention_bot=True)
    question = at.ask("go on")
    thread = await discord.wait_for(lambda: question.thread, timeout=10)
    await discord.wait_for(lambda: "In brief." in shown(discord.bot_messages(thread)), timeout=10)
    assert len(at.llm.requests) == 2  # who may not talk is answered by silence
    told = str(at.llm.requests[-1].body["messages"][0]["content"])
    assert told == instructed("Be brief.")
