"""chat.* except the streams: post, update, delete, ephemeral, permalink.

Rules: the method pages on docs.slack.dev.
"""

from __future__ import annotations

from typing import Any

from tests.emulators.slack.blocks import check_blocks, parse_blocks
from tests.emulators.slack.calls import Call, Method
from tests.emulators.slack.errors import ApiError
from tests.emulators.slack.payloads import message_json
from tests.emulators.slack.world import Channel, Message

Json = dict[str, Any]


def post_message(call: Call) -> Json:
    channel = call.channel(write=True)
    fields, thread = _content(call), thread_of(call, channel)
    broadcast = call.flag("reply_broadcast") and thread is not None
    message = call.core.post_as_bot(
        call.team,
        channel=channel,
        thread_ts=thread,
        broadcast=broadcast,
        username=call.text("username") or None,
        subtype="thread_broadcast" if broadcast else "bot_message" if call.text("username") else None,
        name_pings=_name_pings(call),
        metadata=metadata_of(call),
        **fields,
    )
    return _shown(call, message)


def update(call: Call) -> Json:
    """An own message anew: text alone takes the blocks away, blocks alone keep the text."""
    channel = call.channel()
    message = own_message(call, channel, "cant_update_message")
    if call.core.streaming(message):
        raise ApiError("streaming_state_conflict")
    if len(call.text("text")) > call.core.limits.update_text:
        raise ApiError("msg_too_long")
    fields = _content(call)
    if not call.text("text") and not call.text("markdown_text"):
        fields["text"] = message.text
    if "metadata" in call.params:
        fields["metadata"] = metadata_of(call)
    edited = {"user": call.team.bot.id, "ts": call.core.world.new_ts()}
    call.core.revise(message, name_pings=_name_pings(call), edited=edited, **fields)
    return _shown(call, message) | {"text": message.text}


def delete(call: Call) -> Json:
    channel = call.channel()
    message = own_message(call, channel, "cant_delete_message")
    if call.core.streaming(message):
        raise ApiError("cant_delete_message")
    call.core.remove(message)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(call: Call) -> Json:
    channel = call.channel(write=True)
    user = call.user()
    if user.id not in channel.members:
        raise ApiError("user_not_in_channel")
    message = call.core.post_as_bot(
        call.team,
        channel=channel,
        ephemeral_to=user,
        thread_ts=thread_of(call, channel),
        **_content(call),
    )
    return {"message_ts": message.ts}


def permalink(call: Call) -> Json:
    channel = call.channel()
    message = call.message(channel, "message_ts")
    link = f"https://{call.team.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != message.ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def own_message(call: Call, channel: Channel, error: str) -> Message:
    message = call.message(channel)
    if message.author is not call.team.bot:
        raise ApiError(error)
    return message


def thread_of(call: Call, channel: Channel) -> str | None:
    """The root that `thread_ts` names: it must stand, and be a root that can be answered."""
    ts = call.text("thread_ts")
    if not ts:
        return None
    root = channel.messages.get(ts)
    if root is None or root.ephemeral_to is not None:
        if channel.replies(ts):
            return ts  # the root was deleted, its thread lives on
        raise ApiError("thread_not_found")
    if root.subtype == "channel_join" or root.root_ts != ts:
        raise ApiError("cannot_reply_to_message")
    return ts


def metadata_of(call: Call) -> Json | None:
    metadata = call.parsed("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    right = isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str)
    if not right or not isinstance(metadata.get("event_payload"), dict):
        raise ApiError("invalid_metadata_format")
    return dict(metadata)


def _content(call: Call) -> Json:
    """Text and blocks of a message, checked; markdown becomes a markdown block, and is its own fallback."""
    limits = call.core.limits
    blocks = parse_blocks(call.params.get("blocks"))
    text, markdown = call.text("text"), call.text("markdown_text")
    if markdown:
        if text or blocks:
            raise ApiError("markdown_text_conflict")
        if len(markdown) > limits.markdown_text:
            raise ApiError("msg_too_long")
        return {"text": markdown, "blocks": [{"type": "markdown", "text": markdown}]}
    attachments = call.parsed("attachments") or []
    if not text.strip() and not blocks and not attachments:
        raise ApiError("no_text")
    check_blocks(blocks, limits)
    if len(text) > limits.post_text:
        text = text[: limits.post_text]
        call.warnings.append("message_truncated")
    return {"text": text, "blocks": blocks, "attachments": attachments}


def _name_pings(call: Call) -> bool:
    return call.flag("link_names") or call.text("parse") == "full"


def _shown(call: Call, message: Message) -> Json:
    shown = message_json(call.core.world, message, metadata=True)
    return {"channel": message.channel.id, "ts": message.ts, "message": shown}


METHODS = {
    "chat.postMessage": Method(post_message, ("chat:write",)),
    "chat.update": Method(update, ("chat:write",)),
    "chat.delete": Method(delete, ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",)),
    "chat.getPermalink": Method(permalink),
}
