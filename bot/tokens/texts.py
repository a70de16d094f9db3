"""How many tokens a text has: tiktoken's count where it knows the model, a marked estimate everywhere else.

Never raises, never touches the network, never breaks on a hostile text.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import math
from collections.abc import Iterator

import regex
import tiktoken

from bot.chat import Size
from bot.tokens import vocabularies
from bot.tokens.vocabularies import CL100K, Vocabulary

PER_MESSAGE = 3
PER_ROLE = 1
PER_NAME = 1
PER_REPLY = 3
"""OpenAI Cookbook, "How to count tokens with tiktoken", for chat prompts: every message, its role (one token
in every vocabulary here), every name besides its own tokens, and once the priming of the reply."""

FALLBACK = "o200k_base"
PUBLISHED = ("o200k_base", "cl100k_base")
"""The vocabularies of OpenAI's own models, for which that rule is published. What gpt-oss is served with puts words of its own around a
prompt."""
SMALL = 32_000
"""Tokens of the small vocabulary: the first ones of a larger one, since a vocabulary lists its merges in the order of how often they were
needed. It cuts words as GPT-2 did, and most small models since: no camel case, digits in one run."""
GROUP = 3
"""Digits that the vocabularies here take together at most."""
PIECE = 100_000
"""Characters encoded at once. tiktoken's regex engine overflows its stack somewhere above 700,000 spaces."""

WORD = 1_000
"""Characters that a text's first word has at most, nearly always: no more is looked at of how it begins."""

ROUGH_CUT = 4
"""Added for a cut without a seam: the pieces beside it may have a token or two fewer than the whole."""

_SEAM = regex.compile(r"(?r)(?<=\p{L})(?=[^\p{L}\p{M}\p{N}'’])")
"""The last place after a letter where every encoding here begins a token: a cut there changes no count."""

_FIRST_SEAM = regex.compile(r"(?<=\p{L})(?=[^\p{L}\p{M}\p{N}'’])")
"""The same, the first one."""

_SMALL_CUTS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"  # as GPT-2's: tiktoken's r50k_base
_DIGITS = regex.compile(r"[0-9]+")
_BEYOND = regex.compile(r"[^\x00-\x7f]+")
_WIDE = regex.compile(r"[\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+")


class Tokenizer:
    """`name` is the encoding's; `exact`: the model's own. Without an encoding, characters are weighed."""

    def __init__(self, encoding: tiktoken.Encoding | None, *, exact: bool = False) -> None:
        self._encoding = encoding
        self._small = _small() if encoding else None
        self.name = encoding.name if encoding else "characters"
        self.exact = exact and encoding is not None

    def __repr__(self) -> str:
        return f"Tokenizer({self.name!r}, exact={self.exact})"

    def count(self, text: str) -> int:
        """Tokens of a text, special-token spellings in it taken as plain words.

        Beyond `PIECE` characters the text is cut at seams between words, which changes nothing. Half that
        length without any seam (a wall of spaces or symbols) is cut anywhere, and the count becomes an upper
        bound, a few tokens above the truth.
        """
        if self._encoding is None:
            return _weigh(text)
        return _count(self._encoding, text)

    def measure(self, text: str) -> Size:
        """Its tokens, and what other vocabularies may cut otherwise."""
        tokens = self.count(text)
        small = tokens if self._small is None else _count(self._small, text)
        digits = sum(len(run) - math.ceil(len(run) / GROUP) for run in _DIGITS.findall(text))
        if text.isascii():
            return Size(tokens, small, digits=digits)
        wide = _WIDE.findall(text)
        beyond = _BEYOND.findall(text)
        foreign = sum(len(_utf8(run)) for run in beyond) - sum(len(_utf8(run)) for run in wide)
        return Size(tokens, small, sum(map(len, wide)), digits, foreign)


def public_vocabulary(model: str) -> str:
    """The encoding of a model by its name, where its conversations are counted by the published rule; else nothing."""
    try:
        encoding = tiktoken.encoding_name_for_model(model)
    except KeyError:
        return ""
    return encoding if encoding in PUBLISHED else ""


def tokenizer_for(model: str, own: str = "") -> Tokenizer:
    """The tokenizer of a model, by the name its API knows, or by the encoding that is said to be its `own`.

    Loading an encoding takes up to a second: `load()` does it before, elsewhere. A model tiktoken does not
    know gets o200k_base, marked inexact. An encoding whose vocabulary is not at hand is not downloaded: it is
    replaced by o200k_base, and that by an estimate from characters.
    """
    encoding = _encoding(own or public_vocabulary(model))
    return Tokenizer(encoding, exact=True) if encoding else Tokenizer(_encoding(FALLBACK))


def beginning(text: str) -> str:
    """So much of a text as decides how it is cut into tokens together with what stands directly before it."""
    seam = _FIRST_SEAM.search(text, 0, WORD)
    return text[: seam.start() if seam else WORD]


async def load(*models: str, own: str = "") -> None:
    """Load these models' tokenizers, and the fallback, off the event loop: `tokenizer_for` is quick later."""
    await asyncio.to_thread(_encoding, FALLBACK)
    await asyncio.to_thread(_small)
    for model in models:
        await asyncio.to_thread(tokenizer_for, model, own)


def _encoding(name: str) -> tiktoken.Encoding | None:
    return _loaded(name) if vocabularies.held(name) else None


@functools.cache
def _loaded(name: str) -> tiktoken.Encoding:
    return tiktoken.get_encoding(name)


def _small() -> tiktoken.Encoding | None:
    return _first_of(CL100K) if vocabularies.held(CL100K.name) else None


@functools.cache
def _first_of(vocabulary: Vocabulary) -> tiktoken.Encoding:
    lines = vocabularies.path_of(vocabulary).read_bytes().split(b"\n", SMALL)[:SMALL]
    ranks = {
        base64.b64decode(token): int(rank) for token, _, rank in (line.partition(b" ") for line in lines)
    }
    return tiktoken.Encoding("small", pat_str=_SMALL_CUTS, mergeable_ranks=ranks, special_tokens={})


def _count(encoding: tiktoken.Encoding, text: str) -> int:
    return sum(len(encoding.encode_ordinary(piece)) + margin for piece, margin in _pieces(text, PIECE))


def _pieces(text: str, size: int) -> Iterator[tuple[str, int]]:
    """Pieces of at most `size` characters, each with what has to be added to its count for where it ends."""
    start = 0
    while len(text) - start > size:
        seam = _SEAM.search(text, start + size // 2, start + size)
        end = seam.start() if seam else start + size
        yield text[start:end], 0 if seam else ROUGH_CUT
        start = end
    yield text[start:], 0


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _weigh(text: str) -> int:
    """About 4 characters of ASCII to a token, rounded up; one for each other character, two for an emoji."""
    plain = sum(1 for character in text if character < "\x80")
    return math.ceil(plain / 4) + sum(1 + (character > "\uffff") for character in text if character >= "\x80")
