"""The same drop after every token of one answer, for every API: no word is repeated or missing, and no half of a secret is ever shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import tiktoken

from storage.stores import open_stores
from tests.emulators.llm import Answer, Break, How, LLMEmulator, say
from tests.emulators.llm.requests import Request
from tests.fakes import FakeClock
from tests.provider_rig import make, model_of, profile
from tests.speaking_rig import ROOMY, Rig, voice

pytest_plugins = ["tests.databases"]

EMAIL = "ada" + "@" + "example.org"
ANSWER = (
    f"In the theory of bread, 500 g of flour meet water. 先把面粉和水混合。 Ask {EMAIL}, she knows:\n\n"
    "```python\nfor hour in range(12):\n    rest(dough)\n```\n\nThen bake it; thereafter, wait."
)
SHOWN = ANSWER.replace(EMAIL, "[FILTERED:email]")
BEFORE = {"chat": 1, "compatible": 1, "responses": 4, "anthropic": 3}
"""Events before the first text."""
BREAKS = (How.EOF, How.MID_EVENT, How.DISCONNECT, How.RESET, How.MALFORMED, How.OVERLOADED)


def chunks() -> list[str]:
    """The answer as a model says it: by tokens, but for characters that take several."""
    encoding = tiktoken.get_encoding("o200k_base")
    said, pieces = 0, []
    tokens = encoding.encode_ordinary(ANSWER)
    for count in range(1, len(tokens) + 1):
        text = encoding.decode_bytes(tokens[:count]).decode("utf-8", "ignore")
        if len(text) > said:
            pieces.append(text[said:])
            said = len(text)
    return pieces


class Model:
    """Breaks off after `cut` pieces, then goes on as models do: just there, as it was asked to, or with all of the quote."""

    def __init__(self, api: str, pieces: list[str]) -> None:
        self._api, self._pieces = api, pieces
        self.cut = 0

    def __call__(self, request: Request) -> Answer:
        last = request.question
        if "broke off" not in last:
            return say(
                *self._pieces, breaks=Break(BREAKS[self.cut % len(BREAKS)], BEFORE[self._api] + self.cut)
            )
        told = next(text for role, text in reversed(request.messages) if role == "assistant")
        said = told.replace("[FILTERED:email]", EMAIL)  # a reset may swallow what was on its way
        assert ANSWER.startswith(said)
        rest = ANSWER[len(said) :]
        match self.cut % 3:
            case 0:
                return say(*(rest[at : at + 5] for at in range(0, len(rest), 5)))
            case 1:
                asked = last.rpartition("what follows them: ")[2].partition("\n\nNo apology")[0]
                return say(asked, ANSWER[len(said.rstrip()) :])
            case _:
                quoted = last.partition("words were:\n\n")[2].partition("\n\nGo on")[0].lstrip()
                return say(quoted, *rest.partition(" "))


@pytest.fixture
async def rig(sqlite_store: str, clock: FakeClock) -> AsyncIterator[Rig]:
    stores = open_stores(sqlite_store, clock)
    yield Rig(stores, clock)
    await stores.aclose()


@pytest.mark.parametrize("api", BEFORE)
async def test_a_drop_after_any_token_leaves_the_answer_whole(rig: Rig, api: str) -> None:
    pieces = chunks()
    assert len(pieces) > 50
    model = Model(api, pieces)
    async with AsyncExitStack() as stack:
        llm = await stack.enter_async_context(LLMEmulator(compatible=api == "compatible", rule=model))
        kind = "chat" if api == "compatible" else api
        provider = make(kind, llm.url, compatible=api == "compatible")
        stack.push_async_callback(provider.aclose)
        speaker = voice(provider, profile("some-model" if api == "compatible" else model_of(api)))
        for cut in range(1, len(pieces)):
            rig.open(speaker)
            model.cut = cut
            outcome = await rig.ask("How is bread made?", channel=f"C{cut}")
            assert outcome.turn.answer == SHOWN, (cut, pieces[cut - 1 : cut + 1])
            assert outcome.shown.text.startswith(SHOWN)
            assert not any(EMAIL[:4] in update or EMAIL[-7:] in update for update in outcome.shown.updates)
            assert len(outcome.calls) == 2
            if api == "responses":  # its names stand in the text, as the voice counts them
                (billed,) = [call for call in outcome.calls if call.prompt_tokens is not None]
                assert billed.reserved_tokens == billed.prompt_tokens + ROOMY.answer
