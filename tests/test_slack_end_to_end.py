"""`python -m bot run` on an emulated Slack, from outside: only what a person there would do and see."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from bot.marking import instructed
from tests.emulators.llm import Answer, LLMEmulator, say
from tests.emulators.llm import Request as Asked
from tests.emulators.slack import Channel, Message, SlackEmulator, User
from tests.nursery import ForkedProcess

pytestmark = pytest.mark.slow(3)

NO_MORE: Mapping[str, str] = {}


@dataclass
class Scene:
    """A workspace with a person and a channel, a model, and the bot between them."""

    slack: SlackEmulator
    llm: LLMEmulator
    bot: ForkedProcess
    ada: User
    channel: Channel

    async def answered(self, question: Message, *, within: float = 15, ending: str = "") -> list[Message]:
        """The bot's messages in the thread of a question, once nothing in them can be stopped any more."""
        root = question.thread_ts or question.ts

        def done() -> list[Message]:
            mine = [m for m in self.slack.bot_messages(question.channel, root) if m.ts > question.ts]
            growing = any(m.streaming or "rejoinder:stop" in str(m.blocks) for m in mine)
            return mine if mine and not growing and ending in mine[-1].shown else []

        return await self.slack.wait_for(done, within)

    async def ask(self, text: str, **more: object) -> Message:
        return await self.slack.say(self.ada, self.channel, text, mention_bot=True, **more)  # type: ignore[arg-type]

    def heard(self) -> list[str]:
        return [str(m["content"]) for m in self.llm.requests[-1].body["messages"] if m["role"] != "system"]


def shown(messages: list[Message]) -> str:
    return "\n".join(message.shown for message in messages)


@asynccontextmanager
async def scene(
    tmp_path: Path, *, http: bool = False, more: Mapping[str, str] = NO_MORE
) -> AsyncIterator[Scene]:
    async with SlackEmulator() as slack, LLMEmulator() as llm:
        ada = slack.add_user("Ada")
        channel = slack.add_channel("general", members=[ada])
        environment = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_API_URL": slack.api_url,
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": llm.openai_url,
            "REJOINDER_MODEL": "openai-chat:gpt-4o-mini",
            "REJOINDER_USER_REQUESTS_PER_MINUTE": "none",
            "REJOINDER_MAX_OUTPUT_TOKENS": "8000",
        }
        environment |= more
        environment |= (
            {"SLACK_SIGNING_SECRET": slack.signing_secret} if http else {"SLACK_APP_TOKEN": slack.app_token}
        )
        async with ForkedProcess(tmp_path / "data", environment) as bot:
            if http:
                slack.request_url = f"http://127.0.0.1:{await bot.port('health')}/slack/events"
            yield Scene(slack, llm, bot, ada, channel)


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as scene_:
        yield scene_


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_a_conversation_in_a_channel_and_its_thread(tmp_path: Path, http: bool) -> None:
    async with scene(tmp_path, http=http) as at:
        at.llm.script(say("Hello ", "Ada, ", "nice to ", "meet you."), say("You are Ada."))
        question = await at.ask("hello")
        answer = await at.answered(question)
        assert "Hello Ada, nice to meet you." in shown(answer)
        assert "I keep our conversation" in shown(answer)
        follow_up = await at.slack.say(at.ada, at.channel, "who am I?", thread=question)
        assert shown(await at.answered(follow_up)) == "You are Ada."
        assert at.heard() == ["Ada: hello", "Hello Ada, nice to meet you.", "Ada: who am I?"]
        assert len(at.llm.requests) == 2
        await at.slack.say(at.ada, at.channel, "leave", thread=question, mention_bot=True)
        await at.slack.wait_for(
            lambda: "quiet in this thread" in shown(at.slack.bot_messages(at.channel, question)), 10
        )
        await at.slack.say(at.ada, at.channel, "still there?", thread=question)
        await asyncio.sleep(0.5)
        assert len(at.llm.requests) == 2
        await at.slack.wait_for(lambda: all(d.acknowledged_in is not None for d in at.slack.deliveries))


