"""People, places and the application as the API's JSON.

Field names and shapes follow Discord's documentation of API version 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clock import stamp
from .errors import Json
from .model import Channel, ChannelKind, Guild, Member, Permission, Role, User, can_see, permissions

if TYPE_CHECKING:
    from .world import World

_PRIVILEGED_FLAGS = {"presences": 1 << 13, "members": 1 << 15, "message_content": 1 << 19}
"""Application flags of the intents switched on by an unverified application."""


def user(account: User) -> Json:
    """A user object."""
    return {
        "id": str(account.id),
        "username": account.name,
        "discriminator": "0000" if account.bot else "0",
        "global_name": None if account.bot else account.name,
        "avatar": None,
        "bot": account.bot,
        "public_flags": 0,
    }


def member(entry: Member, *, with_user: bool = True) -> Json:
    """A guild member object; messages leave the user out."""
    data: Json = {
        "nick": None,
        "avatar": None,
        "roles": [str(role.id) for role in entry.roles],
        "joined_at": stamp(entry.joined_at),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }
    if with_user:
        data["user"] = user(entry.user)
    return data


def role(entry: Role, position: int) -> Json:
    """A role object."""
    data: Json = {
        "id": str(entry.id),
        "name": entry.name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": position,
        "permissions": str(int(entry.permissions)),
        "managed": entry.bot is not None,
        "mentionable": entry.mentionable,
        "flags": 0,
    }
    if entry.bot is not None:
        data["tags"] = {"bot_id": str(entry.bot.id)}
    return data


def channel(world: World, place: Channel) -> Json:
    """A channel object: direct message, text channel or thread."""
    data: Json = {"id": str(place.id), "type": int(place.kind), "flags": 0}
    data["last_message_id"] = str(place.last_message_id) if place.last_message_id else None
    if place.kind is ChannelKind.DM:
        return data | {"recipients": [user(place.recipient)] if place.recipient else []}
    assert place.guild is not None
    data |= {"guild_id": str(place.guild.id), "name": place.name, "rate_limit_per_user": 0, "nsfw": False}
    if place.thread is not None:
        return data | _thread(world, place)
    return data | {
        "topic": place.topic,
        "position": list(place.guild.channels).index(place.id) if place.id in place.guild.channels else 0,
        "parent_id": None,
        "permission_overwrites": [
            {
                "id": str(target),
                "type": 0 if target in place.guild.roles else 1,
                "allow": str(int(overwrite.allow)),
                "deny": str(int(overwrite.deny)),
            }
            for target, overwrite in place.overwrites.items()
        ],
    }


def _thread(world: World, place: Channel) -> Json:
    state = place.thread
    assert state is not None and place.parent is not None
    spoken = len(place.messages)
    data: Json = {
        "parent_id": str(place.parent.id),
        "owner_id": str(state.owner.id),
        "message_count": spoken,
        "total_message_sent": spoken,
        "member_count": min(len(state.members), 50),
        "thread_metadata": {
            "archived": state.archived,
            "locked": state.locked,
            "auto_archive_duration": state.auto_archive_minutes,
            "archive_timestamp": stamp(state.changed_at or state.created_at),
            "create_timestamp": stamp(state.created_at),
            "invitable": True,
        },
    }
    if world.bot.id in state.members:
        data["member"] = thread_member(place, world.bot)
    return data


def thread_member(place: Channel, account: User) -> Json:
    """A thread member object."""
    assert place.thread is not None
    joined = place.thread.members[account.id]
    return {"id": str(place.id), "user_id": str(account.id), "join_timestamp": stamp(joined), "flags": 0}


def guild(place: Guild) -> Json:
    """A guild object without its channels and members."""
    return {
        "id": str(place.id),
        "name": place.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "description": None,
        "owner_id": str(place.owner.id),
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": place.locale,
        "system_channel_id": str(place.system_channel.id) if place.system_channel else None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "safety_alerts_channel_id": None,
        "vanity_url_code": None,
        "premium_progress_bar_enabled": False,
        "features": [],
        "emojis": [],
        "stickers": [],
        "roles": [role(entry, position) for position, entry in enumerate(place.roles.values())],
    }


def guild_create(world: World, place: Guild) -> Json:
    """What GUILD_CREATE carries.

    Without the presence intent it has of the members only the bot itself. Channels a bot may not see are
    in it.
    """
    return guild(place) | {
        "joined_at": stamp(place.members[world.bot.id].joined_at),
        "large": len(place.members) > 250,
        "unavailable": False,
        "member_count": len(place.members),
        "members": [member(place.members[world.bot.id])],
        "channels": [channel(world, entry) for entry in place.channels.values() if entry.thread is None],
        "threads": [channel(world, entry) for entry in place.threads if can_see(entry, world.bot)],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def application(world: World) -> Json:
    """The application object of the bot."""
    flags = sum(bit for name, bit in _PRIVILEGED_FLAGS.items() if name in world.granted)
    return {
        "id": str(world.application_id),
        "name": world.bot.name,
        "icon": None,
        "description": "",
        "summary": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": f"{world.application_id:064x}",
        "owner": user(world.owner),
        "team": None,
        "flags": flags,
        "bot": user(world.bot),
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "approximate_guild_count": len(world.guilds),
        "approximate_user_install_count": 0,
        "integration_types_config": {"0": {}},
    }


def whereabouts(place: Channel) -> Json:
    """The ids that say where an event happened."""
    data = {"channel_id": str(place.id)}
    return data | ({"guild_id": str(place.guild.id)} if place.guild else {})


def typing_start(world: World, place: Channel, account: User) -> Json:
    """What TYPING_START carries."""
    data: Json = whereabouts(place) | {"user_id": str(account.id), "timestamp": int(world.clock.time())}
    if place.guild is not None and account.id in place.guild.members:
        data["member"] = member(place.guild.members[account.id])
    return data


def permitted(place: Channel, account: User) -> str:
    """An account's permissions in a channel as interactions carry them."""
    return str(int(permissions(place, account) | Permission(0)))
