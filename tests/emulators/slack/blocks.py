"""Block Kit as far as a message needs it: what is refused, what is read, which buttons it carries.

Sizes and names: docs.slack.dev "Block Kit" reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tests.emulators.slack.errors import ApiError
from tests.emulators.slack.limits import SlackLimits

Json = dict[str, Any]

BLOCK_TYPES = {"actions", "alert", "card", "carousel", "container", "context", "context_actions"}
BLOCK_TYPES |= {"data_table", "divider", "file", "header", "image", "input", "markdown", "plan", "rich_text"}
BLOCK_TYPES |= {"section", "table", "task_card", "video"}
_BUTTON_TEXT, _ACTION_ID, _VALUE, _HEADER = 75, 255, 2_000, 150
_ELEMENTS = {"actions": 25, "context": 10, "context_actions": 5}


def parse_blocks(value: Any) -> list[Json]:
    """Blocks from a JSON body (a list) or a form (a JSON text)."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except ValueError:
            raise ApiError("invalid_blocks_format") from None
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(block, dict) for block in value):
        raise ApiError("invalid_blocks_format")
    return list(value)


def check_blocks(blocks: Sequence[Json], limits: SlackLimits) -> None:
    """Raise what Slack answers for blocks that it refuses."""
    markdown = [len(block.get("text") or "") for block in blocks if block.get("type") == "markdown"]
    if sum(markdown) > limits.markdown_blocks:
        raise ApiError("msg_blocks_too_long")
    faults = [f"no more than {limits.blocks} items allowed [json-pointer:/blocks]"] * (
        len(blocks) > limits.blocks
    )
    for index, block in enumerate(blocks):
        faults += [f"{fault} [json-pointer:/blocks/{index}]" for fault in _faults(block, limits)]
    if faults:
        raise ApiError("invalid_blocks", errors=faults, response_metadata={"messages": faults})


def _faults(block: Json, limits: SlackLimits) -> Iterator[str]:
    if block.get("type") not in BLOCK_TYPES:
        yield f"unsupported type: {block.get('type')}"
    else:
        yield from _content_faults(block, limits)
    if len(str(block.get("block_id", ""))) > _ACTION_ID:
        yield "block_id too long"
    for element in elements_of(block):
        yield from _element_faults(element)


def _content_faults(block: Json, limits: SlackLimits) -> Iterator[str]:
    kind = block["type"]
    if kind == "markdown":
        yield from _text_faults(block.get("text"), limits.markdown_text)
    elif kind == "header":
        yield from _object_faults(block.get("text"), _HEADER)
    elif kind == "section":
        yield from _section_faults(block, limits)
    elif kind in _ELEMENTS and not 0 < len(block.get("elements") or []) <= _ELEMENTS[kind]:
        yield "invalid number of elements"
    elif kind == "context":
        for element in block["elements"]:
            if element.get("type") != "image":
                yield from _object_faults(element, limits.section_text)


def _section_faults(block: Json, limits: SlackLimits) -> Iterator[str]:
    texts = [*([block["text"]] if block.get("text") else []), *(block.get("fields") or [])]
    if not texts:
        yield "missing required field: text"
    for text in texts:
        yield from _object_faults(text, limits.section_text)


def _object_faults(text: Any, longest: int) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in ("plain_text", "mrkdwn"):
        yield "must be a text object"
    else:
        yield from _text_faults(text.get("text"), longest)


def _text_faults(text: Any, longest: int) -> Iterator[str]:
    if not isinstance(text, str) or not text:
        yield "must be more than 0 characters"
    elif len(text) > longest:
        yield f"must be less than {longest + 1} characters"


def _element_faults(element: Json) -> Iterator[str]:
    if element.get("type") == "button":
        yield from _object_faults(element.get("text"), _BUTTON_TEXT)
    if len(str(element.get("action_id", ""))) > _ACTION_ID:
        yield "action_id too long"
    if len(str(element.get("value", ""))) > _VALUE:
        yield "value too long"


def elements_of(block: Json) -> list[Json]:
    """The interactive elements of one block."""
    elements = (
        list(block.get("elements") or []) if block.get("type") in ("actions", "context_actions") else []
    )
    accessory = block.get("accessory") or block.get("element")
    return [*elements, accessory] if accessory else elements


def actions_of(blocks: Sequence[Json]) -> dict[str, Json]:
    """What a reader can press: action id to element; the id of its block is added."""
    return {
        element["action_id"]: {**element, "block_id": block.get("block_id", f"b{index}")}
        for index, block in enumerate(blocks)
        for element in elements_of(block)
        if "action_id" in element
    }


def texts_of(blocks: Sequence[Json]) -> Iterator[tuple[str, bool]]:
    """Every text a reader sees, with True where `<...>` tokens are read in it, as in mrkdwn and markdown."""
    for block in blocks:
        kind = block.get("type")
        if kind == "markdown":
            yield block["text"], True
        elif kind == "rich_text":
            yield "".join(_rich(block)), True
        elif kind == "image":
            yield block.get("alt_text", ""), False
        elif kind in ("section", "header", "context"):
            texts = [block.get("text"), *(block.get("fields") or []), *(block.get("elements") or [])]
            for text in texts:
                if isinstance(text, dict) and isinstance(text.get("text"), str):
                    yield text["text"], text.get("type") == "mrkdwn"


def _rich(node: Json) -> Iterator[str]:
    """A rich_text block as wire text, so that it pings and shows as such."""
    kind = node.get("type")
    if kind == "text":
        yield node["text"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    elif kind == "user":
        yield f"<@{node['user_id']}>"
    elif kind == "usergroup":
        yield f"<!subteam^{node['usergroup_id']}>"
    elif kind == "broadcast":
        yield f"<!{node['range']}>"
    elif kind == "channel":
        yield f"<#{node['channel_id']}>"
    elif kind == "link":
        yield f"<{node['url']}|{node.get('text') or node['url']}>"
    for child in node.get("elements") or []:
        yield from _rich(child)
