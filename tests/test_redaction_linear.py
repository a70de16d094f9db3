"""Twice the text is twice the work, whatever the text: counted in characters and candidates looked at, not in seconds."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from bot.redaction import Redactor, parse_words
from bot.redaction.detectors import detectors
from bot.redaction.digits import windows
from bot.redaction.findings import Span
from bot.redaction.scanner import Rules, Scanner
from bot.redaction.segment import Detector, Segment
from bot.redaction.words import WordFinder

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
UNITS = [
    "a@", "a@b.", "foo@bar.com,", "(at)", "1 ", "12 ", "123 ", "1234 ", "1-", "+1 ", "(0) ", "4111111111111112", "0138000 1380 ",
    "4111 1111 1111 1112 ", "111.444.777-36 ", "DE89 3704 0044 ", "AB 12 34 56 ", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1234567890abcdef\n", "-", "eyJ", "eyJhbGciOiJI.", "sk-", "sk-a1b2c3 ", "AKIA",
    "a://b:c", "x://a:" + "@" * 250, "password=", "token for a b c ", "key=a1B2c3", "密码a1", "[FILTERED:", "[FILTERED:x]",
    "\u200b", "a\u200b", "词语", "a", "A ", "a.", "a_1", "\n", " ", "1.1.1.", "a::", "<@1234567890 ", "Bearer ", "１３８", "aa ab ",
    "bsn 111222333 ", "Private-Lines: ", "Private-Lines: 9\n", "secret - a1", "<EMAIL_1", "aBaBaB ", "ssn 1 ",
    "550e8400-e29b-41d4-a716-446655440000 ", "\ud800", "ghp_" + "a1B2" * 9 + " ",
]  # fmt: skip


class CountedWords(WordFinder):
    """Counts the characters searched for words."""

    work = 0

    def scan(self, text: str, start: int, *, closed: bool) -> tuple[list[Span], int]:
        self.work += len(text)
        return super().scan(text, start, closed=closed)


class Meter:
    """Rules that count what they are given to look at: characters, and candidates for a number."""

    def __init__(self) -> None:
        self.work = 0
        words = parse_words("aa\naaa\nab\n词语\nre: a.{0,5}b\n" + "\n".join(f"word {n}" for n in range(500)))
        counter = Detector("meter", "word", "", self._count, self._nothing)
        self.words = CountedWords(words)
        self.rules = Rules((counter, *detectors(ip_addresses=True, regions=("CN", "US"))), self.words)

    def _count(self, segment: Segment) -> bool:
        self.work += len(segment.body) + len(windows(segment))
        return False

    def _nothing(self, segment: Segment) -> Iterator[tuple[int, int]]:
        yield from ()

    def of(self, text: str) -> int:
        self.work = self.words.work = 0
        scanner = Scanner(self.rules)
        for start in range(0, len(text), 1024):
            scanner.push(text[start : start + 1024])
        scanner.push("", final=True)
        return self.work + self.words.work


METER = Meter()


@pytest.mark.parametrize("unit", UNITS)
def test_twice_the_text_is_twice_the_work(unit: str) -> None:
    once, twice = (METER.of((unit * size)[:size]) for size in (6_000, 12_000))
    assert once <= 12 * 6_000
    assert twice <= 2.2 * once + 8_000


@pytest.mark.parametrize("unit", ["eyJ", "[FILTERED:", "<EMAIL_1", "Private-Lines: ", "\u200b"])
def test_megabytes_of_near_misses_are_as_many_times_the_work(unit: str) -> None:
    once, twice = (METER.of((unit * size)[:size]) for size in (500_000, 1_000_000))
    assert once <= 12 * 500_000
    assert twice <= 2.1 * once


def test_random_text_is_no_more_work() -> None:
    source = random.Random(7)
    text = "".join(source.choices(BASE64, k=32_000))
    assert METER.of(text) <= 2.2 * METER.of(text[:16_000]) + 8_000


def test_a_long_line_of_what_no_rule_wants_is_masked_nowhere() -> None:
    redactor = Redactor()
    for unit in ("a@", "1 ", "-----BEGIN ", "sk-", "4111111111111112"):
        text = unit * 5_000
        assert redactor.mask(text).text == text
