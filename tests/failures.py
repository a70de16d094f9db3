"""Every way in which a model's API may fail, and what becomes of it: the table of `docs/failures.md`, which the tests hold true.

`python -m tests.failures > docs/failures.md` writes the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.emulators.llm import WORDS, Answer, Break, End, How, refuse, say
from tests.emulators.llm.faults import REFUSALS

WORDS_BEFORE: Final = 3
"""Chunks of the answer that come before it breaks half-way."""


class Charged(StrEnum):
    """What one call costs."""

    NOTHING = "nothing"
    REPORTED = "as reported"
    RESERVED = "all that was reserved"


@dataclass(frozen=True, slots=True)
class Failure:
    """One way to fail. `answer` tells the emulator how, for an API; `notice` is the text's code that a person reads when it goes on so.

    `calls` are how many calls are charged for, each as `charged` says; `requests` how many reach the API in all. `hands_on`: another
    model that stands by answers instead. `heals`: if it was only once, the answer is whole. `direct`: the server is reached at all.
    `wait`: how long people are told to wait.
    """

    name: str
    answer: Callable[[str], Answer]
    notice: str
    code: str = ""
    calls: int = 1
    requests: int = 1
    charged: Charged = Charged.NOTHING
    hands_on: bool = True
    heals: bool = False
    done: str = "nothing is tried again"
    wait: str = ""


TRIES: Final = 4
ROUNDS: Final = 2
RETRIED: Final = f"tried up to {TRIES} times within 30 s, with growing waits"
GONE_ON: Final = f"gone on with where it broke, up to {ROUNDS} times"
AGAIN: Final = f"asked again, up to {ROUNDS} times"


def refused(name: str, **headers: str) -> Callable[[str], Answer]:
    return lambda api: refuse(REFUSALS[name], **headers)


def broken(how: How) -> Callable[[str], Answer]:
    """After some words. The APIs send different numbers of events before the first."""
    before = {"chat": 1, "compatible": 1, "responses": 4, "anthropic": 3}
    return lambda api: say(*WORDS, breaks=Break(how, before[api] + WORDS_BEFORE))


def begun(how: How) -> Callable[[str], Answer]:
    """Before any word."""
    return lambda api: say(*WORDS, breaks=Break(how, 1 if how is not How.MALFORMED else 0))


def half_way(name: str, how: How) -> Failure:
    return Failure(
        name,
        broken(how),
        "cut_off",
        calls=1 + ROUNDS,
        requests=1 + ROUNDS,
        charged=Charged.RESERVED,
        heals=True,
        hands_on=False,
        done=GONE_ON,
    )


FAILURES: Final = (
    Failure("invalid key", refused("unauthorized"), "misconfigured"),
    Failure("permission refused", refused("forbidden"), "misconfigured"),
    Failure("model unknown or retired", refused("model_not_found"), "misconfigured"),
    Failure("no quota", refused("quota"), "quota"),
    Failure("no credit", refused("payment_required"), "quota"),
    Failure("rate limit", refused("rate_limited"), "overloaded", requests=TRIES, heals=True, done=RETRIED),
    Failure(
        "rate limit, `Retry-After: 2`",
        refused("rate_limited", retry_after="2"),
        "overloaded_until",
        requests=TRIES,
        heals=True,
        done=f"{RETRIED}, each at least 2 s",
        wait="2 seconds",
    ),
    Failure(
        "rate limit, `Retry-After: 600`",
        refused("rate_limited", retry_after="600"),
        "overloaded_until",
        done="nothing is tried again: the wait is too long, and told",
        wait="10 minutes",
    ),
    Failure(
        "overload (503, 529)", refused("overloaded"), "overloaded", requests=TRIES, heals=True, done=RETRIED
    ),
    Failure(
        "server error (500)", refused("server_error"), "overloaded", requests=TRIES, heals=True, done=RETRIED
    ),
    Failure(
        "bad gateway, in HTML", refused("bad_gateway"), "overloaded", requests=TRIES, heals=True, done=RETRIED
    ),
    Failure(
        "overload told in the stream, status 200, before any word",
        begun(How.OVERLOADED),
        "overloaded",
        requests=TRIES,
        heals=True,
        done=RETRIED,
    ),
    half_way("overload told in the stream, after some words", How.OVERLOADED),
    Failure(
        "context too long",
        refused("context_length"),
        "too_long",
        calls=2,
        requests=2,
        heals=True,
        done="half of the history is left out, once",
    ),
    Failure("content filter on the question", refused("content_filter"), "content_filtered", hands_on=False),
    Failure(
        "content filter before any word",
        lambda api: Answer(end=End.FILTERED),
        "content_filtered",
        charged=Charged.REPORTED,
        hands_on=False,
    ),
    Failure(
        "content filter, after some words",
        lambda api: say(*WORDS, end=End.FILTERED),
        "declined",
        charged=Charged.REPORTED,
        hands_on=False,
        done="what was said stays",
    ),
    Failure(
        "refusal in words",
        lambda api: say("I", " can't help with that.", end=End.REFUSED),
        "declined",
        charged=Charged.REPORTED,
        hands_on=False,
        done="what was said stays",
    ),
    Failure(
        "length limit",
        lambda api: say(*WORDS, end=End.LENGTH),
        "cut_at_length",
        charged=Charged.REPORTED,
        hands_on=False,
        done="Continue goes on; by itself with `REJOINDER_CONTINUE_AT_LENGTH`",
    ),
    Failure(
        "nothing said: reasoning used up the cap",
        lambda api: Answer(WORDS, reasoning=500),
        "empty",
        charged=Charged.REPORTED,
    ),
    half_way("silent end of the stream", How.EOF),
    half_way("half an event, then the end", How.MID_EVENT),
    half_way("connection closed", How.DISCONNECT),
    half_way("connection reset", How.RESET),
    half_way("stalled stream", How.STALL),
    half_way("malformed JSON, after some words", How.MALFORMED),
    Failure(
        "malformed JSON, before any word", begun(How.MALFORMED), "bad_response", charged=Charged.RESERVED
    ),
    Failure(
        "no answer at all",
        lambda api: say(*WORDS, hold=-1),
        "overloaded",
        calls=1 + ROUNDS,
        requests=1 + ROUNDS,
        charged=Charged.RESERVED,
        heals=True,
        done=AGAIN,
    ),
    Failure(
        "wrong content type (a web page)",
        lambda api: Answer(page="<html>Log in to the hotel's network</html>"),
        "bad_response",
        charged=Charged.RESERVED,
    ),
)

UNREACHED: Final = (
    Failure("TLS refused or impossible", refused("unauthorized"), "misconfigured", requests=0),
    Failure("nobody listens there", refused("unauthorized"), "overloaded", requests=0, done=RETRIED),
)
"""No request arrives: the address is wrong, or what stands there."""

HEAD: Final = """# When a model's API fails

