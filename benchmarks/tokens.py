"""How well tokens are counted: `make tokens` writes docs/tokens.md.

For the models whose vocabulary is public, our count against what OpenAI published of its own examples. For the small local model, whose
vocabulary is another one, the estimate against what its server reports of whole prompts, before and after calibration. The local model is
installed and started; nothing else is asked.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Final

from benchmarks.conversations import KINDS, conversations
from bot.chat import Message, Observation, Prompt, Role, Size, Usage
from bot.context import message_size
from bot.errors import EmptyAnswer, Overloaded
from bot.local_model import LocalModel, ensure_installed
from bot.models.catalogue import Models, Spec, load_models
from bot.ports import Provider
from bot.providers import Access, build_provider
from bot.tokens import vocabularies
from bot.tokens.counting import Counter, Exact, counter_for
from bot.tokens.texts import tokenizer_for

CALLS: Final = 20
MEASURED: Final = 36
TRIES: Final = 3
BOUNDS: Final = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
SYSTEM: Final = "You are a helpful assistant in a group chat. Answer briefly."

COOKBOOK: Final = (
    Message(
        Role.USER,
        "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
    ),
    Message(Role.USER, "New synergies will help drive top-line growth.", "example_user"),
    Message(Role.USER, "Things working well together will increase revenue.", "example_assistant"),
    Message(
        Role.USER,
        "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        "example_user",
    ),
    Message(Role.USER, "Let's talk later when we're less busy about how to do better.", "example_assistant"),
    Message(
        Role.USER, "This late pivot means we don't have time to boil the ocean for the client deliverable."
    ),
)
REPORTED: Final = {"gpt-3.5-turbo": 129, "gpt-4": 129, "gpt-4o": 124, "gpt-4o-mini": 124}
"""What the API counted for that conversation (OpenAI Cookbook, "How to count tokens with tiktoken"); a role is a token, whichever."""
TEXTS: Final = (
    ("antidisestablishmentarianism", {"gpt-4": 6, "gpt-4o": 6}),
    ("2 + 2 = 4", {"gpt-4": 7, "gpt-4o": 7}),
    ("お誕生日おめでとう", {"gpt-4": 9, "gpt-4o": 8}),
    ("tiktoken is great!", {"gpt-4": 6, "gpt-4o": 6}),
)
"""Of the same page."""


class Remembered:
    """What was reported of the first `most` prompts, for as long as this runs."""

    def __init__(self, most: int) -> None:
        self._most, self.held = most, list[Observation]()

    async def observations(self, counter: str) -> Sequence[Observation]:
        return self.held

    async def observe(self, counter: str, observation: Observation) -> Sequence[Observation]:
        if len(self.held) < self._most:
            self.held.append(observation)
        return self.held


@dataclass(frozen=True, slots=True)
class Measured:
    """One prompt after the calibrating ones: how far off the estimates were, relatively; `going_on` is None for the first of a
    conversation."""

    kind: str
    before: float
    after: float
    going_on: float | None
    margin: float


def size_of(counter: Counter, messages: Sequence[Message]) -> Size:
    return reduce(add, (message_size(counter, message) for message in messages), Size())


def published() -> list[str]:
    """A row for each published figure: ours beside it."""
    rows = []
    for text, figures in TEXTS:
        for model, figure in figures.items():
            rows.append(f"| {model} | `{text}` | {figure} | {tokenizer_for(model).count(text)} |")
    for model, figure in REPORTED.items():
        counter = Exact(tokenizer_for(model), name_field=True)
        ours = counter.tokens(size_of(counter, COOKBOOK))
        rows.append(f"| {model} | the conversation of six messages, four of them named | {figure} | {ours} |")
    return rows


async def reported(provider: Provider, model: str, messages: tuple[Message, ...]) -> int:
    """How many tokens the server says that a prompt has."""
    usage: Usage | None = None
    for _ in range(TRIES):
        with suppress(EmptyAnswer, Overloaded):  # the one token may be a blank, and the machine be busy
            async for delta in provider.stream(Prompt(model, SYSTEM, messages, max_output_tokens=1)):
                usage = delta.usage or usage
        if usage is not None:
            return usage.prompt
    raise RuntimeError("the server reported nothing")


async def measured(provider: Provider, models: Models, spec: Spec, calls: int, count: int) -> list[Measured]:
    """Every prompt of `count` conversations as they grow, after `calls` whole ones to learn from."""
    counter, fresh = [await counter_for(models.get(spec), Remembered(most)) for most in (calls, 0)]
    found = []
    for number, (kind, messages) in enumerate(conversations(calls + count, seed=7)):
        about = f"conversation-{number}" if number >= calls else ""
        for length in range(1, len(messages) + 1, 2) if about else (len(messages),):
            size = size_of(counter, (Message(Role.USER, SYSTEM), *messages[:length]))
            truth = await reported(provider, spec.model, messages[:length])
            if about:
                going_on = counter.tokens(size, about) / truth - 1 if length > 1 else None
                before, after = (one.tokens(size) / truth - 1 for one in (fresh, counter))
                found.append(Measured(kind, before, after, going_on, counter.most(size, about) / truth - 1))
            await counter.learn(size, truth, about)
    return found


def summary(found: Sequence[Measured]) -> list[str]:
    """A row for each kind, and one for all."""
    rows = []
    for kind in (*KINDS, "all"):
        some = [one for one in found if kind in (one.kind, "all")]
        after = sorted(abs(one.after) for one in some)
        going_on = [one.going_on for one in some if one.going_on is not None]
        rows.append(
            f"| {kind} | {len(some)} | {_mean([one.before for one in some])} | {_mean(after)} | "
            f"{after[int(len(after) * 0.9)]:.1%} | {_mean(going_on)} | {max(map(abs, going_on)):.1%} | "
            f"{_mean([one.margin for one in some])} | {sum(one.margin < 0 for one in some)} |"
        )
    return rows


def distribution(found: Sequence[Measured]) -> list[str]:
    """How many prompts of a hundred are estimated within so much, in each way of knowing."""
    ways = {
        "before": [one.before for one in found],
        "after {calls} calls": [one.after for one in found],
        "a conversation goes on": [one.going_on for one in found if one.going_on is not None],
    }
    return [
        f"| {way.format(calls=CALLS)} | "
        + " | ".join(f"{sum(abs(off) <= bound for off in offs) / len(offs):.0%}" for bound in BOUNDS)
        + f" | {max(map(abs, offs)):.1%} |"
        for way, offs in ways.items()
    ]


def _mean(errors: Sequence[float]) -> str:
    return f"{sum(map(abs, errors)) / len(errors):.1%}"


HEAD: Final = """# Counting tokens

