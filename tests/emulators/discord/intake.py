"""Reading a message out of a request, the same for channels, interaction callbacks and webhooks."""

from __future__ import annotations

from .errors import Code, Json, invalid, refusal
from .mentions import Allowed
from .message import NO_FLAGS, Attachment, Interaction, Message, MessageFlag, MessageKind, Upload
from .model import Channel, User
from .posting import Changes, Draft
from .validation import SETTABLE, check_message, check_not_empty
from .world import World

Files = dict[int, Upload]
"""Uploaded files by their number in the form ("files[0]")."""


def read_draft(
    world: World,
    channel: Channel,
    author: User,
    body: Json,
    files: Files,
    *,
    interaction: Interaction | None = None,
    answers: Message | None = None,
) -> Draft:
    """The message a request wants posted, checked."""
    settable = SETTABLE | (MessageFlag.EPHEMERAL if interaction else NO_FLAGS)
    flags = MessageFlag(int(body.get("flags") or 0)) & settable
    check_message(world.limits, body, flags)
    allowed = Allowed.read(body.get("allowed_mentions"))
    attachments = _new_files(world, channel, body, files)
    content = body.get("content") or ""
    embeds, components = body.get("embeds") or [], body.get("components") or []
    check_not_empty(content, embeds, components, attachments, body.get("sticker_ids"), body.get("poll"))
    return Draft(
        channel,
        author,
        content,
        kind=MessageKind.DEFAULT,
        flags=flags,
        embeds=embeds,
        components=components,
        attachments=attachments,
        answers=answers,
        allowed=allowed,
        nonce=body.get("nonce"),
        interaction=interaction,
    )


def read_changes(world: World, message: Message, body: Json, files: Files) -> Changes:
    """What a request wants changed of a message, checked against what would remain."""
    flags = message.flags
    if body.get("flags") is not None:
        asked = MessageFlag(int(body["flags"]))
        if MessageFlag.COMPONENTS_V2 in message.flags and MessageFlag.COMPONENTS_V2 not in asked:
            asked |= MessageFlag.COMPONENTS_V2
        flags = (message.flags & ~SETTABLE) | (asked & SETTABLE)
    check_message(world.limits, body, flags)
    changes = Changes(allowed=Allowed.read(body.get("allowed_mentions")), flags=flags & ~MessageFlag.LOADING)
    if "content" in body:
        changes.content = body["content"] or ""
    if "embeds" in body:
        changes.embeds = body["embeds"] or []
    if "components" in body:
        changes.components = body["components"] or []
    if "attachments" in body or files:
        changes.attachments = _kept_files(message, body) + _new_files(world, message.channel, body, files)
    check_not_empty(
        message.content if changes.content is None else changes.content,
        message.embeds if changes.embeds is None else changes.embeds,
        message.components if changes.components is None else changes.components,
        message.attachments if changes.attachments is None else changes.attachments,
    )
    return changes


def _new_files(world: World, channel: Channel, body: Json, files: Files) -> list[Attachment]:
    if len(files) > world.limits.attachments:
        invalid(
            "attachments", "BASE_TYPE_MAX_LENGTH", f"Must be {world.limits.attachments} or fewer in length."
        )
    if any(len(upload.data) > world.limits.file for upload in files.values()):
        raise refusal(Code.TOO_LARGE)
    described = {int(entry["id"]): entry for entry in body.get("attachments") or []}
    made = []
    for number, upload in sorted(files.items()):
        entry = described.get(number, {})
        filename = entry.get("filename") or upload.filename
        attachment = world.attach(channel, filename, upload.data, upload.content_type)
        attachment.description = entry.get("description")
        made.append(attachment)
    return made


def _kept_files(message: Message, body: Json) -> list[Attachment]:
    """With `attachments` in an edit, only those it lists stay; without, all do."""
    if "attachments" not in body:
        return list(message.attachments)
    kept = {int(entry["id"]) for entry in body["attachments"] or []}
    return [attachment for attachment in message.attachments if attachment.id in kept]