Every way to fail has a name, and each is dealt with in one place. This table is made from what the tests try out: each row, for OpenAI's
Responses and chat completions, a compatible server and Claude, through the vendors' own SDKs, against a server that fails.

- **Tried again** is only what cost nothing, before the first word, within 30 seconds in all; `Retry-After` is honoured up to that.
- **Gone on with** is what broke off: the words stay, the next call is shown them and asked for the rest; the join drops what is repeated.
  Where no join can be trusted, or the rounds are used up, the answer ends with a mark and a button, Continue.
- **Handed on**: with `REJOINDER_FALLBACK_MODELS`, the next model answers, and the answer says so. A model that fails three times in a row
  is left alone for 20 seconds, then longer, up to five minutes; each process finds that out by itself.
- **Charged**: a refused call costs nothing; one that reported its usage costs that; of all others nobody knows, so each costs what was
  reserved for it.
- The **log** has one line for each failure: the turn, the model, the code of the error, the vendor's own code and status; and with the
  notice its reference. Never a word of question or answer, never a key.

| failure | what is done | if it stays so, people read | charged | with another model standing by |
| --- | --- | --- | --- | --- |
"""


def markdown(texts: Mapping[str, str]) -> str:
    """The page; `texts` are the notices."""
    rows = [_row(one, texts) for one in (*FAILURES, *UNREACHED)]
    return HEAD + "\n".join(rows) + "\n"


def _row(one: Failure, texts: Mapping[str, str]) -> str:
    text = texts[one.notice].replace(" (reference {reference})", "").replace("{wait}", one.wait)
    charged = (
        f"{one.charged}, for each of {one.calls} calls"
        if one.calls > 1 and one.charged is not Charged.NOTHING
        else one.charged
    )
    instead = (
        "it answers"
        if one.hands_on
        else "goes on with it after a second break"
        if one.done == GONE_ON
        else "the same"
    )
    return f"| {one.name} | {one.done} | {text} | {charged} | {instead} |"


if __name__ == "__main__":
    from bot.notices import TEXTS

    print(markdown(TEXTS["en"]), end="")
