"""A prompt in Claude's own form: turns that alternate, pictures as blocks, and marks after what later prompts begin with too.

Four marks may stand in a request ("Prompt caching"): ours come after the instructions, after what is pinned and summed up, after the last
answer, and, by that of the whole request, at its end. What was kept is looked for at each of them, and up to twenty blocks before: when
the conversation drops to its low-water mark, the instructions and pins are served all the same, and so is the history when several
people ask at once.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final

from bot.chat import Message, Picture
from bot.marking import NEXT

MARK: Final = "cache_control"
EPHEMERAL: Final = {"type": "ephemeral"}
"""Kept for five minutes since it was last read."""
CACHEABLE: Final = 512
"""Characters. No model keeps fewer tokens than that (some want 4,096), and fewer characters are not so many tokens: what is shorter is not
marked. A mark that comes too early for its model is passed over."""

Block = dict[str, Any]


def instructions(system: str, *, marking: bool) -> str | list[Block]:
    return [_words(system, marked=True)] if marking and len(system) >= CACHEABLE else system


def turns(messages: Sequence[Message], *, before: int, marking: bool) -> list[dict[str, Any]]:
    """Messages of one role that follow each other are one turn; a mark may stand inside it. `before` characters come first."""
    taken: list[tuple[str, list[Block]]] = []
    for message in messages:
        before += len(message.text)
        marked = marking and message.lasting and before >= CACHEABLE
        if not taken or taken[-1][0] != message.role.value:
            taken.append((message.role.value, []))
        _add(taken[-1][1], message, marked=marked)
    return [{"role": role, "content": _content(blocks)} for role, blocks in taken]


def _add(blocks: list[Block], message: Message, *, marked: bool) -> None:
    """Pictures come before the words that speak of them, as Anthropic advises ("Vision")."""
    text = f"\n\n{NEXT}\n{message.text}" if blocks else message.text
    if blocks and not message.pictures and MARK not in blocks[-1]:
        text = blocks.pop()["text"] + text
    blocks += [*map(_picture, message.pictures), _words(text, marked=marked)]


def _content(blocks: list[Block]) -> str | list[Block]:
    plain = len(blocks) == 1 and MARK not in blocks[0]
    return blocks[0]["text"] if plain else blocks


def _words(text: str, *, marked: bool) -> Block:
    return {"type": "text", "text": text} | ({MARK: EPHEMERAL} if marked else {})


def _picture(picture: Picture) -> Block:
    data = b64encode(picture.data).decode()
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": picture.media_type, "data": data},
    }
