"""The state of an emulated Slack: workspaces, people, channels, messages. Nothing here talks to a network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tests.emulators.files import Trap
from tests.emulators.slack import text as wire
from tests.emulators.slack.blocks import actions_of, texts_of
from tests.emulators.slack.limits import Clock

Json = dict[str, Any]
Kind = Literal["channel", "group", "im", "mpim"]


class Revision(NamedTuple):
    """What a message showed from a moment on."""

    time: float
    text: str


@dataclass(eq=False)
class User:
    id: str
    name: str
    team_id: str
    locale: str = "en-US"
    is_admin: bool = False
    is_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False

    @property
    def mention(self) -> str:
        """The token that mentions this person, for text sent with `raw=True`."""
        return f"<@{self.id}>"


@dataclass(eq=False)
class Team:
    """A workspace with the app installed; `scopes` and `state` may be changed by a test at any time."""

    id: str
    name: str
    bot: User
    bot_id: str
    bot_token: str
    scopes: set[str]
    state: Literal["installed", "revoked", "uninstalled"] = "installed"
    usergroups: dict[str, str] = field(default_factory=dict)  # handle to id

    @property
    def domain(self) -> str:
        return self.name.lower().replace(" ", "-")


@dataclass(eq=False)
class SlackFile:
    """An uploaded file; with `redirect` its download answers 302 to that address. `trap` is what else goes wrong with it."""

    id: str
    name: str
    content: bytes
    mimetype: str
    team_id: str
    user_id: str = ""
    title: str = ""
    redirect: str = ""
    trap: Trap = ""
    complete: bool = True


@dataclass(eq=False)
class Stream:
    """A native stream: `mode` is fixed by the first content it gets, text or chunks."""

    started: float
    state: Literal["in_progress", "completed", "stopped_by_user"] = "in_progress"
    mode: str = ""
    recipient: str = ""
    tasks: dict[str, Json] = field(default_factory=dict)


@dataclass(eq=False)
class Message:
    """A message as it stands; `shown` is what a reader sees, `pings` everyone it ever pinged."""

    ts: str
    channel: Channel
    author: User | None
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    subtype: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    username: str | None = None
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    files: list[SlackFile] = field(default_factory=list)
    broadcast: bool = False
    edited: Json | None = None
    ephemeral_to: User | None = None
    stream: Stream | None = None
    reactions: dict[str, set[str]] = field(default_factory=dict)
    deleted: bool = False
    pings: set[str] = field(default_factory=set)
    shown: str = ""
    revisions: list[Revision] = field(default_factory=list)

    @property
    def actions(self) -> dict[str, Json]:
        """The buttons and other elements a reader can press, by action id."""
        return actions_of(self.blocks)

    @property
    def streaming(self) -> bool:
        """Whether it is a native stream that nobody has stopped."""
        return self.stream is not None and self.stream.state == "in_progress"

    @property
    def root_ts(self) -> str:
        return self.thread_ts or self.ts


@dataclass(eq=False)
class Channel:
    id: str
    name: str
    kind: Kind
    team_id: str
    members: list[str] = field(default_factory=list)
    is_archived: bool = False
    is_ext_shared: bool = False
    messages: dict[str, Message] = field(default_factory=dict)

    def standing(self) -> Iterator[Message]:
        """Messages that everyone sees, oldest first."""
        return (m for m in self.messages.values() if m.ephemeral_to is None)

    def replies(self, root_ts: str) -> list[Message]:
        return [m for m in self.standing() if m.thread_ts == root_ts and m.ts != root_ts]


@dataclass
class Session:
    """What an agent says of itself in a thread: status line, session status, title and prompts."""

    status: str = ""
    session_status: str = ""
    title: str = ""
    prompts: list[Json] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)


class World:
    """Everything that is remembered, by id."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.files_url = ""  # where private files are served, known once the server listens
        self.teams: dict[str, Team] = {}
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, Message] = {}
        self.files: dict[str, SlackFile] = {}
        self.sessions: dict[tuple[str, str], Session] = {}
        self.views: dict[str, Json] = {}
        self.homes: dict[str, Json] = {}
        self._ids = 0
        self._last_us = 0

    def new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}0E{self._ids:07d}"

    def new_secret(self, prefix: str) -> str:
        """A value that looks like a token and is the same in every run."""
        self._ids += 1
        return prefix + hashlib.sha256(f"{prefix}{self._ids}".encode()).hexdigest()[:24]

    def new_ts(self) -> str:
        """The time as Slack writes it, and never twice the same."""
        self._last_us = max(self._last_us + 1, int(self.clock() * 1_000_000))
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"

    def add_user(self, name: str, team_id: str, **traits: Any) -> User:
        user = User(self.new_id("U"), name, team_id, **traits)
        self.users[user.id] = user
        return user

    def add_team(self, name: str, scopes: Iterable[str], bot_name: str) -> Team:
        team_id = self.new_id("T")
        bot = self.add_user(bot_name, team_id, is_bot=True)
        team = Team(team_id, name, bot, self.new_id("B"), self.new_secret("xoxb-"), set(scopes))
        self.teams[team_id] = team
        return team

    def add_channel(self, name: str, kind: Kind, team_id: str, members: Sequence[str]) -> Channel:
        prefix = {"channel": "C", "group": "C", "im": "D", "mpim": "G"}[kind]
        channel = Channel(self.new_id(prefix), name, kind, team_id, list(members))
        self.channels[channel.id] = channel
        return channel

    def direct(self, team: Team, users: Sequence[str]) -> Channel:
        """The direct message of the bot with `users`, opened when there is none."""
        members = sorted([team.bot.id, *users])
        for channel in self.channels.values():
            direct = channel.kind in ("im", "mpim") and channel.team_id == team.id
            if direct and sorted(channel.members) == members:
                return channel
        return self.add_channel("-".join(users), "im" if len(users) == 1 else "mpim", team.id, members)

    def name_of(self, any_id: str) -> str:
        known = self.users.get(any_id) or self.channels.get(any_id)
        return known.name if known else any_id

    def people(self, team_id: str) -> dict[str, str]:
        """Names that can be mentioned in a workspace, with their ids."""
        names = {
            user.name: user.id for user in self.users.values() if user.team_id == team_id or user.is_stranger
        }
        return {**names, **self.teams[team_id].usergroups}

    def rooms(self, team_id: str) -> dict[str, str]:
        return {c.name: c.id for c in self.channels.values() if c.team_id == team_id and c.kind == "channel"}

    def post(self, channel: Channel, author: User | None, text: str = "", **more: Any) -> Message:
        """A new message; `more` are fields of `Message`, and `name_pings` for link_names and parse=full."""
        name_pings = more.pop("name_pings", False)
        message = Message(self.new_ts(), channel, author, text, **more)
        channel.messages[message.ts] = self.messages[message.ts] = message
        self.record(message, name_pings=name_pings)
        return message

    def remove(self, message: Message) -> None:
        message.deleted = True
        message.channel.messages.pop(message.ts, None)

    def record(self, message: Message, *, name_pings: bool = False) -> None:
        """Work out what the message shows and pings now, and keep it in its history."""
        names = self.people(message.channel.team_id) if name_pings else None
        blocks = list(texts_of(message.blocks))
        message.pings |= wire.pings(message.text, names)
        for text, tokens in blocks:
            message.pings |= wire.pings(text, names) if tokens else set()
        if message.blocks:
            message.shown = "\n".join(
                wire.shown(text, self.name_of) if tokens else text for text, tokens in blocks
            )
        else:
            message.shown = wire.shown(message.text, self.name_of)
        if not message.revisions or message.revisions[-1].text != message.shown:
            message.revisions.append(Revision(self.clock(), message.shown))

    def session(self, channel_id: str, thread_ts: str) -> Session:
        return self.sessions.setdefault((channel_id, thread_ts), Session())
