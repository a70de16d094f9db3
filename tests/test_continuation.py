"""An answer that broke off is joined with its rest, without a word twice or missing."""

from hypothesis import given
from hypothesis import strategies as st

from bot.chat import Message, Prompt, Role
from bot.continuation import Join, continued, overlap

ANSWER = "The quick brown fox jumps over the lazy dog, and then it sleeps under the old apple tree until the evening comes."


def join(said: str, *pieces: str) -> str:
    joined = Join(said)
    for piece in pieces:
        joined.add(piece)
    return joined.finish()


def test_the_rest_is_asked_for_in_a_user_message_that_quotes_the_tail() -> None:
    prompt = Prompt("m", "s", (Message(Role.USER, "Tell me"),), 100)
    asked = continued(prompt, ANSWER)
    assert [m.role for m in asked.messages] == [Role.USER, Role.ASSISTANT, Role.USER]
    assert asked.messages[1].text == ANSWER
    assert ANSWER[-100:] in asked.messages[2].text


@given(st.integers(0, len(ANSWER)), st.integers(0, 60), st.lists(st.integers(1, 30), max_size=20))
def test_whatever_is_repeated_at_the_join_is_said_once(cut: int, repeated: int, steps: list[int]) -> None:
    said, rest = ANSWER[:cut], ANSWER[max(0, cut - repeated) :]
    if 0 < len(ANSWER[max(0, cut - repeated) : cut]) < 3:
        return  # one or two repeated letters are taken for chance
    pieces, start = [], 0
    for step in steps:
        pieces.append(rest[start : start + step])
        start += step
    pieces.append(rest[start:])
    if overlap(said, rest) == len(ANSWER[max(0, cut - repeated) : cut]):
        assert join(said, *pieces) == ANSWER


@given(st.integers(3, len(ANSWER)), st.integers(0, 60))
def test_nothing_repeated_is_ever_shown_while_it_grows(cut: int, repeated: int) -> None:
    joined = Join(ANSWER[:cut])
    for letter in ANSWER[max(0, cut - max(3, repeated)) :]:
        assert ANSWER.startswith(joined.add(letter)) or joined.text == ANSWER[:cut]
    assert joined.finish() == ANSWER


def test_a_first_answer_is_passed_through_at_once() -> None:
    joined = Join("")
    assert joined.add("He") == "He"
    assert joined.add("llo") == "Hello"


def test_a_fresh_continuation_is_shown_as_soon_as_it_can_be_no_repetition() -> None:
    joined = Join("One two three ")
    assert joined.add("four") == "One two three four"