@pytest.mark.parametrize("order", ["mention_first", "message_first", "together"])
async def test_twin_events_are_one_question(at: Scene, order: str) -> None:
    at.slack.twins = order  # type: ignore[assignment]
    question = await at.ask("hello")
    await at.answered(question)
    await at.slack.redeliver_last()
    await asyncio.sleep(0.5)
    assert len(at.llm.requests) == 1
    assert len(at.slack.bot_messages(at.channel, question)) == 1


async def test_a_direct_message_needs_no_mention(at: Scene) -> None:
    at.llm.script(say("In private."))
    room = at.slack.open_im(at.ada)
    question = await at.slack.say(at.ada, room, "psst")
    assert "In private." in shown(await at.answered(question))
    assert at.heard() == ["psst"]


async def test_reset_as_text_and_as_slash_command(at: Scene) -> None:
    await at.answered(await at.ask("one"))
    room = at.slack
    command = await room.slash(at.ada, at.channel, "/rejoinder", "reset")
    assert command.acknowledged_in is not None
    assert "forgotten the 1 earlier turn" in shown(command.messages)
    await at.answered(await at.ask("two"))
    assert at.heard() == ["Ada: two"]
    said = await at.ask("reset")
    reply = await room.wait_for(
        lambda: [m for m in room.bot_messages(at.channel) if "forgotten" in m.shown and m.ts > said.ts], 10
    )
    assert "1 earlier turn" in shown(reply)
    usage = await room.slash(at.ada, at.channel, "/usage")
    assert usage.ephemerals and "tokens" in shown(usage.ephemerals)
    context = await room.slash(at.ada, at.channel, "/context")
    assert "gpt-4o-mini" in shown(context.ephemerals)
    assert "`reset`" in shown((await room.slash(at.ada, at.channel, "/rejoinder")).ephemerals)


async def test_a_long_conversation_keeps_what_is_pinned_and_the_gist_of_the_rest(tmp_path: Path) -> None:
    small = {"REJOINDER_CONTEXT_TOKENS": "500", "REJOINDER_SUMMARY_MODEL": "openai-chat:gpt-4o"}
    async with scene(tmp_path, more=small) as at:
        at.llm.rule = _answers_and_sums_up
        await at.answered(await at.ask("my number is 4711"))
        pinned = await at.slack.slash(at.ada, at.channel, "/rejoinder", "pin")
        assert "Pinned: `my number is 4711`" in shown(pinned.messages)
        await at.ask("pin: We deploy on Fridays")
        for number in range(6):
            await at.answered(await at.ask(f"question {number} " + "and some more words " * 15))
        async with asyncio.timeout(20):  # it is summed up after the answer
            while "They talk about words." not in shown(
                (await at.slack.slash(at.ada, at.channel, "/context")).ephemerals
            ):
                pass
        summed = [request for request in at.llm.requests if request.body["model"] == "gpt-4o"]
        assert "Ada: question 0" in str(summed[0].body["messages"])
        await at.answered(await at.ask("and now?"))
        head = "\n".join(at.heard()[:5])
        for kept in ("my number is 4711", "We deploy on Fridays", "They talk about words."):
            assert kept in head
        assert "question 0" not in "".join(at.heard())
        context = shown((await at.slack.slash(at.ada, at.channel, "/context")).ephemerals)
        assert "1. `my number is 4711`" in context and "They talk about words." in context
        assert "came from the provider's cache" in context


def _answers_and_sums_up(request: Asked) -> Answer:
    return say("They talk about words." if request.body["model"] == "gpt-4o" else "Fine, all of it is noted.")


