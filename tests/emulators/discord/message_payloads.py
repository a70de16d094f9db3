"""Messages as the API's JSON, with or without what the message content intent covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clock import stamp
from .errors import Json
from .message import Attachment, Interaction, InteractionKind, Message
from .model import Channel, User
from .payloads import channel, member, user

if TYPE_CHECKING:
    from .world import World


def attachment(world: World, place: Channel, entry: Attachment) -> Json:
    """An attachment object with a fresh signed address."""
    url = world.file_url(place, entry)
    data: Json = {
        "id": str(entry.id),
        "filename": entry.filename,
        "size": len(entry.data),
        "url": url,
        "proxy_url": url,
        "content_type": entry.content_type,
    }
    return data | ({"description": entry.description} if entry.description is not None else {})


def _hidden(world: World, entry: Message) -> bool:
    """Whether the message content intent covers this message for the bot."""
    mine = entry.author is world.bot or world.bot in entry.mentions.users
    return not mine and entry.channel.guild is not None


def message(world: World, entry: Message, *, full: bool = True, resolve: bool = True) -> Json:
    """A message object; without `full`, what the bot may see lacking the message content intent.

    `resolve` adds the message it replies to, one level deep.
    """
    hidden = not full and _hidden(world, entry)
    attachments = [attachment(world, entry.channel, file) for file in entry.attachments]
    data: Json = {
        "id": str(entry.id),
        "channel_id": str(entry.channel.id),
        "author": user(entry.author),
        "content": "" if hidden else entry.content,
        "timestamp": stamp(entry.created_at),
        "edited_timestamp": stamp(entry.edited_at) if entry.edited_at is not None else None,
        "tts": False,
        "mention_everyone": entry.mentions.everyone,
        "mentions": [_mentioned(entry, account) for account in entry.mentions.users],
        "mention_roles": [str(role.id) for role in entry.mentions.roles],
        "attachments": [] if hidden else attachments,
        "embeds": [] if hidden else entry.embeds,
        "components": [] if hidden else entry.components,
        "pinned": False,
        "type": int(entry.kind),
        "flags": int(entry.flags),
    }
    if entry.nonce is not None and world.limits.nonce_told:
        data["nonce"] = entry.nonce
    if entry.reactions:
        data["reactions"] = [_reaction(world, emoji, who) for emoji, who in entry.reactions.items()]
    if entry.thread is not None and not entry.thread.deleted:
        data["thread"] = channel(world, entry.thread)
    if entry.interaction is not None:
        data |= _interaction_origin(world, entry.interaction)
    if entry.reference is not None:
        data |= _reference(world, entry, full=full, resolve=resolve)
    return data


def _mentioned(entry: Message, account: User) -> Json:
    data = user(account)
    guild = entry.channel.guild
    if guild is not None and account.id in guild.members:
        data["member"] = member(guild.members[account.id], with_user=False)
    return data


def emoji(name: str) -> Json:
    """An emoji object from the path form: a character, or "name:id"."""
    name, _, number = name.partition(":")
    return {"name": name, "id": number or None}


def _reaction(world: World, name: str, who: list[User]) -> Json:
    return {
        "emoji": emoji(name),
        "count": len(who),
        "count_details": {"burst": 0, "normal": len(who)},
        "me": world.bot in who,
        "me_burst": False,
        "burst_colors": [],
    }


def _reference(world: World, entry: Message, *, full: bool, resolve: bool) -> Json:
    assert entry.reference is not None
    place, number = entry.reference
    pointer = {"type": 0, "channel_id": str(place.id), "message_id": str(number)}
    if place.guild is not None:
        pointer["guild_id"] = str(place.guild.id)
    data: Json = {"message_reference": pointer}
    if resolve:
        found = place.messages.get(number)
        data["referenced_message"] = message(world, found, full=full, resolve=False) if found else None
    return data


def _interaction_origin(world: World, origin: Interaction) -> Json:
    owners = {"0": str(origin.channel.guild.id) if origin.channel.guild else "0"}
    data: Json = {
        "webhook_id": str(world.application_id),
        "application_id": str(world.application_id),
        "interaction_metadata": {
            "id": str(origin.id),
            "type": int(origin.kind),
            "user": user(origin.user),
            "authorizing_integration_owners": owners,
        },
    }
    if origin.kind is InteractionKind.COMMAND:
        name = origin.data["name"]
        data["interaction"] = {"id": str(origin.id), "type": 2, "name": name, "user": user(origin.user)}
    elif origin.source is not None:
        data["interaction_metadata"]["interacted_message_id"] = str(origin.source.id)
    return data


def message_event(world: World, entry: Message, *, full: bool) -> Json:
    """What MESSAGE_CREATE and MESSAGE_UPDATE carry."""
    data = message(world, entry, full=full)
    guild = entry.channel.guild
    if guild is not None:
        data["guild_id"] = str(guild.id)
        if entry.author.id in guild.members:
            data["member"] = member(guild.members[entry.author.id], with_user=False)
    return data | {"channel_type": int(entry.channel.kind)}
