"""chat.startStream, appendStream, stopStream.

Rules: the method pages on docs.slack.dev; observed beyond them: a stream ends five minutes after its start
whatever is appended, keeps to the mode (text or chunks) of its first content, and refuses chat.update while
it is open.
"""

from __future__ import annotations

import copy
from typing import Any

from tests.emulators.slack.api_app import set_session_status
from tests.emulators.slack.api_chat import metadata_of, own_message, thread_of
from tests.emulators.slack.blocks import check_blocks, parse_blocks
from tests.emulators.slack.calls import Call, Method
from tests.emulators.slack.errors import ApiError
from tests.emulators.slack.payloads import message_json
from tests.emulators.slack.world import Channel, Message, Stream

Json = dict[str, Any]

_CHUNKS = ("markdown_text", "task_update", "plan_update", "blocks")
_TASK_STATES = ("pending", "in_progress", "complete", "error")
_CHUNK_TITLE = 256


def start_stream(call: Call) -> Json:
    channel = call.channel(write=True)
    recipient = _recipient(call, channel)
    thread = thread_of(call, channel)
    mode, chunks = _chunks(call)
    stream = Stream(call.core.clock(), mode=mode, recipient=recipient)
    blocks: list[Json] = []
    _write(stream, blocks, chunks)
    message = call.core.post_as_bot(
        call.team, channel=channel, thread_ts=thread, blocks=blocks, text=_markdown(blocks), stream=stream
    )
    return {"channel": channel.id, "ts": message.ts}


def append_stream(call: Call) -> Json:
    message = _open_stream(call)
    mode, chunks = _chunks(call)
    if not chunks:
        raise ApiError("no_text")
    _append(call, message, mode, chunks)
    return {"channel": message.channel.id, "ts": message.ts}


def stop_stream(call: Call) -> Json:
    """The last content, blocks under it, metadata; after the user's own Stop only the end of the session."""
    mode, chunks = _chunks(call)
    final = parse_blocks(call.params.get("blocks"))
    check_blocks(final, call.core.limits)
    metadata = metadata_of(call)
    message = _open_stream(call, stopped_by_user=not chunks)
    if chunks:
        _check_mode(message, mode)
    assert message.stream is not None
    blocks = copy.deepcopy(message.blocks)
    _write(message.stream, blocks, chunks)
    text = _markdown(blocks)
    message.stream.state = "completed"
    call.core.revise(message, blocks=blocks + final, text=text, metadata=metadata or message.metadata)
    if status := call.text("session_status"):
        set_session_status(call, message.channel, message.root_ts, status)
    return {
        "channel": message.channel.id,
        "ts": message.ts,
        "message": message_json(call.core.world, message),
    }


def _recipient(call: Call, channel: Channel) -> str:
    """Outside direct messages Slack wants to know for whom it streams."""
    user, team = call.text("recipient_user_id"), call.text("recipient_team_id")
    if channel.kind != "im":
        if not team:
            raise ApiError("missing_recipient_team_id")
        if not user:
            raise ApiError("missing_recipient_user_id")
    if user and user not in call.core.world.users:
        raise ApiError("user_not_found")
    return user


def _chunks(call: Call) -> tuple[str, list[Json]]:
    """The content of a call and its mode: `text` for markdown_text, `chunks`, or nothing."""
    limits = call.core.limits
    markdown, chunks = call.text("markdown_text"), call.parsed("chunks", "invalid_chunks")
    if markdown and chunks:
        raise ApiError("invalid_arguments")
    if markdown:
        chunks = [{"type": "markdown_text", "text": markdown}]
    if chunks is None:
        return "", []
    if not isinstance(chunks, list) or not all(
        isinstance(c, dict) and c.get("type") in _CHUNKS for c in chunks
    ):
        raise ApiError("invalid_chunks")
    for chunk in chunks:
        if chunk["type"] == "markdown_text" and len(chunk.get("text", "")) > limits.markdown_text:
            raise ApiError("msg_too_long")
        if chunk["type"] == "blocks":
            check_blocks(parse_blocks(chunk.get("blocks")), limits)
        elif chunk["type"] != "markdown_text":
            _check_task(chunk)
    return ("text" if markdown else "chunks"), chunks


def _check_task(chunk: Json) -> None:
    title = chunk.get("title")
    if not isinstance(title, str) or len(title) > _CHUNK_TITLE:
        raise ApiError("invalid_chunks")
    if chunk["type"] == "task_update" and (not chunk.get("id") or chunk.get("status") not in _TASK_STATES):
        raise ApiError("invalid_chunks")


def _open_stream(call: Call, *, stopped_by_user: bool = False) -> Message:
    """The stream that `ts` names, if it still takes anything."""
    channel = call.channel()
    message = own_message(call, channel, "message_not_owned_by_app")
    if not call.core.streaming(message):
        stopped = message.stream is not None and message.stream.state == "stopped_by_user"
        if not stopped:
            raise ApiError("message_not_in_streaming_state")
        if not stopped_by_user:
            raise ApiError("stopped_by_user")
    return message


def _check_mode(message: Message, mode: str) -> None:
    assert message.stream is not None
    message.stream.mode = message.stream.mode or mode
    if mode != message.stream.mode:
        raise ApiError("streaming_mode_mismatch")


def _append(call: Call, message: Message, mode: str, chunks: list[Json]) -> None:
    """Grow the message; readers see it, but it is no event before the stream stops."""
    _check_mode(message, mode)
    assert message.stream is not None
    _write(message.stream, message.blocks, chunks)
    message.text = _markdown(message.blocks)
    call.core.world.record(message)


def _write(stream: Stream, blocks: list[Json], chunks: list[Json]) -> None:
    """Add chunks to blocks; markdown grows together, so that a token split over two chunks is whole."""
    for chunk in chunks:
        if chunk["type"] == "markdown_text":
            if not blocks or blocks[-1]["type"] != "markdown":
                blocks.append({"type": "markdown", "text": ""})
            blocks[-1]["text"] += chunk.get("text", "")
        elif chunk["type"] == "blocks":
            blocks += parse_blocks(chunk.get("blocks"))
        elif chunk["type"] == "task_update":
            stream.tasks[chunk["id"]] = chunk


def _markdown(blocks: list[Json]) -> str:
    return "\n".join(block["text"] for block in blocks if block["type"] == "markdown")


METHODS = {
    "chat.startStream": Method(start_stream, ("chat:write",)),
    "chat.appendStream": Method(append_stream, ("chat:write",)),
    "chat.stopStream": Method(stop_stream, ("chat:write",)),
}
