"""What all parts of the emulator share, and what the methods of the Web API do with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.emulators.slack.changes import Changes
from tests.emulators.slack.events import EventPusher
from tests.emulators.slack.feed import Feed
from tests.emulators.slack.limits import Clock, Meter, SlackLimits
from tests.emulators.slack.socket_mode import SocketHub
from tests.emulators.slack.world import Message, Team, World

if TYPE_CHECKING:
    from tests.emulators.slack.interactions import Interactions

Json = dict[str, Any]


@dataclass(frozen=True)
class Credentials:
    """Of the app itself; bot tokens belong to the workspaces."""

    app_id: str = "A0E0000001"
    app_token: str = "xapp-1-A0E0000001-emulator"
    signing_secret: str = "emulator-signing-secret"
    client_id: str = "1000.2000"
    client_secret: str = "emulator-client-secret"


@dataclass(eq=False)
class Core:
    """The parts, put together once in `SlackEmulator`. `base_url` is known once the server listens."""

    credentials: Credentials
    limits: SlackLimits
    clock: Clock
    world: World
    changes: Changes
    meter: Meter
    hub: SocketHub
    pusher: EventPusher
    feed: Feed
    base_url: str = ""
    oauth_codes: dict[str, Team] = field(default_factory=dict)
    used_codes: set[str] = field(default_factory=set)
    interactions: Interactions = field(init=False)

    def post_as_bot(self, team: Team, **fields: Any) -> Message:
        """A message of the app's bot; it also ends the thread's status line, and is an event."""
        message = self.world.post(
            author=team.bot, bot_id=team.bot_id, app_id=self.credentials.app_id, **fields
        )
        session = self.world.sessions.get((message.channel.id, message.root_ts))
        if session is not None and message.ephemeral_to is None:
            session.status = ""
        self.feed.posted(message)
        return message

    def revise(self, message: Message, *, name_pings: bool = False, **fields: Any) -> None:
        """Change fields of a message; the change is recorded and is an event."""
        previous = self.feed.snapshot(message)
        for name, value in fields.items():
            setattr(message, name, value)
        self.world.record(message, name_pings=name_pings)
        self.feed.changed(message, previous)

    def remove(self, message: Message) -> None:
        previous = self.feed.snapshot(message)
        self.world.remove(message)
        self.feed.deleted(message, previous)

    def streaming(self, message: Message) -> bool:
        """Whether the message is an open native stream; it closes by itself, whatever is appended."""
        stream = message.stream
        if stream is None or stream.state != "in_progress":
            return False
        if self.clock() - stream.started < self.limits.stream_seconds:
            return True
        stream.state = "completed"
        return False
