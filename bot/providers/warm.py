"""Build the types of a Responses stream beforehand.

OpenAI's SDK builds them when it reads its first stream, which takes one to two seconds of work on the event
loop, in the middle of somebody's answer. Here a made-up stream is read in a thread, through the SDK, with
no network behind it.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

_PLACE: Final = {"item_id": "msg", "output_index": 0, "content_index": 0}
_PART: Final = {"type": "output_text", "text": "", "annotations": []}
_ITEM: Final = {"id": "msg", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
_THOUGHT: Final = {"id": "rs", "type": "reasoning", "summary": []}
_USAGE: Final = {
    "input_tokens": 1,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 1,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 2,
}


async def warm_responses() -> None:
    """Returns when the types are built."""
    await asyncio.to_thread(_read_a_stream)


def _read_a_stream() -> None:
    import httpx2
    from openai import OpenAI

    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=_stream()))
    with (
        httpx2.Client(transport=transport) as http,
        OpenAI(api_key="none", base_url="http://nowhere.invalid", http_client=http, max_retries=0) as client,
        client.responses.create(model="none", input="none", stream=True) as events,
    ):
        for _ in events:
            pass


def _stream() -> bytes:
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response("in_progress")},
        {"type": "response.in_progress", "response": _response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": _THOUGHT},
        {"type": "response.output_item.done", "output_index": 0, "item": _THOUGHT},
        {"type": "response.output_item.added", "output_index": 1, "item": _ITEM},
        {"type": "response.content_part.added", **_PLACE, "part": _PART},
        {"type": "response.output_text.delta", **_PLACE, "delta": "a"},
        {"type": "response.output_text.done", **_PLACE, "text": "a"},
        {"type": "response.content_part.done", **_PLACE, "part": _PART},
        {"type": "response.output_item.done", "output_index": 1, "item": _ITEM | {"content": [_PART]}},
        {"type": "response.incomplete", "response": _response("incomplete")},
        {"type": "response.completed", "response": _response("completed")},
    ]
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def _response(status: str) -> dict[str, Any]:
    done = status != "in_progress"
    return {
        "id": "resp",
        "object": "response",
        "created_at": 0,
        "model": "none",
        "status": status,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "output": [_ITEM | {"content": [_PART]}] if done else [],
        "usage": _USAGE if done else None,
    }
