"""Every way in which an API can fail, through its real SDK and real sockets: what is raised, what it tells,
how often it was tried.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

import pytest

from bot.chat import Finish
from bot.errors import (
    BadResponse,
    ContentFiltered,
    CutOff,
    EmptyAnswer,
    Misconfigured,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    TooLong,
)
from bot.ports import Provider
from bot.providers.openai_line import OpenAILine
from bot.providers.retries import Policy, open_stream
from tests.emulators.llm import (
    WORDS,
    Answer,
    Break,
    Counted,
    End,
    How,
    LLMEmulator,
    refuse,
    refusing_port,
    say,
)
from tests.emulators.llm.faults import REFUSALS
from tests.provider_rig import APIS, FAST, KEY, SECRET, Heard, ask, hear, make, opened, prompt_for

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


def assert_tells_nothing(error: ProviderError) -> None:
    """Neither the error nor anything printed with it quotes the key or the prompt, though the vendor did."""
    printed = "".join(traceback.format_exception(error)) + repr(vars(error)) + repr(error.args)
    assert KEY not in printed
    assert "saffron" not in printed
    assert error.__cause__ is None
    assert error.__context__ is None


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


async def events_of(llm: LLMEmulator, provider: Provider, api: str) -> int:
    """How many events the emulator's usual answer has."""
    assert (await ask(provider, api)).error is None
    return llm.requests[-1].events


def check_broken(heard: Heard, llm: LLMEmulator) -> bool:
    """What came is the beginning of the answer; it is whole only if it was proven so. Returns whether it
    was.
    """
    whole = "".join(WORDS)
    assert whole.startswith(heard.text)
    if heard.error is None:
        assert heard.text == whole
        assert heard.finish is Finish.STOP
        return True
    assert type(heard.error) is CutOff
    assert heard.finish is None
    assert not heard.usages, "a usage that is not final would be taken for the bill"
    assert_tells_nothing(heard.error)
    return False


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("how", [How.EOF, How.MID_EVENT, How.DISCONNECT, How.RESET])
async def test_a_stream_that_breaks_at_any_event_is_cut_off_or_proven_whole(api: str, how: How) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        total = await events_of(llm, provider, api)
        proven = []
        for at in range(total):
            llm.say(*WORDS, breaks=Break(how, at))
            heard = await ask(provider, api)
            if how is not How.RESET:
                assert len(heard.texts) == llm.requests[-1].chunks
            proven.append(check_broken(heard, llm))
    finish_at = {"chat": total - 2, "responses": total, "anthropic": total - 1}[api]
    first = proven.index(True) if True in proven else total
    assert first == finish_at, "from the finish reason on, and not before, the answer is whole"
    assert all(proven[first:])


@pytest.mark.parametrize("api", APIS)
async def test_a_stream_that_ends_at_any_byte_is_cut_off_or_proven_whole(api: str) -> None:
    """Also in the middle of a character of several bytes."""
    words = ("水" * 40, "é" * 20, "!")
    proven, inside = [], 0
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.say(*words)
        assert (await ask(provider, api)).text == "".join(words)
        for size in range(0, llm.requests[0].bytes, 19):
            llm.say(*words, breaks=Break(How.EOF, after_bytes=size))
            heard = await ask(provider, api)
            assert heard.error is None or type(heard.error) is CutOff, size
            assert "".join(words).startswith(heard.text)
            proven.append(heard.error is None)
            inside += "inside a character" in str(heard.error)
    assert proven == sorted(proven), "once proven, always proven"
    assert inside, "no cut fell into a character"


@pytest.mark.parametrize("api", APIS)
async def test_a_stall_ends_at_the_longest_silence_and_hangs_up(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url, timeouts=FAST)) as provider:
        total = await events_of(llm, provider, api)
        for at in (1, total // 2):
            llm.say(*WORDS, breaks=Break(How.STALL, at))
            heard = await ask(provider, api)
            assert not check_broken(heard, llm)
            await llm.wait_for(lambda llm: llm.requests[-1].closed_early)


@pytest.mark.parametrize("api", APIS)
async def test_a_stall_before_the_headers_is_an_overload(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url, timeouts=FAST)) as provider:
        llm.say(*WORDS, hold=-1)
        heard = await ask(provider, api)
        await llm.wait_for(lambda llm: llm.requests[-1].closed_early)
    assert type(heard.error) is Overloaded
    assert_tells_nothing(heard.error)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("how", [How.MALFORMED, How.STRANGE])
async def test_an_event_that_cannot_be_read_is_a_bad_response(api: str, how: How) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        for at in (0, 3):
            llm.say(*WORDS, breaks=Break(how, at))
            heard = await ask(provider, api)
            assert type(heard.error) is BadResponse
            assert heard.finish is None
            assert_tells_nothing(heard.error)


