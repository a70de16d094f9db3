"""conversations.*, users.*, reactions.*, bots.info, team.info.

Rules: the method pages on docs.slack.dev; which scope a conversation needs depends on its kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.emulators.slack.calls import Call, Method, page
from tests.emulators.slack.errors import ApiError
from tests.emulators.slack.feed import HISTORY_SCOPES
from tests.emulators.slack.payloads import channel_json, message_json, user_json
from tests.emulators.slack.world import Channel, Message

Json = dict[str, Any]

READ_SCOPES = {"im": "im:read", "channel": "channels:read", "group": "groups:read", "mpim": "mpim:read"}
_KINDS = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}


def info(call: Call) -> Json:
    channel = call.channel()
    call.require(READ_SCOPES[channel.kind])
    return {"channel": channel_json(channel, call.team.bot.id, num_members=call.flag("include_num_members"))}


def list_channels(call: Call) -> Json:
    return _listing(call, _wanted(call))


def own_conversations(call: Call) -> Json:
    """Conversations of the bot, or those it shares with `user`."""
    people = {call.team.bot.id, call.text("user") or call.team.bot.id}
    return _listing(call, [channel for channel in _wanted(call) if people <= set(channel.members)])


def history(call: Call) -> Json:
    channel = call.channel(read=True)
    call.require(HISTORY_SCOPES[channel.kind])
    top = [m for m in channel.standing() if m.root_ts == m.ts or m.broadcast]
    found = [m for m in reversed(top) if _within(call, m)]
    return _messages(call, found)


def replies(call: Call) -> Json:
    """The root and its replies, oldest first."""
    channel = call.channel(read=True)
    call.require(HISTORY_SCOPES[channel.kind])
    root_ts = call.need("ts", "thread_not_found")
    root = channel.messages.get(root_ts)
    following = channel.replies(root_ts)
    if root is None and not following:
        raise ApiError("thread_not_found")
    found = [m for m in following if _within(call, m)]
    return _messages(call, [root, *found] if root is not None else found)


def members(call: Call) -> Json:
    channel = call.channel()
    call.require(READ_SCOPES[channel.kind])
    found, more = page(channel.members, call)
    return {"members": found, **more}


def open_conversation(call: Call) -> Json:
    """The direct message with one user, or the group message with several."""
    world = call.core.world
    if call.text("channel"):
        channel = call.channel()
    else:
        users = [user for user in call.text("users").split(",") if user]
        if not users:
            raise ApiError("users_list_not_supplied")
        if any(user not in world.users for user in users):
            raise ApiError("user_not_found")
        call.require("im:write" if len(users) == 1 else "mpim:write")
        channel = world.direct(call.team, users)
    full = channel_json(channel, call.team.bot.id)
    return {"channel": full if call.flag("return_im") else {"id": channel.id}}


def user_info(call: Call) -> Json:
    return {"user": user_json(call.user(), locale=call.flag("include_locale"))}


def list_users(call: Call) -> Json:
    people = [user for user in call.core.world.users.values() if user.team_id == call.team.id]
    found, more = page(people, call)
    return {"members": [user_json(user, locale=call.flag("include_locale")) for user in found], **more}


def react(call: Call) -> Json:
    message, name = _reaction(call)
    users = message.reactions.setdefault(name, set())
    if call.team.bot.id in users:
        raise ApiError("already_reacted")
    users.add(call.team.bot.id)
    return {}


def unreact(call: Call) -> Json:
    message, name = _reaction(call)
    users = message.reactions.get(name, set())
    if call.team.bot.id not in users:
        raise ApiError("no_reaction")
    users.remove(call.team.bot.id)
    if not users:
        del message.reactions[name]
    return {}


def bot_info(call: Call) -> Json:
    team = call.team
    if call.text("bot", team.bot_id) != team.bot_id:
        raise ApiError("bot_not_found")
    app_id = call.core.credentials.app_id
    return {
        "bot": {
            "id": team.bot_id,
            "app_id": app_id,
            "name": team.bot.name,
            "user_id": team.bot.id,
            "deleted": False,
        }
    }


def team_info(call: Call) -> Json:
    return {"team": {"id": call.team.id, "name": call.team.name, "domain": call.team.domain}}


def _wanted(call: Call) -> list[Channel]:
    """Channels the bot can see, of the kinds asked for and granted."""
    kinds = {_KINDS.get(kind.strip()) for kind in call.text("types", "public_channel").split(",")}
    if None in kinds:
        raise ApiError("invalid_types")
    for kind in kinds:
        call.require(READ_SCOPES[str(kind)])
    return [
        channel
        for channel in call.core.world.channels.values()
        if channel.team_id == call.team.id
        and channel.kind in kinds
        and (channel.kind == "channel" or call.team.bot.id in channel.members)
        and not (call.flag("exclude_archived") and channel.is_archived)
    ]


def _listing(call: Call, channels: Iterable[Channel]) -> Json:
    found, more = page(channels, call)
    return {"channels": [channel_json(channel, call.team.bot.id) for channel in found], **more}


def _within(call: Call, message: Message) -> bool:
    """Whether a message lies between `oldest` and `latest`; timestamps compare as text of equal length."""
    oldest, latest, inclusive = call.text("oldest"), call.text("latest"), call.flag("inclusive")
    ts = _sortable(message.ts)
    if oldest and not (ts > _sortable(oldest) or (inclusive and ts == _sortable(oldest))):
        return False
    return not latest or ts < _sortable(latest) or (inclusive and ts == _sortable(latest))


def _sortable(ts: str) -> str:
    seconds, _, micros = ts.partition(".")
    return f"{seconds.zfill(12)}.{micros.ljust(6, '0')}"


def _messages(call: Call, found: list[Message]) -> Json:
    """A page. Its cursor names the last message on it, so that one that is deleted meanwhile moves none of the others."""
    rising, last = call.text("ts") != "", _sortable(call.text("cursor"))
    if call.text("cursor"):
        found = [one for one in found if (_sortable(one.ts) > last if rising else _sortable(one.ts) < last)]
    most = min(call.number("limit", 100) or 100, call.core.limits.read_objects)
    shown, more = found[:most], len(found) > most
    metadata = call.flag("include_all_metadata")
    return {
        "messages": [message_json(call.core.world, message, metadata=metadata) for message in shown],
        "has_more": more,
        "response_metadata": {"next_cursor": shown[-1].ts if more else ""},
    }


def _reaction(call: Call) -> tuple[Message, str]:
    channel = call.channel()
    name = call.need("name", "invalid_name").strip(":")
    return call.message(channel, "timestamp"), name


_READ = tuple(READ_SCOPES.values())
_HISTORY = tuple(HISTORY_SCOPES.values())

METHODS = {
    "conversations.info": Method(info, _READ),
    "conversations.list": Method(list_channels, _READ),
    "conversations.history": Method(history, _HISTORY),
    "conversations.replies": Method(replies, _HISTORY),
    "conversations.members": Method(members, _READ),
    "conversations.open": Method(open_conversation, ("im:write", "mpim:write")),
    "users.info": Method(user_info, ("users:read",)),
    "users.list": Method(list_users, ("users:read",)),
    "users.conversations": Method(own_conversations, _READ),
    "reactions.add": Method(react, ("reactions:write",)),
    "reactions.remove": Method(unreact, ("reactions:write",)),
    "bots.info": Method(bot_info, ("users:read",)),
    "team.info": Method(team_info, ("team:read",)),
}
