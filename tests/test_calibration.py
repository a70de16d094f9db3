"""What reported prompts teach: weights for each kind of writing, and a margin that narrows as they are learnt."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

import pytest
from sqlalchemy import insert

from benchmarks.conversations import conversations
from bot.chat import Message, Observation, Role, Size
from bot.context import message_size
from bot.models.catalogue import load_models
from bot.tokens.calibration import fitted, published
from bot.tokens.counting import Estimate, Exact, counter_for
from bot.tokens.texts import tokenizer_for
from storage.calibrations import KEPT
from storage.stores import Stores
from storage.tables import calibrations
from storage.values import shape_json, size_value
from tests.emulators.llm import LLMEmulator, say
from tests.provider_rig import ask, make, opened

pytest_plugins = ["tests.databases"]

Truth = Callable[[Size], int]


def prompt(draw: random.Random, *, wide: bool = True) -> Size:
    """A conversation of one to nine messages, of some words, some Chinese, some digits."""
    messages = draw.choice([1, 3, 5, 9])
    tokens, chinese = draw.randint(10, 120) * messages, draw.randint(0, 60) * messages * wide
    return Size(
        tokens + chinese * 3 // 4,
        small=draw.randint(tokens, tokens * 5 // 4) + chinese * 5 // 4,
        wide=chinese,
        digits=draw.randint(0, 9),
        foreign=draw.randint(0, 12),
        messages=messages,
    )


def claude(size: Size) -> int:
    """A vocabulary of another make, with a frame of its own around messages."""
    return round(1.22 * size.tokens + 0.4 * size.wide + 0.3 * size.digits + 6 * size.messages + 11)


def own(size: Size) -> int:
    """The vocabulary that was believed to be the model's own, and is."""
    return size.tokens + 4 * size.messages + 3


def off(truth: Truth, sizes: list[Size], *, calls: int, ratio: float) -> float:
    """The largest relative error after so many calls."""
    learnt = fitted([Observation(size, truth(size)) for size in sizes[:calls]], ratio=ratio)
    return max(abs(learnt.tokens(size) - truth(size)) / truth(size) for size in sizes[20:])


@pytest.mark.parametrize(("truth", "ratio"), [(claude, 1.3), (claude, 1.0), (own, 1.0), (own, 1.3)])
def test_after_twenty_calls_every_prompt_is_within_two_percent(truth: Truth, ratio: float) -> None:
    draw = random.Random(11)
    sizes = [prompt(draw) for _ in range(60)]
    assert off(truth, sizes, calls=20, ratio=ratio) < 0.02


def test_a_vocabulary_that_is_the_models_own_needs_no_calls() -> None:
    draw = random.Random(3)
    assert off(own, [prompt(draw) for _ in range(40)], calls=0, ratio=1.0) == 0


def test_the_margin_shrinks_with_what_was_seen_and_stays_wide_for_what_was_not() -> None:
    draw = random.Random(5)
    english = [prompt(draw, wide=False) for _ in range(40)]
    chinese = Size(300, small=500, wide=400, messages=1)
    margins, unseen = [], []
    for calls in (0, 3, 20, 40):
        learnt = fitted([Observation(size, claude(size)) for size in english[:calls]], ratio=1.3)
        margins.append(learnt.most(english[0]) / learnt.tokens(english[0]) - 1)
        unseen.append(learnt.most(chinese) - claude(chinese))
    assert margins == sorted(margins, reverse=True)
    assert margins[0] > 0.1 and margins[-1] < 0.03
    assert min(unseen) >= 0, "what may come is never bounded too low"


def test_a_few_strange_reports_change_little() -> None:
    draw = random.Random(7)
    sizes = [prompt(draw) for _ in range(60)]
    seen = [Observation(size, claude(size)) for size in sizes[:30]]
    seen[4::10] = [Observation(one.size, one.reported * 3) for one in seen[4::10]]
    learnt = fitted(seen, ratio=1.3)
    worst = max(abs(learnt.tokens(size) - claude(size)) / claude(size) for size in sizes[30:])
    assert worst < 0.1


def test_pictures_come_on_top_of_the_words() -> None:
    assert published().tokens(Size(10, images=3_000, messages=1)) == 10 + 3 + 1 + 3 + 3_000


async def test_what_the_operator_says_of_a_models_vocabulary_holds(stores: Stores, tmp_path: Path) -> None:
    extra = tmp_path / "models.toml"
    extra.write_text('[openai."our-deployment"]\nlike = "gpt-4"\n')
    counter = await counter_for(load_models(extra).get("our-deployment"), stores.calibrations)
    assert (counter.name, counter.exact) == ("cl100k_base", True)
    assert not (await counter_for(load_models().get("our-deployment"), stores.calibrations)).exact


