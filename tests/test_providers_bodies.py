"""What each provider sends: as its API's reference has it, and nothing a plain compatible server would
refuse.

The emulator refuses what the vendors refuse, so that each answer here is also a proof of the request.
"""

from __future__ import annotations

from typing import Any

import pytest

from bot.chat import Finish, Message, Picture, Prompt, Quota, Role
from bot.errors import Misconfigured, TooLong
from bot.models.catalogue import Spec
from bot.providers import Access, build_provider
from tests.emulators.llm import Answer, Counted, LLMEmulator, Refusal, Request, refuse, say
from tests.emulators.llm.faults import REFUSALS, UNSUPPORTED_MAX_TOKENS, UNSUPPORTED_TEMPERATURE
from tests.files_rig import a_picture
from tests.provider_rig import APIS, KEY, MODELS, ask, hear, make, opened, prompt_for

TALK = (
    Message(Role.USER, "Hi", "Ada"),
    Message(Role.ASSISTANT, "Hello."),
    Message(Role.USER, "How do I bake?", "Ada Lovelace"),
    Message(Role.USER, "我也想知道", "林"),
)


async def body_of(api: str, prompt: Prompt, **how: Any) -> dict[str, Any]:
    compatible = bool(how.get("compatible"))
    async with LLMEmulator(compatible=compatible) as llm, opened(make(api, llm.url, **how)) as provider:
        heard = await hear(provider.stream(prompt))
    assert heard.error is None, vars(heard.error)
    assert llm.requests[0].key == KEY
    return llm.requests[0].body


async def test_chat_at_openai_sends_what_openai_documents() -> None:
    body = await body_of("chat", prompt_for("chat", *TALK))
    assert body == {
        "model": "gpt-6-luna",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Hi", "name": "Ada"},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "How do I bake?", "name": "Ada_Lovelace"},
            {"role": "user", "content": "林: 我也想知道"},
        ],
        "max_completion_tokens": 500,
        "reasoning_effort": "none",
        "safety_identifier": "hashed-person",
        "prompt_cache_key": "conversation-7",
        "store": False,
        "stream": True,
        "stream_options": {"include_usage": True, "include_obfuscation": False},
    }


async def test_chat_at_a_compatible_server_sends_only_what_every_such_server_knows() -> None:
    body = await body_of("chat", prompt_for("chat", *TALK), compatible=True)
    assert body == {
        "model": "gpt-6-luna",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Ada: Hi"},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "Ada Lovelace: How do I bake?\n\n[next message]\n林: 我也想知道"},
        ],
        "max_tokens": 500,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_responses_stores_nothing_and_keeps_the_instructions_apart() -> None:
    body = await body_of("responses", prompt_for("responses", *TALK))
    assert body == {
        "model": "gpt-6-luna",
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": "Ada: Hi"},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "Ada Lovelace: How do I bake?"},
            {"role": "user", "content": "林: 我也想知道"},
        ],
        "max_output_tokens": 500,
        "reasoning": {"effort": "none"},
        "safety_identifier": "hashed-person",
        "prompt_cache_key": "conversation-7",
        "store": False,
        "stream": True,
        "stream_options": {"include_obfuscation": False},
    }


async def test_responses_at_a_compatible_server_leaves_out_what_is_openais_own() -> None:
    async with LLMEmulator() as llm, opened(make("responses", llm.url, compatible=True)) as provider:
        await hear(provider.stream(prompt_for("responses", model="gpt-4o")))
    assert set(llm.requests[0].body) == {
        "model",
        "instructions",
        "input",
        "max_output_tokens",
        "store",
        "stream",
    }


async def test_anthropic_gets_turns_that_alternate_and_its_own_parameters() -> None:
    body = await body_of("anthropic", prompt_for("anthropic", *TALK))
    assert body == {
        "model": "claude-haiku-5-5",
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "Ada: Hi"},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "Ada Lovelace: How do I bake?\n\n[next message]\n林: 我也想知道"},
        ],
        "max_tokens": 500,
        "cache_control": {"type": "ephemeral"},
        "metadata": {"user_id": "hashed-person"},
        "output_config": {"effort": "low"},
        "stream": True,
    }


