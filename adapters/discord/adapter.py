"""Discord as a platform of the bot's: events become what the engine understands, answers go out by REST.

Discord knows no acknowledgement: what was missed while nobody listened stands in the history only. So what comes in is written down
to the very end, also while the process stops, and answered by the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from weakref import WeakValueDictionary

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.delivery.pacer import Pacer, Rate
from adapters.delivery.reply import EditedReply
from adapters.discord import forms
from adapters.discord.apart import told_apart, whispered
from adapters.discord.attachments import DiscordFiles
from adapters.discord.calls import discord_errors
from adapters.discord.files import handed_over
from adapters.discord.history import DiscordHistory
from adapters.discord.incoming import PLATFORM, by_a_person, incoming, place_of
from adapters.discord.interactions import LONGEST, Interactions
from adapters.discord.registering import register
from adapters.discord.rest import Rest
from adapters.discord.surface import NO_PINGS, RATES, SUPPRESS_EMBEDS, DiscordSurface, messages
from bot.absence import Watch
from bot.chat import File, Incoming, Place, Turn
from bot.errors import ConfigError, DeliveryError, PlatformBusy, StoreUnavailable
from bot.notices import language_of
from bot.ports import (
    REFUSED,
    Clock,
    Fetched,
    Journal,
    Receipt,
    Reception,
    Reply,
    Slash,
)

log = logging.getLogger(__name__)

PATIENT: Final = 4
"""How often a notice is posted at most where the channel is busy."""


class Discord:
    """The adapter. Holds as few intents and caches as it can."""

    platform = PLATFORM

    def __init__(
        self,
        *,
        token: str,
        api_url: str,
        gateway_url: str,
        message_content: bool,
        shard_ids: Sequence[int],
        shard_count: int | None,
        reception: Reception,
        watch: Watch,
        commands: Sequence[Slash],
        language: str,
        clock: Clock,
        most_messages: int = 8,
        rates: Mapping[str, Rate] = RATES,
    ) -> None:
        Route.BASE = api_url.rstrip("/")
        if gateway_url:
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
        self._token, self._reception, self._language, self._commands = token, reception, language, commands
        self._watch, self._clock = watch, clock
        self._client = Listener(self, message_content, shard_ids, shard_count)
        self._pacer = Pacer(rates)
        self._rest, self._most_messages = Rest(token, api_url, self._pacer), most_messages
        self._files = DiscordFiles(self._rest, api_url)
        self.interactions = Interactions(
            self._rest, reception, commands, language, lambda: self._client.me.id
        )
        self._ready: Callable[[str], None] = lambda _: None
        self._begun = False
        self._lines: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    async def run(self, ready: Callable[[str], None]) -> None:
        """Serve until cancelled. Raises `ConfigError` when Discord refuses the token or an intent."""
        self._ready, self._begun = ready, True
        try:
            await self._log_in()
            await self._register_commands()
            await self._connect()
        except discord.LoginFailure:
            cure = "Copy it again: Developer Portal → your application → Bot → Reset Token (docs/discord.md)"
            raise ConfigError("DISCORD_TOKEN", "Discord refuses it", cure) from None
        except discord.PrivilegedIntentsRequired:
            cure = "Switch on Message Content Intent (Developer Portal → Bot), or set DISCORD_MESSAGE_CONTENT=off"
            raise ConfigError(
                "DISCORD_MESSAGE_CONTENT", "the intent is not granted (close code 4014)", cure
            ) from None

    async def _connect(self) -> None:
        """Stay connected, and find what was said while nobody was."""
        watching = asyncio.create_task(
            self._watch.run(DiscordHistory(self._client, self._incoming, self._clock)), name="absence"
        )
        try:
            await self._client.connect(reconnect=True)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def reply(self, turn: Turn, journal: Journal) -> Reply:
        language = language_of(turn.author.language, self._language)
        surface = DiscordSurface(self._rest, turn, language, self._most_messages)
        return EditedReply(surface, journal, self._pacer, turn)

    async def whisper(self, turn: Turn, notice: str) -> bool:
        return False  # there are no words for one person's eyes in a channel of Discord's

    async def announce(self, place: Place, notice: str) -> None:
        body = {"content": notice[:LONGEST], "allowed_mentions": NO_PINGS}
        await self._rest.call("POST", messages(place.thread or place.channel), body)

    async def fetch(self, file: File, most: int, seconds: float) -> Fetched:
        return await self._files.fetch(file, most, seconds)

    async def stop(self) -> None:
        """Go on writing down what comes in: nobody would send it again. It is answered after the next start."""

    async def aclose(self) -> None:
        if self._begun:  # else there is nothing to close, and discord.py would fail over it
            await self._client.close()
        await self._files.aclose()
        await self._rest.aclose()

    # What happens there.

    async def on_ready(self) -> None:
        client = self._client
        shards = (
            f", shards {', '.join(map(str, client.shards))} of {client.shard_count}"
            if len(client.shards) > 1
            else ""
        )
        self._ready(f"Discord: {len(client.guilds)} servers as {client.user}{shards}")

    async def on_session(self, shard: int) -> None:
        """A new session begins: what was said since the last one, nobody will tell."""
        self._watch.back(self._line(shard))

    async def on_resumed(self, shard: int) -> None:
        self._watch.resumed(self._line(shard))

    async def on_lost(self, shard: int) -> None:
        self._watch.away(self._line(shard))

    def _line(self, shard: int) -> str:
        """What a shard hears depends on how many there are."""
        many = self._client.shard_count or 1
        return f"{shard}/{many}" if many > 1 else str(shard)

    async def on_message(self, message: discord.Message) -> None:
        if not by_a_person(message):
            return
        # Whatever one person says in a place is handed in one by one, in order, however long the database lets it wait.
        line = self._lines.setdefault((message.channel.id, message.author.id), asyncio.Lock())
        async with line:
            said = await self._incoming(message)
            receipt = await self._until_taken(lambda: self._reception.said(said))
        await self._answer(said, receipt)

    async def on_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """An edit by its author; previews and pins change a message, too, but leave its time of editing as it was."""
        message = event.message
        if message.edited_at is None or not by_a_person(message):
            return
        before = event.cached_message
        if before is not None and (before.content, _files(before)) == (message.content, _files(message)):
            return
        said = await self._incoming(message, message.edited_at.isoformat())
        await self._answer(said, await self._until_taken(lambda: self._reception.edited(said)))

    async def _incoming(self, message: discord.Message, revision: str = "") -> Incoming:
        me = self._client.me
        place = place_of(message.guild.id if message.guild else None, message.channel, me.id)
        in_thread = await self._until_taken(lambda: self._reception.answers_in_thread(place))
        return incoming(message, me, in_thread=in_thread, revision=revision)

    async def on_delete(self, guild: int | None, channel: int, message: int) -> None:
        place = place_of(
            guild, self._client.get_channel(channel) or discord.Object(channel), self._client.me.id
        )
        await self._until_taken(lambda: self._reception.deleted(place, str(message)))

    async def on_removed(self, guild: int) -> None:
        await self._until_taken(lambda: self._reception.removed(PLATFORM, str(guild)))

    async def _answer(self, said: Incoming, receipt: Receipt | None) -> None:
        """Say at once what the reception has to say: openly, since Discord has no private words outside of interactions; but files
        go to the person. That somebody may not talk here is for their eyes only, or for nobody's."""
        if receipt is None or receipt.said is None:
            return
        if receipt.outcome in REFUSED and not said.direct:
            await whispered(self._rest, receipt.said, said.author.id)
            return
        language = language_of(said.author.language, self._language)
        words = await handed_over(self._rest, receipt.said, said.author.id, language)
        if words.apart and not said.direct:
            words = await told_apart(self._rest, words, said.author.id, language)
        body: dict[str, Any] = {
            "content": words.text[:LONGEST],
            "flags": SUPPRESS_EMBEDS,
            "allowed_mentions": NO_PINGS,
            "message_reference": {"message_id": said.message, "fail_if_not_exists": False},
            "components": forms.button(words.shortcut) if words.shortcut and said.direct else [],
        }
        path = messages(said.place.thread or said.place.channel)
        for left in reversed(range(PATIENT)):
            try:
                await self._rest.call("POST", path, body)
            except PlatformBusy as busy:
                if left:
                    await asyncio.sleep(busy.retry_after)
                    continue
                log.warning("a notice could not be shown (%s)", busy)
            except DeliveryError as error:
                log.warning("a notice could not be shown (%s)", error)
            return

    async def _until_taken(self, hand_in: Callable[[], Any]) -> Any:
        """Hand it in, again and again while the database is away: Discord will not send it a second time."""
        told = False
        while True:
            try:
                return await hand_in()
            except StoreUnavailable:
                if not told:
                    log.warning("the database does not answer; something said on Discord waits")
                told = True
                await asyncio.sleep(1)

    # Connecting.

    async def _log_in(self) -> None:
        pause = 1.0
        while True:
            try:
                with discord_errors():
                    await self._client.login(self._token)
            except DeliveryError as error:
                if isinstance(error.__cause__, discord.LoginFailure):
                    raise error.__cause__ from None
                log.warning("Discord does not answer (%s), trying again in %g s", error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30.0)
            else:
                return

    async def _register_commands(self) -> None:
        """Tell Discord of the slash commands, if it does not know exactly these."""
        application = self._client.application_id
        assert application is not None  # noqa: S101 - known once logged in
        try:
            await register(self._rest, str(application), self._commands)
        except DeliveryError as error:
            log.warning(
                "the slash commands could not be registered (%s): `python -m bot sync` tries again", error
            )


