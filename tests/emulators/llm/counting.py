"""Counts tokens as OpenAI bills them, with a tokenizer of another maker than the bot's, so that one checks
the other.
"""

from __future__ import annotations

import io
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import bpe_openai
from PIL import Image

ACCEPTED: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
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
    shown = sum(
        picture_tokens(picture) for message in messages for picture in pictures(message.get("content"))
    )
    return 3 * len(messages) + values + sum("name" in message for message in messages) + 3 + shown


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a request, as it came."""

    media_type: str
    data: bytes
    detail: str = ""

    @property
    def size(self) -> tuple[int, int]:
        with Image.open(io.BytesIO(self.data)) as image:
            return image.size


def pictures(content: Any) -> list[Shown]:
    """The pictures of a message's content, in any of the three dialects. Raises `ValueError` for what is none."""
    found = []
    for part in content if isinstance(content, list) else ():
        match part:
            case {"type": "image_url", "image_url": {"url": url, **more}}:
                found.append(_from_url(url, str(more.get("detail", ""))))
            case {"type": "input_image", "image_url": url, **more}:
                found.append(_from_url(url, str(more.get("detail", ""))))
            case {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}:
                found.append(_checked(Shown(kind, b64decode(data, validate=True))))
    return found


def picture_tokens(picture: Shown) -> int:
    """As gpt-4o bills them: 85, and at high detail 170 for each tile of 512 pixels ("Images and vision", Calculating costs)."""
    if picture.detail == "low":
        return 85
    width, height = picture.size
    while max(width, height) > 2048 or min(width, height) > 768:
        by = min(2048 / max(width, height), 1) if max(width, height) > 2048 else 768 / min(width, height)
        width, height = round(width * by), round(height * by)
    return 85 + 170 * -(-width // 512) * -(-height // 512)


def strange_part(messages: Sequence[Mapping[str, Any]], known: Sequence[str]) -> str:
    """The type of a part that this API does not know; empty where there is none."""
    parts = [
        part
        for message in messages
        if isinstance(message.get("content"), list)
        for part in message["content"]
    ]
    return next((str(part.get("type")) for part in parts if part.get("type") not in known), "")


def _from_url(url: str, detail: str) -> Shown:
    head, _, data = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise ValueError("not a data URL of a picture")
    kind = head.removeprefix("data:").removesuffix(";base64")
    return _checked(Shown(kind, b64decode(data, validate=True), detail))


def _checked(picture: Shown) -> Shown:
    """The vendors look at the bytes, too."""
    with Image.open(io.BytesIO(picture.data)) as image:
        if Image.MIME[image.format or ""] != picture.media_type or picture.media_type not in ACCEPTED:
            raise ValueError("the bytes are of another type")
    return picture


def text_of(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or () if isinstance(part, dict))


@cache
def _encoding() -> Any:
    return bpe_openai.get_encoding("o200k_base")
