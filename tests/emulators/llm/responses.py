"""The dialect of OpenAI's Responses API."""

from __future__ import annotations

from typing import Any

from tests.emulators.llm.answers import End, How, Refusal
from tests.emulators.llm.chat import check_sampling, invalid, openai_error
from tests.emulators.llm.counting import count_chat, strange_part, text_of
from tests.emulators.llm.dialect import Asked, Event, Plan, sse


class Responses:
    name = "responses"
    path = "/v1/responses"

    def ask(self, body: dict[str, Any]) -> Asked:
        messages = _messages(body)
        pairs = tuple((str(message["role"]), text_of(message["content"])) for message in messages)
        cap = body.get("max_output_tokens")
        return Asked(body.get("model", ""), pairs, cap, bool(body.get("stream")), count_chat(messages))

    def check(self, body: dict[str, Any]) -> Refusal | None:
        if not body.get("input"):
            return invalid("input", "missing_required_parameter")
        for unknown in ("messages", "max_tokens", "max_completion_tokens", "reasoning_effort", "name"):
            if unknown in body:
                return invalid(unknown, "unknown_parameter")
        if isinstance(body["input"], list) and any("name" in item for item in body["input"]):
            return invalid("input.name", "unknown_parameter")
        if strange_part(_messages(body), ("input_text", "input_image", "output_text")):
            return invalid("input.content.type", "invalid_value")
        if body.get("max_output_tokens", 16) < 16:
            return invalid("max_output_tokens", "integer_below_min_value")
        return check_sampling(body, (body.get("reasoning") or {}).get("effort"))

    def events(self, plan: Plan) -> list[Event]:
        events = [_event("response.created", response=_response(plan, "in_progress"))]
        events.append(_event("response.in_progress", response=_response(plan, "in_progress")))
        index = 0
        if plan.reasoning:
            item = {"id": "rs_1", "type": "reasoning", "summary": []}
            events.append(_event("response.output_item.added", output_index=0, item=item))
            events.append(_event("response.output_item.done", output_index=0, item=item))
            index = 1
        if plan.chunks:
            events += _text(plan, index)
        match plan.end:
            case End.NONE:
                return events
            case End.LENGTH | End.WINDOW | End.FILTERED:
                return [*events, _event("response.incomplete", response=_response(plan, "incomplete"))]
            case _:
                return [*events, _event("response.completed", response=_response(plan, "completed"))]

    def whole(self, plan: Plan) -> dict[str, Any]:
        unfinished = plan.end in (End.LENGTH, End.WINDOW, End.FILTERED)
        return _response(plan, "incomplete" if unfinished else "completed")

    def error(self, refusal: Refusal, message: str) -> dict[str, Any]:
        return openai_error(refusal, message)

    def failing(self, how: How) -> bytes:
        """Three shapes: an event that tells of the failure flatly, one that nests it, and an answer that
        failed.
        """
        if how is How.FAILED:
            error = {"code": "server_error", "message": "Something went wrong."}
            response = {
                "id": "resp_failed",
                "object": "response",
                "status": "failed",
                "error": error,
                "output": [],
            }
            return _event("response.failed", response=response).wire
        if how is How.OVERLOADED:
            error = {"code": "rate_limit_exceeded", "message": "Slow down."}
            return _event("error", **error, param=None).wire
        return _event(
            "error",
            error={"code": "server_error", "message": "Something went wrong.", "type": "server_error"},
        ).wire


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The request as messages; there is no published rule for their tokens, so that of chat stands for it."""
    given = body.get("input") or []
    messages = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
    instructions = body.get("instructions")
    return [{"role": "system", "content": instructions}, *messages] if instructions else messages


def _event(name: str, **fields: Any) -> Event:
    return sse({"type": name, "sequence_number": 0, **fields}, name, text=name.endswith(".delta"))


def _text(plan: Plan, index: int) -> list[Event]:
    refused = plan.end is End.REFUSED
    part, field = ("refusal", "refusal") if refused else ("output_text", "text")
    place = {"item_id": "msg_1", "output_index": index, "content_index": 0}
    empty = {"type": part, field: "", **({} if refused else {"annotations": []})}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    stem = "response.refusal" if refused else "response.output_text"
    return [
        _event("response.output_item.added", output_index=index, item=item),
        _event("response.content_part.added", **place, part=empty),
        *(_event(f"{stem}.delta", **place, delta=chunk) for chunk in plan.chunks),
        _event(f"{stem}.done", **place, **{field: plan.text}),
        _event("response.content_part.done", **place, part={**empty, field: plan.text}),
        _event("response.output_item.done", output_index=index, item={**item, "status": "completed"}),
    ]


def _response(plan: Plan, status: str) -> dict[str, Any]:
    done = status != "in_progress"
    reason = "content_filter" if plan.end is End.FILTERED else "max_output_tokens"
    refused = plan.end is End.REFUSED
    part = (
        {"type": "refusal", "refusal": plan.text}
        if refused
        else {"type": "output_text", "text": plan.text, "annotations": []}
    )
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    return {
        "id": plan.id,
        "object": "response",
        "created_at": 1_790_000_000,
        "model": plan.asked.model,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if status == "incomplete" else None,
        "output": [message] if done and plan.chunks else [],
        "usage": _usage(plan) if done and plan.report_usage else None,
        "store": plan.body.get("store", True),
    }


def _usage(plan: Plan) -> dict[str, Any]:
    counted = plan.counted
    return {
        "input_tokens": counted.prompt,
        "input_tokens_details": {
            "cached_tokens": counted.cached,
            "cache_write_tokens": counted.cache_written,
        },
        "output_tokens": counted.output,
        "output_tokens_details": {"reasoning_tokens": counted.reasoning},
        "total_tokens": counted.prompt + counted.output,
    }
