"""What people do on the platform: the test's hands and eyes in chat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .errors import Json
from .membership import join_thread
from .mentions import Allowed
from .message import Message, MessageKind, Revision, Upload
from .model import Channel, Guild, Member, Permission, Role, User, can_see
from .payloads import member
from .payloads import role as role_payload
from .posting import Changes, Draft, post, react, remove, revise
from .threads import open_thread, set_archived
from .world import Event, Intent, World


class People:
    """Everybody but the bot. Whoever is added is in every guild, unless told otherwise."""

    world: World

    @property
    def bot(self) -> User:
        """The bot's account."""
        return self.world.bot

    def add_guild(
        self,
        name: str = "guild",
        *,
        guild_id: int | None = None,
        members: Iterable[User] | None = None,
        bot: bool = True,
    ) -> Guild:
        """Make a guild with a #general channel and everybody known so far in it. Its owner is an account of
        its own.

        A `guild_id` of choice decides the shard.
        """
        mine = {self.world.owner, self.world.bot}
        everybody = [user for user in self.world.users.values() if user not in mine]
        joining = everybody if members is None else list(members)
        return self.world.add_guild(name, joining, guild_id=guild_id, with_bot=bot)

    def invite_bot(self, guild: Guild) -> None:
        """Add the bot to a guild."""
        self.world.install(guild)

    def kick_bot(self, guild: Guild) -> None:
        """Remove the bot from a guild."""
        self.world.uninstall(guild)

    def add_channel(self, guild: Guild, name: str = "talk", *, topic: str | None = None) -> Channel:
        """Make a text channel."""
        return self.world.add_channel(guild, name, topic=topic)

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel or a thread."""
        self.world.delete_channel(channel)

    def permit(
        self,
        channel: Channel,
        target: User | Role,
        *,
        allow: Permission | int = 0,
        deny: Permission | int = 0,
    ) -> None:
        """Set what a channel grants and denies to an account or a role, the bot for instance."""
        self.world.permit(channel, target, allow=allow, deny=deny)

    def add_role(
        self,
        guild: Guild,
        name: str,
        *,
        permissions: Permission | int = 0,
        members: Iterable[User] = (),
        mentionable: bool = False,
    ) -> Role:
        """Make a role and give it to these members."""
        role = Role(self.world.ids.next(), name, int(permissions), mentionable)
        guild.roles[role.id] = role
        for user in members:
            guild.members[user.id].roles.append(role)
        made = {"guild_id": str(guild.id), "role": role_payload(role, len(guild.roles))}
        self.world.tell(Event("GUILD_ROLE_CREATE", made, Intent.GUILDS, guild))
        self.world.changed()
        return role

    def add_user(
        self,
        name: str = "alice",
        bot: bool = False,
        *,
        locale: str = "en-US",
        guilds: Iterable[Guild] | None = None,
    ) -> User:
        """Make an account, by default in every guild."""
        joined = list(self.world.guilds.values()) if guilds is None else list(guilds)
        return self.world.add_user(name, joined, bot=bot, locale=locale)

    def join(self, user: User, guild: Guild | None = None) -> Message:
        """Join a guild (the only one, if there is one): the system channel says so."""
        guild = guild or self._only_guild()
        entry = guild.members.setdefault(user.id, Member(user, self.world.clock.time()))
        data = member(entry) | {"guild_id": str(guild.id)}
        self.world.tell(Event("GUILD_MEMBER_ADD", data, Intent.GUILD_MEMBERS, guild))
        if guild.system_channel is None:
            raise ValueError(f"{guild.name} has no system channel")
        return post(self.world, Draft(guild.system_channel, user, kind=MessageKind.USER_JOIN))

    def _only_guild(self) -> Guild:
        (guild,) = self.world.guilds.values()
        return guild

    def open_dm(self, user: User) -> Channel:
        """The direct message between this person and the bot."""
        return self.world.open_dm(user)

    def say(
        self,
        user: User,
        channel: Channel,
        text: str = "",
        *,
        mention_bot: bool = False,
        reply_to: Message | None = None,
        ping: bool = True,
        attachments: Sequence[Upload] = (),
    ) -> Message:
        """Post a message; `mention_bot` puts the bot's mention in front, a reply pings unless told not to."""
        content = f"{self.world.bot.mention} {text}".strip() if mention_bot else text
        if not content and not attachments:
            raise ValueError("the client does not send an empty message")
        if not can_see(channel, user):
            raise ValueError(f"{user.name} does not see {channel.name}")
        files = [
            self.world.attach(channel, file.filename, file.data, file.content_type) for file in attachments
        ]
        for hung, file in zip(files, attachments, strict=True):
            hung.redirect, hung.trap = file.redirect, file.trap
        allowed = Allowed(replied_user=ping)
        draft = Draft(channel, user, content, attachments=files, answers=reply_to, allowed=allowed)
        return post(self.world, draft)

    def edit(self, message: Message, text: str) -> Message:
        """The author edits their message."""
        self._shown(message)
        revise(self.world, message, Changes(content=text))
        return message

    def unfurl(self, message: Message, url: str = "https://example.com", title: str = "Example") -> None:
        """The platform adds a link preview: an update without an edit."""
        self._shown(message)
        embed: Json = {"type": "link", "url": url, "title": title}
        revise(self.world, message, Changes(embeds=[*message.embeds, embed]), stamped=False)

    def delete(self, *messages: Message) -> None:
        """Delete messages; several of one channel at once are one bulk event."""
        for message in messages:
            self._shown(message)
        remove(self.world, list(messages))

    def react(self, user: User, message: Message, emoji: str) -> None:
        """Add a reaction."""
        react(self.world, message, user, emoji, added=True)

    def unreact(self, user: User, message: Message, emoji: str) -> None:
        """Take a reaction back."""
        react(self.world, message, user, emoji, added=False)

    def type_in(self, user: User, channel: Channel) -> None:
        """Start typing."""
        self.world.type_in(user, channel)

    def start_thread(
        self,
        user: User,
        channel: Channel,
        name: str,
        from_message: Message | None = None,
        *,
        private: bool = False,
    ) -> Channel:
        """Open a thread, under a message or on its own."""
        return open_thread(self.world, channel, user, name, source=from_message, private=private)

    def add_to_thread(self, thread: Channel, user: User) -> None:
        """Make somebody (the bot, say) a member of a thread."""
        join_thread(self.world, thread, user)

    def archive(self, thread: Channel, *, locked: bool = False) -> None:
        """Archive a thread, for good if locked."""
        set_archived(self.world, thread, True, locked=locked)

    def messages(self, channel: Channel, viewer: User | None = None) -> list[Message]:
        """A channel as it shows now, oldest first; what only one person sees is there for that `viewer`."""

        def visible(message: Message) -> bool:
            caller = message.interaction.user if message.interaction else None
            return not message.ephemeral or (viewer is not None and caller is viewer)

        return [message for message in channel.messages.values() if visible(message)]

    def bot_messages(self, channel: Channel, viewer: User | None = None) -> list[Message]:
        """Of those, what the bot wrote."""
        return [message for message in self.messages(channel, viewer) if message.author is self.world.bot]

    def history(self, message_id: int) -> list[Revision]:
        """Everything a message ever said, with the time it began to; also of deleted messages."""
        return list(self.world.messages[message_id].revisions)

    def _shown(self, message: Message) -> None:
        if message.deleted:
            raise ValueError("the message was deleted")
