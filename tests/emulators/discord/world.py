"""The one state of the emulated platform, and the events its changes cause.

REST routes and the people of a test change it through the same functions (here, in `posting` and in
`threads`), so a bot cannot tell one from the other. Every change is told to `changed` (waiting tests) and
`emit` (the gateway).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from . import payloads
from .clock import Clock, Snowflakes
from .errors import Code, Json, refusal
from .limits import Limits, RateBook
from .message import Attachment, Interaction, Message
from .model import (
    EVERYONE_PERMISSIONS,
    Channel,
    ChannelKind,
    Guild,
    Member,
    Overwrite,
    Role,
    User,
)


class Intent:
    """Gateway intents an event can need; ALWAYS needs none."""

    ALWAYS = 0
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_REACTIONS = 1 << 10
    GUILD_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_REACTIONS = 1 << 13
    DIRECT_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15


@dataclass(frozen=True)
class Event:
    """Something the gateway tells.

    `without_content` is what a session lacking the message content intent gets.
    """

    name: str
    data: Json
    intent: int
    guild: Guild | None = None
    channel: Channel | None = None
    without_content: Json | None = None
    by_bot: bool = False


@dataclass(frozen=True)
class Typing:
    """Somebody was seen typing."""

    time: float
    channel: Channel
    user: User


@dataclass
class World:
    """Everything there is on the platform; `granted` are the privileged intents the portal allows."""

    clock: Clock
    limits: Limits
    granted: frozenset[str]
    emit: Callable[[Event], None]
    changed: Callable[[], None]
    bot_name: str = "Rejoinder"
    base_url: str = ""
    users: dict[int, User] = field(default_factory=dict)
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    interactions: dict[str, Interaction] = field(default_factory=dict)
    commands: dict[int | None, dict[int, Json]] = field(default_factory=lambda: {None: {}})
    typings: list[Typing] = field(default_factory=list)
    nonces: dict[tuple[int, str], tuple[float, Message]] = field(default_factory=dict)
    files: dict[int, tuple[Channel, Attachment]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ids = Snowflakes(self.clock)
        self.book = RateBook(self.clock)
        self.owner = self.add_user("owner", [])
        self.bot = self.add_user(self.bot_name, [], bot=True)

    @property
    def application_id(self) -> int:
        """The application's id; for applications of today it equals the bot's."""
        return self.bot.id

    def add_user(self, name: str, guilds: list[Guild], *, bot: bool = False, locale: str = "en-US") -> User:
        """Make an account that is a member of these guilds, without a word about it."""
        user = User(self.ids.next(), name, bot=bot, locale=locale)
        self.users[user.id] = user
        for guild in guilds:
            guild.members[user.id] = Member(user, self.clock.time())
        return user

    def add_guild(
        self, name: str, members: list[User], *, guild_id: int | None = None, with_bot: bool = True
    ) -> Guild:
        """Make a guild with a #general channel; with the bot in it, the gateway announces it."""
        guild = Guild(guild_id or self.ids.next(), name, self.owner)
        guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE_PERMISSIONS)
        for user in [self.owner, *members]:
            guild.members[user.id] = Member(user, self.clock.time())
        self.guilds[guild.id] = guild
        if with_bot:
            self.install(guild)
        guild.system_channel = self.add_channel(guild, "general")
        return guild

    def install(self, guild: Guild) -> None:
        """Add the bot to a guild, with its managed role."""
        role = Role(self.ids.next(), self.bot.name, 0, bot=self.bot)
        guild.roles[role.id] = role
        guild.members[self.bot.id] = Member(self.bot, self.clock.time(), [role])
        self.tell(Event("GUILD_CREATE", payloads.guild_create(self, guild), Intent.GUILDS, guild))

    def uninstall(self, guild: Guild) -> None:
        """Kick the bot out of a guild."""
        self.tell(Event("GUILD_DELETE", {"id": str(guild.id)}, Intent.GUILDS, guild))
        member = guild.members.pop(self.bot.id)
        for role in member.roles:
            guild.roles.pop(role.id)
        self.changed()

    def add_channel(self, guild: Guild, name: str, *, topic: str | None = None) -> Channel:
        """Make a text channel."""
        channel = Channel(self.ids.next(), name, guild=guild, topic=topic)
        guild.channels[channel.id] = self.channels[channel.id] = channel
        self.tell(Event("CHANNEL_CREATE", payloads.channel(self, channel), Intent.GUILDS, guild))
        return channel

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel or a thread, and a channel's threads with it."""
        guild = channel.guild
        if guild is None:
            raise ValueError("a direct message cannot be deleted")
        for thread in [other for other in guild.channels.values() if other.parent is channel]:
            self.delete_channel(thread)
        name = "THREAD_DELETE" if channel.thread else "CHANNEL_DELETE"
        self.tell(Event(name, payloads.channel(self, channel), Intent.GUILDS, guild))
        if guild.system_channel is channel:
            guild.system_channel = None
        channel.deleted = True
        del guild.channels[channel.id], self.channels[channel.id]
        self.changed()

    def open_dm(self, user: User) -> Channel:
        """The direct message between the bot and this person, made at first use."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self.ids.next(), user.name, ChannelKind.DM, recipient=user)
        self.channels[channel.id] = channel
        return channel

    def permit(self, channel: Channel, target: User | Role, *, allow: int = 0, deny: int = 0) -> None:
        """Set what a channel grants and denies to an account or a role."""
        channel.overwrites[target.id] = Overwrite(allow, deny)
        self.tell(Event("CHANNEL_UPDATE", payloads.channel(self, channel), Intent.GUILDS, channel.guild))

    def type_in(self, user: User, channel: Channel) -> None:
        """Show somebody typing."""
        self.typings.append(Typing(self.clock.time(), channel, user))
        intent = Intent.GUILD_TYPING if channel.guild else Intent.DIRECT_TYPING
        data = payloads.typing_start(self, channel, user)
        self.tell(Event("TYPING_START", data, intent, channel.guild, channel))

    def attach(self, channel: Channel, filename: str, data: bytes, content_type: str) -> Attachment:
        """Store a file for a message of this channel."""
        attachment = Attachment(self.ids.next(), filename, data, content_type)
        self.files[attachment.id] = (channel, attachment)
        return attachment

    def file_url(self, channel: Channel, attachment: Attachment) -> str:
        """A signed address of a file, good for a day from now."""
        expires = f"{int(self.clock.time() + self.limits.attachment_url):x}"
        signature = self.sign(attachment.id, expires)
        path = f"{self.base_url}/attachments/{channel.id}/{attachment.id}/{attachment.filename}"
        return f"{path}?ex={expires}&is={int(self.clock.time()):x}&hm={signature}&"

    def sign(self, attachment_id: int, expires: str) -> str:
        """The signature of a file's address."""
        return hmac.new(b"emulated cdn", f"{attachment_id}:{expires}".encode(), hashlib.sha256).hexdigest()

    def tell(self, event: Event) -> None:
        """Hand an event to the gateway and wake whoever waits for a change."""
        self.emit(event)
        self.changed()

    def channel(self, channel_id: int) -> Channel:
        """The channel, or the API's refusal."""
        if channel_id not in self.channels:
            raise refusal(Code.UNKNOWN_CHANNEL)
        return self.channels[channel_id]

    def guild(self, guild_id: int) -> Guild:
        """The guild, or the API's refusal."""
        if guild_id not in self.guilds:
            raise refusal(Code.UNKNOWN_GUILD)
        return self.guilds[guild_id]

    def message(self, channel: Channel, message_id: int) -> Message:
        """The message if the channel shows it, or the API's refusal."""
        message = channel.messages.get(message_id)
        if message is None or message.ephemeral:
            raise refusal(Code.UNKNOWN_MESSAGE)
        return message
