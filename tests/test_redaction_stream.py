"""A growing text shows what the whole text would, however it comes, and never more on the way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.redaction import Redactor, parse_words
from bot.redaction.redactor import HOLD_LIMIT
from tests import test_redaction_personal as personal
from tests import test_redaction_secrets as secret

PLAIN = Redactor(ip_addresses=True)
WORDS = Redactor(
    words=parse_words("Project Titan\n机密文件\nacme\nre: PRJ-\\d+\nre: foo.{0,9}bar\nre: ^top$\ncafé")
)
POSITIVES = [
    "".join(case) for table in (personal.FOUND, secret.FOUND) for cases in table.values() for case in cases
]
NEGATIVES = [
    text for table in (personal.NOT_FOUND, secret.NOT_FOUND) for texts in table.values() for text in texts
]
PROSE = (
    "Thank you for asking. The harbour was built in 1887, and it took (as far as anyone knows) about 12 years; "
    "the lighthouse, which stands 34 metres high, came later.\n\n- First, look at the map.\n- Then walk north!\n\n"
    "你好，这座灯塔建于十九世纪末。它高约34米，每年有很多人来参观。 **It's worth it.** "
)


def streamed(redactor: Redactor, pieces: list[str]) -> str:
    stream = redactor.stream()
    return "".join([*map(stream.feed, pieces), stream.finish()])


@pytest.mark.parametrize("text", POSITIVES, ids=range(len(POSITIVES)))
def test_a_secret_is_never_seen_wherever_it_is_split(text: str) -> None:
    masked = PLAIN.mask(text).text
    for split in range(0, len(text) + 1, max(1, len(text) // 400)):
        stream = PLAIN.stream()
        shown = stream.feed(text[:split])
        assert masked.startswith(shown)
        shown += stream.feed(text[split:])
        assert masked.startswith(shown)
        assert shown + stream.finish() == masked


@pytest.mark.parametrize("text", POSITIVES + NEGATIVES, ids=range(len(POSITIVES + NEGATIVES)))
def test_a_text_may_come_character_by_character(text: str) -> None:
    text = f"Well, {text[:2000]} is it."
    for redactor in (PLAIN, WORDS):
        assert streamed(redactor, list(text)) == redactor.mask(text).text


FRAGMENTS = st.sampled_from(
    [
        *POSITIVES,
        *NEGATIVES,
        *(" ", "\n", ".", "，", "。", "-", "+", "(", ")", "@", ":", "=", "_", "\u200b", "\u200b" * 40, "1", "4111", "138", "13800138000"),
        *("password", "token=", "密码", "eyJ", "sk-", "-----BEGIN ", "-----END RSA PRIVATE KEY-----", "[FILTERED:", "[FILTERED:card]", "]"),
        *("<EMAIL_1>", "<EMAIL_", "_2>"),
        *("project", "Titan", "机密", "文件", "acme", "PRJ-", "foo", "bar", "top", "cafe"),
        *("\u0301", "hello there", "你好", "İß", "\ud800", "x" * 30),
    ]
)  # fmt: skip
TEXTS = st.lists(FRAGMENTS, max_size=12).map("".join) | st.text(max_size=80)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.data())
def test_the_stream_shows_what_the_whole_text_would(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    for redactor in (PLAIN, WORDS):
        masked = redactor.mask(text)
        stream = redactor.stream()
        shown = ""
        for piece in pieces:
            shown += stream.feed(piece)
            assert masked.text.startswith(shown)
            assert stream.held <= HOLD_LIMIT
        assert shown + stream.finish() == masked.text
        assert stream.kinds == masked.kinds


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_masking_again_changes_nothing(text: str) -> None:
    for redactor in (PLAIN, WORDS):
        masked = redactor.mask(text).text
        again = redactor.mask(masked)
        assert again.text == masked
        assert again.kinds == ()


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_findings_are_in_order_and_apart_and_are_what_is_masked(text: str) -> None:
    end = 0
    rest = []
    for finding in WORDS.find(text):
        assert end <= finding.start < finding.end <= len(text)
        rest.append(f"{text[end : finding.start]}[FILTERED:{finding.kind}]")
        end = finding.end
    assert "".join(rest) + text[end:] == WORDS.mask(text).text


@pytest.mark.parametrize("redactor", [PLAIN, WORDS], ids=["plain", "words"])
def test_ordinary_text_waits_for_a_word_or_two_at_most(redactor: Redactor) -> None:
    stream = redactor.stream()
    longest = 0
    for character in PROSE * 20:
        stream.feed(character)
        longest = max(longest, stream.held)
    assert longest <= 24


def test_a_phrase_waits_only_while_it_may_still_be_one() -> None:
    stream = WORDS.stream()
    assert stream.feed("the project ") == "the "
    assert stream.feed("tit") == ""
    assert stream.feed("le is ") == "project title is "


@pytest.mark.parametrize(
    ("before", "unit", "behind", "kind"),
    [
        ("-----BEGIN EC PRIVATE KEY-----\n", "QUJDREVGR0hJSktMTU5PUFFS\n", "-----END EC PRIVATE KEY-----", "private_key"),
        ("-----BEGIN PRIVATE KEY-----\\n", "QUJDREVGR0hJ", "", "private_key"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0", "NTY3ODkw", ".c2lnbmF0dXJl", "jwt"),
        ("postgres://bob:s3cret@db/", "path", "", "connection_string"),
        ("ghp_", "a1B2", "", "api_key"),
    ],
)  # fmt: skip
def test_a_giant_secret_is_masked_without_being_held(before: str, unit: str, behind: str, kind: str) -> None:
    text = before + unit * 20_000 + behind
    stream = PLAIN.stream()
    shown = stream.feed("see ")
    for start in range(0, len(text), 1000):
        shown += stream.feed(text[start : start + 1000])
        assert stream.held <= HOLD_LIMIT
    shown += stream.feed(" done")
    assert shown + stream.finish() == f"see [FILTERED:{kind}] done" == PLAIN.mask(f"see {text} done").text


@pytest.mark.parametrize(
    "unit", ["a", "1", "1 ", "1-", "a@", "eyJ", "-", "[FILTERED:", "\u200b", "+1 ", "A B ", "机", "a.b/", "PRJ-", "foo "]
)  # fmt: skip
def test_no_text_is_held_beyond_the_limit(unit: str) -> None:
    text = (unit * 20_000)[:20_000]
    for redactor in (PLAIN, WORDS):
        stream = redactor.stream()
        shown = ""
        for start in range(0, len(text), 500):
            shown += stream.feed(text[start : start + 500])
            assert stream.held <= HOLD_LIMIT
        assert shown + stream.finish() == redactor.mask(text).text


def test_a_finished_stream_takes_no_more() -> None:
    stream = PLAIN.stream()
    assert stream.finish() == ""
    with pytest.raises(ValueError, match="finished"):
        stream.feed("more")
