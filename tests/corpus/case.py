"""What the corpus is made of."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and the stretch of it that must be found as this kind; a hard negative has no kind and no stretch."""

    kind: str
    shape: str
    text: str
    start: int = 0
    end: int = 0

    @property
    def secret(self) -> str:
        return self.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Value:
    """Something sensitive, with what always stands around it (as `https://` and `@host` around a password)."""

    secret: str
    before: str = ""
    behind: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """What people call it: in English, in Chinese, and in programs."""

    english: tuple[str, ...]
    chinese: tuple[str, ...]
    program: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """One written form of one kind. `labelled`: only its name tells what it is, so it never stands without one.

    A `token` has no blanks, a `number` may have and may be disguised, a `block` has lines, a `whole` is a text already.
    """

    kind: str
    name: str
    make: Callable[[Random], Value]
    names: Names
    form: str = "token"
    labelled: bool = False


DIGITS = "0123456789"
LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
ALNUM = UPPER + LOWER + DIGITS
HEX = "0123456789abcdef"
BASE64 = ALNUM + "+/"
BASE64URL = ALNUM + "-_"
BASE32 = UPPER + "234567"


def some(random: Random, alphabet: str, count: int) -> str:
    return "".join(random.choices(alphabet, k=count))


def a_number(random: Random, count: int) -> str:
    """So many digits, the first not 0."""
    return random.choice("123456789") + some(random, DIGITS, count - 1)


def b64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def written(random: Random, pattern: str) -> str:
    """`9` is a digit, `A` a capital, `a` a small letter of any kind; the rest stands for itself."""
    alphabets = {"9": DIGITS, "A": UPPER, "a": LOWER}
    return "".join(random.choice(alphabets[mark]) if mark in alphabets else mark for mark in pattern)
