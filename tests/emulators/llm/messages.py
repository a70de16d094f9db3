"""The dialect of Anthropic's Messages API (version 2026-10-21)."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.emulators.llm.answers import End, How, Refusal
from tests.emulators.llm.counting import count, pictures, strange_part, text_of
from tests.emulators.llm.dialect import Asked, Event, Plan, sse

STOP: Final = {
    End.STOP: "end_turn",
    End.LENGTH: "max_tokens",
    End.WINDOW: "model_context_window_exceeded",
    End.FILTERED: "refusal",
    End.REFUSED: "refusal",
    End.NONE: None,
}
PIXELS: Final = 750
"""Of a picture, to a token ("Vision")."""
MARKS: Final = 4
OVERHEAD: Final = 4
"""Tokens a message is taken to have besides its text; Anthropic publishes no rule."""


class Messages:
    name = "messages"
    path = "/v1/messages"

    def ask(self, body: dict[str, Any]) -> Asked:
        pairs = [
            (message.get("role", ""), text_of(message.get("content")))
            for message in body.get("messages") or ()
        ]
        if system := text_of(body.get("system")):
            pairs.insert(0, ("system", system))
        tokens = sum(OVERHEAD + count(text) for _, text in pairs)
        for message in body.get("messages") or ():
            for width, height in (picture.size for picture in pictures(message.get("content"))):
                tokens += width * height // PIXELS
        return Asked(
            body.get("model", ""), tuple(pairs), body.get("max_tokens"), bool(body.get("stream")), tokens
        )

    def check(self, body: dict[str, Any]) -> Refusal | None:
        messages = body.get("messages") or []
        for knob in ("temperature", "top_p", "top_k"):
            if knob in body:
                return _invalid(f"{knob}: no longer supported")
        if not isinstance(body.get("max_tokens"), int):
            return _invalid("max_tokens: Field required")
        if not messages or messages[0].get("role") != "user":
            return _invalid("messages: first message must use the user role")
        if messages[-1].get("role") != "user":
            return _invalid("This model does not support assistant message prefill.")
        if any(
            message.get("role") not in ("user", "assistant") or set(message) != {"role", "content"}
            for message in messages
        ):
            return _invalid("messages: Extra inputs are not permitted")
        if strange_part(messages, ("text", "image")):
            return _invalid("messages: unknown content block")
        if any(not text_of(message.get("content")).strip() for message in messages):
            return _invalid("messages: text content blocks must be non-empty")
        if (marks := json.dumps(body).count('"cache_control"')) > MARKS:
            return _invalid(f"A maximum of {MARKS} blocks with cache_control may be provided. Found {marks}.")
        return None

    def events(self, plan: Plan) -> list[Event]:
        start = {**_message(plan), "content": [], "stop_reason": None, "usage": _usage(plan, output=1)}
        events = [_event("message_start", message=start), _event("ping")]
        index = 0
        if plan.reasoning:
            thought = {"type": "thinking", "thinking": "", "signature": ""}
            events += _block(0, thought, [{"type": "thinking_delta", "thinking": "Hm."}])
            index = 1
        if plan.chunks:
            deltas = [{"type": "text_delta", "text": chunk} for chunk in plan.chunks]
            events += _block(index, {"type": "text", "text": ""}, deltas)
        if plan.end is End.NONE:
            return events
        delta = {"stop_reason": STOP[plan.end], "stop_sequence": None}
        last = _event("message_delta", delta=delta, usage=_usage(plan))
        return [*events, last, _event("message_stop")]

    def whole(self, plan: Plan) -> dict[str, Any]:
        content = [{"type": "text", "text": plan.text}] if plan.chunks else []
        return {**_message(plan), "content": content, "stop_reason": STOP[plan.end], "usage": _usage(plan)}

    def error(self, refusal: Refusal, message: str) -> dict[str, Any]:
        kind, code = refusal.anthropic
        details = {"details": {"error_code": code}} if code else {}
        return {"type": "error", "error": {"type": kind, "message": message, **details}}

    def failing(self, how: How) -> bytes:
        kind = "overloaded_error" if how is How.OVERLOADED else "api_error"
        return _event("error", error={"type": kind, "message": "Something went wrong."}).wire


def _invalid(message: str) -> Refusal:
    return Refusal(400, ("invalid_request_error", None, None), ("invalid_request_error", None), message)


def _event(name: str, **fields: Any) -> Event:
    text = fields.get("delta", {}).get("type") == "text_delta"
    return sse({"type": name, **fields}, name, text=text)


def _block(index: int, empty: dict[str, str], deltas: list[dict[str, str]]) -> list[Event]:
    return [
        _event("content_block_start", index=index, content_block=empty),
        *(_event("content_block_delta", index=index, delta=delta) for delta in deltas),
        _event("content_block_stop", index=index),
    ]


def _message(plan: Plan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "type": "message",
        "role": "assistant",
        "model": plan.asked.model,
        "stop_sequence": None,
    }


def _usage(plan: Plan, output: int | None = None) -> dict[str, Any]:
    """`input_tokens` leaves out what was read from the cache or written to it. Where usage is withheld, all
    is 0.
    """
    counted = plan.counted
    if not plan.report_usage:
        return {"input_tokens": 0, "output_tokens": 0}
    return {
        "input_tokens": counted.prompt - counted.cached - counted.cache_written,
        "cache_read_input_tokens": counted.cached,
        "cache_creation_input_tokens": counted.cache_written,
        "output_tokens": counted.output if output is None else output,
        "output_tokens_details": {"thinking_tokens": counted.reasoning},
    }
