"""What the model sees: the newest whole turns that fit, with room for the answer, each prompt beginning like the one before."""

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import Exchange, Mark, Message, Note, Picture, Pin, Role, Size, Summary
from bot.context import LOW_WATER, SHARE, Fitted, Window, fit, window_for
from bot.errors import TooLong
from bot.marking import NOTED, SUMMED_UP
from bot.ports import Beginning
from bot.tokens.calibration import published
from bot.tokens.texts import PER_MESSAGE, PER_NAME, PER_REPLY, PER_ROLE

START = datetime(2026, 11, 25, tzinfo=UTC)
NOTHING = Beginning()


class Words:
    """Counts words, by the published rule, and remembers what it was asked to measure."""

    name = "words"
    exact = True

    def __init__(self) -> None:
        self.counted: list[str] = []
        self._rule = published()

    def measure(self, text: str) -> Size:
        self.counted.append(text)
        return Size(len(text.split()))

    def measure_picture(self, picture: Picture) -> Size:
        return Size(images=picture.width)

    def measure_lead(self, lead: str, text: str) -> Size:
        return self.measure(lead)

    def measure_name(self, name: str, text: str) -> Size:
        return self.measure(name) + Size(tokens=PER_NAME) if name else Size()

    def tokens(self, size: Size, about: str = "") -> int:
        return self._rule.tokens(size)

    def most(self, size: Size, about: str = "") -> int:
        return self._rule.most(size)

    async def learn(self, size: Size, reported: int, about: str = "") -> None:
        raise AssertionError("nothing is learnt from fitting")


def exchange(number: int, words: int = 5, counter: str = "words") -> Exchange:
    text = " ".join(["w"] * words)
    return Exchange(
        number,
        "Ada",
        f"q{number} {text}",
        f"a{number} {text}",
        Size(words + 1),
        Size(words + 1),
        counter,
        START + timedelta(seconds=number),
    )


async def fitting(
    told: Sequence[Exchange],
    window: Window,
    beginning: Beginning = NOTHING,
    asked: Message | None = None,
    *,
    system: str = "s",
) -> Fitted:
    """Fit the newest turns that `beginning` begins with."""
    newer = [one for one in told if beginning.since is None or one.mark >= beginning.since]
    return await fit(
        newest_first(*newer),
        asked or question(),
        beginning=beginning,
        system=system,
        window=window,
        counter=Words(),
        named=True,
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
        beginning=NOTHING,
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
        beginning=NOTHING,
        system="be kind",
        window=Window(1000, 100),
        counter=Words(),
        named=True,
    )
    assert fitted.system == PER_REPLY + PER_MESSAGE + PER_ROLE + 2
    assert fitted.question == PER_MESSAGE + PER_ROLE + PER_NAME + 1 + 2
    assert fitted.history == 2 * (PER_MESSAGE + PER_ROLE) + PER_NAME + 1 + 6 + 6


async def test_whole_turns_are_dropped_from_the_oldest_on_down_to_the_low_water_mark() -> None:
    history = [exchange(n) for n in range(1, 9)]
    fitted = await fitting(history, Window(120, 100))
    assert [m.text[:2] for m in fitted.messages] == ["q7", "a7", "q8", "a8", "wh"]
    assert fitted.moved and fitted.dropped
    assert fitted.since == history[6].mark
    room = 120 - fitted.question - fitted.system
    assert fitted.history <= room * LOW_WATER < fitted.history + 22
    full = await fitting(history[4:], Window(120, 100), Beginning(since=history[4].mark))
    assert (full.turns, full.moved, full.dropped, full.since) == (4, False, True, history[4].mark)


