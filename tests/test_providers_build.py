"""Which API speaks for which model, with which key, and what is told when that can't be."""

from __future__ import annotations

import asyncio

import pytest

from bot.chat import Message, Role
from bot.errors import ConfigError
from bot.models.catalogue import Spec
from bot.providers import Access, build_provider, is_openai, speaks_for_itself, warm_up
from bot.providers.anthropic_messages import AnthropicMessages
from bot.providers.openai_chat import OpenAIChat
from bot.providers.openai_responses import OpenAIResponses
from tests.emulators.llm import LLMEmulator, say
from tests.provider_rig import KEY, MODELS, ask, opened

OWN = Access(openai_api_key=KEY, anthropic_api_key=KEY, local_base_url="http://127.0.0.1:1/v1")
ELSEWHERE = Access(openai_api_key=KEY, openai_base_url="http://127.0.0.1:1/v1/")


@pytest.mark.parametrize(
    ("spec", "access", "kind", "name"),
    [
        ("openai:gpt-6-luna", OWN, OpenAIResponses, "openai"),
        ("gpt-6-luna", OWN, OpenAIResponses, "openai"),
        ("openai-chat:gpt-6-luna", OWN, OpenAIChat, "openai"),
        ("openai-responses:gpt-6-luna", OWN, OpenAIResponses, "openai"),
        ("openai:llama3:8b", ELSEWHERE, OpenAIChat, "openai"),
        ("openai-chat:llama", ELSEWHERE, OpenAIChat, "openai"),
        ("openai-responses:llama", ELSEWHERE, OpenAIResponses, "openai"),
        ("anthropic:claude-haiku-5-5", OWN, AnthropicMessages, "anthropic"),
        ("claude-not-yet-known", OWN, AnthropicMessages, "anthropic"),
        ("local:SmolLM2-135M-Instruct", OWN, OpenAIChat, "local"),
    ],
)
async def test_a_model_is_spoken_for_by_its_api(
    spec: str, access: Access, kind: type[object], name: str
) -> None:
    async with opened(build_provider(MODELS.spec(spec), access, MODELS)) as provider:
        assert type(provider) is kind
        assert provider.name == name


@pytest.mark.parametrize(
    ("spec", "access", "variable"),
    [
        ("openai:gpt-6-luna", Access(), "OPENAI_API_KEY"),
        ("openai:gpt-6-luna", Access(openai_api_key="  "), "OPENAI_API_KEY"),
        ("openai:gpt-6-luna", Access(openai_api_key="schlüssel"), "OPENAI_API_KEY"),
        ("openai:gpt-6-luna", Access(openai_api_key="two keys"), "OPENAI_API_KEY"),
        ("anthropic:claude-haiku-5-5", Access(openai_api_key=KEY), "ANTHROPIC_API_KEY"),
        ("openai:any", Access(openai_base_url="localhost:8000"), "OPENAI_BASE_URL"),
        ("openai:any", Access(openai_base_url="http://[half"), "OPENAI_BASE_URL"),
        ("openai:any", Access(openai_base_url="http://host:99999/v1"), "OPENAI_BASE_URL"),
        ("openai:any", Access(openai_base_url="http:///v1"), "OPENAI_BASE_URL"),
        ("anthropic:any", Access(anthropic_api_key=KEY, anthropic_base_url="ftp://x"), "ANTHROPIC_BASE_URL"),
        ("local:any", Access(), "REJOINDER_LOCAL_MODEL"),
    ],
)
def test_what_is_missing_or_wrong_is_named(spec: str, access: Access, variable: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_provider(MODELS.spec(spec), access, MODELS)
    assert caught.value.variable == variable
    assert "schl" not in str(caught.value) and "two keys" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("", True),
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("http://127.0.0.1:8080/v1", False),
        ("https://api.openai.com.example.org/v1", False),
        ("https://openrouter.ai/api/v1", False),
        ("http://[half", False),
    ],
)
def test_openais_own_address_is_told_from_others(address: str, own: bool) -> None:
    assert is_openai(address) is own


def test_a_models_end_holds_only_at_its_own_vendor() -> None:
    gpt, claude = Spec("openai", "gpt-4"), Spec("anthropic", "claude-opus-4-0")
    assert speaks_for_itself(gpt, Access()) and speaks_for_itself(claude, Access())
    assert not speaks_for_itself(gpt, ELSEWHERE)
    assert not speaks_for_itself(claude, Access(anthropic_base_url="http://127.0.0.1:1"))


def test_keys_do_not_show_when_printed() -> None:
    assert KEY not in repr(OWN)


@pytest.mark.parametrize("path", ["", "/", "/v1"])
async def test_anthropics_address_may_end_as_openais_does(path: str) -> None:
    async with LLMEmulator(key=KEY) as llm:
        access = Access(anthropic_api_key=f" {KEY}\n", anthropic_base_url=llm.anthropic_url + path)
        async with opened(build_provider(MODELS.spec("claude-haiku-5-5"), access, MODELS)) as provider:
            heard = await ask(provider, "anthropic")
    assert heard.error is None


async def test_a_compatible_server_needs_no_key() -> None:
    async with LLMEmulator(compatible=True) as llm:
        access = Access(openai_base_url=llm.openai_url)
        async with opened(build_provider(MODELS.spec("openai:gemma"), access, MODELS)) as provider:
            heard = await ask(provider, "chat", model="gemma")
    assert heard.error is None
    assert llm.requests[0].api == "chat"


async def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """What settings say holds, whatever the SDKs would have picked up by themselves."""
    for variable in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9/v1")
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(variable, "from-the-environment")
    async with LLMEmulator(key=KEY) as llm:
        access = Access(KEY, llm.openai_url, KEY, llm.anthropic_url)
        for spec, api, model in (("openai:gpt-4o", "chat", "gpt-4o"), ("claude-haiku-5-5", "anthropic", "")):
            async with opened(build_provider(MODELS.spec(spec), access, MODELS)) as provider:
                assert (await ask(provider, api, model=model)).error is None
        with pytest.raises(ConfigError):
            build_provider(MODELS.spec("claude-haiku-5-5"), Access(), MODELS)


async def test_warming_up_reaches_nobody_and_keeps_the_loop_free() -> None:
    async with opened(build_provider(MODELS.spec("gpt-6-luna"), OWN, MODELS)) as provider:
        ticks = 0
        warming = asyncio.create_task(warm_up(provider))
        while not warming.done():
            await asyncio.sleep(0.001)
            ticks += 1
        await warming
    assert ticks > 0


async def test_many_answers_at_once_keep_apart() -> None:
    async with LLMEmulator(rule=lambda request: say(*request.question.split("|"))) as llm:
        access = Access(openai_base_url=llm.openai_url)
        async with opened(build_provider(MODELS.spec("openai:gemma"), access, MODELS)) as provider:
            questions = [Message(Role.USER, f"{number}|is|{number}") for number in range(40)]
            heard = await asyncio.gather(
                *(ask(provider, "chat", asked, model="gemma") for asked in questions)
            )
    assert [one.text for one in heard] == [f"{number}is{number}" for number in range(40)]
