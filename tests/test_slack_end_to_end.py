"""`python -m bot run` on an emulated Slack, from outside: only what a person there would do and see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bot_process import BotProcess
from tests.emulators.llm import LLMEmulator, say
from tests.emulators.llm import Request as Asked
from tests.emulators.slack import Channel, Message, SlackEmulator, User


@dataclass
class Scene:
    """A workspace with a person and a channel, a model, and the bot between them."""

    slack: SlackEmulator
    llm: LLMEmulator
    bot: BotProcess
    ada: User
    channel: Channel

    async def answered(self, question: Message, *, within: float = 15) -> list[Message]:
        """The bot's messages in the thread of a question, once nothing in them can be stopped any more."""
        root = question.thread_ts or question.ts

        def done() -> list[Message]:
            mine = [m for m in self.slack.bot_messages(question.channel, root) if m.ts > question.ts]
            return mine if mine and not any("rejoinder:stop" in str(m.blocks) for m in mine) else []

        return await self.slack.wait_for(done, within)

    async def ask(self, text: str, **more: object) -> Message:
        return await self.slack.say(self.ada, self.channel, text, mention_bot=True, **more)  # type: ignore[arg-type]

    def heard(self) -> list[str]:
        return [str(m["content"]) for m in self.llm.requests[-1].body["messages"] if m["role"] != "system"]


def shown(messages: list[Message]) -> str:
    return "\n".join(message.shown for message in messages)


@asynccontextmanager
async def scene(tmp_path: Path, *, http: bool = False) -> AsyncIterator[Scene]:
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
        }
        environment |= {"SLACK_SIGNING_SECRET": slack.signing_secret} if http else {"SLACK_APP_TOKEN": slack.app_token}
        async with BotProcess(tmp_path / "data", environment) as bot:
            if http:
                slack.request_url = f"http://127.0.0.1:{await bot.port('health')}/slack/events"
            yield Scene(slack, llm, bot, ada, channel)


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_a_conversation_in_a_channel(tmp_path: Path, http: bool) -> None:
    async with scene(tmp_path, http=http) as at:
        at.llm.script(say("Hello ", "Ada, ", "nice to ", "meet you."), say("You are Ada."))
        question = await at.ask("hello")
        answer = await at.answered(question)
        assert "Hello Ada, nice to meet you." in shown(answer)
        follow_up = await at.slack.say(at.ada, at.channel, "who am I?", thread=question)
        assert "You are Ada." in shown(await at.answered(follow_up))
        assert at.heard() == ["hello", "Hello Ada, nice to meet you.", "who am I?"]
        assert len(at.llm.requests) == 2
