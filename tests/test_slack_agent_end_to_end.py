"""`python -m bot run` as a Slack agent, from outside: streams, the native Stop, prompts, titles, and a file for what is too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulators.llm import say
from tests.emulators.slack import Message
from tests.test_slack_end_to_end import Scene, scene, shown

pytestmark = pytest.mark.slow(8)

TALE = ("Once upon a time ", "there was a king ", "who said nothing more.")


def streams(message: Message) -> bool:
    return message.streaming


async def growing(at: Scene, question: Message) -> Message:
    """The answer to a question, as far as it was said before it was held."""

    def found() -> Message | None:
        mine = at.slack.bot_messages(question.channel, question.root_ts)
        return mine[-1] if mine and "there was a king" in mine[-1].shown else None

    message = await at.slack.wait_for(found, 15)
    assert message is not None
    return message


async def test_a_conversation_with_the_agent_that_is_stopped_by_slacks_own_button(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        lin = at.slack.add_user("Lin", locale="zh-CN")
        room = await at.slack.open_home(lin)
        world = at.slack.core.world
        prompts = await at.slack.wait_for(lambda: world.session(room.id, "").prompts, 10)
        assert prompts[0] == {"title": "你能做什么？", "message": "help"}
        at.llm.script(say(*TALE, hold=2, pace=0.4))
        question = await at.slack.say(lin, room, "a tale\nof many lines")
        answer = await growing(at, question)
        session = world.session(room.id, question.ts)
        assert streams(answer)
        assert (session.session_status, session.title) == ("processing", "a tale")
        assert await at.slack.stop_session(lin, room, question) == [answer.ts]
        await at.answered(question, ending="已停止")
        assert "nothing more" not in answer.shown and not streams(answer)
        await at.slack.wait_for(lambda: session.session_status == "active", 10)

        eve = at.slack.add_user("Eve")
        await at.slack.join(eve, at.channel)
        at.llm.script(say(*TALE, hold=2, pace=0.4))
        asked = await at.ask("a tale")
        told = await growing(at, asked)
        await at.slack.stop_session(eve, at.channel, asked)
        await at.slack.wait_for(
            lambda: any(message.ephemeral_to is eve for message in world.messages.values()), 10
        )
        assert "Stopped" not in told.shown, "it is Ada's to stop"
        await at.slack.stop_session(at.ada, at.channel, asked)
        await at.slack.wait_for(lambda: "Stopped." in told.shown, 10)


async def test_a_stream_whose_start_was_never_heard_of_is_found_again_after_a_crash(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        at.llm.script(say(*TALE, hold=2, pace=0.4), say("The whole tale."))
        at.slack.fail_next("chat.startStream", "stall", after=True)
        question = await at.ask("a tale")
        [stream] = await at.slack.wait_for(lambda: at.slack.bot_messages(at.channel, question), 10)
        assert stream.streaming
        await at.bot.kill()
        await at.bot.start()
        [answer] = await at.answered(question, ending="The whole tale.")
        assert answer is stream and "The whole tale." in answer.shown


async def test_an_answer_by_edits_is_stopped_by_its_button_and_a_long_one_is_attached_whole(
    tmp_path: Path,
) -> None:
    settings = {"REJOINDER_SLACK_STREAMS": "off", "REJOINDER_MESSAGES_PER_ANSWER": "2"}
    async with scene(tmp_path, more=settings) as at:
        at.llm.script(say(*TALE, hold=2))
        question = await at.ask("a tale")
        told = await growing(at, question)
        assert not told.streaming
        await at.slack.press(
            at.ada, told, next(name for name in told.actions if name.startswith("rejoinder:stop"))
        )
        assert "Stopped." in shown(await at.answered(question))

        lines = [
            f"Line {number} of a long list of things that nobody needs to know.\n" for number in range(200)
        ]
        at.llm.script(say(*lines))
        asked = await at.ask("a list")
        *parts, last = await at.answered(asked, within=30, ending="all of it.")
        assert len(parts) == 2 and parts[0].shown.startswith("Line 0 ")
        [file] = last.files
        assert file.content.decode().startswith("".join(lines))
