"""The emulator's callers in its own tests: the real SDKs, and a plain HTTP client."""

from __future__ import annotations

from typing import Any

import aiohttp
import anthropic
import openai

from tests.emulators.llm.server import LLMEmulator

KEY = "sk-emulated"
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}


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
