"""How an answer ends, through each real SDK: whole, at its cap, filtered, refused, or with nothing said;
and what it cost.
"""

from __future__ import annotations

import pytest

from bot.chat import Finish
from bot.errors import (
    ContentFiltered,
    CutOff,
    EmptyAnswer,
    TooLong,
)
from tests.emulators.llm import (
    WORDS,
    Answer,
    Counted,
    End,
    LLMEmulator,
    say,
)
from tests.provider_rig import (
    APIS,
    ask,
    make,
    opened,
)


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
