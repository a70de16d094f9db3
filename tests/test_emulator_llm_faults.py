"""The emulator's faults: each as the vendors have it, as their real SDKs and a plain HTTP client see it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import openai
import pytest

from tests.emulators.llm import (
    WORDS,
    Break,
    End,
    How,
    LLMEmulator,
    refuse,
    refusing_port,
)
from tests.emulators.llm.clients import KEY, PATHS, ai, body, post
from tests.emulators.llm.faults import REFUSALS


@pytest.mark.parametrize("api", PATHS)
@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal_has_its_vendors_shape(api: str, name: str) -> None:
    refusal = REFUSALS[name]
    async with LLMEmulator() as llm:
        llm.script(refuse(refusal, retry_after="3"))
        async with aiohttp.ClientSession() as http, http.post(llm.url + PATHS[api], json=body(api)) as answer:
            assert answer.status == refusal.status
            assert answer.headers["retry-after"] == "3"
            if answer.content_type == "text/html":
                return
            told = await answer.json()
    if api == "messages":
        assert told["type"] == "error"
        assert told["error"]["type"] == refusal.anthropic[0]
        assert told["error"].get("details", {}).get("error_code") == refusal.anthropic[1]
    else:
        assert (told["error"]["type"], told["error"]["code"], told["error"]["param"]) == refusal.openai


async def test_key_models_and_window_are_enforced_as_the_vendors_do() -> None:
    async with LLMEmulator(key=KEY, window=40, models={"gpt-4o": None}) as llm, ai(llm) as client:
        llm.say("Kept for the one that is let in.")
        stranger = openai.AsyncOpenAI(api_key="other", base_url=llm.openai_url, max_retries=0)
        async with stranger:
            with pytest.raises(openai.AuthenticationError):
                await stranger.responses.create(model="gpt-4o", input="Hi")
        with pytest.raises(openai.NotFoundError):
            await client.responses.create(model="gpt-3.5-turbo", input="Hi")
        with pytest.raises(openai.BadRequestError) as caught:
            await client.responses.create(model="gpt-4o", input="word " * 50)
        assert caught.value.code == "context_length_exceeded"
        let_in = await client.responses.create(model="gpt-4o", input="Hi")
    assert let_in.output_text.startswith("Kept")


@pytest.mark.parametrize(
    ("api", "more", "status"),
    [
        ("chat", {"model": "gpt-6-luna", "max_tokens": 9}, 400),
        ("chat", {"model": "gpt-6-luna", "temperature": 0.5}, 400),
        ("chat", {"model": "gpt-6-luna", "temperature": 0.5, "reasoning_effort": "none"}, 200),
        ("chat", {"max_tokens": 9, "temperature": 0.5}, 200),
        ("chat", {"messages": []}, 400),
        ("chat", {"messages": [{"role": "user", "content": "Hi", "name": "Ada Lovelace"}]}, 400),
        ("chat", {"messages": [{"role": "narrator", "content": "Hi"}]}, 400),
        ("responses", {"messages": []}, 400),
        ("responses", {"max_output_tokens": 5}, 400),
        ("messages", {"temperature": 0.5}, 400),
        ("messages", {"max_tokens": None}, 400),
        (
            "messages",
            {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "So"}]},
            400,
        ),
        (
            "messages",
            {"messages": [{"role": "assistant", "content": "So"}, {"role": "user", "content": "Hi"}]},
            400,
        ),
        ("messages", {"messages": [{"role": "user", "content": " "}]}, 400),
        ("messages", {"messages": [{"role": "user", "content": "Hi", "name": "Ada"}]}, 400),
    ],
)
async def test_what_a_vendor_would_refuse_is_refused(api: str, more: dict[str, Any], status: int) -> None:
    async with LLMEmulator() as llm:
        assert (await post(llm, api, **more))[0] == status


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 200),
        ({"store": False}, 400),
        ({"messages": [{"role": "developer", "content": "Hi"}]}, 400),
        ({"messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "Ho"}]}, 400),
    ],
)
async def test_a_compatible_server_is_stricter(more: dict[str, Any], status: int) -> None:
    async with LLMEmulator(compatible=True) as llm:
        assert (await post(llm, "chat", **more))[0] == status


@pytest.mark.parametrize("api", PATHS)
async def test_a_stream_ends_where_it_is_told_to(api: str) -> None:
    async with LLMEmulator() as llm:
        _, whole = await post(llm, api, stream=True)
        events = [event for event in whole.split("\n\n") if event]
        assert llm.requests[0].events == len(events)
        assert llm.requests[0].bytes == len(whole.encode())
        for at in (0, 1, len(events) // 2, len(events) - 1):
            llm.say(*WORDS, breaks=Break(How.EOF, at))
            _, cut = await post(llm, api, stream=True)
            assert len([event for event in cut.split("\n\n") if event]) == at
            llm.say(*WORDS, breaks=Break(How.MID_EVENT, at))
            _, cut = await post(llm, api, stream=True)
            assert len([event for event in cut.split("\n\n") if event]) == at + 1
            assert not cut.endswith("\n\n")


@pytest.mark.parametrize("api", PATHS)
@pytest.mark.parametrize("how", [How.DISCONNECT, How.RESET])
async def test_a_lost_connection_is_seen_as_one(api: str, how: How) -> None:
    async with LLMEmulator() as llm:
        llm.say(*WORDS, breaks=Break(how, 3))
        with pytest.raises(aiohttp.ClientError):
            await post(llm, api, stream=True)


async def test_malformed_events_take_the_place_of_one_and_the_rest_goes_on() -> None:
    async with LLMEmulator() as llm:
        llm.say(*WORDS, breaks=Break(How.MALFORMED, 2))
        _, text = await post(llm, "chat", stream=True)
    events = [event.removeprefix("data: ") for event in text.split("\n\n") if event]
    with pytest.raises(json.JSONDecodeError):
        json.loads(events[2])
    assert events[-1] == "[DONE]"


@pytest.mark.parametrize(
    ("api", "end", "told"),
    [
        ("chat", End.LENGTH, '"finish_reason":"length"'),
        ("chat", End.FILTERED, '"finish_reason":"content_filter"'),
        ("chat", End.REFUSED, '"refusal":"Bread"'),
        ("responses", End.LENGTH, '"reason":"max_output_tokens"'),
        ("responses", End.FILTERED, '"reason":"content_filter"'),
        ("responses", End.REFUSED, '"type":"response.refusal.delta"'),
        ("messages", End.LENGTH, '"stop_reason":"max_tokens"'),
        ("messages", End.REFUSED, '"stop_reason":"refusal"'),
        ("messages", End.WINDOW, '"stop_reason":"model_context_window_exceeded"'),
    ],
)
async def test_every_ending_has_its_vendors_word(api: str, end: End, told: str) -> None:
    async with LLMEmulator() as llm:
        llm.say(*WORDS, end=end)
        assert told in (await post(llm, api, stream=True))[1]


async def test_nobody_listens_on_a_refusing_port() -> None:
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", refusing_port())