async def test_claude_is_told_after_which_parts_later_prompts_begin_the_same() -> None:
    """At most four marks, none on what is too short to be kept, and one may stand within a turn."""
    long = "All of it. " * 60
    keep = {"cache_control": {"type": "ephemeral"}}
    body = await body_of(
        "anthropic",
        Prompt(
            "claude-haiku-5-5",
            long,
            (
                Message(Role.USER, "[Pinned note]\nFridays."),
                Message(Role.USER, "[Summary of what was said before]\nMuch.", lasting=True),
                Message(Role.USER, "Hi", "Ada"),
                Message(Role.ASSISTANT, "Hello.", lasting=True),
                Message(Role.USER, "And now?", "Ada"),
            ),
            500,
        ),
    )
    front = "[Pinned note]\nFridays.\n\n[next message]\n[Summary of what was said before]\nMuch."
    assert body["system"] == [{"type": "text", "text": long, **keep}]
    assert body["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": front, **keep},
                {"type": "text", "text": "\n\n[next message]\nAda: Hi"},
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "Hello.", **keep}]},
        {"role": "user", "content": "Ada: And now?"},
    ]
    assert body["cache_control"] == keep["cache_control"]

    short = Message(Role.ASSISTANT, "Hello.", lasting=True)
    body = await body_of("anthropic", prompt_for("anthropic", TALK[0], short, TALK[2]))
    assert [message["content"] for message in body["messages"]] == [
        "Ada: Hi",
        "Hello.",
        "Ada Lovelace: How do I bake?",
    ]


@pytest.mark.parametrize("api", APIS)
async def test_nothing_is_sent_in_place_of_what_is_not_given(api: str) -> None:
    bare = Prompt("some-model" if api != "anthropic" else "claude-some", "", (Message(Role.USER, "Hi"),), 300)
    body = await body_of(api, bare)
    optional = {"system", "instructions", "metadata", "safety_identifier", "prompt_cache_key", "reasoning"}
    assert not optional & set(body)
    assert "reasoning_effort" not in body and "output_config" not in body and "temperature" not in body


@pytest.mark.parametrize("api", APIS)
async def test_the_last_message_must_be_a_users(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        for messages in ((Message(Role.ASSISTANT, "Hello"),), (Message(Role.USER, "  "),)):
            with pytest.raises(ValueError, match="must be a user's"):
                await anext(provider.stream(prompt_for(api, *messages)))
    assert not llm.requests


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize(
    ("model", "sent"), [("gpt-4o", True), ("gpt-6-luna", False), ("never-heard-of", True)]
)
async def test_temperature_goes_to_models_that_take_one(api: str, model: str, sent: bool) -> None:
    body = await body_of(api, prompt_for(api, model=model), temperature=0.2)
    assert ("temperature" in body) is sent


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_temperature_that_is_turned_down_is_left_out_from_then_on(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url, temperature=0.2)) as provider:
        llm.script(refuse(UNSUPPORTED_TEMPERATURE), say("Well."), say("Again."))
        first = await ask(provider, api, model="never-heard-of")
        second = await ask(provider, api, model="never-heard-of")
    assert (first.text, second.text) == ("Well.", "Again.")
    assert ["temperature" in request.body for request in llm.requests] == [True, False, False]


async def test_a_cap_that_is_turned_down_goes_by_its_other_name_since_it_guards_the_cost() -> None:
    async with LLMEmulator() as llm, opened(make("chat", llm.url, compatible=True)) as provider:
        llm.say("Well.")
        heard = await ask(provider, "chat", cap=321)
    assert heard.text == "Well."
    first, second = (request.body for request in llm.requests)
    assert first["max_tokens"] == 321 and "max_completion_tokens" not in first
    assert second["max_completion_tokens"] == 321 and "max_tokens" not in second


async def test_two_parameters_may_be_turned_down_one_after_the_other() -> None:
    async with (
        LLMEmulator() as llm,
        opened(make("chat", llm.url, compatible=True, temperature=0.2)) as provider,
    ):
        llm.script(refuse(UNSUPPORTED_MAX_TOKENS), refuse(UNSUPPORTED_TEMPERATURE), say("Well."))
        heard = await ask(provider, "chat", model="never-heard-of")
    assert heard.text == "Well."
    assert len(llm.requests) == 3


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_parameter_is_turned_down_once_and_not_for_ever(api: str) -> None:
    rule = refuse(UNSUPPORTED_TEMPERATURE)
    async with (
        LLMEmulator(rule=lambda request: rule) as llm,
        opened(make(api, llm.url, temperature=0.2)) as provider,
    ):
        heard = await ask(provider, api, model="never-heard-of")
    assert isinstance(heard.error, Misconfigured)
    assert len(llm.requests) == 2


async def test_a_server_that_knows_neither_cap_is_given_up() -> None:
    def neither(request: Request) -> Answer:
        name = "max_tokens" if "max_tokens" in request.body else "max_completion_tokens"
        kind = "invalid_request_error"
        return refuse(Refusal(400, (kind, "unsupported_parameter", name), (kind, None), "Not supported."))

    async with LLMEmulator(rule=neither) as llm, opened(make("chat", llm.url)) as provider:
        heard = await ask(provider, "chat", model="gpt-4o")
    assert isinstance(heard.error, Misconfigured)
    assert len(llm.requests) == 2


