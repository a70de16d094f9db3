"""Servers that speak chat completions in their own way: Azure, OpenRouter, Ollama, llama.cpp and vLLM, as their documentation and code give
their requests, streams and errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import pytest

from bot.chat import Finish
from bot.errors import (
    ContentFiltered,
    CutOff,
    Misconfigured,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    TooLong,
)
from bot.models.catalogue import Spec, load_models
from bot.providers import Access, build_provider
from bot.providers.openai_chat import OpenAIChat
from bot.providers.openai_line import OpenAILine
from tests.emulators.llm import Answer, LLMEmulator
from tests.provider_rig import KEY, ask, hear, make, opened, profile, prompt_for

MODELS: Final = load_models()
AZURE: Final = "https://acme.openai.azure.com/openai/v1/"


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"} | {
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }


def stream(*events: dict[str, Any] | str) -> Answer:
    """Events, and comments as they are."""
    lines = [one if isinstance(one, str) else f"data: {json.dumps(one)}" for one in events]
    return Answer(recorded=("\n\n".join(lines) + "\n\n").encode())


USAGE: Final = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
DONE: Final = "data: [DONE]"

STREAMS: Final = {
    "azure": stream(
        {
            "choices": [],
            "created": 0,
            "id": "",
            "model": "",
            "object": "",
            "prompt_filter_results": [{"prompt_index": 0}],
        },
        chunk("Hello"),
        chunk(" there"),
        chunk(None, "stop", content_filter_offsets={"check_offset": 1}),
        chunk(usage=USAGE) | {"choices": []},
        DONE,
    ),
    "openrouter": stream(
        ": OPENROUTER PROCESSING",
        ": OPENROUTER PROCESSING",
        chunk("Hello", provider="Somebody"),
        chunk(" there", provider="Somebody"),
        chunk("", "stop", provider="Somebody"),
        chunk("", usage=USAGE | {"cost": 0.0001})
        | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]},
        DONE,
    ),
    "ollama": stream(
        chunk("Hello", system_fingerprint="fp_ollama"),
        chunk(" there"),
        chunk("", "stop"),
        chunk(usage=USAGE) | {"choices": []},
        DONE,
    ),
    "llama.cpp": stream(
        chunk()
        | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}]},
        chunk("Hello"),
        chunk(" there"),
        chunk(None, "stop"),
        chunk(usage=USAGE, timings={"prompt_n": 9, "predicted_n": 2}) | {"choices": []},
        DONE,
    ),
    "vllm": stream(
        chunk("", prompt_token_ids=None),
        chunk("Hello"),
        chunk(" there"),
        chunk("", "stop") | {"usage": None},
        chunk(usage=USAGE | {"prompt_tokens_details": None}) | {"choices": []},
        DONE,
    ),
}


@pytest.mark.parametrize("server", STREAMS)
async def test_a_stream_is_read_whatever_stands_beside_the_words(server: str) -> None:
    async with (
        LLMEmulator(compatible=True) as llm,
        opened(make("chat", llm.url, compatible=True)) as provider,
    ):
        llm.script(STREAMS[server])
        heard = await ask(provider, "chat", model="m")
    assert (heard.error, heard.text, heard.finish) == (None, "Hello there", Finish.STOP)
    assert heard.usage is not None
    assert (heard.usage.prompt, heard.usage.output) == (9, 2)


@dataclass(frozen=True, slots=True)
class Told:
    """An error as a server tells it, by a status and a body, and what it means."""

    server: str
    status: int
    body: dict[str, Any]
    meaning: type[ProviderError]


def error(**fields: Any) -> dict[str, Any]:
    return {"error": fields}


ERRORS: Final = (
    Told(
        "azure",
        401,
        error(code="401", message="Access denied due to invalid subscription key"),
        Misconfigured,
    ),
    Told(
        "azure",
        404,
        error(code="DeploymentNotFound", message="The API deployment does not exist"),
        Misconfigured,
    ),
    Told(
        "azure",
        400,
        error(
            code="content_filter",
            message="...",
            param="prompt",
            innererror={"code": "ResponsibleAIPolicyViolation"},
        ),
        ContentFiltered,
    ),
    Told("azure", 429, error(code="429", message="Requests have exceeded call rate limit"), Overloaded),
    Told("openrouter", 402, error(code=402, message="Insufficient credits"), QuotaExhausted),
    Told(
        "openrouter",
        403,
        error(
            code=403,
            message="flagged",
            metadata={"reasons": ["violence"], "flagged_input": "…", "provider_name": "x"},
        ),
        ContentFiltered,
    ),
    Told("openrouter", 502, error(code=502, message="Provider returned error"), Overloaded),
    Told("openrouter", 503, error(code=503, message="No available model provider"), Overloaded),
    Told(
        "ollama",
        404,
        error(
            message='model "m" not found, try pulling it first', type="not_found_error", param=None, code=None
        ),
        Misconfigured,
    ),
    Told("llama.cpp", 503, error(code=503, message="Loading model", type="unavailable_error"), Overloaded),
    Told(
        "llama.cpp",
        400,
        error(
            code=400,
            message="the request exceeds the available context size",
            type="exceed_context_size_error",
            n_prompt_tokens=9000,
            n_ctx=4096,
        ),
        TooLong,
    ),
    Told(
        "vllm",
        400,
        error(
            message="This model's maximum context length is 4096 tokens.",
            type="BadRequestError",
            param=None,
            code=400,
        ),
        TooLong,
    ),
    Told(
        "vllm, of old",
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens.",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        TooLong,
    ),
    Told(
        "vllm",
        404,
        error(message="The model `m` does not exist.", type="NotFoundError", param=None, code=404),
        Misconfigured,
    ),
)


@pytest.mark.parametrize(
    "told", ERRORS, ids=lambda told: f"{told.server}-{told.status}-{told.meaning.__name__}"
)
async def test_an_error_is_understood_as_that_server_tells_it(told: Told) -> None:
    async with (
        LLMEmulator(compatible=True) as llm,
        opened(make("chat", llm.url, compatible=True)) as provider,
    ):
        llm.script(Answer(recorded=json.dumps(told.body).encode(), status=told.status))
        heard = await ask(provider, "chat", model="m")
    assert type(heard.error) is told.meaning
    assert heard.error.free


@pytest.mark.parametrize(
    "event",
    [
        chunk("", "error", error={"code": 502, "message": "Provider disconnected", "metadata": {}}),
        error(message="something", type="InternalServerError", code=500),
        {"object": "error", "message": "something", "type": "InternalServerError", "code": 500},
    ],
    ids=["openrouter", "vllm", "vllm, of old"],
)
async def test_an_error_in_the_middle_of_a_stream_cuts_the_answer_off(event: dict[str, Any]) -> None:
    async with (
        LLMEmulator(compatible=True) as llm,
        opened(make("chat", llm.url, compatible=True)) as provider,
    ):
        llm.script(stream(chunk("Hello"), event))
        heard = await ask(provider, "chat", model="m")
    assert heard.text == "Hello"
    assert type(heard.error) is CutOff


async def test_azure_is_given_its_key_its_version_and_its_name_for_the_cap() -> None:
    async with LLMEmulator() as llm:
        line = OpenAILine(
            name="openai",
            api_key=KEY,
            base_url=f"{llm.url}/v1?api-version=2024-10-21",
            compatible=True,
            azure=True,
        )
        async with opened(OpenAIChat(line, profile)) as provider:
            heard = await hear(provider.stream(prompt_for("chat", model="our-deployment")))
        request = llm.requests[0]
    assert heard.error is None
    assert request.headers["api-key"] == KEY
    assert request.query == {"api-version": "2024-10-21"}
    assert request.body["max_completion_tokens"] == 500
    assert "max_tokens" not in request.body


@pytest.mark.parametrize(
    ("url", "azure", "compatible"),
    [
        (AZURE, True, True),
        ("https://acme.openai.azure.com/openai/deployments/ours?api-version=2024-10-21", True, True),
        ("https://openrouter.ai/api/v1", False, True),
        ("http://127.0.0.1:11434/v1", False, True),
        ("", False, False),
    ],
)
async def test_a_server_is_told_by_its_address(url: str, azure: bool, compatible: bool) -> None:
    provider = build_provider(Spec("openai-chat", "m"), Access(KEY, url), MODELS)
    assert isinstance(provider, OpenAIChat)
    assert (provider._line.azure, provider._line.compatible) == (azure, compatible)
    await provider.aclose()
