"""How a running stream breaks, through its real SDK and real sockets: nothing but a finish reason proves an
answer whole.
"""

from __future__ import annotations

import pytest

from bot.chat import Finish
from bot.errors import (
    BadResponse,
    CutOff,
    Overloaded,
)
from bot.ports import Provider
from bot.providers.retries import open_stream
from tests.emulators.llm import (
    WORDS,
    Answer,
    Break,
    How,
    LLMEmulator,
    say,
)
from tests.provider_rig import (
    APIS,
    FAST,
    Heard,
    ask,
    assert_tells_nothing,
    hear,
    make,
    opened,
    prompt_for,
)


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
async def test_an_event_that_cannot_be_read_is_a_bad_response_and_cuts_off_what_was_said(
    api: str, how: How
) -> None:
    async with LLMEmulator() as llm, opened(make(api, llm.url)) as provider:
        for at in (0, 3, 6):
            llm.say(*WORDS, breaks=Break(how, at))
            heard = await ask(provider, api)
            assert type(heard.error) is (CutOff if heard.text else BadResponse)
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
