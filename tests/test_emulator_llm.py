"""The emulator itself: that it says what it is told to, when it is told to, and counts as the vendors do."""

from __future__ import annotations

import asyncio
import sys
from functools import reduce
from operator import add

import pytest

from bot.chat import Message, Role
from bot.context import message_size
from bot.tokens import texts as tokens
from bot.tokens.counting import Exact
from tests.emulators.llm import (
    WORDS,
    Answer,
    Counted,
    LLMEmulator,
    Request,
    say,
)
from tests.emulators.llm.clients import KEY, ai, claude, post
from tests.emulators.llm.counting import count, count_chat

TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "你好, how are you?", "name": "Ada"},
]


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
    counter = Exact(tokens.tokenizer_for("gpt-4o"), name_field=True)
    messages = [Message(Role.USER, one["content"], one.get("name", "")) for one in TALK]
    by_the_bot = counter.tokens(reduce(add, (message_size(counter, message) for message in messages)))
    async with LLMEmulator() as llm, ai(llm) as client:
        chat = await client.chat.completions.create(model="gpt-4o", messages=TALK)  # type: ignore[arg-type]
    assert chat.usage is not None
    assert chat.usage.prompt_tokens == count_chat(TALK) == by_the_bot
    assert chat.usage.completion_tokens == counter.measure("".join(WORDS)).tokens
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
