"""Counts tokens as OpenAI bills them, with a tokenizer of another maker than the bot's, so that one checks
the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import bpe_openai

PIECE = 100_000
"""Characters counted at once; the tokenizer refuses much longer texts."""


def count(text: str) -> int:
    return sum(
        len(_encoding().encode_ordinary(text[start : start + PIECE])) for start in range(0, len(text), PIECE)
    )


def count_chat(messages: Sequence[Mapping[str, Any]]) -> int:
    """OpenAI's rule ("How to count tokens with tiktoken"): 3 for each message and all its values, 1 for a
    name, 3 for the reply.
    """
    values = sum(count(text_of(value)) for message in messages for value in message.values())
    return 3 * len(messages) + values + sum("name" in message for message in messages) + 3


def text_of(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or () if isinstance(part, dict))


@cache
def _encoding() -> Any:
    return bpe_openai.get_encoding("o200k_base")
