"""The emulator as tests hold it: the parts put together, on a port of their own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.emulators.slack import api_app, api_chat, api_files, api_reads, api_streams
from tests.emulators.slack.acts import People
from tests.emulators.slack.changes import Changes
from tests.emulators.slack.core import Core, Credentials
from tests.emulators.slack.delivery import (
    Attempt,
    Delivery,
    Outcome,
    Parcel,
    PostOffice,
)
from tests.emulators.slack.events import EventPusher
from tests.emulators.slack.feed import DEFAULT_EVENTS, Feed, Twins
from tests.emulators.slack.interactions import Interaction, Interactions
from tests.emulators.slack.limits import Clock, Meter, SlackLimits
from tests.emulators.slack.socket_mode import SocketHub
from tests.emulators.slack.web_api import Fault, Request, WebApi
from tests.emulators.slack.world import Channel, Message, Revision, World

Json = dict[str, Any]
T = TypeVar("T")

DEFAULT_SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "mpim:write",
    "reactions:write",
    "team:read",
    "users:read",
)
METHODS = {
    **api_app.METHODS,
    **api_chat.METHODS,
    **api_files.METHODS,
    **api_reads.METHODS,
    **api_streams.METHODS,
}


class SlackEmulator(People):
    """A Slack of one's own: `async with SlackEmulator() as slack`.

    `clock` gives seconds since the epoch to timestamps, limits and lifetimes; signatures and acknowledgement
    times are real. `ack_timeout` and `retry_delays` are in real seconds. With a request URL set, deliveries
    go there over HTTP, otherwise to the open Socket Mode connections.
    """

    def __init__(
        self,
        *,
        limits: SlackLimits | None = None,
        clock: Clock = time.time,
        scopes: Iterable[str] = DEFAULT_SCOPES,
        events: Iterable[str] = DEFAULT_EVENTS,
        twins: Twins = "mention_first",
        ack_timeout: float = 3.0,
        retry_delays: Sequence[float] = (0.0, 60.0, 300.0),
        retry_commands: bool = True,
        bot_name: str = "rejoinder",
        port: int = 0,
    ) -> None:
        changes, world, credentials = Changes(), World(clock), Credentials()
        limits = limits or SlackLimits()
        hub = SocketHub(credentials.app_id, changes, limits.sockets)
        pusher = EventPusher(credentials.signing_secret, time.time)
        self.office = PostOffice(
            self,
            changes,
            clock,
            ack_timeout=ack_timeout,
            retry_delays=retry_delays,
            retry_commands=retry_commands,
        )
        feed = Feed(world, self.office, changes, credentials.app_id, events, twins)
        self.core = Core(credentials, limits, clock, world, changes, Meter(limits, clock), hub, pusher, feed)
        self.core.interactions = Interactions(self.core, self.office)
        self.api = WebApi(self.core, METHODS)
        self.files = api_files.FileServer(self.core)
        self._port = port
        self._runner: web.AppRunner | None = None
        world.add_team("Acme", scopes, bot_name)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self.api.handle)
        app.router.add_get("/link/", self.core.hub.handle)
        app.router.add_post("/upload/v1/{file}", self.files.upload)
        app.router.add_get("/files-pri/{file}/{name:.*}", self.files.download)
        app.router.add_post("/{kind:commands|actions|views}/{team}/{secret}", self.core.interactions.respond)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.core.base_url = f"http://{host}:{port}"
        self.core.world.files_url = f"{self.core.base_url}/files-pri"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.office.close()
        self.api.release()
        await self.core.hub.drop(abrupt=True)
        await self.core.pusher.close()
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        """The base of the Web API; ends in `/api/`."""
        return f"{self.core.base_url}/api/"

    @property
    def bot_token(self) -> str:
        return self.team.bot_token

    @property
    def app_token(self) -> str:
        return self.core.credentials.app_token

    @property
    def signing_secret(self) -> str:
        return self.core.credentials.signing_secret

    @property
    def request_url(self) -> str | None:
        """Where deliveries go over HTTP; None means Socket Mode."""
        return self.request_urls[0] if self.request_urls else None

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.request_urls = [url] if url else []

    @property
    def request_urls(self) -> list[str]:
        """Several request URLs are used in turn, as behind a load balancer."""
        return self.core.pusher.urls

    @request_urls.setter
    def request_urls(self, urls: Iterable[str]) -> None:
        self.core.pusher.urls = list(urls)

    @property
    def twins(self) -> Twins:
        """How the two events of a mention come; may be changed at any time."""
        return self.core.feed.twins

    @twins.setter
    def twins(self, twins: Twins) -> None:
        self.core.feed.twins = twins

    def messages(self, channel: Channel | str, thread: Message | str | None = None) -> list[Message]:
        """What stands in a channel now, or in one thread of it: oldest first, ephemeral messages included."""
        known = self.core.world.channels[channel] if isinstance(channel, str) else channel
        root = thread.root_ts if isinstance(thread, Message) else thread
        standing = sorted(known.messages.values(), key=lambda message: message.ts)
        return [message for message in standing if root is None or message.root_ts == root]

    def bot_messages(self, channel: Channel | str, thread: Message | str | None = None) -> list[Message]:
        """Of `messages`, those the app itself wrote."""
        bots = {team.bot_id for team in self.core.world.teams.values()}
        return [message for message in self.messages(channel, thread) if message.bot_id in bots]

    def message(self, ts: str) -> Message:
        """A message by its timestamp, also one that was deleted."""
        return self.core.world.messages[ts]

    def history(self, message: Message | str) -> list[Revision]:
        """What a message showed, from when on: (time, text), one entry a change."""
        return self.message(message if isinstance(message, str) else message.ts).revisions

    @property
    def requests(self) -> list[Request]:
        """Every call of the Web API, oldest first."""
        return self.api.requests

    def calls(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]

    @property
    def count_429(self) -> int:
        return sum(request.status == 429 for request in self.requests)

    @property
    def deliveries(self) -> list[Delivery]:
        """Every event, command and interaction for the app, with all attempts."""
        return self.office.deliveries

    @property
    def interactions(self) -> list[Interaction]:
        return self.core.interactions.log

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 5.0) -> T:
        """The first truthy value of `predicate`, looked at after every change."""
        return await self.core.changes.wait_for(predicate, timeout, self._describe)

    async def connected(self, count: int = 1, timeout: float = 5.0) -> None:
        """Wait until exactly `count` Socket Mode connections are open."""
        await self.wait_for(lambda: len(self.core.hub.live()) == count, timeout)

    def fail_next(
        self, method: str, how: str | int, times: int = 1, *, after: bool = False, retry_after: int = 1
    ) -> None:
        """Make the next calls of a method (`*`: of any) fail.

        `how` is an HTTP status (429, 500, 503), `reset` (the connection breaks), `stall` (no answer until the
        emulator closes) or the name of an error answered with `ok: false`. With `after` the call takes effect
        first.
        """
        self.api.faults.add(method, Fault(str(how), after, retry_after, times))

    async def drop_connections(self, *, abrupt: bool = True) -> None:
        """Break all Socket Mode connections; not abruptly, the server says goodbye with a close frame."""
        await self.core.hub.drop(abrupt=abrupt)

    async def send_disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell all connections to reconnect: `warning`, `refresh_requested` or `link_disabled`."""
        await self.core.hub.disconnect(reason)

    async def redeliver_last(self, name: str = "") -> Attempt:
        """Send the last delivery (or the last one of that name, as `Delivery.name` has it) once more."""
        found = [delivery for delivery in self.deliveries if name in ("", delivery.name)]
        return await self.office.again(found[-1])

    async def verify_url(self) -> bool:
        """The `url_verification` handshake with every request URL."""
        challenge = self.core.world.new_secret("challenge-")
        body = json.dumps(
            {"type": "url_verification", "token": "verification-token", "challenge": challenge}
        ).encode()
        answers = [
            await self.core.pusher.post(url, body, self.core.pusher.headers(body))
            for url in self.request_urls
        ]
        return bool(answers) and all(status == 200 and challenge in text for status, _, text in answers)

    async def send_signed(
        self, payload: Json, *, signature: str | None = None, age: float = 0.0, **headers: str
    ) -> int:
        """Post an event body by hand and get the status: with another signature, signed `age` seconds ago, or
        with headers replaced (`X_Slack_Request_Timestamp="soon"`)."""
        body = json.dumps(payload).encode()
        made = self.core.pusher.headers(body, age=age)
        if signature is not None:
            made["X-Slack-Signature"] = signature
        made |= {name.replace("_", "-"): value for name, value in headers.items()}
        status, _, _ = await self.core.pusher.post(self.request_urls[0], body, made)
        return status

    async def carry(self, parcel: Parcel) -> Outcome:
        """The transport that is in use now."""
        return await (self.core.pusher if self.request_urls else self.core.hub).carry(parcel)

    def _describe(self) -> str:
        calls = [f"{r.method} {r.status} {r.error}".strip() for r in self.requests[-8:]]
        sent = [f"{d.name} {[a.outcome.acknowledged for a in d.attempts]}" for d in self.deliveries[-8:]]
        return f"Last calls: {calls}. Last deliveries: {sent}."
