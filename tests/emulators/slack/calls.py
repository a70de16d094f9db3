"""One call of a Web API method: its arguments, checked as they are read, and what its token may see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.slack.core import Core
from tests.emulators.slack.errors import ApiError
from tests.emulators.slack.world import Channel, Message, Team, User

Json = dict[str, Any]


@dataclass
class Call:
    """One call of a method: its arguments, and the workspace that its token belongs to."""

    core: Core
    params: Json
    team: Team
    method: str
    warnings: list[str] = field(default_factory=list)

    def text(self, name: str, default: str = "") -> str:
        value = self.params.get(name)
        return default if value is None else str(value)

    def need(self, name: str, error: str = "invalid_arguments") -> str:
        value = self.text(name)
        if not value:
            raise ApiError(error, response_metadata={"messages": [f"[ERROR] missing required field: {name}"]})
        return value

    def flag(self, name: str) -> bool:
        return str(self.params.get(name, "")).lower() in ("1", "true")

    def number(self, name: str, default: int) -> int:
        value = self.text(name)
        if value and not value.isdigit():
            raise ApiError("invalid_arguments")
        return int(value) if value else default

    def parsed(self, name: str, error: str = "invalid_arguments") -> Any:
        """A structured argument, given as JSON or, in a form, as a JSON text."""
        value = self.params.get(name)
        if isinstance(value, str) and value:
            try:
                return json.loads(value)
            except ValueError:
                raise ApiError(error) from None
        return value or None

    def require(self, scope: str) -> None:
        if scope not in self.team.scopes:
            raise ApiError("missing_scope", needed=scope, provided=",".join(sorted(self.team.scopes)))

    def channel(self, name: str = "channel", *, write: bool = False, read: bool = False) -> Channel:
        """The channel of an argument, if the bot may see it, write to it, read in it."""
        given = self.need(name, "channel_not_found")
        world, bot = self.core.world, self.team.bot.id
        channel = world.channels.get(given)
        if channel is None and write:
            channel = self._by_name(given)
        if channel is None or channel.team_id != self.team.id:
            raise ApiError("channel_not_found")
        if bot not in channel.members:
            if channel.kind != "channel":
                raise ApiError("channel_not_found")
            if read or (write and "chat:write.public" not in self.team.scopes):
                raise ApiError("not_in_channel")
        if write and channel.is_archived:
            raise ApiError("is_archived")
        return channel

    def _by_name(self, given: str) -> Channel | None:
        world = self.core.world
        if given in world.users:
            return world.direct(self.team, [given])
        known = world.rooms(self.team.id).get(given.removeprefix("#"))
        return world.channels.get(known) if known else None

    def message(self, channel: Channel, name: str = "ts", error: str = "message_not_found") -> Message:
        message = channel.messages.get(self.need(name, error))
        if message is None or message.ephemeral_to is not None:
            raise ApiError(error)
        return message

    def user(self, name: str = "user") -> User:
        user = self.core.world.users.get(self.need(name, "user_not_found"))
        if user is None:
            raise ApiError("user_not_found")
        return user


@dataclass(frozen=True)
class Method:
    """A method; any one of `scopes` opens it, `app_level` ones take the app's own token, `open` ones none."""

    run: Callable[[Call], Json]
    scopes: tuple[str, ...] = ()
    app_level: bool = False
    open: bool = False


def page(items: Iterable[Any], call: Call, *, default: int = 100, most: int = 1000) -> tuple[list[Any], Json]:
    """One page of `items` by `limit` and `cursor`, with the `response_metadata` of its answer."""
    everything = list(items)
    start = call.number("cursor", 0)
    size = min(call.number("limit", default) or default, most)
    following = start + size
    cursor = str(following) if following < len(everything) else ""
    return everything[start:following], {"response_metadata": {"next_cursor": cursor}}
