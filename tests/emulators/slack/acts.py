"""What people do in Slack, for tests: they speak, edit, delete, type commands, press buttons, remove the app.

Acts are coroutines; what only sets the scene is plain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tests.emulators.slack import text as wire
from tests.emulators.slack.core import Core
from tests.emulators.slack.interactions import Interaction
from tests.emulators.slack.world import Channel, Message, SlackFile, Team, User

Json = dict[str, Any]
FileLike = SlackFile | tuple[str, bytes, str]


class People:
    """Scene and acts. `team=None` means the first workspace, which exists from the start."""

    core: Core

    @property
    def team(self) -> Team:
        return next(iter(self.core.world.teams.values()))

    def add_team(self, name: str, scopes: Iterable[str] | None = None) -> Team:
        """Another workspace with the app installed, with a bot user and a token of its own."""
        return self.core.world.add_team(name, scopes or self.team.scopes, self.team.bot.name)

    def add_user(
        self,
        name: str,
        team: Team | None = None,
        admin: bool = False,
        locale: str = "en-US",
        *,
        owner: bool = False,
        guest: str = "",
        stranger: bool = False,
    ) -> User:
        """A person; `guest` is `multi` or `single` channel, a `stranger` comes over Slack Connect."""
        world = self.core.world
        return world.add_user(
            name,
            world.new_id("T") if stranger else (team or self.team).id,
            locale=locale,
            is_admin=admin or owner,
            is_owner=owner,
            is_restricted=guest == "multi",
            is_ultra_restricted=guest == "single",
            is_stranger=stranger,
        )

    def add_channel(
        self,
        name: str,
        private: bool = False,
        members: Iterable[User] | None = None,
        *,
        team: Team | None = None,
        bot: bool = True,
        shared: bool = False,
    ) -> Channel:
        """A channel with `members` (default: everyone so far) and, unless `bot` is false, the bot in it."""
        team = team or self.team
        everyone = [u for u in self.core.world.users.values() if u.team_id == team.id and not u.is_bot]
        people = [user.id for user in (everyone if members is None else members)]
        channel = self.core.world.add_channel(
            name, "group" if private else "channel", team.id, [*people, *([team.bot.id] if bot else [])]
        )
        channel.is_ext_shared = shared
        return channel

    def open_im(self, user: User, team: Team | None = None) -> Channel:
        """The direct message of a person and the bot."""
        return self.core.world.direct(team or self._team_of(user), [user.id])

    def open_group(self, users: Sequence[User]) -> Channel:
        """The group message of several people and the bot."""
        return self.core.world.direct(self._team_of(users[0]), [user.id for user in users])

    def add_usergroup(self, handle: str, team: Team | None = None) -> str:
        group_id = self.core.world.new_id("S")
        (team or self.team).usergroups[handle] = group_id
        return group_id

    def add_file(
        self, name: str, content: bytes, mimetype: str = "text/plain", user: User | None = None
    ) -> SlackFile:
        world, owner = self.core.world, user or self.team.bot
        team = world.teams.get(owner.team_id, self.team)
        file = SlackFile(world.new_id("F"), name, content, mimetype, team.id, owner.id)
        world.files[file.id] = file
        return file

    async def say(
        self,
        user: User,
        channel: Channel,
        text: str,
        *,
        mention_bot: bool = False,
        thread: Message | str | None = None,
        files: Iterable[FileLike] = (),
        broadcast: bool = False,
        raw: bool = False,
    ) -> Message:
        """Type a message: `@name`, `#channel` and links become tokens, the rest is escaped, unless `raw`."""
        self._enter(user, channel)
        team = self.core.world.teams[channel.team_id]
        typed = self._typed(channel, text, raw)
        attached = [f if isinstance(f, SlackFile) else self.add_file(*f, user=user) for f in files]
        message = self.core.world.post(
            channel,
            user,
            f"{team.bot.mention} {typed}".strip() if mention_bot else typed,
            thread_ts=thread.root_ts if isinstance(thread, Message) else thread,
            files=attached,
            subtype="file_share" if attached else "thread_broadcast" if broadcast else None,
            broadcast=broadcast,
        )
        self.core.feed.posted(message)
        return message

    async def say_as_app(
        self, channel: Channel, text: str, *, thread: Message | None = None, **fields: Any
    ) -> Message:
        """A message of another app: a `bot_message` with a bot id and no user."""
        world = self.core.world
        fields = {"bot_id": world.new_id("B"), "app_id": world.new_id("A"), "subtype": "bot_message"} | fields
        message = world.post(channel, None, text, thread_ts=thread.root_ts if thread else None, **fields)
        self.core.feed.posted(message)
        return message

    async def edit(self, message: Message, text: str, *, raw: bool = False) -> Message:
        """Its author changes a message."""
        assert message.author is not None
        edited = {"user": message.author.id, "ts": self.core.world.new_ts()}
        self.core.revise(message, text=self._typed(message.channel, text, raw), edited=edited)
        return message

    async def delete(self, message: Message) -> None:
        self.core.remove(message)

    async def unfurl(self, message: Message, title: str = "A page") -> Message:
        """Slack adds a link preview: a change with equal text."""
        self.core.revise(message, attachments=[{"title": title, "from_url": "https://example.com", "id": 1}])
        return message

    async def join(self, user: User, channel: Channel) -> Message:
        """A person, or the bot user itself, enters a channel."""
        if user.id not in channel.members:
            channel.members.append(user.id)
        message = self.core.world.post(
            channel, user, f"{user.mention} has joined the channel", subtype="channel_join"
        )
        self.core.feed.posted(message)
        return message

    async def open_home(self, user: User, tab: str = "messages") -> Channel:
        """Open the app's Home, on the tab `home` or `messages`."""
        channel = self.open_im(user)
        self.core.feed.home_opened(self._team_of(user), user, channel, tab)
        return channel

    async def slash(self, user: User, channel: Channel, command: str, text: str = "") -> Interaction:
        """Type a slash command; returns once it was acknowledged or the user saw a failure."""
        return await self.core.interactions.slash(user, channel, command, text)

    async def press(
        self, user: User, message: Message, action_id: str, value: str | None = None
    ) -> Interaction:
        """Press a button of a message; returns once it was acknowledged or the user saw a failure."""
        return await self.core.interactions.press(user, message, action_id, value)

    async def submit(self, user: User, view: Json, values: Json) -> Interaction:
        """Submit an open modal."""
        return await self.core.interactions.submit(user, view, values)

    async def stop_session(self, user: User, channel: Channel, thread: Message | str) -> list[str]:
        """Press the native Stop of a working agent; returns the streams that Slack stopped.

        Raises `LookupError` when no Stop is shown: the session must be `processing` and the event subscribed.
        """
        root = thread.root_ts if isinstance(thread, Message) else thread
        session = self.core.world.sessions.get((channel.id, root))
        if (
            session is None
            or session.session_status != "processing"
            or not self._hears("agent_session_stopped")
        ):
            raise LookupError("Slack shows no Stop button there")
        stopped = []
        for message in channel.messages.values():
            if message.root_ts == root and message.stream is not None and self.core.streaming(message):
                message.stream.state = "stopped_by_user"
                stopped.append(message.ts)
        self.core.feed.session_stopped(self.core.world.teams[channel.team_id], user, channel, root, stopped)
        return stopped

    async def uninstall(self, team: Team | None = None) -> None:
        """Remove the app from a workspace: its token answers `account_inactive` from now on."""
        team = team or self.team
        self.core.feed.tokens_revoked(team)
        self.core.feed.uninstalled(team)
        team.state = "uninstalled"

    async def revoke(self, team: Team | None = None) -> None:
        """Revoke the bot token of a workspace: it answers `token_revoked` from now on."""
        team = team or self.team
        self.core.feed.tokens_revoked(team)
        team.state = "revoked"

    def oauth_code(self, team: Team | None = None) -> str:
        """The code that Slack would send to the redirect URL after somebody allowed the app."""
        code = self.core.world.new_secret("code-")
        self.core.oauth_codes[code] = team or self.team
        return code

    def _hears(self, event: str) -> bool:
        return event in self.core.feed.events

    def _team_of(self, user: User) -> Team:
        return self.core.world.teams.get(user.team_id, self.team)

    def _typed(self, channel: Channel, text: str, raw: bool) -> str:
        world = self.core.world
        return text if raw else wire.typed(text, world.people(channel.team_id), world.rooms(channel.team_id))

    def _enter(self, user: User, channel: Channel) -> None:
        """Speaking in a public channel joins it quietly; nobody speaks where they cannot be."""
        if user.id in channel.members:
            return
        if channel.kind != "channel":
            raise ValueError(f"{user.name} is not in {channel.name}")
        channel.members.append(user.id)