async def test_a_known_vocabulary_is_exact_and_any_other_learns_and_remembers(stores: Stores) -> None:
    models = load_models()
    exact = await counter_for(models.get("gpt-4o"), stores.calibrations)
    assert isinstance(exact, Exact)
    size = exact.measure("tiktoken is great!") + Size(messages=1)
    assert exact.tokens(size) == exact.most(size) == 6 + 3 + 1 + 3
    await exact.learn(size, 99)
    assert exact.tokens(size) == 13

    draw = random.Random(2)
    counter = await counter_for(models.get("claude-haiku-5-5"), stores.calibrations)
    assert isinstance(counter, Estimate)
    for _ in range(KEPT + 6):
        size = prompt(draw)
        await counter.learn(size, claude(size))
    await counter.learn(size, 0)  # nothing was reported
    await counter.learn(Size(images=1), 9_999)
    again = await counter_for(models.get("claude-haiku-5-5"), stores.calibrations)
    assert isinstance(again, Estimate)
    assert again.calibration == counter.calibration
    assert counter.calibration.calls == KEPT
    other = await counter_for(models.get("claude-opus-5-5"), stores.calibrations)
    assert isinstance(other, Estimate)
    assert other.calibration.calls == 0


async def test_what_an_older_version_measured_otherwise_teaches_nothing(stores: Stores) -> None:
    old = {"counter": "c", "size": [10, 8, 0, 0, 0, 2, 0, 1], "reported": 12}
    await stores.database.write(lambda writing: writing.sql.execute(insert(calibrations).values(old)))
    assert list(await stores.calibrations.observations("c")) == []
    new = Observation(Size(10, small=11, messages=1), 13)
    assert list(await stores.calibrations.observe("c", new)) == [new]
    assert size_value(10, [8, 0, 0, 0, 2, 0]) is None
    assert size_value(10, shape_json(new.size)) == Size(10, small=11)


async def test_of_a_conversation_that_goes_on_only_what_was_added_is_estimated(stores: Stores) -> None:
    def strange(size: Size) -> int:
        """A vocabulary that no weights describe: it also counts what no size knows of."""
        return round(1.9 * size.tokens + 700 + 6 * size.messages)

    counter = await counter_for(load_models().get("claude-haiku-5-5"), stores.calibrations)
    size = Size(2_000, small=2_200, messages=9)
    await counter.learn(size, strange(size), "conversation-1")
    longer = size + Size(120, small=130, messages=2)
    known, unknown = counter.tokens(longer, "conversation-1"), counter.tokens(longer, "conversation-2")
    assert abs(known / strange(longer) - 1) < 0.02 < abs(unknown / strange(longer) - 1)
    surer, vaguer = (counter.most(longer, f"conversation-{one}") for one in (1, 2))
    assert strange(longer) <= surer
    assert surer / known < 1.05 < vaguer / unknown
    other = Size(30, small=32, messages=2)  # began anew: what was known of it helps no more
    assert counter.tokens(other, "conversation-1") == counter.tokens(other)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("Hi, it's 4200 1!", Size(digits=4 - 2)),
        ("水。", Size(wide=2)),
        ("naïve 😀", Size(foreign=2 + 4)),
        ("1 𠀀", Size(wide=1)),
    ],
)
def test_a_text_is_taken_apart(text: str, size: Size) -> None:
    measured = tokenizer_for("gpt-4o").measure(text)
    assert measured == replace(size, tokens=measured.tokens, small=measured.small)


def test_a_small_vocabulary_cuts_more_where_a_large_one_knows_more() -> None:
    measure = tokenizer_for("gpt-4o").measure
    plain, rare, chinese = map(
        measure, ("I like the old house.", "sesquipedalian reticulocytes", "图书馆的座位")
    )
    assert plain.small == plain.tokens
    assert rare.small > rare.tokens
    assert chinese.small > 1.5 * chinese.tokens


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1-mini", "gpt-5.4-mini"])
async def test_a_conversation_counts_as_another_tokenizer_counts_what_was_sent(model: str) -> None:
    """To the token: the emulator counts the request's own fields, by the published rule, with a tokenizer of another maker."""
    counter = Exact(tokenizer_for(model), name_field=True)
    async with (
        LLMEmulator(rule=lambda request: say("Yes.")) as llm,
        opened(make("chat", llm.url)) as provider,
    ):
        for _, messages in conversations(24, seed=5):
            heard = await ask(provider, "chat", *messages, model=model)
            sizes = [message_size(counter, one) for one in (Message(Role.USER, "Be brief."), *messages)]
            assert heard.usage is not None
            assert counter.tokens(reduce(add, sizes)) == heard.usage.prompt