async def test_a_prompt_that_is_too_long_is_no_parameter_turned_down() -> None:
    """The message of a full window may name `max_tokens` too."""
    words = "maximum context length is 100 tokens; reduce the messages or max_tokens"
    full = Refusal(400, ("BadRequestError", None, None), ("", None), words)
    async with LLMEmulator() as llm, opened(make("chat", llm.url, compatible=True)) as provider:
        llm.script(refuse(full))
        heard = await ask(provider, "chat", model="some-model")
    assert isinstance(heard.error, TooLong)
    assert len(llm.requests) == 1


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_the_rate_headers_of_openai_are_kept(api: str) -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-limit-tokens": "200000",
        "x-ratelimit-remaining-tokens": "-1",
    }
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        assert provider.quota == Quota()
        spent = Answer(refusal=REFUSALS["rate_limited"], headers={"x-ratelimit-remaining-requests": "0"})
        llm.script(Answer(("Hi",), headers=headers), say("Ho"), spent)
        await ask(provider, api)
        assert provider.quota == Quota(500, 499, 200_000, None)
        await ask(provider, api)
        assert provider.quota == Quota(500, 499, 200_000, None), "an answer without headers says nothing new"
        await ask(provider, api)
        assert provider.quota == Quota(requests_left=0)


async def test_the_rate_headers_of_anthropic_are_kept() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-tokens-limit": "40000",
        "anthropic-ratelimit-tokens-remaining": "39000",
    }
    async with LLMEmulator() as llm, opened(make("anthropic", llm.url)) as provider:
        llm.script(Answer(("Hi",), headers=headers))
        await ask(provider, "anthropic")
        assert provider.quota == Quota(50, 49, 40_000, 39_000)


async def test_a_compatible_server_that_calls_a_cut_answer_completed_is_not_believed() -> None:
    async with LLMEmulator() as llm, opened(make("responses", llm.url, compatible=True)) as provider:
        llm.script(
            Answer(("Half an",), counted=Counted(10, 64)), Answer(("Whole.",), counted=Counted(10, 63))
        )
        cut = await ask(provider, "responses", cap=64, model="gpt-4o")
        whole = await ask(provider, "responses", cap=64, model="gpt-4o")
    assert (cut.finish, whole.finish) == (Finish.LENGTH, Finish.STOP)


PLAN = Picture("image/png", a_picture(600, 400), 600, 400)
SHOWN = (
    Message(Role.USER, "What is it?", "Ada", (PLAN, PLAN)),
    Message(Role.ASSISTANT, "A plan."),
    Message(Role.USER, "And this?", "林", (PLAN,)),
)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("compatible", [False, True])
async def test_pictures_are_sent_as_each_api_takes_them(api: str, compatible: bool) -> None:
    async with (
        LLMEmulator(compatible=compatible) as llm,
        opened(make(api, llm.url, compatible=compatible)) as provider,
    ):
        heard = await hear(provider.stream(prompt_for(api, *SHOWN)))
    assert heard.error is None
    (asked,) = llm.requests
    assert [one.data for one in asked.pictures] == [PLAN.data] * 3
    detail = "" if api == "anthropic" or (compatible and api == "chat") else "high"
    assert {one.detail for one in asked.pictures} == {detail}
    messages = asked.body.get("messages") or asked.body["input"]
    first, last = [message["content"] for message in messages if message["role"] == "user"]
    kinds = [part["type"] for part in first]
    match api:
        case "anthropic":
            assert kinds == ["image", "image", "text"]
        case "responses":
            assert kinds == ["input_text", "input_image", "input_image"]
        case _:
            assert kinds == ["text", "image_url", "image_url"]
    assert "林: And this?" in [part.get("text") for part in last]


async def test_low_detail_is_asked_for_and_pictures_of_one_role_stay_together() -> None:
    async with LLMEmulator(compatible=True) as llm:
        provider = build_provider(
            Spec("openai-responses", "gpt-4o"),
            Access(openai_api_key="k", openai_base_url=llm.openai_url, detail="low"),
            MODELS,
        )
        async with opened(provider):
            two = (Message(Role.USER, "one", pictures=(PLAN,)), Message(Role.USER, "two", pictures=(PLAN,)))
            heard = await hear(provider.stream(prompt_for("responses", *two, model="some-model")))
    assert heard.error is None
    (message,) = llm.requests[0].body["input"]
    assert [part["type"] for part in message["content"]] == ["input_text", "input_image", "input_image"]
    assert {one.detail for one in llm.requests[0].pictures} == {"low"}
    assert heard.usage is not None
    assert heard.usage.prompt > 2 * 85
