"""Which events the app hears of what happens, and in what order.

Rules: docs.slack.dev event pages. A mention outside direct messages comes twice, as `app_mention` and as
`message`, with different event ids and in no promised order; a bot hears only of places it is in, and of what
it subscribed to.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, Literal

from tests.emulators.slack.changes import Changes
from tests.emulators.slack.delivery import Delivery, PostOffice
from tests.emulators.slack.payloads import event_callback, message_json
from tests.emulators.slack.world import Channel, Message, Team, User, World

Json = dict[str, Any]
Twins = Literal["mention_first", "message_first", "together", "only_mention", "only_message"]

DEFAULT_EVENTS = (
    "app_mention",
    "message.im",
    "message.channels",
    "message.groups",
    "message.mpim",
    "app_home_opened",
    "agent_session_stopped",
    "app_uninstalled",
    "tokens_revoked",
)
_SUBSCRIPTIONS = {
    "im": "message.im",
    "channel": "message.channels",
    "group": "message.groups",
    "mpim": "message.mpim",
}
HISTORY_SCOPES = {
    "im": "im:history",
    "channel": "channels:history",
    "group": "groups:history",
    "mpim": "mpim:history",
}


class Feed:
    """Turns occurrences into events for the app, if it may hear them. `twins` may be changed at any time."""

    def __init__(
        self,
        world: World,
        office: PostOffice,
        changes: Changes,
        app_id: str,
        events: Iterable[str],
        twins: Twins,
    ) -> None:
        self.events = set(events)
        self.twins: Twins = twins
        self._world = world
        self._office = office
        self._changes = changes
        self._app_id = app_id

    def posted(self, message: Message) -> list[Delivery]:
        """A message appeared; ephemeral ones are no event."""
        self._changes.notify()
        if message.ephemeral_to is not None:
            return []
        event = message_json(self._world, message, thread=False) | self._where(message, message.ts)
        if message.thread_ts and message.thread_ts != message.ts:
            event |= {"thread_ts": message.thread_ts, **_parent(message)}
        if message.bot_id is None:
            event["client_msg_id"] = f"client-{message.ts}"
        plain = self._message_callback(message.channel, event)
        mention = self._mention_callback(message, event)
        return self._send_twins(mention, plain)

    def changed(self, message: Message, previous: Json) -> list[Delivery]:
        """A message was edited, unfurled or finished; the text may be the same."""
        self._changes.notify()
        return self._send_hidden(
            message,
            "message_changed",
            {"message": message_json(self._world, message), "previous_message": previous},
        )

    def deleted(self, message: Message, previous: Json) -> list[Delivery]:
        """A message is gone; the root of a living thread becomes a tombstone instead, which is a change."""
        self._changes.notify()
        replies = message.channel.replies(message.ts)
        if not replies:
            return self._send_hidden(
                message, "message_deleted", {"deleted_ts": message.ts, "previous_message": previous}
            )
        tombstone = {
            "type": "message",
            "subtype": "tombstone",
            "text": "This message was deleted.",
            "user": "USLACKBOT",
            "hidden": True,
            "ts": message.ts,
            "thread_ts": message.ts,
            "reply_count": len(replies),
        }
        return self._send_hidden(
            message, "message_changed", {"message": tombstone, "previous_message": previous}
        )

    def snapshot(self, message: Message) -> Json:
        """The message as it is now, to be the `previous_message` of a change."""
        return copy.deepcopy(message_json(self._world, message))

    def home_opened(self, team: Team, user: User, channel: Channel, tab: str) -> list[Delivery]:
        event = {"type": "app_home_opened", "user": user.id, "channel": channel.id, "tab": tab}
        return self._send_app_event(team, event, channel)

    def session_stopped(
        self, team: Team, user: User, channel: Channel, thread: str, streams: list[str]
    ) -> list[Delivery]:
        event = {
            "type": "agent_session_stopped",
            "channel": channel.id,
            "thread_ts": thread,
            "user": user.id,
            "streaming_message_ts": streams,
        }
        return self._send_app_event(team, event, channel)

    def tokens_revoked(self, team: Team) -> list[Delivery]:
        return self._send_app_event(
            team, {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [team.bot.id]}}
        )

    def uninstalled(self, team: Team) -> list[Delivery]:
        return self._send_app_event(team, {"type": "app_uninstalled"})

    def _where(self, message: Message, event_ts: str) -> Json:
        channel = message.channel
        where: Json = {"channel": channel.id, "channel_type": channel.kind, "event_ts": event_ts}
        if message.author is not None and message.author.team_id != channel.team_id:
            home = message.author.team_id
            where |= {"user_team": home, "source_team": home, "team": home}
        return where

    def _send_hidden(self, message: Message, subtype: str, more: Json) -> list[Delivery]:
        if message.ephemeral_to is not None:
            return []
        ts = self._world.new_ts()
        event = {"type": "message", "subtype": subtype, "hidden": True, "ts": ts, **more}
        event |= {"channel": message.channel.id, "channel_type": message.channel.kind, "event_ts": ts}
        callback = self._message_callback(message.channel, event)
        return [] if callback is None else [self._office.send("events_api", callback)]

    def _message_callback(self, channel: Channel, event: Json) -> Json | None:
        team = self._world.teams[channel.team_id]
        hears = team.bot.id in channel.members and team.state == "installed"
        if not hears or _SUBSCRIPTIONS[channel.kind] not in self.events:
            return None
        if HISTORY_SCOPES[channel.kind] not in team.scopes:
            return None
        return event_callback(self._world, team, self._app_id, event, channel)

    def _mention_callback(self, message: Message, event: Json) -> Json | None:
        channel, team = message.channel, self._world.teams[message.channel.team_id]
        token = f"<@{team.bot.id}"
        mentioned = f"{token}>" in message.text or f"{token}|" in message.text
        if not mentioned or message.author is team.bot or channel.kind == "im" or team.state != "installed":
            return None
        if team.bot.id not in channel.members or "app_mention" not in self.events:
            return None
        if "app_mentions:read" not in team.scopes:
            return None
        kept = {
            key: value
            for key, value in event.items()
            if key not in ("channel_type", "subtype", "parent_user_id")
        }
        return event_callback(self._world, team, self._app_id, {**kept, "type": "app_mention"}, channel)

    def _send_twins(self, mention: Json | None, plain: Json | None) -> list[Delivery]:
        if mention is None or plain is None:
            return [self._office.send("events_api", one) for one in (mention, plain) if one is not None]
        order = {
            "mention_first": [mention, plain],
            "message_first": [plain, mention],
            "together": [mention, plain],
            "only_mention": [mention],
            "only_message": [plain],
        }[self.twins]
        sent: list[Delivery] = []
        for callback in order:
            after = sent[-1] if sent and self.twins != "together" else None
            sent.append(self._office.send("events_api", callback, after=after))
        return sent

    def _send_app_event(self, team: Team, event: Json, channel: Channel | None = None) -> list[Delivery]:
        self._changes.notify()
        if event["type"] not in self.events:
            return []
        event["event_ts"] = self._world.new_ts()
        callback = event_callback(self._world, team, self._app_id, event, channel)
        return [self._office.send("events_api", callback)]


def _parent(message: Message) -> Json:
    root = message.channel.messages.get(message.thread_ts or "")
    return {"parent_user_id": root.author.id} if root is not None and root.author is not None else {}
