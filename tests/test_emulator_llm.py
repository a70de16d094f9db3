"""The emulator itself: that it says what it is told to, counts as the vendors do, and fails as they do, as
the real SDKs see it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aiohttp
import anthropic
import openai
import pytest

from bot import tokens
from tests.emulators.llm import (
    WORDS,
    Answer,
    Break,
    Counted,
    End,
    How,
    LLMEmulator,
    Request,
    refuse,
    refusing_port,
    say,
)
from tests.emulators.llm.counting import count, count_chat
from tests.emulators.llm.faults import REFUSALS

KEY = "sk-emulated"
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "你好, how are you?", "name": "Ada"},
]


def ai(llm: LLMEmulator) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=KEY, base_url=llm.openai_url, max_retries=0)


def claude(llm: LLMEmulator) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(api_key=KEY, base_url=llm.anthropic_url, max_retries=0)


def body(api: str, **more: Any) -> dict[str, Any]:
    asked = [{"role": "user", "content": "Hi"}]
    if api == "responses":
        return {"model": "gpt-4o", "input": asked, **more}
    extra = {"max_tokens": 200} if api == "messages" else {}
    return {"model": "gpt-4o", "messages": asked, **extra, **more}


async def post(llm: LLMEmulator, api: str, **more: Any) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(llm.url + PATHS[api], json=body(api, **more)) as answer,
    ):
        return answer.status, await answer.text()


async def test_the_script_comes_first_and_then_the_rule() -> None:
    def rule(request: Request) -> Answer:
        return say(f"You said {request.question} to {request.model}.")

    async with LLMEmulator(rule=rule) as llm, ai(llm) as client:
        llm.say("One", " two")
        said = [
            (await client.responses.create(model="gpt-4o", input=text)).output_text for text in ("Hi", "Ho")
        ]
    assert said == ["One two", "You said Ho to gpt-4o."]


async def test_whole_answers_of_every_api_are_read_by_their_sdks() -> None:
    async with LLMEmulator(key=KEY) as llm, ai(llm) as client, claude(llm) as other:
        for _ in range(3):
            llm.script(Answer(WORDS, counted=Counted(100, 20, cached=60, cache_written=30, reasoning=5)))
        chat = await client.chat.completions.create(model="gpt-4o", messages=TALK)  # type: ignore[arg-type]
        response = await client.responses.create(model="gpt-4o", input="Hi", instructions="Be brief.")
        message = await other.messages.create(
            model="claude-haiku-5-5", max_tokens=200, messages=[{"role": "user", "content": "Hi"}]
        )
    text = "".join(WORDS)
    assert chat.choices[0].message.content == response.output_text == text
    assert chat.choices[0].finish_reason == "stop" and response.status == "completed"
    assert chat.usage is not None and response.usage is not None
    assert chat.usage.total_tokens == response.usage.total_tokens == 120
    assert message.content[0].type == "text" and message.content[0].text == text
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (10, 60)
    assert [request.key for request in llm.requests] == [KEY] * 3


async def test_the_sdks_own_helpers_read_its_streams() -> None:
    async with LLMEmulator() as llm, ai(llm) as client, claude(llm) as other:
        llm.script(Answer(WORDS, reasoning=7), Answer(WORDS, reasoning=7))
        async with client.responses.stream(model="gpt-4o", input="Hi") as stream:
            async for _ in stream:
                pass
            response = await stream.get_final_response()
        async with other.messages.stream(
            model="claude-haiku-5-5", max_tokens=200, messages=[{"role": "user", "content": "Hi"}]
        ) as messages:
            message = await messages.get_final_message()
    assert response.output_text == "".join(WORDS)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.usage.output_tokens == count("".join(WORDS)) + 7


async def test_chat_tokens_are_counted_by_the_published_rule() -> None:
    """As the bot counts them, with the other tokenizer."""
    await tokens.load("gpt-4o")
    counter = tokens.tokenizer_for("gpt-4o")
    by_the_bot = tokens.PER_REPLY + sum(
        tokens.count_message(counter, message["content"], message.get("name", "")) for message in TALK
    )
    async with LLMEmulator() as llm, ai(llm) as client:
        chat = await client.chat.completions.create(model="gpt-4o", messages=TALK)  # type: ignore[arg-type]
    assert chat.usage is not None
    assert chat.usage.prompt_tokens == count_chat(TALK) == by_the_bot
    assert chat.usage.completion_tokens == counter.count("".join(WORDS))
    assert count_chat([{"role": "user", "content": "hi"}]) == 8


async def test_the_cap_ends_an_answer_and_reasoning_uses_it_up_first() -> None:
    async with LLMEmulator() as llm, ai(llm) as client:
        llm.script(say(*("word ",) * 30), Answer(WORDS, reasoning=90))
        cut = await client.chat.completions.create(
            model="gpt-6-luna", max_completion_tokens=10, messages=[{"role": "user", "content": "Hi"}]
        )
        empty = await client.chat.completions.create(
            model="gpt-6-luna", max_completion_tokens=50, messages=[{"role": "user", "content": "Hi"}]
        )
    assert cut.choices[0].finish_reason == empty.choices[0].finish_reason == "length"
    assert cut.usage is not None and 0 < cut.usage.completion_tokens <= 10
    assert empty.choices[0].message.content == ""
    assert empty.usage is not None and empty.usage.completion_tokens == 50


async def test_a_held_answer_waits_until_it_is_let_go() -> None:
    async with LLMEmulator() as llm:
        llm.say("a", "b", "c", hold=2)
        asking = asyncio.create_task(post(llm, "chat", stream=True))
        await llm.wait_for(lambda llm: llm.requests and llm.requests[0].held)
        request = llm.requests[0]
        assert (request.chunks, request.finished) == (2, None)
        request.release()
        status, text = await asking
        assert status == 200 and '"c"' in text
        assert (request.chunks, request.closed_early) == (3, False)
        assert request.finished is not None and request.first_chunk is not None
        assert request.arrived <= request.first_chunk <= request.finished


async def test_an_answer_held_before_its_headers_has_sent_nothing() -> None:
    async with LLMEmulator() as llm:
        llm.say("a", hold=-1)
        asking = asyncio.create_task(post(llm, "messages", stream=True))
        await llm.wait_for(lambda llm: llm.requests and llm.requests[0].held)
        assert not asking.done() and llm.requests[0].events == 0
        llm.release()
        assert (await asking)[0] == 200


async def test_the_pace_is_injected() -> None:
    paces: list[float] = []

    async def sleep(seconds: float) -> None:
        paces.append(seconds)

    async with LLMEmulator(sleep=sleep) as llm:
        llm.say("a", "b", "c", pace=1.5)
        await post(llm, "responses", stream=True)
    assert paces == [1.5, 1.5, 1.5]


async def test_a_client_that_goes_away_is_noticed() -> None:
    async with LLMEmulator() as llm:
        llm.say("a", "b", "c", hold=1)
        asking = asyncio.create_task(post(llm, "chat", stream=True))
        await llm.wait_for(lambda llm: llm.requests and llm.requests[0].held)
        asking.cancel()
        await llm.wait_for(lambda llm: llm.requests[0].closed_early)
        assert llm.requests[0].chunks == 1


async def test_waiting_for_what_never_comes_ends() -> None:
    async with LLMEmulator() as llm:
        with pytest.raises(TimeoutError):
            await llm.wait_for(lambda llm: llm.requests, timeout=0.01)


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


async def test_models_are_listed_in_either_shape() -> None:
    models = {"gpt-6-luna": None, "gpt-4o": "2027-01-14"}
    async with LLMEmulator(models=models) as llm, ai(llm) as client, claude(llm) as other:
        listed = {model.id: model.shutdown_date async for model in client.models.list()}
        assert listed == models
        assert {model.id async for model in other.models.list()} == set(models)


async def test_anthropics_tokens_are_counted_on_request_as_in_the_usage() -> None:
    async with LLMEmulator() as llm, claude(llm) as client:
        counted = await client.messages.count_tokens(
            model="claude-haiku-5-5", system="Be brief.", messages=[{"role": "user", "content": "Hi"}]
        )
        message = await client.messages.create(
            model="claude-haiku-5-5",
            max_tokens=99,
            system="Be brief.",
            messages=[{"role": "user", "content": "Hi"}],
        )
    assert counted.input_tokens == message.usage.input_tokens > 0


async def test_another_process_may_be_its_client() -> None:
    program = (
        "import sys, openai; client = openai.OpenAI(api_key='k', base_url=sys.argv[1], max_retries=0);"
        "print(client.responses.create(model='gpt-4o', input='Hi').output_text)"
    )
    async with LLMEmulator() as llm:
        llm.say("Across", " the border")
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, llm.openai_url, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await child.communicate()
    assert out.decode().strip() == "Across the border"
    assert llm.requests[0].api == "responses"


async def test_nobody_listens_on_a_refusing_port() -> None:
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", refusing_port())