async def test_why_tells_of_the_last_message_or_of_the_one_that_is_linked(at: Scene) -> None:
    question = await at.ask("one")
    await at.answered(question)
    chatter = await at.slack.say(at.ada, at.channel, "nice weather")
    await at.slack.wait_for(
        lambda: any(d.event.get("ts") == chatter.ts and d.acknowledged for d in at.slack.deliveries)
    )
    told = await at.slack.slash(at.ada, at.channel, "/why")
    assert "It did not speak to me" in shown(told.ephemerals)
    link = f"https://acme.slack.com/archives/{at.channel.id}/p{question.ts.replace('.', '')}"
    told = await at.slack.slash(at.ada, at.channel, "/rejoinder", f"why {link}")
    assert "It mentions me" in shown(told.ephemerals) and "I answered it" in shown(told.ephemerals)
    asked = await at.slack.say(at.ada, at.channel, "why", mention_bot=True, thread=question)
    told_there = await at.slack.wait_for(
        lambda: [m for m in at.slack.messages(at.channel, question) if m.ts > asked.ts and m.ephemeral_to], 10
    )
    assert "I know of nothing that you said here lately." in shown(told_there)


async def test_the_bot_remembers_after_a_restart(at: Scene) -> None:
    at.llm.script(say("Noted."), say("Seven."))
    await at.answered(await at.ask("my number is seven"))
    await at.bot.terminate()
    await at.bot.start()
    await at.answered(await at.ask("what is my number?"))
    assert at.heard() == ["Ada: my number is seven", "Noted.", "Ada: what is my number?"]


async def test_a_question_asked_while_it_was_killed_is_answered_once(at: Scene) -> None:
    at.llm.script(say("Half ", "of it", hold=1), say("The whole answer."))
    question = await at.ask("tell me")
    await at.slack.wait_for(lambda: at.slack.bot_messages(at.channel, question), 10)
    await at.bot.kill()
    await at.bot.start()
    answer = await at.answered(question, ending="The whole answer.")
    assert len(answer) == 1


async def test_a_long_answer_goes_on_in_further_messages_with_its_code_closed_and_reopened(at: Scene) -> None:
    code = "\n".join(f"line_{number} = {number}" for number in range(700))
    text = f"Here:\n\n```python\n{code}\n```\n\nDone."
    at.llm.script(say(*[text[start : start + 300] for start in range(0, len(text), 300)]))
    question = await at.ask("a long program")
    answer = await at.answered(question, within=40, ending="Done.")
    assert len(answer) > 2
    for message in answer:
        assert message.shown.count("```") % 2 == 0
    assert all(f"line_{number} = " in shown(answer) for number in range(700))


async def test_ten_people_at_once_in_one_channel(at: Scene) -> None:
    at.llm.rule = _echo_name
    people = [at.slack.add_user(f"P{number}") for number in range(10)]
    at.channel.members += [person.id for person in people]
    questions = [
        await at.slack.say(person, at.channel, f"I am number {n}", mention_bot=True)
        for n, person in enumerate(people)
    ]
    answers = await asyncio.gather(*(at.answered(question, within=60) for question in questions))
    for number, answer in enumerate(answers):
        assert f"you are number {number}." in shown(answer)
        assert len(answer) == 1


def _echo_name(request: Asked) -> Answer:
    number = str(request.body["messages"][-1]["content"]).rpartition(" ")[2]
    return say("So ", "you ", "are ", "number ", number, ".")


async def test_an_edit_rewrites_the_answer_and_a_deletion_takes_it_away(at: Scene) -> None:
    at.llm.script(say("Berlin."), say("Paris."))
    question = await at.ask("capital of Germany?")
    [answer] = await at.answered(question)
    await at.slack.unfurl(question)
    await at.slack.edit(question, f"<@{at.slack.core.world.teams[at.ada.team_id].bot.id}> capital of France?")
    await at.slack.wait_for(lambda: "Paris." in answer.shown and "stop" not in str(answer.blocks), 10)
    assert len(at.llm.requests) == 2
    gone = await at.ask("never mind")
    await at.slack.delete(gone)
    await asyncio.sleep(1)
    await at.answered(await at.ask("next"))
    assert not any("never mind" in heard for heard in at.heard())


async def test_nobody_is_pinged_and_other_bots_are_not_answered(at: Scene) -> None:
    at.llm.script(say("Hey <!channel>, ", "<!he", f"re> and <@{at.ada.id}>!"))
    [answer] = await at.answered(await at.ask("ping everyone"))
    assert not answer.pings
    await at.slack.say_as_app(at.channel, f"<@{at.slack.team.bot.id}> beep")
    await at.slack.join(at.slack.add_user("New"), at.channel)
    await asyncio.sleep(1)
    assert len(at.llm.requests) == 1


