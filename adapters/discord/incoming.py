"""What Discord sends, as what the bot understands. Reads discord.py's objects, keeps none of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import discord

from adapters.discord.text import linked, mentions, readable
from bot.chat import Author, File, Incoming, Invocation, Part, Place, Standing, Text

PLATFORM: Final = "discord"
SAID: Final = frozenset({discord.MessageType.default, discord.MessageType.reply})
"""What a person wrote; all other types are joins, pins, boosts and the like."""


def by_a_person(message: discord.Message) -> bool:
    return not message.author.bot and message.webhook_id is None and message.type in SAID


def place_of(guild: int | None, channel: object, me: int) -> Place:
    """A thread's place is its parent channel's, with the thread; a direct message belongs to the bot's own installation."""
    installation = str(guild if guild is not None else me)
    if isinstance(channel, discord.Thread):
        return Place(PLATFORM, installation, str(channel.parent_id), str(channel.id))
    return Place(PLATFORM, installation, str(getattr(channel, "id", "")))


def incoming(
    message: discord.Message, me: discord.ClientUser, *, in_thread: bool, revision: str = ""
) -> Incoming:
    """A message of a person's. `in_thread`: its answer appears in a thread of its own."""
    guild = message.guild
    place = place_of(guild.id if guild else None, message.channel, me.id)
    role = guild.self_role if guild else None
    ours = frozenset({me.id, *([role.id] if role else [])})
    address: dict[str, Any] = {"v": 1, "channel": str(message.channel.id), "question": str(message.id)}
    if guild is not None and in_thread and not place.thread:
        address |= {
            "channel": str(message.id),
            "parent": str(message.channel.id),
            "opens_thread": str(message.id),
        }
    return Incoming(
        place=place,
        message=str(message.id),
        author=author(message.author, guild),
        content=_content(message, me, ours),
        address=address,
        sent_at=message.created_at,
        mentioned=_mentioned(message, me, role),
        direct=guild is None,
        revision=revision,
        branched_at=discord.utils.snowflake_time(int(place.thread)) if place.thread else None,
        named={f"@{user.display_name}": f"<@{user.id}>" for user in message.mentions}
        | {f"@{role.name}": f"<@&{role.id}>" for role in message.role_mentions},
        called=_called(message, me, role),
        about=_about(message),
    )


def author(user: discord.User | discord.Member, guild: discord.Guild | None, locale: str = "") -> Author:
    """Who speaks. Members who may manage the server are admins, who has not
    agreed to its rules yet is a guest; people's languages are their server's where nothing better is told."""
    language = locale or (str(guild.preferred_locale) if guild else "")
    if not isinstance(user, discord.Member):
        return Author(str(user.id), user.display_name, language=language)
    may = user.resolved_permissions or user.guild_permissions
    roles = tuple(str(role.id) for role in user.roles if not role.is_default())
    standing = Standing.GUEST if user.pending else Standing.MEMBER
    return Author(str(user.id), user.display_name, may.manage_guild, language, roles, standing)


def invocation(interaction: discord.Interaction[Any], me: int, verb: str, argument: str = "") -> Invocation:
    """A slash command, a pressed button, or a form."""
    return Invocation(
        key=f"discord:{interaction.id}",
        place=place_of(interaction.guild_id, interaction.channel, me),
        author=author(interaction.user, interaction.guild, str(interaction.locale)),
        verb=verb,
        argument=argument,
        direct=interaction.guild_id is None,
        about=linked(argument),
        given_at=interaction.created_at,
    )


def _called(message: discord.Message, me: discord.ClientUser, role: discord.Role | None) -> bool:
    """By name, or by the bot's own role."""
    if mentions(message.content, me.id):
        return True
    return role is not None and any(mentioned.id == role.id for mentioned in message.role_mentions)


def _about(message: discord.Message) -> str:
    replied = message.reference.message_id if message.reference else None
    return str(replied) if replied is not None else linked(message.content)


def _mentioned(message: discord.Message, me: discord.ClientUser, role: discord.Role | None) -> bool:
    """By name, by the bot's own role, or by a reply to one of its messages, which may be a ping, or not."""
    if _called(message, me, role) or any(user.id == me.id for user in message.mentions):
        return True
    replied = message.reference.resolved if message.reference else None
    return isinstance(replied, discord.Message) and replied.author.id == me.id


def _content(message: discord.Message, me: discord.ClientUser, ours: frozenset[int]) -> tuple[Part, ...]:
    names = {user.id: user.display_name for user in message.mentions}
    names |= {role.id: role.name for role in message.role_mentions}
    names |= {channel.id: channel.name for channel in message.channel_mentions}
    parts: list[Part] = []
    replied = message.reference.resolved if message.reference else None
    if isinstance(replied, discord.Message) and replied.author.id != me.id:
        who = replied.author
        if replied.content:
            parts.append(Text(readable(replied.content, ours, names), str(who.id), who.display_name))
        parts += [replace(file, quotes=str(who.id)) for file in _attached(replied)]
    if text := readable(message.content, ours, names):
        parts.append(Text(text))
    return (*parts, *_attached(message))


def _attached(message: discord.Message) -> list[File]:
    """References to the files of a message: their addresses expire, the message's own does not."""
    where = {"channel": str(message.channel.id), "message": str(message.id)}
    return [
        File(file.filename, file.content_type or "", file.size, {**where, "id": str(file.id)})
        for file in message.attachments
    ]
