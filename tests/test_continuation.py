"""An answer that broke off is joined with its rest, without a word twice or missing."""

from __future__ import annotations

import random

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import Message, Prompt, Role
from bot.continuation import REQUEST, TAIL, Doubtful, Join, continued, joint

ANSWER = (
    "The quick brown fox jumps over the lazy dog. In the theory of foxes, one that had run enough sleeps under an old apple tree "
    'until evening.\n\n```python\ndef sleep(hours: int = 8) -> None:\n    for hour in range(hours):\n        print(hour, "zzz")\n```\n\n'
    "面包需要面粉、水和时间。先把面粉和水混合，再等一个小时🍞。\n\n1. Mix 500 g of flour with water.\n2. Wait 12 hours… and *bake*!\n"
)


def asked(said: str) -> str:
    """What a model reads last when its answer broke off there."""
    prompt = continued(Prompt("m", "s", (Message(Role.USER, "Tell me"),), 100), said)
    assert [message.role for message in prompt.messages] == [Role.USER, Role.ASSISTANT, Role.USER]
    assert prompt.messages[1].text == said
    return prompt.messages[2].text


def anchor_of(said: str) -> str:
    return asked(said).rpartition("what follows them: ")[2].partition("\n\nNo apology")[0]


def joined(said: str, more: str, draw: random.Random) -> str:
    """The continuation comes in pieces of any size, and all that shows on the way is right."""
    join, text, start = Join(said), said, 0
    while start < len(more):
        size = draw.choice([1, 2, 5, 13, 40])
        text += join.add(more[start : start + size])
        assert ANSWER.startswith(text)
        start += size
    return text + join.finish()


def cuts() -> list[str]:
    """The answer broken off after each of its tokens (those that end inside of a character are broken off before it)."""
    encoding = tiktoken.get_encoding("o200k_base")
    tokens = encoding.encode_ordinary(ANSWER)
    parts = (
        encoding.decode_bytes(tokens[:count]).decode("utf-8", "ignore") for count in range(1, len(tokens))
    )
    return [said for said in dict.fromkeys(parts) if said]


def test_the_rest_is_asked_for_in_a_user_message_that_quotes_the_tail() -> None:
    said = ANSWER[:200]
    assert said[-TAIL:] in asked(said)
    assert asked(said).startswith(REQUEST.partition("{")[0])
    assert said.rstrip().endswith(anchor_of(said))


def test_broken_off_after_any_token_it_is_whole_again_however_the_model_goes_on() -> None:
    draw = random.Random(1)
    assert len(cuts()) > 100
    for said in cuts():
        ways = {
            "exactly there": ANSWER[len(said) :],
            "as it was asked to": anchor_of(said) + ANSWER[len(said.rstrip()) :],
            "with all that was quoted": said[-TAIL:].lstrip() + ANSWER[len(said) :],
            "from the very beginning": ANSWER,
        }
        for way, more in ways.items():
            assert joined(said, more, draw) == ANSWER, (way, said[-30:])


def test_a_model_that_starts_its_turn_without_the_blank_between_words_is_understood() -> None:
    draw = random.Random(2)
    for said in cuts():
        if ANSWER[len(said)] != " " or said[-1] in "\n ":
            continue
        assert joined(f"{said} ", ANSWER[len(said) :].lstrip(), draw) == ANSWER


@given(st.integers(1, 9), st.integers(10, 99))
def test_some_words_that_are_repeated_are_said_once(words: int, cut: int) -> None:
    told = [f"word{number}" for number in range(100)]
    said, again = " ".join(told[:cut]), " ".join(told[max(0, cut - words) :])
    assert said + again[joint(said, again) :] == " ".join(told)
    assert said + " " + again[joint(said + " ", again) :] == " ".join(told)


@pytest.mark.parametrize(
    ("said", "more", "whole"),
    [
        ("sing", "ing", "singing"),
        ("in the", " theory", "in the theory"),
        ("in the ", "theory", "in the theory"),
        ("Hello wor", "world", "Hello world"),
        ("The b", "brown", "The brown"),
        ("eat an", " animal", "eat an animal"),
        ("I", "I think", "I think"),
        ("wait.", "..", "wait..."),
        ("a b c a b c", "a b c d", "a b c a b c d"),
        ("it was had", "it was had had enough", "it was had had enough"),
        ("\n  ", "    y", "\n    y"),
        ("水", "水面", "水水面"),
        ("one.\n", "\nTwo", "one.\n\nTwo"),
        ("one.\n", "one.\n\nTwo", "one.\n\nTwo"),
        ("the one.\n\n", "the one.\n\nTwo", "the one.\n\nTwo"),
    ],
)
def test_what_is_repetition_and_what_is_chance(said: str, more: str, whole: str) -> None:
    assert said + more[joint(said, more) :] == whole


@pytest.mark.parametrize(
    "more",
    [
        "I apologize for the interruption. The lazy dog",
        "Sure! Here is the rest:",
        "抱歉，刚才中断了。",
        "The quick brown fox jumps over a lazy cat instead",
        "fox jumps over the lazy dog. In a theory of everything",
    ],
)
def test_a_continuation_that_begins_anew_or_with_talk_is_doubtful(more: str) -> None:
    join, shown = Join(ANSWER[:76]), ""
    with pytest.raises(Doubtful):  # noqa: PT012 - it may be noticed by any letter
        for letter in more:
            shown += join.add(letter)
        join.finish()
    assert not shown.strip()


def test_a_first_answer_is_passed_through_at_once() -> None:
    join = Join("")
    assert join.add("He") == "He"
    assert join.add("llo") == "llo"
    assert join.finish() == ""


def test_a_fresh_continuation_is_shown_as_soon_as_it_can_be_no_repetition() -> None:
    join = Join("One two three ")
    assert join.add("four five six seven ") == ""
    assert join.add("eight") == "four five six seven eight"
    assert join.add(" nine") == " nine"
