"""The life of an interaction: sent to the bot, answered within seconds, its token good for minutes."""

from __future__ import annotations

import base64
import secrets

from . import message_payloads, payloads
from .errors import Json
from .message import Interaction, InteractionKind, Message
from .model import Channel, User
from .world import Event, Intent, World


def begin(
    world: World,
    kind: InteractionKind,
    user: User,
    channel: Channel,
    data: Json,
    *,
    source: Message | None = None,
) -> Interaction:
    """Send an interaction to the bot and start its deadline."""
    number = world.ids.next()
    secret = (
        base64.urlsafe_b64encode(f"interaction:{number}:{secrets.token_hex(32)}".encode())
        .decode()
        .rstrip("=")
    )
    interaction = Interaction(number, secret, kind, user, channel, data, world.clock.time(), source)
    world.interactions[secret] = interaction
    world.clock.call_later(world.limits.interaction_answer, lambda: _miss_deadline(world, interaction))
    world.clock.call_later(world.limits.interaction_token, lambda: _let_token_expire(world, interaction))
    world.tell(Event("INTERACTION_CREATE", _payload(world, interaction), Intent.ALWAYS, channel.guild))
    return interaction


def too_late(world: World, interaction: Interaction) -> bool:
    """Whether the time for the first answer is over."""
    return world.clock.time() - interaction.created_at >= world.limits.interaction_answer


def _miss_deadline(world: World, interaction: Interaction) -> None:
    if not interaction.acknowledged:
        interaction.failed = True
        world.changed()


def _let_token_expire(world: World, interaction: Interaction) -> None:
    """A promise not kept by then shows as a failure too."""
    if interaction.thinking:
        interaction.failed = True
        world.changed()


def token_expired(world: World, interaction: Interaction) -> bool:
    """Whether the token is of no use any more."""
    return world.clock.time() - interaction.created_at >= world.limits.interaction_token


def _payload(world: World, interaction: Interaction) -> Json:
    channel, user, guild = interaction.channel, interaction.user, interaction.channel.guild
    place = payloads.channel(world, channel) | {"permissions": payloads.permitted(channel, user)}
    data: Json = {
        "id": str(interaction.id),
        "application_id": str(world.application_id),
        "type": int(interaction.kind),
        "data": interaction.data,
        "channel_id": str(channel.id),
        "channel": place,
        "token": interaction.token,
        "version": 1,
        "app_permissions": payloads.permitted(channel, world.bot),
        "locale": user.locale,
        "entitlements": [],
        "authorizing_integration_owners": {"0": str(guild.id) if guild else "0"},
        "context": 0 if guild else 1,
        "attachment_size_limit": world.limits.file,
    }
    if guild is not None:
        member = payloads.member(guild.members[user.id]) | {"permissions": payloads.permitted(channel, user)}
        data |= {"guild_id": str(guild.id), "guild_locale": guild.locale, "member": member}
        data["guild"] = {"id": str(guild.id), "locale": guild.locale, "features": []}
    else:
        data["user"] = payloads.user(user)
    if interaction.source is not None:
        data["message"] = message_payloads.message(world, interaction.source)
    return data
