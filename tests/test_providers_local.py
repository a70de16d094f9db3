"""The providers against a real model on a real server (llama.cpp), which speaks all three APIs. Structure
only: what it says is its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.chat import Finish, Message, Role
from bot.errors import TooLong
from bot.local_model import MODEL, LocalModel
from bot.providers import Access, build_provider
from tests.provider_rig import APIS, MODELS, ask, make, opened, prompt_for

QUESTION = Message(Role.USER, "What is the capital of France?")


@pytest.mark.parametrize("api", APIS)
async def test_a_real_model_answers_through_every_api(local_model: Path, api: str) -> None:
    async with LocalModel(local_model) as server:
        url = server.base_url.removesuffix("/v1")
        async with opened(make(api, url, compatible=True)) as provider:
            heard = await ask(provider, api, QUESTION, cap=60, model=MODEL)
            assert heard.error is None
            assert heard.text.strip()
            assert len(heard.texts) > 1, "it came in one piece"
            assert heard.finish in (Finish.STOP, Finish.LENGTH)
            assert heard.usage is not None
            assert heard.usage.prompt > 5 and 0 < heard.usage.output <= 60


async def test_a_stream_closed_early_frees_the_real_server(local_model: Path) -> None:
    async with LocalModel(local_model) as server:
        access = Access(local_base_url=server.base_url)
        async with opened(build_provider(MODELS.spec(f"local:{MODEL}"), access, MODELS)) as provider:
            story = prompt_for("chat", Message(Role.USER, "Tell me a long story."), cap=1_000, model=MODEL)
            for _ in range(4):
                stream = provider.stream(story)
                assert (await anext(stream)).text
                await stream.aclose()  # type: ignore[attr-defined]
            heard = await ask(provider, "chat", QUESTION, cap=20, model=MODEL)
    assert heard.error is None


async def test_a_prompt_beyond_the_real_window_is_too_long(local_model: Path) -> None:
    async with LocalModel(local_model) as server:
        access = Access(local_base_url=server.base_url)
        async with opened(build_provider(MODELS.spec(f"local:{MODEL}"), access, MODELS)) as provider:
            heard = await ask(provider, "chat", Message(Role.USER, "word " * 6_000), cap=20, model=MODEL)
    assert isinstance(heard.error, TooLong)


async def test_several_people_may_speak_in_turn_to_the_real_template(local_model: Path) -> None:
    talk = (
        Message(Role.USER, "I like apples.", "Ada"),
        Message(Role.USER, "I like pears.", "林"),
        Message(Role.ASSISTANT, "Noted."),
        Message(Role.USER, "Who likes apples?", "Ada"),
    )
    async with LocalModel(local_model) as server:
        access = Access(local_base_url=server.base_url)
        async with opened(build_provider(MODELS.spec(f"local:{MODEL}"), access, MODELS)) as provider:
            heard = await ask(provider, "chat", *talk, cap=40, model=MODEL)
    assert heard.error is None
    assert heard.text
