"""Slash commands, buttons and modals: trigger ids, response URLs, and what comes of an acknowledgement.

Rules: docs.slack.dev "Handling user interaction": a trigger id is good for 3 s and one use, a response URL
for five posts in 30 minutes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.emulators.slack import text as wire
from tests.emulators.slack.blocks import check_blocks, parse_blocks
from tests.emulators.slack.core import Core
from tests.emulators.slack.delivery import Delivery, PostOffice, Shipment
from tests.emulators.slack.errors import ApiError
from tests.emulators.slack.payloads import message_json
from tests.emulators.slack.world import Channel, Message, Team, User

Json = dict[str, Any]


@dataclass(eq=False)
class Interaction:
    """A command or a press, and everything the app made of it."""

    user: User
    channel: Channel | None
    team: Team
    trigger_id: str
    response_url: str
    opened_at: float
    source: Message | None = None
    delivery: Delivery | None = None
    trigger_used: bool = False
    responses: list[Json] = field(default_factory=list)  # what was posted to the response URL
    messages: list[Message] = field(default_factory=list)  # what it showed: ephemerals and public answers
    refused: str = ""  # what was wrong with a message in the acknowledgement

    @property
    def acknowledged_in(self) -> float | None:
        """Real seconds until the acknowledgement, None when the user saw a failure."""
        return self.delivery.acknowledged_in if self.delivery else None

    @property
    def ack_body(self) -> Any:
        return self.delivery.body if self.delivery else None

    @property
    def ephemerals(self) -> list[Message]:
        return [message for message in self.messages if message.ephemeral_to is not None]


class Interactions:
    """Makes interactions and serves their response URLs and trigger ids."""

    def __init__(self, core: Core, office: PostOffice) -> None:
        self.log: list[Interaction] = []
        self._core = core
        self._office = office

    async def slash(self, user: User, channel: Channel, command: str, text: str) -> Interaction:
        """Type a command; its text carries ids, as with "Escape channels, users, and links" switched on."""
        world = self._core.world
        interaction = self._open(user, channel, "commands")
        team = interaction.team
        payload = {
            "token": "verification-token",
            "team_id": team.id,
            "team_domain": team.domain,
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.kind == "im" else channel.name,
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": wire.typed(text, world.people(team.id), world.rooms(team.id), labels=True),
            "api_app_id": self._core.credentials.app_id,
            "is_enterprise_install": "false",
            "response_url": interaction.response_url,
            "trigger_id": interaction.trigger_id,
        }
        return await self._send(interaction, "slash_commands", payload)

    async def press(self, user: User, message: Message, action_id: str, value: str | None) -> Interaction:
        """Press a button that the message really shows, or raise `LookupError`."""
        element = message.actions.get(action_id)
        if element is None:
            raise LookupError(f"no {action_id!r} on this message, only {sorted(message.actions)}")
        interaction = self._open(user, message.channel, "actions", message)
        ephemeral = message.ephemeral_to is not None
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel.id,
            "is_ephemeral": ephemeral,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload = self._interactive(interaction, "block_actions") | {
            "container": container,
            "channel": {"id": message.channel.id, "name": message.channel.name},
            "actions": [self._action(element, value)],
            "state": {"values": {}},
            "response_url": interaction.response_url,
        }
        if not ephemeral:
            payload["message"] = message_json(self._core.world, message)
        return await self._send(interaction, "interactive", payload)

    async def submit(self, user: User, view: Json, values: Json) -> Interaction:
        """Submit a modal with `values` (block id to action id to element state)."""
        interaction = self._open(user, None, "views")
        filled = {**view, "state": {"values": values}}
        payload = self._interactive(interaction, "view_submission") | {"view": filled, "response_urls": []}
        return await self._send(interaction, "interactive", payload)

    def redeem(self, trigger_id: str) -> Interaction:
        """The interaction of a trigger id, or the error of views.open."""
        for interaction in self.log:
            if interaction.trigger_id == trigger_id:
                break
        else:
            raise ApiError("invalid_trigger_id")
        if interaction.trigger_used:
            raise ApiError("exchanged_trigger_id")
        if self._core.clock() - interaction.opened_at > self._core.limits.trigger_seconds:
            raise ApiError("expired_trigger_id")
        interaction.trigger_used = True
        return interaction

    async def respond(self, request: web.Request) -> web.Response:
        """A post to a response URL."""
        interaction = next((i for i in self.log if i.response_url.endswith(request.path)), None)
        limits = self._core.limits
        if interaction is None or self._core.clock() - interaction.opened_at > limits.response_url_seconds:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        if len(interaction.responses) >= limits.response_url_uses:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        try:
            payload = json.loads(await request.text())
            interaction.responses.append(payload)
            self._show(interaction, payload)
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
        except ApiError as error:
            return web.json_response({"ok": False, "error": error.error}, status=400)
        finally:
            self._core.changes.notify()
        return web.json_response({"ok": True})

    def _open(
        self, user: User, channel: Channel | None, kind: str, source: Message | None = None
    ) -> Interaction:
        core = self._core
        team = core.world.teams[channel.team_id if channel else user.team_id]
        url = f"{core.base_url}/{kind}/{team.id}/{core.world.new_secret('hook-')}"
        trigger = f"{core.world.new_secret('1000.2000.')}"
        interaction = Interaction(user, channel, team, trigger, url, core.clock(), source)
        self.log.append(interaction)
        return interaction

    def _interactive(self, interaction: Interaction, kind: str) -> Json:
        user, team = interaction.user, interaction.team
        return {
            "type": kind,
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
            "api_app_id": self._core.credentials.app_id,
            "token": "verification-token",
            "trigger_id": interaction.trigger_id,
            "team": {"id": team.id, "domain": team.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _action(self, element: Json, value: str | None) -> Json:
        kept: Json = {
            key: element[key] for key in ("type", "action_id", "block_id", "text") if key in element
        }
        pressed = element.get("value") if value is None else value
        return {**kept, "value": pressed, "action_ts": self._core.world.new_ts()}

    async def _send(self, interaction: Interaction, kind: Shipment, payload: Json) -> Interaction:
        """Deliver it, and wait for the end of the first attempt, when the user would see a failure."""

        def acknowledged(body: Any) -> None:
            if kind == "slash_commands" and isinstance(body, dict):
                try:
                    self._show(interaction, body)
                except ApiError as error:
                    interaction.refused = error.error

        interaction.delivery = self._office.send(kind, payload, on_ack=acknowledged)
        await interaction.delivery.first_try.wait()
        return interaction

    def _show(self, interaction: Interaction, payload: Json) -> None:
        """Put an answer where the user sees it: replaced, deleted, for everyone, or for the user alone."""
        source = interaction.source
        blocks = parse_blocks(payload.get("blocks"))
        check_blocks(blocks, self._core.limits)
        text = str(payload.get("text") or "")[: self._core.limits.post_text]
        if payload.get("delete_original") and source is not None:
            self._core.remove(source)
        elif payload.get("replace_original") and source is not None:
            self._core.revise(source, text=text, blocks=blocks)
        elif text.strip() or blocks:
            public = payload.get("response_type") == "in_channel"
            message = self._core.post_as_bot(
                interaction.team,
                channel=interaction.channel,
                text=text,
                blocks=blocks,
                thread_ts=payload.get("thread_ts") or (source.thread_ts if source else None),
                metadata=payload.get("metadata"),
                ephemeral_to=None if public else interaction.user,
            )
            interaction.messages.append(message)
