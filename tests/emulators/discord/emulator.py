"""Discord on a local port: REST API and gateway version 10, and a test's hold on both."""

from __future__ import annotations

import asyncio
import base64
import fnmatch
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web

from tests.emulators.files import served

from . import routes_channels, routes_commands, routes_guilds, routes_interactions, routes_messages
from .call import Answer, Call, Route
from .clicks import Clicks
from .clock import Clock
from .faults import RESET, Fault, Faults, Gate, Trouble
from .gateway import Gateway
from .limits import Limits
from .people import People
from .rest import PREFIX, Request, Rest
from .world import Event, World

T = TypeVar("T")
_HOST = "127.0.0.1"


class DiscordEmulator(People, Clicks):
    """`async with DiscordEmulator() as discord:` serves one bot at `api_url` and `gateway_url` with `token`.

    `privileged` are the intents switched on in the developer portal, out of members, presences,
    message_content. What people do happens at once and needs no await; `wait_for` waits until the bot has
    done its part. An error within the emulator itself is raised when the `async with` block ends.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        clock: Clock | None = None,
        privileged: Iterable[str] = ("message_content",),
        bot_name: str = "Rejoinder",
        shards: int = 1,
        heartbeat_interval: float = 41.25,
    ) -> None:
        self.clock = clock or Clock()
        self.requests: list[Request] = []
        self.errors: list[Exception] = []
        self.downloads: list[tuple[int, str]] = []  # attachment's id, and the credential that came along
        self._waiters: set[asyncio.Future[None]] = set()
        self._shards = shards
        self._port = 0
        self._runner: web.AppRunner | None = None
        self.world = World(
            self.clock,
            limits or Limits(),
            frozenset(privileged),
            emit=self._dispatch,
            changed=self._changed,
            bot_name=bot_name,
        )
        self.token = _token(self.world.bot.id)
        self.gateway = Gateway(
            self.world,
            token=lambda: self.token,
            url=lambda: self.gateway_url,
            heartbeat_interval=heartbeat_interval,
        )
        self._faults = Faults(self._changed)
        self._rest = Rest(
            self.world,
            self._faults,
            token=lambda: self.token,
            log=self._log_request,
            failed=self.errors.append,
        )

    @property
    def api_url(self) -> str:
        """Base of the REST API."""
        return f"http://{_HOST}:{self._port}{PREFIX}"

    @property
    def gateway_url(self) -> str:
        """Address of the gateway."""
        return f"ws://{_HOST}:{self._port}/"

    async def start(self) -> None:
        """Open the port; after a `stop`, the same one again."""
        app = web.Application(client_max_size=self.world.limits.request)
        self._rest.install(app, self._routes())
        app.router.add_get("/", self.gateway.serve)
        app.router.add_get("/attachments/{channel_id}/{attachment_id}/{filename}", self._file)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.world.base_url = f"http://{_HOST}:{self._port}"

    async def stop(self) -> None:
        """Close the port and every connection. What was said stays."""
        self._faults.release_all()
        self.gateway.drop_all()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        self.clock.stop_timers()
        if self.errors and error is None:
            raise ExceptionGroup("the Discord emulator failed", self.errors)

    async def wait_for(self, condition: Callable[[], T], timeout: float = 5.0) -> T:
        """Wait until `condition` gives something true, and return that. It is asked again after every change.

        Raises TimeoutError, with the condition's last value and the last requests, after `timeout` real
        seconds.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        while not (value := condition()):
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            left = deadline - asyncio.get_running_loop().time()
            done, _ = await asyncio.wait([waiter], timeout=max(0.0, left))
            self._waiters.discard(waiter)
            if not done:
                raise TimeoutError(f"still {value!r} after {timeout} s; {self._recent()}")
        return value

    def fail_next(
        self,
        method: str,
        route: str,
        status: Trouble = 500,
        times: int = 1,
        *,
        after: bool = False,
        retry_after: float = 0.1,
        everything: bool = True,
    ) -> None:
        """Let the next requests of a route fail: with a status, or with `RESET`, a connection reset.

        `route` is a template ("/channels/{channel_id}/messages") or a shell pattern of the path below the
        API's base ("/channels/*/messages"); a method of "*" is any. `after` lets the request take effect and
        loses only its answer. A 429 is the global limit, or with `everything=False` that of the route.
        """
        self._faults.add(Fault(method, route, status, times, after, retry_after, everything))

    def hold(self, method: str, route: str, *, after: bool = False) -> Gate:
        """Let requests of a route hang, before or after they take effect, until the gate's `release()`."""
        return self._faults.hold(method, route, after=after)

    def calls(self, method: str, route: str) -> list[Request]:
        """Requests so far of a route, by template or by a shell pattern of the path."""
        asked = [line for line in self.requests if method in ("*", line.method)]
        return [line for line in asked if line.route == route or fnmatch.fnmatchcase(line.path, route)]

    @property
    def count_429(self) -> int:
        """How many requests were refused for being too many."""
        return sum(1 for line in self.requests if line.status == 429)

    def drop_connections(self) -> None:
        """Break every gateway connection; clients may resume."""
        self.gateway.drop_all()

    def ask_reconnect(self) -> None:
        """Ask every client to reconnect and resume (op 7)."""
        self.gateway.ask_to_reconnect()

    def invalidate_sessions(self, resumable: bool = False) -> None:
        """Tell every client its session is invalid (op 9); unless resumable, what it missed is lost to it."""
        self.gateway.invalidate(resumable=resumable)

    def pause_delivery(self) -> None:
        """Hold back events (READY and RESUMED too); they keep their order."""
        self.gateway.pause()

    def resume_delivery(self) -> None:
        """Deliver what was held back."""
        self.gateway.unpause()

    def replay_last_event(self, name: str = "MESSAGE_CREATE") -> None:
        """Deliver the last event of this name that was not the bot's own doing a second time."""
        self.gateway.replay(name)

    @property
    def connected(self) -> int:
        """How many clients are identified and on the line."""
        return len(self.gateway.online)

    def _routes(self) -> list[Route]:
        modules = (routes_guilds, routes_channels, routes_messages, routes_commands, routes_interactions)
        addresses = [Route("GET", "/gateway", self._gateway), Route("GET", "/gateway/bot", self._gateway_bot)]
        return addresses + [route for module in modules for route in module.ROUTES]

    async def _gateway(self, call: Call) -> Answer:
        return 200, {"url": self.gateway_url}

    async def _gateway_bot(self, call: Call) -> Answer:
        verdict = self.world.book.look("identifies", self.world.limits.identifies)
        start = {"total": verdict.limit, "remaining": verdict.remaining, "max_concurrency": 1}
        start["reset_after"] = int(verdict.reset_after * 1000)
        return 200, {"url": self.gateway_url, "shards": self._shards, "session_start_limit": start}

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """An attachment, as long as its signed address is good."""
        number, expires = request.match_info["attachment_id"], request.query.get("ex", "")
        found = self.world.files.get(int(number)) if number.isdecimal() else None
        signed = found is not None and request.query.get("hm") == self.world.sign(found[1].id, expires)
        if found is None or not signed or int(expires, 16) < self.clock.time():
            return web.Response(status=404, text="This content is no longer available.")
        file = found[1]
        self.downloads.append((file.id, request.headers.get("Authorization", "")))
        if file.redirect:
            return web.Response(status=302, headers={"Location": file.redirect})
        return await served(request, file.data, file.content_type, file.trap)

    def _dispatch(self, event: Event) -> None:
        self.gateway.dispatch(event)

    def _log_request(self, line: Request) -> None:
        self.requests.append(line)
        self._changed()

    def _changed(self) -> None:
        for waiter in list(self._waiters):
            if not waiter.done():
                waiter.set_result(None)

    def _recent(self) -> str:
        lines = [f"{line.method} {line.path} {line.status}" for line in self.requests[-8:]]
        return f"connected: {self.connected}, last requests: {lines}"


def _token(bot_id: int) -> str:
    """A token of the usual shape: the account's id, then two parts that mean nothing here."""
    first = base64.b64encode(str(bot_id).encode()).decode().rstrip("=")
    return ".".join([first, "emulat", "x" * 38])


__all__ = ["RESET", "DiscordEmulator"]