def _files(message: discord.Message) -> list[int]:
    return [attachment.id for attachment in message.attachments]


class Listener(discord.AutoShardedClient):
    """The gateway connection: hands every event to the adapter, in tasks of their own, and logs what fails."""

    def __init__(
        self, adapter: Discord, message_content: bool, shard_ids: Sequence[int], shard_count: int | None
    ) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.dm_messages = True
        intents.message_content = message_content
        super().__init__(
            intents=intents,
            shard_ids=list(shard_ids) or None,  # type: ignore[arg-type]  # None is its own default
            shard_count=shard_count,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=1_000,
            guild_ready_timeout=0.5,
            enable_debug_events=False,
        )
        self._adapter = adapter

    @property
    def me(self) -> discord.ClientUser:
        assert self.user is not None  # noqa: S101 - known once logged in
        return self.user

    async def on_ready(self) -> None:
        await self._adapter.on_ready()

    async def on_shard_connect(self, shard: int) -> None:
        await self._adapter.on_session(shard)

    async def on_shard_resumed(self, shard: int) -> None:
        await self._adapter.on_resumed(shard)

    async def on_shard_disconnect(self, shard: int) -> None:
        await self._adapter.on_lost(shard)

    async def on_message(self, message: discord.Message) -> None:
        await self._adapter.on_message(message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        await self._adapter.on_edit(event)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        await self._adapter.on_delete(event.guild_id, event.channel_id, event.message_id)

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        for message in event.message_ids:
            await self._adapter.on_delete(event.guild_id, event.channel_id, message)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        await self._adapter.on_removed(guild.id)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        try:
            await self._adapter.interactions.take(interaction)
        except DeliveryError as error:
            log.warning("an interaction could not be answered (%s); whoever waits is told by Discord", error)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """The outer edge: an event that fails is told of, without its words."""
        log.error("an event of Discord's failed (%s)", event_method, exc_info=True)  # noqa: LOG014 - discord.py calls it inside one
