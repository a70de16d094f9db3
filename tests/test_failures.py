"""The fault matrix: every failure times every API, through the real SDKs, against a faulty server over real sockets: what people read, what
is tried again, what is charged, what is logged. The page `docs/failures.md` says no more and no less.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bot.models.catalogue import Model
from bot.notices import TEXTS
from bot.providers.wire import TIMEOUTS, Timeouts
from bot.settings import ROOT
from bot.voice import Voice
from storage.stores import Stores, open_stores
from tests.emulators.llm import WORDS, Answer, LLMEmulator, refusing_port, say
from tests.emulators.llm.requests import Request
from tests.failures import FAILURES, UNREACHED, Charged, Failure, markdown
from tests.fakes import FakeClock, ScriptedProvider, answer
from tests.provider_rig import FAST, KEY, make, model_of, profile
from tests.speaking_rig import Outcome, Rig, voice

pytest_plugins = ["tests.databases"]

APIS = ("responses", "chat", "compatible", "anthropic")
QUESTION = "Where does Ada hide the saffron?"
WHOLE = "".join(WORDS)
STAND_IN = Model("openai", "spare")
SILENT = {"stalled stream", "no answer at all"}
"""Only here it is worth while not to wait for long."""


@pytest.fixture
async def rig(sqlite_store: str, clock: FakeClock) -> AsyncIterator[Rig]:
    stores: Stores = open_stores(sqlite_store, clock)
    yield Rig(stores, clock)
    await stores.aclose()


def speaks(stack: AsyncExitStack, api: str, url: str, timeouts: Timeouts = TIMEOUTS) -> Voice:
    provider = make(
        "chat" if api == "compatible" else api, url, timeouts=timeouts, compatible=api == "compatible"
    )
    stack.push_async_callback(provider.aclose)
    name = "some-model" if api == "compatible" else model_of(api)
    return voice(provider, profile(name))


def read(code: str) -> re.Pattern[str]:
    """A notice as people read it, whatever its parameters."""
    text = re.escape(TEXTS["en"][code])
    return re.compile(re.sub(r"\\{\w+\\}", ".+", text))


def assert_as_told(failure: Failure, outcome: Outcome, requests: int) -> None:
    told = f"{failure.name}: {outcome.text!r}"
    assert read(failure.notice).search(outcome.text) and failure.wait in outcome.text, told
    assert requests == failure.requests, told
    assert len(outcome.calls) == failure.calls, told
    assert {charged_as(call) for call in outcome.calls} == {failure.charged}, told


def charged_as(call: Any) -> Charged:
    """What stands in the books of one call."""
    if call.prompt_tokens is None:
        return Charged.RESERVED
    return Charged.REPORTED if call.prompt_tokens + call.output_tokens else Charged.NOTHING


def assert_logged(failure: Failure, outcome: Outcome, log: str) -> None:
    """The reference that people read stands in the log; nothing that was said does, nor the key."""
    if found := re.search(r"reference (\w{8})", outcome.text):
        assert f"reference {found[1]}" in log, failure.name
        assert outcome.turn.error in log
    assert not [secret for secret in ("saffron", "flour", KEY, "hotel") if secret in log], failure.name


@pytest.mark.parametrize("api", APIS)
async def test_every_failure_of_every_api_is_dealt_with_as_the_page_says(
    rig: Rig, api: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as stack:
        llm = await stack.enter_async_context(LLMEmulator(compatible=api == "compatible"))
        patient, hasty = speaks(stack, api, llm.url), speaks(stack, api, llm.url, FAST)
        for failure in FAILURES:
            model = hasty if failure.name in SILENT else patient
            rig.open(model)
            llm.rule = lambda request: say("Yes.")
            await rig.ask("Anything before?", channel=failure.name)
            caplog.clear()
            llm.requests.clear()
            llm.rule = lambda request, failure=failure: failure.answer(api)  # type: ignore[misc]
            outcome = await rig.ask(QUESTION, channel=failure.name)
            assert_as_told(failure, outcome, len(llm.requests))
            assert_logged(failure, outcome, caplog.text)
            if "Retry-After: 2" in failure.name:
                assert min(rig.waits) >= 2


@pytest.mark.parametrize("api", APIS)
async def test_a_failure_that_passes_leaves_a_whole_answer_and_any_other_is_handed_on(
    rig: Rig, api: str
) -> None:
    async with AsyncExitStack() as stack:
        llm = await stack.enter_async_context(LLMEmulator(compatible=api == "compatible"))
        patient, hasty = speaks(stack, api, llm.url), speaks(stack, api, llm.url, FAST)
        spare = ScriptedProvider()
        for failure in FAILURES:
            llm.rule = well
            model = hasty if failure.name in SILENT else patient
            rig.open(model, voice(spare, STAND_IN))
            await rig.ask("Anything before?", channel=failure.name)
            llm.script(failure.answer(api))
            spare.prompts.clear()
            spare.scripts = [answer(WHOLE)]
            outcome = await rig.ask(QUESTION, channel=failure.name)
            if failure.heals:
                assert outcome.turn.answer == WHOLE, failure.name
                assert not spare.prompts, failure.name
            elif failure.hands_on:
                assert outcome.turn.answer == WHOLE, failure.name
                assert "Answered by `spare`" in outcome.text, failure.name
            else:
                assert not spare.prompts, failure.name


def well(request: Request) -> Answer:
    """Answers in full, or goes on exactly where the answer broke off."""
    said = next((text for role, text in reversed(request.messages) if role == "assistant"), "")
    begun = said if QUESTION not in request.question else ""
    return say(WHOLE[len(begun) :])


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("failure", UNREACHED, ids=lambda failure: failure.name)
async def test_an_address_where_no_model_is_costs_nothing(rig: Rig, api: str, failure: Failure) -> None:
    async with AsyncExitStack() as stack, LLMEmulator() as llm:
        url = llm.tls_url if "TLS" in failure.name else f"http://127.0.0.1:{refusing_port()}"
        rig.open(speaks(stack, api, url))
        outcome = await rig.ask(QUESTION)
        assert_as_told(failure, outcome, len(llm.requests))


def test_the_page_is_made_from_what_is_tested() -> None:
    assert (ROOT / "docs" / "failures.md").read_text("utf-8") == markdown(TEXTS["en"])
