"""What exists on the platform: people, guilds, channels and roles, as plain objects for tests to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .message import Message


class Permission(IntFlag):
    """The permission bits the emulator looks at."""

    ADMINISTRATOR = 1 << 3
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38


ALL_PERMISSIONS = (1 << 53) - 1
EVERYONE_PERMISSIONS = 2_248_473_465_835_073
"""What a new guild grants everybody; pinging @everyone is among it."""


class ChannelKind(IntEnum):
    """Channel types."""

    TEXT = 0
    DM = 1
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12


@dataclass(eq=False, repr=False)
class User:
    """An account, human or bot."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    accepts_dms: bool = True

    @property
    def mention(self) -> str:
        """The text that mentions this account."""
        return f"<@{self.id}>"

    def __repr__(self) -> str:
        return f"<User {self.id} {self.name}>"


@dataclass(eq=False, repr=False)
class Role:
    """A guild role; `bot` names the account whose managed role it is."""

    id: int
    name: str
    permissions: int
    mentionable: bool = False
    bot: User | None = None

    @property
    def mention(self) -> str:
        """The text that mentions this role."""
        return f"<@&{self.id}>"

    def __repr__(self) -> str:
        return f"<Role {self.id} {self.name}>"


@dataclass(eq=False)
class Member:
    """An account within one guild."""

    user: User
    joined_at: float
    roles: list[Role] = field(default_factory=list)


@dataclass(eq=False, repr=False)
class Guild:
    """A server. Its @everyone role has the guild's own id."""

    id: int
    name: str
    owner: User
    locale: str = "en-US"
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    system_channel: Channel | None = None

    @property
    def threads(self) -> list[Channel]:
        """Threads that are not archived."""
        return [
            channel for channel in self.channels.values() if channel.thread and not channel.thread.archived
        ]

    def __repr__(self) -> str:
        return f"<Guild {self.id} {self.name}>"


@dataclass
class Overwrite:
    """What one channel grants or denies to a role or a member."""

    allow: int = 0
    deny: int = 0


@dataclass(eq=False)
class ThreadState:
    """What a thread has beyond a channel; `members` maps an account's id to the time it joined."""

    owner: User
    created_at: float
    auto_archive_minutes: int = 1440
    archived: bool = False
    locked: bool = False
    changed_at: float = 0.0
    members: dict[int, float] = field(default_factory=dict)


@dataclass(eq=False, repr=False)
class Channel:
    """A text channel, a thread (it has `parent` and `thread`) or a direct message with the bot (it has
    `recipient`).
    """

    id: int
    name: str
    kind: ChannelKind = ChannelKind.TEXT
    guild: Guild | None = None
    recipient: User | None = None
    parent: Channel | None = None
    thread: ThreadState | None = None
    topic: str | None = None
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    last_message_id: int | None = None
    deleted: bool = False

    @property
    def mention(self) -> str:
        """The text that links to this channel."""
        return f"<#{self.id}>"

    def __repr__(self) -> str:
        return f"<Channel {self.id} {self.kind.name} {self.name}>"


def permissions_in(guild: Guild, user: User, channel: Channel | None = None) -> Permission:
    """What an account may do in the guild or in one of its channels; a thread follows its parent.

    Source: Discord's documentation, page "Permissions", on overwrites.
    """
    member = guild.members.get(user.id)
    if member is None:
        return Permission(0)
    if guild.owner is user:
        return Permission(ALL_PERMISSIONS)
    roles = [guild.roles[guild.id], *member.roles]
    granted = 0
    for role in roles:
        granted |= role.permissions
    if granted & Permission.ADMINISTRATOR:
        return Permission(ALL_PERMISSIONS)
    if channel is not None:
        granted = _overwritten(granted, channel.parent or channel, roles, user)
        if not granted & Permission.VIEW_CHANNEL:
            granted = 0
    return Permission(granted)


def _overwritten(granted: int, channel: Channel, roles: list[Role], user: User) -> int:
    none = Overwrite()
    everyone = channel.overwrites.get(roles[0].id, none)
    granted = granted & ~everyone.deny | everyone.allow
    others = [channel.overwrites.get(role.id, none) for role in roles[1:]]
    for other in others:
        granted &= ~other.deny
    for other in others:
        granted |= other.allow
    own = channel.overwrites.get(user.id, none)
    return granted & ~own.deny | own.allow


def permissions(channel: Channel, user: User) -> Permission:
    """What an account may do in this channel."""
    if channel.guild is None:
        direct = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES | Permission.READ_MESSAGE_HISTORY
        rest = Permission.ATTACH_FILES | Permission.EMBED_LINKS | Permission.ADD_REACTIONS
        return direct | rest if channel.recipient is user or user.bot else Permission(0)
    granted = permissions_in(channel.guild, user, channel)
    private = channel.kind is ChannelKind.PRIVATE_THREAD
    if private and channel.thread and user.id not in channel.thread.members:
        return granted if granted & Permission.MANAGE_THREADS else Permission(0)
    return granted


def can_see(channel: Channel, user: User) -> bool:
    """Whether the channel shows up for this account."""
    return Permission.VIEW_CHANNEL in permissions(channel, user)