async def test_a_question_that_does_not_fit_alone_is_too_long() -> None:
    with pytest.raises(TooLong):
        await fit(
            newest_first(),
            question("w " * 100),
            beginning=NOTHING,
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
        beginning=NOTHING,
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
        beginning=NOTHING,
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

    await fit(
        history(),
        question(),
        beginning=NOTHING,
        system="",
        window=Window(100, 10),
        counter=Words(),
        named=False,
    )
    assert len(read) < 10


async def test_an_estimate_leaves_a_margin() -> None:
    class Guess(Words):
        exact = False

        def most(self, size: Size, about: str = "") -> int:
            return math.ceil(self.tokens(size) * 1.15)

    exact = await fit(
        newest_first(*map(exchange, range(50))),
        question(),
        beginning=NOTHING,
        system="",
        window=Window(300, 10),
        counter=Words(),
        named=False,
    )
    guess = await fit(
        newest_first(*map(exchange, range(50))),
        question(),
        beginning=NOTHING,
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
    fitted = await fitting(exchanges, Window(budget, 10))
    assert fitted.total <= budget
    kept = [m.text.split()[0] for m in fitted.messages if m.role is Role.ASSISTANT]
    assert kept == [f"a{one.turn}" for one in exchanges[len(exchanges) - len(kept) :]]
    assert fitted.dropped == fitted.moved == (len(kept) < len(exchanges))


# What stays in front.


def note(number: int, words: int) -> Pin:
    return Pin(number, Note(" ".join(["n"] * words), Size(words), "words"))


async def test_pins_and_the_gist_stand_before_the_history_and_a_pinned_turn_only_once() -> None:
    told = [exchange(number) for number in range(1, 7)]
    gist = Summary(Note("they met", Size(2), "other"), told[3].mark)
    pins = (Pin(1, told[0]), note(2, 3), Pin(3, told[4]))
    fitted = await fitting(told, Window(1000, 10), Beginning(since=told[3].mark, summary=gist, pins=pins))
    texts = [message.text for message in fitted.messages]
    assert texts[:4] == [told[0].question, told[0].answer, f"{NOTED}\nn n n", f"{SUMMED_UP}\nthey met"]
    assert [text[:2] for text in texts[4:-1]] == ["q4", "a4", "q5", "a5", "q6", "a6"]
    assert (fitted.turns, fitted.moved) == (3, False)
    pinned = 2 * (PER_MESSAGE + PER_ROLE) + PER_NAME + 1 + 12 + PER_MESSAGE + PER_ROLE + 2 + 3
    assert fitted.pinned == pinned
    assert fitted.summary == PER_MESSAGE + PER_ROLE + 6 + 2
    whole = sum(
        PER_MESSAGE + PER_ROLE + (PER_NAME + 1 if m.name else 0) + len(m.text.split())
        for m in fitted.messages
    )
    assert fitted.total == whole + PER_REPLY + PER_MESSAGE + PER_ROLE + 1


async def test_it_is_marked_how_far_later_prompts_will_be_the_same() -> None:
    told = [exchange(number) for number in range(1, 5)]
    gist = Summary(Note("they met", Size(2), "words"), told[2].mark)
    beginning = Beginning(since=told[2].mark, summary=gist, pins=(note(1, 3),))
    fitted = await fitting(told, Window(1000, 10), beginning)
    assert [m.text.split()[0] for m in fitted.messages if m.lasting] == [SUMMED_UP.split()[0], "a4"]
    assert not any(m.lasting for m in (await fitting([], Window(1000, 10))).messages)


async def test_pins_take_no_more_than_their_share_the_newest_first() -> None:
    fitted = await fitting([], Window(400, 10), Beginning(pins=(note(1, 60), note(2, 40), note(3, 30))))
    assert [message.text.count("n n") for message in fitted.messages] == [20, 15, 0]
    assert fitted.pinned <= 400 // SHARE


async def test_a_question_that_needs_all_the_room_gets_it() -> None:
    told = [exchange(1)]
    gist = Summary(Note("g " * 20, Size(20), "words"), told[0].mark)
    beginning = Beginning(since=told[0].mark, summary=gist, pins=(note(1, 20),))
    fitted = await fitting(told, Window(120, 10), beginning, question("w " * 95), system="")
    assert [message.text for message in fitted.messages] == ["w " * 95]
    assert fitted.moved and fitted.since is None


# A whole conversation.


@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from(["", "pin", "note", "sum up"])), max_size=60),
    st.integers(150, 600),
)
async def test_every_prompt_begins_with_all_of_the_one_before_until_the_next_step(
    steps: list[tuple[int, str]], budget: int
) -> None:
    told: list[Exchange] = []
    beginning = NOTHING
    before: tuple[Message, ...] = ()
    for number, (words, act) in enumerate(steps, 1):
        fitted = await fitting(told, Window(budget, 10), beginning, question(f"q{number} " + "w " * words))
        assert fitted.total <= budget
        if fitted.moved:
            since = fitted.since or Mark(START + timedelta(seconds=number), number)
            assert beginning.since is None or since > beginning.since
            room = budget - fitted.system - fitted.question
            assert fitted.pinned + fitted.summary + fitted.history <= max(
                room * LOW_WATER, 2 * budget // SHARE
            )
            beginning = replace(beginning, since=since)
        else:
            assert fitted.messages[: len(before)] == before
            assert fitted.turns == len(
                [one for one in told if not beginning.since or one.mark >= beginning.since]
            )
        asked = exchange(number, words)
        told.append(replace(asked, question=fitted.messages[-1].text, name="Grace"))
        before = fitted.messages
        if act == "note":
            beginning = replace(beginning, pins=(*beginning.pins, note(number, 3)))
        elif act == "pin" and not any(pin.pinned == told[-1] for pin in beginning.pins):
            beginning = replace(beginning, pins=(*beginning.pins, Pin(number, told[-1])))
        elif act == "sum up" and beginning.since:
            gist = Summary(Note(f"gist {number}", Size(2), "words"), beginning.since)
            beginning = replace(beginning, summary=gist)
        if act or fitted.moved:
            before = ()
