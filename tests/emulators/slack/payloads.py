"""The JSON forms of the nouns, as the Web API and the events show them."""

from __future__ import annotations

import copy
from typing import Any

from tests.emulators.slack import text as wire
from tests.emulators.slack.world import Channel, Message, SlackFile, Team, User, World

Json = dict[str, Any]


def message_json(world: World, message: Message, *, metadata: bool = False, thread: bool = True) -> Json:
    """A message as history shows it; `thread` adds reply counts, `metadata` the metadata with its payload."""
    body: Json = {"type": "message", "ts": message.ts, "text": message.text, "team": message.channel.team_id}
    if message.subtype:
        body["subtype"] = message.subtype
    if message.author is not None:
        body["user"] = message.author.id
    body |= _bot_fields(message)
    if message.blocks:
        body["blocks"] = message.blocks
    elif message.author is not None and not message.author.is_bot and not message.subtype:
        body["blocks"] = [wire.rich_text(message.text)]
    body |= _attached(world, message)
    if message.stream is not None:
        body["streaming_state"] = "in_progress" if message.stream.state == "in_progress" else "completed"
    if metadata and message.metadata:
        body["metadata"] = message.metadata
    return body | (_thread_fields(message) if thread else {})


def _attached(world: World, message: Message) -> Json:
    body: Json = {name: value for name in ("attachments", "edited") if (value := getattr(message, name))}
    if message.files:
        body |= {"files": [file_json(world, f, message) for f in message.files], "upload": False}
    if message.reactions:
        body["reactions"] = [
            {"name": name, "users": sorted(users), "count": len(users)}
            for name, users in message.reactions.items()
        ]
    return body


def _bot_fields(message: Message) -> Json:
    if message.bot_id is None:
        return {}
    body: Json = {"bot_id": message.bot_id}
    if message.app_id:
        body["app_id"] = message.app_id
        body["bot_profile"] = {
            "id": message.bot_id,
            "app_id": message.app_id,
            "team_id": message.channel.team_id,
        }
    if message.username:
        body["username"] = message.username
    return body


def _thread_fields(message: Message) -> Json:
    channel = message.channel
    if message.thread_ts and message.thread_ts != message.ts:
        root = channel.messages.get(message.thread_ts)
        parent = {"parent_user_id": root.author.id} if root and root.author else {}
        return {"thread_ts": message.thread_ts, **parent}
    replies = channel.replies(message.ts)
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.author.id for reply in replies if reply.author))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": users,
        "reply_users_count": len(users),
        "latest_reply": replies[-1].ts,
    }


def file_json(world: World, file: SlackFile, message: Message | None = None) -> Json:
    """A file; what a stranger shared over Slack Connect must be asked for with files.info."""
    if message is not None and message.author is not None and message.author.is_stranger:
        return {"id": file.id, "file_access": "check_file_info", "mode": "file_access"}
    url = f"{world.files_url}/{file.team_id}-{file.id}"
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2],
        "size": len(file.content),
        "mode": "hosted",
        "user": file.user_id,
        "file_access": "visible",
        "is_external": False,
        "url_private": f"{url}/{file.name}",
        "url_private_download": f"{url}/download/{file.name}",
    }


def user_json(user: User, *, locale: bool = False) -> Json:
    body: Json = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "real_name": user.name.title(),
        "deleted": user.deleted,
        "is_admin": user.is_admin,
        "is_owner": user.is_owner,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted or user.is_ultra_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "tz": "Europe/Berlin",
        "profile": {"display_name": user.name, "real_name": user.name.title(), "team": user.team_id},
    }
    if user.is_stranger:
        body["is_stranger"] = True
    return body | ({"locale": user.locale} if locale else {})


def channel_json(channel: Channel, bot_id: str, *, num_members: bool = False) -> Json:
    body: Json = {
        "id": channel.id,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "channel",
        "is_archived": channel.is_archived,
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "context_team_id": channel.team_id,
    }
    if channel.kind == "im":
        body["user"] = next((member for member in channel.members if member != bot_id), bot_id)
    else:
        body |= {
            "name": channel.name,
            "name_normalized": channel.name,
            "is_member": bot_id in channel.members,
        }
    return body | ({"num_members": len(channel.members)} if num_members else {})


def event_callback(world: World, team: Team, app_id: str, event: Json, channel: Channel | None) -> Json:
    """The outer envelope of the Events API around one inner event, as it is at this moment."""
    event_id = world.new_id("Ev")
    return {
        "token": "verification-token",
        "team_id": team.id,
        "context_team_id": team.id,
        "context_enterprise_id": None,
        "api_app_id": app_id,
        "event": copy.deepcopy(event),
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(world.clock()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": team.id,
                "user_id": team.bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": bool(channel and channel.is_ext_shared),
        "event_context": f"4-{event_id}",
    }
