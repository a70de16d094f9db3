"""The dialect of OpenAI's chat completions, and of the servers that are compatible with it."""

from __future__ import annotations

import re
from typing import Any, Final

from tests.emulators.llm.answers import End, How, Refusal
from tests.emulators.llm.counting import count_chat, strange_part, text_of
from tests.emulators.llm.dialect import Asked, Event, Plan, sse

FINISH: Final = {
    End.STOP: "stop",
    End.LENGTH: "length",
    End.WINDOW: "length",
    End.FILTERED: "content_filter",
    End.REFUSED: "stop",
    End.NONE: None,
}
REASONING: Final = re.compile(r"o\d|gpt-(?:[5-9]|\d\d)")
"""Models that refuse `max_tokens`, and `temperature` while they reason."""
NAME: Final = re.compile(r"[^\s<|\\/>]{1,64}")
COMPATIBLE: Final = frozenset({"model", "messages", "stream", "stream_options", "max_tokens", "temperature"})


class Chat:
    """`compatible`: a plain server with a strict chat template, as they are run at home."""

    name = "chat"
    path = "/v1/chat/completions"

    def __init__(self, *, compatible: bool = False) -> None:
        self.compatible = compatible

    def ask(self, body: dict[str, Any]) -> Asked:
        messages = body.get("messages") or []
        cap = body.get("max_completion_tokens", body.get("max_tokens"))
        pairs = tuple((message.get("role", ""), text_of(message.get("content"))) for message in messages)
        return Asked(body.get("model", ""), pairs, cap, bool(body.get("stream")), count_chat(messages))

    def check(self, body: dict[str, Any]) -> Refusal | None:
        messages = body.get("messages")
        if not messages:
            return invalid("messages", "missing_required_parameter")
        if any(not NAME.fullmatch(message.get("name", "x")) for message in messages):
            return invalid("messages.name", "invalid_value")
        if strange_part(messages, ("text", "image_url")):
            return invalid("messages.content.type", "invalid_value")
        roles = [message.get("role") for message in messages]
        if self.compatible:
            return _check_compatible(body, roles)
        if not set(roles) <= {"developer", "system", "user", "assistant"}:
            return invalid("messages.role", "invalid_value")
        return check_sampling(body, body.get("reasoning_effort"))

    def events(self, plan: Plan) -> list[Event]:
        kind = "refusal" if plan.end is End.REFUSED else "content"
        options = plan.body.get("stream_options") or {}
        with_usage = plan.report_usage and options.get("include_usage")
        events = [_chunk(plan, {"role": "assistant", "content": ""})]
        events += [_chunk(plan, {kind: chunk}, text=True) for chunk in plan.chunks]
        if plan.end is not End.NONE:
            events.append(_chunk(plan, {}, FINISH[plan.end]))
        if with_usage:
            events.append(sse(_envelope(plan) | {"choices": [], "usage": _usage(plan)}))
        return [*events, sse("[DONE]")]

    def whole(self, plan: Plan) -> dict[str, Any]:
        kind = "refusal" if plan.end is End.REFUSED else "content"
        message = {"role": "assistant", "content": None, kind: plan.text}
        choice = {"index": 0, "message": message, "finish_reason": FINISH[plan.end]}
        usage = {"usage": _usage(plan)} if plan.report_usage else {}
        return _envelope(plan) | {"object": "chat.completion", "choices": [choice]} | usage

    def error(self, refusal: Refusal, message: str) -> dict[str, Any]:
        return openai_error(refusal, message)

    def failing(self, how: How) -> bytes:
        return openai_failing(how)


def invalid(parameter: str, code: str) -> Refusal:
    return Refusal(
        400,
        ("invalid_request_error", code, parameter),
        ("invalid_request_error", None),
        f"{code}: '{parameter}'",
    )


def check_sampling(body: dict[str, Any], effort: str | None) -> Refusal | None:
    """What a reasoning model won't have."""
    if not REASONING.match(str(body.get("model"))):
        return None
    if "max_tokens" in body:
        return invalid("max_tokens", "unsupported_parameter")
    if "temperature" in body and effort != "none":
        return invalid("temperature", "unsupported_value")
    return None


def openai_error(refusal: Refusal, message: str) -> dict[str, Any]:
    kind, code, parameter = refusal.openai
    return {"error": {"message": message, "type": kind, "code": code, "param": parameter}}


def openai_failing(how: How) -> bytes:
    if how is How.OVERLOADED:
        error = {
            "message": "The engine is overloaded.",
            "type": "server_error",
            "code": "overloaded",
            "param": None,
        }
    else:
        error = {"message": "Something went wrong.", "type": "server_error", "code": None, "param": None}
    return sse({"error": error}).wire


def _check_compatible(body: dict[str, Any], roles: list[Any]) -> Refusal | None:
    if strange := sorted(set(body) - COMPATIBLE):
        return invalid(strange[0], "extra_forbidden")
    talk = roles[1:] if roles[0] == "system" else roles
    if talk != ["user" if index % 2 == 0 else "assistant" for index in range(len(talk))]:
        return invalid("messages", "conversation roles must alternate user/assistant")
    return None


def _envelope(plan: Plan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": plan.asked.model,
    }


def _chunk(plan: Plan, delta: dict[str, str], finish: str | None = None, *, text: bool = False) -> Event:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return sse(_envelope(plan) | {"choices": [choice], "usage": None}, text=text)


def _usage(plan: Plan) -> dict[str, Any]:
    counted = plan.counted
    return {
        "prompt_tokens": counted.prompt,
        "completion_tokens": counted.output,
        "total_tokens": counted.prompt + counted.output,
        "prompt_tokens_details": {
            "cached_tokens": counted.cached,
            "cache_write_tokens": counted.cache_written,
        },
        "completion_tokens_details": {"reasoning_tokens": counted.reasoning},
    }