@pytest.mark.parametrize("api", APIS)
async def test_a_web_page_with_status_200_is_a_bad_response(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.script(Answer(page="<html>Log in to the hotel's network</html>"))
        heard = await ask(provider, api)
    assert type(heard.error) is BadResponse
    assert "text/html" in str(heard.error)
    assert "hotel" not in str(heard.error)


@pytest.mark.parametrize("api", APIS)
async def test_an_overload_in_the_stream_before_any_text_is_tried_again(api: str) -> None:
    async def sleep(seconds: float) -> None:
        pass

    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.script(Answer(WORDS, breaks=Break(How.OVERLOADED, 1)), say("All", " well."))
        heard = await hear(open_stream(provider, prompt_for(api), sleep=sleep))
    assert heard.error is None
    assert heard.text == "All well."
    assert len(llm.requests) == 2


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("how", [How.OVERLOADED, How.ERROR, How.FAILED])
async def test_a_failure_told_in_the_stream_after_text_cuts_the_answer_off(api: str, how: How) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        at = {"chat": 3, "responses": 6, "anthropic": 5}[api]
        llm.say(*WORDS, breaks=Break(how, at))
        heard = await hear(open_stream(provider, prompt_for(api)))
    assert heard.texts == list(WORDS[:2])
    assert type(heard.error) is CutOff
    assert len(llm.requests) == 1, "words that were shown are not said again"
    assert_tells_nothing(heard.error)


@pytest.mark.parametrize("api", APIS)
async def test_an_overload_in_the_stream_keeps_the_vendors_word(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.say(*WORDS, breaks=Break(How.OVERLOADED, 0))
        heard = await ask(provider, api)
    assert type(heard.error) is Overloaded
    words = {"chat": "overloaded", "responses": "rate_limit_exceeded", "anthropic": "overloaded_error"}
    assert heard.error.vendor_code == words[api]
    assert heard.error.status == (200 if api == "anthropic" else None)


@pytest.mark.parametrize("api", APIS)
async def test_an_answer_used_up_by_reasoning_is_empty_and_still_paid_for(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.script(Answer(WORDS, reasoning=500))
        heard = await ask(provider, api, cap=500)
    assert type(heard.error) is EmptyAnswer
    assert heard.order == ["usage"]
    assert heard.usage is not None
    assert (heard.usage.output, heard.usage.reasoning) == (500, 500)


@pytest.mark.parametrize("api", APIS)
async def test_blanks_alone_are_an_empty_answer(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.say(" ", "\n\n")
        heard = await ask(provider, api)
    assert type(heard.error) is EmptyAnswer
    assert heard.usage is not None


@pytest.mark.parametrize("api", APIS)
async def test_an_answer_may_end_at_its_cap(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.say(*("word ",) * 50)
        heard = await ask(provider, api, cap=20)
    assert heard.error is None
    assert heard.finish is Finish.LENGTH
    assert heard.usage is not None
    assert heard.usage.output <= 20


@pytest.mark.parametrize("api", APIS)
async def test_a_filter_in_the_middle_of_an_answer_is_told(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.say("As for", " that", end=End.FILTERED)
        heard = await ask(provider, api)
    assert heard.error is None
    assert heard.finish is (Finish.REFUSED if api == "anthropic" else Finish.FILTERED)


@pytest.mark.parametrize("api", APIS)
async def test_a_filter_before_any_word_is_an_error(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.script(Answer(end=End.FILTERED))
        heard = await ask(provider, api)
    assert type(heard.error) is ContentFiltered
    assert heard.usage is not None


@pytest.mark.parametrize("api", APIS)
async def test_a_refusal_in_words_is_shown_and_told(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.say("I", " can't help with that.", end=End.REFUSED)
        heard = await ask(provider, api)
    assert heard.text == "I can't help with that."
    assert heard.finish is Finish.REFUSED


async def test_a_full_window_cuts_an_answer_or_is_too_long_from_the_start() -> None:
    async with LLMEmulator() as llm, opened(make("anthropic", llm.url)) as provider:
        llm.script(say("Some", " words", end=End.WINDOW), Answer(end=End.WINDOW))
        some, none = await ask(provider, "anthropic"), await ask(provider, "anthropic")
    assert some.finish is Finish.LENGTH
    assert type(none.error) is TooLong


@pytest.mark.parametrize("api", APIS)
async def test_a_stream_without_a_finish_reason_is_cut_off_though_it_ended_well(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.say(*WORDS, end=End.NONE)
        heard = await ask(provider, api)
    assert type(heard.error) is CutOff
    assert heard.text == "".join(WORDS)


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


@pytest.mark.parametrize("api", APIS)
async def test_an_answer_that_takes_too_long_in_all_is_cut_off(api: str) -> None:
    """Each piece comes in time; it is the whole that does not."""
    async with LLMEmulator() as llm:
        provider = make(api, llm.url, timeouts=FAST.__class__(read=5, whole=0.25))
        async with opened(provider):
            llm.say(*("word ",) * 400, pace=0.02)
            heard = await ask(provider, api)
            await llm.wait_for(lambda llm: llm.requests[-1].closed_early)
    assert type(heard.error) is CutOff
    assert heard.texts


@pytest.mark.parametrize("api", APIS)
async def test_closing_a_stream_early_hangs_up(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.say(*WORDS, hold=2)
        stream = provider.stream(prompt_for(api))
        assert (await anext(stream)).text == WORDS[0]
        await stream.aclose()
        await llm.wait_for(lambda llm: llm.requests[0].closed_early)
    assert llm.requests[0].chunks == 2


@pytest.mark.parametrize("api", APIS)
async def test_closing_an_opened_stream_hangs_up(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.say(*WORDS, hold=1)
        stream = open_stream(provider, prompt_for(api))
        assert (await anext(stream)).text == WORDS[0]
        await stream.aclose()
        await llm.wait_for(lambda llm: llm.requests[0].closed_early)


@pytest.mark.parametrize("api", APIS)
async def test_the_usage_is_what_the_provider_counted(api: str) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        llm.script(Answer(WORDS, counted=Counted(1_000, 40, cached=600, cache_written=300, reasoning=9)))
        heard = await ask(provider, api)
    assert heard.usage is not None
    usage = heard.usage
    assert (usage.prompt, usage.output) == (1_000, 40)
    assert (usage.cached, usage.cache_written, usage.reasoning) == (600, 300, 9)
    assert heard.order[-1] == "finish"
    assert len(heard.usages) == 1


def test_the_secret_is_in_the_prompt() -> None:
    assert "saffron" in SECRET
