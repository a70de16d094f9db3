"""The playground as a platform of the bot's: its events become what the engine understands, and back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aiohttp import web

from adapters.delivery.pacer import Pacer, Rate
from adapters.delivery.reply import EditedReply
from adapters.playground.api import Api
from adapters.playground.chips import chips
from adapters.playground.courier import Courier
from adapters.playground.feed import Feed
from adapters.playground.guard import Guard
from adapters.playground.log import WorldFile
from adapters.playground.server import add_routes, build_app
from adapters.playground.speaking import PLATFORM, author_of, names, place_of, say
from adapters.playground.surface import RATES, PlaygroundSurface
from adapters.playground.uploads import Uploads
from adapters.playground.values import Message, Person, Refused
from adapters.playground.views import Views
from adapters.playground.world import World, furnish
from bot.chat import File, Invocation, Place, Turn
from bot.errors import ConfigError, PlaceRefused, Unreadable, Why
from bot.notices import language_of
from bot.ports import Clock, Fetched, Journal, Press, Reception, Reply, Said, Slash

Extension = Callable[[web.Application], object]


class Playground:
    """The adapter. `http` is where it listens, `commands` are the slash commands; `token` and `inner` are the guard's.

    What people say is kept until the bot has taken it: a store that does not answer, or a restart, only
    delays it. `redeliver` is the first pause, in seconds, before something is handed in again.
    """

    platform = PLATFORM

    def __init__(
        self,
        *,
        data: Path,
        http: tuple[str, int],
        commands: Sequence[Slash],
        clock: Clock,
        reception: Reception | None = None,
        token: str | None = None,
        inner: str = "",
        name: str = "Rejoinder",
        redeliver: float = 0.5,
        most_messages: int = 8,
        rates: Mapping[str, Rate] = RATES,
    ) -> None:
        self.address = http
        self._guard = Guard(*http, token, inner)
        self._reception = reception
        self.world = World(clock, secrets.token_hex(8))
        self._file = WorldFile(data / "playground.jsonl", self.world)
        if not self._file.open():
            furnish(self.world, name)
        self._uploads = Uploads(data / "playground-files")
        self._uploads.tidy(self.world.messages.values())
        views = Views(self.world, commands)
        self._feed = Feed(self.world, views)
        self._courier = Courier(self.world, redeliver)
        self._api = Api(self.world, views, self._feed, self._uploads, self)
        self._pacer, self._most_messages = Pacer(rates), most_messages
        self._extensions: list[Extension] = []
        self._stopped = False

    def bind(self, reception: Reception) -> None:
        """Say who takes in what happens here; before `run`."""
        self._reception = reception

    def extend(self, extension: Extension) -> None:
        """Let another part add its routes to the same server, behind the same guard; before `run`."""
        self._extensions.append(extension)

    def build_app(self) -> web.Application:
        app = build_app(self._guard)
        self.add_routes(app)
        for extension in self._extensions:
            extension(app)
        return app

    def add_routes(self, app: web.Application) -> None:
        add_routes(app, self._api, self._feed)

    async def run(self, ready: Callable[[str], None]) -> None:
        """Serve until cancelled. `address` then tells the port that was taken where 0 was asked for."""
        if self._reception is None:
            raise ValueError("bind a reception before the playground runs")
        runner = web.AppRunner(self.build_app(), access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            host, port = self.address
            try:
                await web.TCPSite(runner, host.strip("[]"), port).start()
            except OSError as error:
                cause = f"can't listen on {host}:{port} ({error.strerror})"
                raise ConfigError("REJOINDER_ADMIN_HTTP", cause, "Choose another port") from None
            self.address = (host, runner.addresses[0][1])
            ready(f"playground at http://{host}:{self.address[1]}/")
            await self._courier.run(self._reception)
        finally:
            await runner.cleanup()

    def reply(self, turn: Turn, journal: Journal) -> Reply:
        language = language_of(turn.author.language, "en")
        surface = PlaygroundSurface(self.world, self._feed, turn, language, self._most_messages)
        return EditedReply(surface, journal, self._pacer, turn)

    async def whisper(self, turn: Turn, notice: str) -> bool:
        at = turn.address
        try:
            say(self.world, Said(notice), to=turn.author.id, channel=at["channel"], thread=at["thread"])
        except Refused:
            return False
        return True

    async def fetch(self, file: File, most: int, seconds: float) -> Fetched:
        path = self._uploads.path(str(file.reference.get("id")))
        if path is None:
            raise Unreadable(Why.GONE)
        if path.stat().st_size > most:
            raise Unreadable(Why.TOO_LARGE)
        return Fetched(await asyncio.to_thread(path.read_bytes))

    async def announce(self, place: Place, notice: str) -> None:
        try:
            say(self.world, Said(notice, private=False), to="", channel=place.channel, thread=0)
        except Refused as refused:
            raise PlaceRefused(str(refused)) from None

    async def stop(self) -> None:
        """People may go on talking: what they say is kept for the next start."""
        self._stopped = True
        self._courier.stop()

    async def aclose(self) -> None:
        self._file.close()

    async def command(
        self, viewer: Person, channel: str, thread: int, verb: str, argument: str, key: str
    ) -> None:
        """A slash command; the page's `key` makes it one however often it is sent."""
        said = await self._bot().invoked(self._invocation(viewer, channel, thread, verb, key, argument))
        about = f"/{verb} {argument}".strip()[:200]
        say(
            self.world,
            said,
            to=viewer.id,
            channel=channel,
            thread=thread,
            about=about,
            nonce=f"command-{viewer.id}-{key}",
        )

    async def complete(
        self, viewer: Person, channel: str, thread: int, verb: str, argument: str
    ) -> Sequence[str]:
        """What the argument that is being typed could become."""
        return await self._bot().complete(self._invocation(viewer, channel, thread, verb, "", argument))

    async def give(self, viewer: Person, message: Message, command: str, key: str) -> None:
        """A button that gives a command."""
        verb, _, argument = command.partition(" ")
        await self.command(viewer, message.channel, message.thread, verb, argument, key)

    async def press(self, viewer: Person, message: Message, press: Press, key: str) -> None:
        """A button under an answer."""
        channel, thread = message.channel, message.thread
        invocation = self._invocation(viewer, channel, thread, press.button.value, key)
        pressed = await self._bot().pressed(invocation, press)
        if pressed.row is not None:
            self.world.grow(message.id, message.text, open=message.open, buttons=chips(pressed.row))
        if pressed.said is not None:
            nonce = f"press-{viewer.id}-{key}"
            say(self.world, pressed.said, to=viewer.id, channel=channel, thread=thread, nonce=nonce)

    def _bot(self) -> Reception:
        if self._reception is None or self._stopped:
            raise Refused("stopped", "The bot is shutting down. Try again when it is back.", 503)
        return self._reception

    def _invocation(
        self, viewer: Person, channel: str, thread: int, verb: str, key: str, argument: str = ""
    ) -> Invocation:
        return Invocation(
            f"{PLATFORM}:{viewer.id}:{key}",
            place_of(channel, thread),
            author_of(viewer),
            verb,
            argument,
            direct=bool(self.world.channels[channel].person),
            named=names(self.world),
        )
