"""What the model sees: the newest whole turns that fit, with room for the answer."""

import math
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.calibration import published
from bot.chat import Exchange, Message, Role, Size
from bot.context import Window, fit, window_for
from bot.errors import TooLong
from bot.tokens import PER_MESSAGE, PER_NAME, PER_REPLY, PER_ROLE


class Words:
    """Counts words, by the published rule, and remembers what it was asked to measure."""

    name = "words"
    exact = True

    def __init__(self) -> None:
        self.counted: list[str] = []
        self._rule = published(image=0)

    def measure(self, text: str) -> Size:
        self.counted.append(text)
        return Size(len(text.split()))

    def tokens(self, size: Size) -> int:
        return self._rule.tokens(size)

    def most(self, size: Size) -> int:
        return self._rule.most(size)

    async def learn(self, size: Size, reported: int) -> None:
        raise AssertionError("nothing is learnt from fitting")


def exchange(number: int, words: int = 5, counter: str = "words") -> Exchange:
    text = " ".join(["w"] * words)
    return Exchange(
        number, "Ada", f"q{number} {text}", f"a{number} {text}", Size(words + 1), Size(words + 1), counter
    )


async def newest_first(*exchanges: Exchange) -> AsyncIterator[Exchange]:
    for one in reversed(exchanges):
        yield one


def question(text: str = "what now") -> Message:
    return Message(Role.USER, text, "Grace")


async def test_everything_fits_in_order_of_arrival() -> None:
    fitted = await fit(
        newest_first(exchange(1), exchange(2)),
        question(),
        system="be kind",
        window=Window(1000, 100),
        counter=Words(),
        named=True,
    )
    assert [m.text[:2] for m in fitted.messages] == ["q1", "a1", "q2", "a2", "wh"]
    assert [m.name for m in fitted.messages] == ["Ada", "", "Ada", "", "Grace"]
    assert (fitted.turns, fitted.dropped) == (2, False)


async def test_counts_follow_the_published_rule() -> None:
    fitted = await fit(
        newest_first(exchange(1)),
        question("a b"),
        system="be kind",
        window=Window(1000, 100),
        counter=Words(),
        named=True,
    )
    assert fitted.system == PER_REPLY + PER_MESSAGE + PER_ROLE + 2
    assert fitted.question == PER_MESSAGE + PER_ROLE + PER_NAME + 1 + 2
    assert fitted.history == 2 * (PER_MESSAGE + PER_ROLE) + PER_NAME + 1 + 6 + 6


async def test_whole_turns_are_dropped_from_the_oldest_on() -> None:
    history = newest_first(*[exchange(n) for n in range(1, 6)])
    fitted = await fit(history, question(), system="", window=Window(60, 100), counter=Words(), named=False)
    assert [m.text[:2] for m in fitted.messages] == ["q4", "a4", "q5", "a5", "wh"]
    assert fitted.dropped
    assert fitted.total <= 60


async def test_a_question_that_does_not_fit_alone_is_too_long() -> None:
    with pytest.raises(TooLong):
        await fit(
            newest_first(),
            question("w " * 100),
            system="",
            window=Window(50, 10),
            counter=Words(),
            named=False,
        )


async def test_stored_counts_are_not_counted_again() -> None:
    counter = Words()
    await fit(
        newest_first(exchange(1), exchange(2)),
        question(),
        system="",
        window=Window(1000, 10),
        counter=counter,
        named=False,
    )
    assert not [text for text in counter.counted if text.startswith(("q", "a"))]


async def test_counts_of_another_tokenizer_are_counted_again() -> None:
    counter = Words()
    await fit(
        newest_first(exchange(1, counter="other")),
        question(),
        system="",
        window=Window(1000, 10),
        counter=counter,
        named=False,
    )
    assert [text[:2] for text in counter.counted if text[:1] in "qa"] == ["q1", "a1"]


async def test_reading_stops_at_the_first_turn_that_does_not_fit() -> None:
    read: list[int] = []

    async def history() -> AsyncIterator[Exchange]:
        for number in range(1000, 0, -1):
            read.append(number)
            yield exchange(number)

    await fit(history(), question(), system="", window=Window(100, 10), counter=Words(), named=False)
    assert len(read) < 10


async def test_an_estimate_leaves_a_margin() -> None:
    class Guess(Words):
        exact = False

        def most(self, size: Size) -> int:
            return math.ceil(self.tokens(size) * 1.15)

    exact = await fit(
        newest_first(*map(exchange, range(50))),
        question(),
        system="",
        window=Window(300, 10),
        counter=Words(),
        named=False,
    )
    guess = await fit(
        newest_first(*map(exchange, range(50))),
        question(),
        system="",
        window=Window(300, 10),
        counter=Guess(),
        named=False,
    )
    assert guess.total * 1.15 <= 300
    assert guess.turns < exact.turns


@pytest.mark.parametrize(
    ("window", "output", "wanted", "expected"),
    [
        (128_000, 16_000, (16_000, 1_500), Window(16_000, 1_500)),
        (2_048, 2_048, (16_000, 1_500), Window(1_024, 1_024)),
        (10_000, 500, (16_000, 1_500), Window(9_500, 500)),
    ],
)
def test_a_small_window_is_shared(
    window: int, output: int, wanted: tuple[int, int], expected: Window
) -> None:
    assert window_for(window, output, context_tokens=wanted[0], max_output_tokens=wanted[1]) == expected


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(20, 400))
async def test_the_budget_is_never_passed_and_the_newest_always_come_first(
    sizes: list[int], budget: int
) -> None:
    exchanges = [exchange(number, words) for number, words in enumerate(sizes)]
    fitted = await fit(
        newest_first(*exchanges),
        question(),
        system="s",
        window=Window(budget, 10),
        counter=Words(),
        named=True,
    )
    assert fitted.total <= budget
    kept = [m.text.split()[0] for m in fitted.messages if m.role is Role.ASSISTANT]
    assert kept == [f"a{one.turn}" for one in exchanges[len(exchanges) - len(kept) :]]
    assert fitted.dropped == (len(kept) < len(exchanges))