Written by `make tokens`, which asks the small local model for real.

## Models whose vocabulary is public

The vocabularies that `tiktoken` knows come along, so that nothing is downloaded. A text conversation counts 3 for each message, 1 for its
role, 1 for a name besides its own tokens, and 3 for the reply: OpenAI's published rule. Ours beside the figures that OpenAI published
(Cookbook, "How to count tokens with tiktoken"):

| model | text | published | ours |
| --- | --- | --: | --: |
"""
BETWEEN: Final = """
## All others

GPT-6, Claude and local models have vocabularies that are not public, or not here. A prompt is measured by one that is, and by what
vocabularies cut in different ways: what a small vocabulary has to cut further, characters of Chinese, Japanese and Korean, digits, other
characters beyond ASCII, messages. What each of them weighs is learnt from the prompts that the model's provider reports, the newest
{remembered} of them; before the first, it is a guess. The margin that a reservation adds is what the fit itself is unsure of: wide for a
kind of writing that was not seen yet, narrow for one that was.

Of a conversation that goes on, its last prompt is known from the provider: only what was added since is estimated.

SmolLM2-135M-Instruct (llama.cpp), whose vocabulary is another one: {calls} conversations to learn from, then {count} others as they grow,
by people with names in four alphabets. Errors are the mean of how far the estimate is off what the server reported.

| kind | prompts | before | after {calls} calls | nine of ten within | a conversation goes on | at worst | margin on top | above the bound |
| --- | --: | --: | --: | --: | --: | --: | --: | --: |
"""
SPREAD: Final = (
    """
Of a hundred prompts so many are off by at most:

| | """
    + " | ".join(f"{bound:.0%}" for bound in BOUNDS)
    + """ | at worst |
| --- |"""
    + " --: |" * (len(BOUNDS) + 1)
)
TAIL: Final = """
A picture counts by its size in pixels, by OpenAI's published rule or an estimate; a file counts for what was read of it, or for the line
that names it ([files.md](files.md)). Sizes are stored with each message, so that building a prompt measures only what is new.
"""


async def main() -> None:
    from bot.tokens.calibration import REMEMBERED

    vocabularies.ensure(Path("data/vocabularies"))
    models = load_models()
    folder = await ensure_installed(Path(".cache/data"), announce=lambda line: print(line, file=sys.stderr))
    async with LocalModel(folder) as local:
        spec = Spec("local", local.model)
        provider = build_provider(spec, Access(local_base_url=local.base_url), models)
        found = await measured(provider, models, spec, CALLS, MEASURED)
        await provider.aclose()
    print(HEAD + "\n".join(published()))
    print(BETWEEN.format(remembered=REMEMBERED, calls=CALLS, count=MEASURED) + "\n".join(summary(found)))
    print("\n".join([SPREAD, *distribution(found)]))
    print(TAIL, end="")


if __name__ == "__main__":
    asyncio.run(main())
