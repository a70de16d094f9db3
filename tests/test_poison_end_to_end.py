"""A question at which the bot is killed every time, from outside: on Discord, with the bot started again each time."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.llm import Answer, say
from tests.emulators.llm import Request as Asked
from tests.test_discord_end_to_end import Scene, scene, shown

pytestmark = pytest.mark.slow(16)

ATTEMPTS = 3


async def test_it_ends_in_a_notice_with_a_retry_button_and_those_beside_it_are_answered(
    tmp_path: Path,
) -> None:
    """The lease is an hour: the only process takes up at once, at its start, what was left behind."""
    async with scene(tmp_path, REJOINDER_LEASE_SECONDS="3600", REJOINDER_ATTEMPTS=str(ATTEMPTS)) as at:
        deadly = True

        def model(asked: Asked) -> Answer:
            question = str(asked.body["messages"][-1]["content"])
            if "poison" in question and deadly:
                os.kill(at.bot.pid, signal.SIGKILL)
            return say(
                *[f"{word} " for word in question.split()], *["and on "] * 12, "to the end.", pace=0.05
            )

        at.llm.rule = model
        grace, linus = at.discord.add_user("Grace"), at.discord.add_user("Linus")
        fine = [
            at.discord.say(who, at.channel, f"tell me {what}", mention_bot=True)
            for who, what in ((grace, "one"), (linus, "two"))
        ]
        await at.discord.wait_for(lambda: len(at.llm.requests) == len(fine))
        poison = at.ask("poison")
        for _ in range(ATTEMPTS):
            await at.bot.died()
            await at.bot.start(until="")  # it may be killed before it is ready
        notice = await ended(at, poison, "several times")
        assert len(notice) == 1 and "rejoinder:retry:" in str(notice[0].components)
        for question, what in zip(fine, ("one", "two"), strict=True):
            answer = await ended(at, question, "to the end.")
            assert len(answer) == 1 and f"tell me {what}" in shown(answer)
        assert sum("poison" in asked.question for asked in at.llm.requests) == ATTEMPTS

        deadly = False
        turn = str(notice[0].components).partition("rejoinder:retry:")[2].partition("'")[0]
        at.discord.press(at.ada, notice[0], f"rejoinder:retry:{turn}")
        assert len(await ended(at, poison, "to the end.")) == 1


async def ended(at: Scene, question: Any, ending: str) -> list[Any]:
    """What was replied to a question, once it says so and can't be stopped any more."""

    def whole() -> list[Any]:
        replies = at.answers_to(question)
        said = ending in shown(replies) and "rejoinder:stop" not in str([one.components for one in replies])
        return replies if said else []

    found: list[Any] = await at.discord.wait_for(whole, timeout=60)
    return found
