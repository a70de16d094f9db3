"""The app itself: auth.*, oauth.v2.access, apps.connections.open, views.*, assistant.* and agents.*.

Rules: the method pages on docs.slack.dev.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from tests.emulators.slack.blocks import check_blocks, parse_blocks
from tests.emulators.slack.calls import Call, Method
from tests.emulators.slack.errors import ApiError
from tests.emulators.slack.world import Channel, Session

Json = dict[str, Any]

_SESSION_STATES = ("processing", "active", "suspended", "closed")
_PROMPTS, _VIEW_BLOCKS = 4, 100


def auth_test(call: Call) -> Json:
    team = call.team
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": team.bot.name,
        "team_id": team.id,
        "user_id": team.bot.id,
        "bot_id": team.bot_id,
        "is_enterprise_install": False,
    }


def auth_revoke(call: Call) -> Json:
    if call.flag("test"):
        return {"revoked": False}
    call.core.feed.tokens_revoked(call.team)
    call.team.state = "revoked"
    return {"revoked": True}


def oauth_access(call: Call) -> Json:
    """Exchange a code for the workspace's bot token; credentials come as basic auth or as arguments."""
    core = call.core
    client = (call.text("client_id"), call.text("client_secret"))
    if basic := call.text("basic_auth"):
        try:
            name, _, secret = base64.b64decode(basic).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise ApiError("invalid_client_id") from None
        client = (name, secret)
    if client[0] != core.credentials.client_id:
        raise ApiError("invalid_client_id")
    if client[1] != core.credentials.client_secret:
        raise ApiError("bad_client_secret")
    code = call.text("code")
    if code in core.used_codes:
        raise ApiError("code_already_used")
    team = core.oauth_codes.pop(code, None)
    if team is None:
        raise ApiError("invalid_code")
    core.used_codes.add(code)
    team.state = "installed"
    return {
        "access_token": team.bot_token,
        "token_type": "bot",
        "scope": ",".join(sorted(team.scopes)),
        "bot_user_id": team.bot.id,
        "app_id": core.credentials.app_id,
        "team": {"id": team.id, "name": team.name},
        "enterprise": None,
        "is_enterprise_install": False,
        "authed_user": {"id": team.bot.id},
    }


def open_connection(call: Call) -> Json:
    core = call.core
    address = core.base_url.replace("http://", "ws://")
    return {"url": f"{address}/link/?ticket={core.hub.new_ticket()}&app_id={core.credentials.app_id}"}


def open_view(call: Call) -> Json:
    view = _view(call)
    interaction = call.core.interactions.redeem(call.need("trigger_id", "invalid_trigger_id"))
    return {"view": _keep_view(call, view | {"opened_by": interaction.user.id})}


def publish_view(call: Call) -> Json:
    view, user = _view(call), call.user("user_id")
    kept = _keep_view(call, view | {"user_id": user.id})
    call.core.world.homes[user.id] = kept
    return {"view": kept}


def update_view(call: Call) -> Json:
    """A view found by `view_id` or `external_id`; a stale `hash` is refused."""
    view, views = _view(call), call.core.world.views
    external = call.text("external_id")
    known = views.get(call.text("view_id"))
    if known is None and external:
        known = next((v for v in views.values() if v.get("external_id") == external), None)
    if known is None:
        raise ApiError("not_found")
    if call.text("hash") not in ("", known["hash"]):
        raise ApiError("hash_conflict")
    known |= view | {"hash": call.core.world.new_id("H")}
    return {"view": known}


def assistant_status(call: Call) -> Json:
    session = _session(call)
    session.status = call.text("status")
    session.statuses.append(session.status)
    return {}


def assistant_title(call: Call) -> Json:
    _session(call).title = call.need("title")
    return {}


def assistant_prompts(call: Call) -> Json:
    prompts = call.parsed("prompts")
    if not isinstance(prompts, list) or not 0 < len(prompts) <= _PROMPTS:
        raise ApiError("invalid_arguments")
    if not all(prompt.get("title") and prompt.get("message") for prompt in prompts):
        raise ApiError("invalid_arguments")
    channel = call.channel("channel_id")
    call.core.world.session(channel.id, call.text("thread_ts")).prompts = prompts
    return {}


def agent_status(call: Call) -> Json:
    channel = call.channel("channel_id")
    session = set_session_status(call, channel, call.need("thread_ts"), call.need("status"))
    session.title = session.title or call.text("title")
    if "agent_session_stopped" not in call.core.feed.events:
        call.warnings.append("missing_agent_session_stopped_event_subscription")
    return {"status": session.session_status, "agent_status": session.session_status, "title": session.title}


def agent_rename(call: Call) -> Json:
    channel = call.channel("channel_id")
    session = call.core.world.sessions.get((channel.id, call.need("thread_ts")))
    if session is None:
        raise ApiError("session_not_found")
    session.title = call.need("title")
    return {"title": session.title}


def set_session_status(call: Call, channel: Channel, thread_ts: str, status: str) -> Session:
    if status not in _SESSION_STATES:
        raise ApiError("invalid_arguments")
    session = call.core.world.session(channel.id, thread_ts)
    session.session_status = status
    session.statuses.append(status)
    return session


def _session(call: Call) -> Session:
    channel = call.channel("channel_id")
    return call.core.world.session(channel.id, call.need("thread_ts"))


def _view(call: Call) -> Json:
    view = call.parsed("view")
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        raise ApiError("invalid_arguments")
    blocks = parse_blocks(view.get("blocks"))
    if len(blocks) > _VIEW_BLOCKS:
        raise ApiError("invalid_arguments")
    for block in blocks:
        if block.get("type") != "input":
            check_blocks([block], call.core.limits)
    return view


def _keep_view(call: Call, view: Json) -> Json:
    world = call.core.world
    kept: Json = {
        "id": world.new_id("V"),
        "hash": world.new_id("H"),
        "team_id": call.team.id,
        "state": {"values": {}},
    } | view
    kept |= {"app_id": call.core.credentials.app_id, "bot_id": call.team.bot_id}
    world.views[kept["id"]] = kept
    return kept


METHODS = {
    "auth.test": Method(auth_test),
    "auth.revoke": Method(auth_revoke),
    "oauth.v2.access": Method(oauth_access, open=True),
    "apps.connections.open": Method(open_connection, app_level=True),
    "views.open": Method(open_view),
    "views.publish": Method(publish_view),
    "views.update": Method(update_view),
    "assistant.threads.setStatus": Method(assistant_status, ("assistant:write", "chat:write")),
    "assistant.threads.setTitle": Method(assistant_title, ("assistant:write",)),
    "assistant.threads.setSuggestedPrompts": Method(assistant_prompts, ("assistant:write",)),
    "agents.sessions.setStatus": Method(agent_status, ("chat:write",)),
    "agents.sessions.rename": Method(agent_rename, ("chat:write",)),
}