async def test_secrets_never_reach_the_model(at: Scene) -> None:
    address = "ada" + "@" + "example.org"
    answer = await at.answered(await at.ask(f"write to {address}"))
    assert "masked" in shown(answer)
    assert "[FILTERED:email]" in at.heard()[-1]
    assert address not in str(at.llm.requests[-1].body)
    assert address not in at.bot.output


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_an_event_is_acknowledged_only_after_it_is_committed(tmp_path: Path, http: bool) -> None:
    async with scene(tmp_path, http=http) as at:
        with closing(sqlite3.connect(at.bot.data / "rejoinder.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            asking = asyncio.create_task(at.ask("are you there?"))
            await asyncio.sleep(1)
            assert at.slack.deliveries and not any(d.acknowledged for d in at.slack.deliveries)
            other.execute("ROLLBACK")
        assert len(await at.answered(await asking)) == 1
        if http:
            await _only_what_slack_signed_just_now_is_taken(at)


async def _only_what_slack_signed_just_now_is_taken(at: Scene) -> None:
    """Its signature is checked, and a recorded request can't be played again after five minutes."""
    assert await at.slack.verify_url()
    event = next(d for d in at.slack.deliveries if d.name == "app_mention").payload
    forged = {**event, "event": {**event["event"], "ts": "1.000001", "event_ts": "1.000001"}}
    assert await at.slack.send_signed(forged, signature="v0=wrong") == 401
    assert await at.slack.send_signed(forged, age=301) == 401
    assert await at.slack.send_signed(forged, age=-301) == 401
    assert await at.slack.send_signed(forged, X_Slack_Request_Timestamp="soon") == 401
    await asyncio.sleep(0.5)
    assert len(at.llm.requests) == 1


async def test_a_command_that_takes_longer_than_slack_waits_is_answered_afterwards(at: Scene) -> None:
    with closing(sqlite3.connect(at.bot.data / "rejoinder.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        command = await at.slack.slash(at.ada, at.channel, "/usage")
        assert command.acknowledged_in is not None
        assert not command.messages
        other.execute("ROLLBACK")
    await at.slack.wait_for(lambda: command.ephemerals)
    assert "tokens" in shown(command.ephemerals)


async def test_a_report_as_a_file_comes_by_direct_message(at: Scene) -> None:
    root = at.slack.add_user("Root", admin=True)
    at.channel.members.append(root.id)
    await at.answered(await at.ask("hello"))
    room = at.slack.open_im(root)
    told = await at.slack.slash(root, at.channel, "/usage", "by user csv")
    await at.slack.wait_for(lambda: told.ephemerals)
    assert "I sent you `usage-by-user-" in shown(told.ephemerals)
    [message] = at.slack.bot_messages(room)
    [table] = message.files
    assert table.content.decode("utf-8-sig").splitlines()[1].startswith("Ada,1,")
    await at.slack.say(root, at.channel, "usage by day picture", mention_bot=True)
    await at.slack.wait_for(lambda: len(at.slack.bot_messages(room)) == 2, 20)
    [picture] = at.slack.bot_messages(room)[1].files
    assert picture.mimetype == "image/png" and picture.content.startswith(b"\x89PNG")
    assert not any(message.files for message in at.slack.bot_messages(at.channel))
    await _the_operator_sees_it_on_the_admin_page(at)
    at.slack.team.scopes.discard("im:write")
    told = await at.slack.slash(root, at.channel, "/usage", "by user csv")
    await at.slack.wait_for(lambda: told.ephemerals)
    assert "I lack the scopes `im:write` and `files:write`" in shown(told.ephemerals)


async def _the_operator_sees_it_on_the_admin_page(at: Scene) -> None:
    """Without a playground, too; by the link of the start line, and by nothing less."""
    link = (await at.bot.wait_for_line("^admin page at ")).removeprefix("admin page at ")
    page, _, token = link.partition("?token=")
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{page}/api/report") as answer:
            assert answer.status == 401
        async with session.get(page) as answer:
            assert answer.status == 401
        headers = {"Authorization": f"Bearer {token}"}
        async with session.get(f"{page}/api/report", headers=headers) as answer:
            report = await answer.json()
    assert report["total"]["calls"] == 1 and report["by_user"][0]["name"] == "Ada"
    assert report["by_model"][0]["name"] == "openai:gpt-4o-mini"
    assert (at.bot.data / "admin.token").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("how", ["uninstall", "revoke"])
async def test_a_workspace_that_removed_the_bot_is_left_alone_at_once(at: Scene, how: str) -> None:
    at.llm.script(say("Half ", "of it", hold=1))
    question = await at.ask("hello")
    await at.slack.wait_for(lambda: at.slack.bot_messages(at.channel, question), 10)
    await (at.slack.uninstall() if how == "uninstall" else at.slack.revoke())
    await at.bot.wait_for_line("removed from slack")
    with closing(sqlite3.connect(at.bot.data / "rejoinder.db", timeout=10)) as database:

        def state() -> str:
            return str(database.execute("SELECT state FROM turn").fetchone()[0])

        await at.slack.wait_for(lambda: state() == "cancelled", 10)
    await at.llm.wait_for(lambda llm: llm.requests[-1].closed_early, 10)
    assert "Traceback" not in at.bot.output


async def test_admins_settle_a_place_by_command_by_text_and_by_form(at: Scene) -> None:
    root, eve = at.slack.add_user("Root", admin=True), at.slack.add_user("Eve")
    at.channel.members += [root.id, eve.id]

    def whispers(user: User) -> list[Message]:
        return [m for m in at.slack.bot_messages(at.channel) if m.ephemeral_to is user]

    refused = await at.slack.slash(at.ada, at.channel, "/rejoinder", "settings answers channel")
    assert "Only the admins" in shown(refused.ephemerals)
    done = await at.slack.slash(root, at.channel, "/rejoinder", "settings answers channel")
    assert "`answers` is now `channel` here." in shown(done.ephemerals)
    at.llm.script(say("In the channel."), say("In brief."))
    await at.ask("hello")
    await at.slack.wait_for(lambda: [m for m in at.slack.bot_messages(at.channel) if not m.thread_ts], 10)

    asked = await at.slack.slash(root, at.channel, "/rejoinder", "settings")
    [overview] = asked.ephemerals
    assert "`answers`: `channel` (set for this channel)" in overview.shown
    plain = await at.slack.slash(at.ada, at.channel, "/rejoinder", "settings")
    assert not plain.ephemerals[0].actions
    await at.slack.press(root, overview, "rejoinder:form:settings")
    [view] = at.slack.core.world.views.values()
    prompt = {"type": "plain_text_input", "value": "Be brief."}
    too_long = {"system_prompt": {"system_prompt": prompt | {"value": "x" * 3001}}}
    wrong = await at.slack.submit(root, view, too_long)
    assert wrong.ack_body["response_action"] == "errors"
    assert "too long" in wrong.ack_body["errors"]["system_prompt"]
    sent = await at.slack.submit(root, view, {"system_prompt": {"system_prompt": prompt}})
    assert not sent.ack_body
    await at.slack.say(root, at.channel, f"settings talk <@{at.ada.id}>", mention_bot=True)
    await at.slack.wait_for(lambda: "`talk` is now" in shown(whispers(root)), 10)
    assert "`talk` is now @Ada here." in shown(whispers(root))
    assert "`system_prompt` is now `Be brief.` here." in shown(whispers(root))
    await at.slack.say(eve, at.channel, "and me?", mention_bot=True)
    await at.slack.wait_for(lambda: "admins have named" in shown(whispers(eve)), 10)
    await at.ask("go on")
    await at.slack.wait_for(lambda: len(at.llm.requests) == 2, 10)
    told = str(at.llm.requests[-1].body["messages"][0]["content"])
    assert told == instructed("Be brief.")
    assert "go on" in at.heard()[-1]
