"""How an API refuses, through its real SDK and real sockets: what is raised, what it tells, how often it
was tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

import pytest

from bot.errors import (
    ContentFiltered,
    Misconfigured,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    TooLong,
)
from bot.providers.openai_line import OpenAILine
from bot.providers.retries import Policy, open_stream
from tests.emulators.llm import (
    Answer,
    LLMEmulator,
    refuse,
    refusing_port,
)
from tests.emulators.llm.faults import REFUSALS
from tests.provider_rig import (
    APIS,
    FAST,
    KEY,
    SECRET,
    ask,
    assert_tells_nothing,
    hear,
    make,
    opened,
    prompt_for,
)

REFUSED_AS: Final[Mapping[str, type[ProviderError]]] = {
    "unauthorized": Misconfigured,
    "payment_required": QuotaExhausted,
    "quota": QuotaExhausted,
    "credit": QuotaExhausted,
    "forbidden": Misconfigured,
    "model_not_found": Misconfigured,
    "context_length": TooLong,
    "context_size_in_words": TooLong,
    "content_filter": ContentFiltered,
    "invalid_request": ProviderError,
    "timeout": Overloaded,
    "conflict": Overloaded,
    "too_large": TooLong,
    "rate_limited": Overloaded,
    "server_error": Overloaded,
    "bad_gateway": Overloaded,
    "unavailable": Overloaded,
    "overloaded": Overloaded,
}
UNSUPPORTED: Final = frozenset({"unsupported_temperature", "unsupported_max_tokens"})
"""About parameters; they have tests of their own."""


def test_the_matrix_leaves_no_refusal_out() -> None:
    assert set(REFUSED_AS) | UNSUPPORTED == set(REFUSALS)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("name", REFUSED_AS)
async def test_a_refusal_becomes_its_error_and_only_an_overload_is_tried_again(api: str, name: str) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with (
        LLMEmulator(rule=lambda request: refuse(REFUSALS[name])) as llm,
        opened(make(api, llm.url)) as provider,
    ):
        once = await ask(provider, api)
        assert len(llm.requests) == 1, "the SDK tried again by itself"
        heard = await hear(open_stream(provider, prompt_for(api), sleep=sleep, policy=Policy(attempts=3)))
    again = REFUSED_AS[name] is Overloaded
    assert len(llm.requests) - 1 == (3 if again else 1)
    assert len(waits) == (2 if again else 0)
    assert type(once.error) is type(heard.error) is REFUSED_AS[name]
    assert not once.order
    assert once.error.status == REFUSALS[name].status
    assert once.error.request_id == "req_1"
    assert_tells_nothing(once.error)


async def test_a_failure_without_any_code_is_not_told_in_the_vendors_words() -> None:
    line = OpenAILine(name="openai", api_key=KEY, base_url="http://127.0.0.1:1/v1", compatible=True)
    for code in (None, "", SECRET):
        error = line.judged(code=code, kind=SECRET, message=f"You asked: {SECRET} with {KEY}")
        assert type(error) is ProviderError
        assert_tells_nothing(error)
    await line.aclose()


@pytest.mark.parametrize("status", ["429", "503"])
async def test_a_status_in_place_of_a_code_is_understood(status: str) -> None:
    """As routers in front of several vendors tell it in a running stream."""
    line = OpenAILine(name="openai", api_key=KEY, base_url="http://127.0.0.1:1/v1", compatible=True)
    assert type(line.judged(code=status)) is Overloaded
    await line.aclose()


@pytest.mark.parametrize("api", APIS)
async def test_vendor_codes_are_kept_for_the_log(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.script(refuse(REFUSALS["quota"]))
        heard = await ask(provider, api)
    assert heard.error is not None
    wanted = "enforced_spend_limit_reached" if api == "anthropic" else "insufficient_quota"
    assert heard.error.vendor_code == wanted
    assert str(heard.error) == f"429 {wanted}"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "86400"}, 86_400.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
    ],
)
async def test_the_wait_that_a_provider_asks_for_is_kept(
    api: str, headers: dict[str, str], seconds: float | None
) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.script(Answer(refusal=REFUSALS["rate_limited"], headers=headers))
        heard = await ask(provider, api)
    assert isinstance(heard.error, Overloaded)
    assert heard.error.retry_after == seconds


@pytest.mark.parametrize("api", APIS)
async def test_a_wait_may_be_asked_for_as_a_date(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
        llm.script(refuse(REFUSALS["rate_limited"], retry_after=at))
        heard = await ask(provider, api)
    assert heard.error is not None
    assert heard.error.retry_after == pytest.approx(90, abs=2)


@pytest.mark.parametrize("api", APIS)
async def test_a_server_that_does_not_speak_tls_is_a_fault_of_the_settings(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.tls_url, timeouts=FAST)) as provider:
        heard = await ask(provider, api)
    assert type(heard.error) is Misconfigured
    assert not llm.requests
    assert_tells_nothing(heard.error)


@pytest.mark.parametrize("api", APIS)
async def test_a_refused_connection_is_an_overload_and_tried_again(api: str) -> None:
    tried = []

    async def sleep(seconds: float) -> None:
        pass

    async with opened(make(api, f"http://127.0.0.1:{refusing_port()}", timeouts=FAST)) as provider:
        stream = open_stream(
            provider,
            prompt_for(api),
            sleep=sleep,
            on_retry=lambda attempt, error: tried.append((attempt, type(error))),
        )
        heard = await hear(stream)
    assert type(heard.error) is Overloaded
    assert tried == [(1, Overloaded), (2, Overloaded), (3, Overloaded)]


def test_the_secret_is_in_the_prompt() -> None:
    assert "saffron" in SECRET
