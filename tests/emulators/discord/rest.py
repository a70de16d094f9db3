"""The REST side of the emulator: token, limits, faults and answers around every route."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from .call import Call, Route, read_body
from .errors import ApiError, Json, plain
from .faults import RESET, Fault, Faults
from .limits import whole_seconds
from .sockets import reset
from .world import World

_log = logging.getLogger(__name__)
PREFIX = "/api/v10"
_MAJOR = ("channel_id", "guild_id", "application_id", "webhook_id", "webhook_token", "interaction_token")
_COUNTED_INVALID = frozenset({401, 403, 429})


@dataclass(frozen=True)
class Request:
    """One line of the log. `status` is 0 for a connection that was reset."""

    time: float
    method: str
    route: str
    path: str
    status: int
    body: Any = None


@dataclass(frozen=True)
class _Reply:
    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


class Rest:
    """Serves the routes."""

    def __init__(
        self,
        world: World,
        faults: Faults,
        *,
        token: Callable[[], str],
        log: Callable[[Request], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._world = world
        self._book = world.book
        self._faults = faults
        self._token = token
        self._record = log
        self._failed = failed

    def install(self, app: web.Application, routes: Sequence[Route]) -> None:
        """Add the routes to an application."""
        for route in routes:
            app.router.add_route(route.method, PREFIX + route.template, functools.partial(self._serve, route))
        app.router.add_route("*", "/api/{tail:.*}", self._nowhere)

    async def _nowhere(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(PREFIX)
        self._record(Request(self._world.clock.time(), request.method, "", path, 404))
        return _send(_refused(plain(404)))

    async def _serve(self, route: Route, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(PREFIX)
        body: Any = None
        try:
            body, files = await read_body(request)
            await self._faults.wait_at_gates(route.method, route.template, path, after=False)
            fault = self._faults.take(route.method, route.template, path)
            if fault is not None and not fault.after:
                reply: _Reply | None = self._trouble(fault)
            else:
                call = Call(self._world, dict(request.match_info), dict(request.query), body, files)
                reply = await self._answer(route, call, request)
                await self._faults.wait_at_gates(route.method, route.template, path, after=True)
                if fault is not None:
                    reply = self._trouble(fault)
        except ApiError as refused:
            reply = _refused(refused)
        status = reply.status if reply else 0
        self._record(Request(self._world.clock.time(), route.method, route.template, path, status, body))
        if reply is None:
            reset(request)
            return web.Response()
        return _send(reply)

    async def _answer(self, route: Route, call: Call, request: web.Request) -> _Reply:
        if not self._book.look("invalid", self._world.limits.invalid).allowed:
            return _Reply(429, "error code: 1015", content_type="text/plain; charset=UTF-8")
        reply = await self._limited(route, call, request)
        if reply.status in _COUNTED_INVALID:
            self._book.take("invalid", self._world.limits.invalid)
        return reply

    async def _limited(self, route: Route, call: Call, request: web.Request) -> _Reply:
        if not route.open:
            if request.headers.get("Authorization") != f"Bot {self._token()}":
                return _refused(plain(401))
            verdict = self._book.take("everything", self._world.limits.everything)
            if not verdict.allowed:
                return _too_many(verdict.reset_after, everything=True)
        bucket = hashlib.md5(f"{route.method} {route.template}".encode(), usedforsecurity=False).hexdigest()
        major = tuple(call.params.get(name) for name in _MAJOR)
        verdict = self._book.take((bucket, major), getattr(self._world.limits, route.bucket))
        headers = verdict.headers(bucket)
        reply = await self._run(route, call) if verdict.allowed else _too_many(verdict.reset_after)
        return _Reply(reply.status, reply.body, (*headers.items(), *reply.headers))

    async def _run(self, route: Route, call: Call) -> _Reply:
        try:
            return _Reply(*await route.handler(call))
        except ApiError as refused:
            return _refused(refused)
        except Exception as broken:  # noqa: BLE001 - outermost edge; `failed` has it raised in the test
            _log.exception("The emulator failed to answer %s %s", route.method, route.template)
            self._failed(broken)
            return _refused(plain(500))

    def _trouble(self, fault: Fault) -> _Reply | None:
        """The answer a planned fault gives; None resets the connection."""
        if fault.trouble == RESET:
            return None
        if fault.trouble == 429:
            return _too_many(fault.retry_after, everything=fault.everything)
        if fault.trouble in (502, 503, 504):
            return _Reply(fault.trouble, "<html><h1>upstream trouble</h1></html>", content_type="text/html")
        return _refused(plain(fault.trouble))


def _refused(refused: ApiError) -> _Reply:
    if refused.retry_after is None:
        return _Reply(refused.status, refused.body)
    waits = (("Retry-After", whole_seconds(refused.retry_after)), ("X-RateLimit-Scope", "user"))
    return _Reply(refused.status, refused.body, waits)


def _too_many(retry_after: float, *, everything: bool = False) -> _Reply:
    wait = max(round(retry_after, 3), 0.001)
    body: Json = {"message": "You are being rate limited.", "retry_after": wait, "global": everything}
    headers = [
        ("Retry-After", whole_seconds(wait)),
        ("X-RateLimit-Scope", "global" if everything else "user"),
    ]
    if everything:
        headers.append(("X-RateLimit-Global", "true"))
    return _Reply(429, body, tuple(headers))


def _send(reply: _Reply) -> web.Response:
    """As Discord sends it: JSON without a charset, and `Via` on all that did not stop at Cloudflare."""
    is_json = reply.content_type == "application/json"
    headers = dict(reply.headers) | ({"Via": "1.1 google"} if is_json else {})
    if reply.status == 204 or reply.body is None:
        return web.Response(status=reply.status, headers=headers)
    raw = json.dumps(reply.body) if is_json else str(reply.body)
    return web.Response(
        status=reply.status, body=raw.encode(), headers=headers | {"Content-Type": reply.content_type}
    )
