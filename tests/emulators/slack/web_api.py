"""The door of the Web API: arguments, token, scope and rate of a call; injected faults; the log.

Rules: docs.slack.dev "Using the Slack Web API" (GET and POST, forms and JSON; errors with status 200, `ok:
false`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.emulators.slack.calls import Call, Method
from tests.emulators.slack.core import Core
from tests.emulators.slack.errors import ApiError, RateLimited
from tests.emulators.slack.world import Team

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One line of the request log. `status` is 0 where no answer was sent; `params` never hold the token."""

    time: float
    method: str
    status: int
    error: str
    params: Mapping[str, Any]
    team_id: str
    verb: str


@dataclass
class Fault:
    """A failure to inject: an HTTP status, `reset`, `stall`, or an error to answer with `ok: false`."""

    how: str
    after: bool
    retry_after: int
    times: int


class Faults:
    """Failures waiting for the next calls of a method; `*` stands for any method."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Fault]] = []

    def add(self, method: str, fault: Fault) -> None:
        self._waiting.append((method, fault))

    def take(self, method: str) -> Fault | None:
        for entry in self._waiting:
            name, fault = entry
            if name in (method, "*"):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(entry)
                return fault
        return None


class WebApi:
    """Serves `/api/{method}`."""

    def __init__(self, core: Core, methods: Mapping[str, Method]) -> None:
        self.requests: list[Request] = []
        self.faults = Faults()
        self._core = core
        self._methods = methods
        self._never = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        try:
            params, token = await _read(request)
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_json"})
        fault = self.faults.take(name)
        if fault is not None and not fault.after:
            return await self._fail(request, name, params, fault)
        status, body, headers = self._answer(name, params, token)
        if fault is not None:
            return await self._fail(request, name, params, fault)
        self._log(request, name, params, status, body.get("error", ""), token)
        return web.json_response(body, status=status, headers=headers)

    def release(self) -> None:
        """Let stalled requests go."""
        self._never.set()

    def _answer(self, name: str, params: Json, token: str) -> tuple[int, Json, dict[str, str]]:
        method = self._methods.get(name)
        if method is None:
            return 200, {"ok": False, "error": "unknown_method", "req_method": name}, {}
        try:
            team = self._team(method, token)
            call = Call(self._core, params, team, name)
            headers = {
                "X-OAuth-Scopes": ",".join(sorted(team.scopes)),
                "X-Accepted-OAuth-Scopes": ",".join(method.scopes),
            }
            self._admit(method, call)
            body = {"ok": True, **method.run(call)}
        except ApiError as error:
            return 200, {"ok": False, "error": error.error, **error.extra}, {}
        except RateLimited as limited:
            return 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(limited.retry_after)}
        finally:
            self._core.changes.notify()
        if call.warnings:
            body |= {"warning": ",".join(call.warnings), "response_metadata": {"warnings": call.warnings}}
        return 200, body, headers

    def _team(self, method: Method, token: str) -> Team:
        """Whose token it is; app-level methods get the first workspace, which they do not use."""
        teams = self._core.world.teams
        app_token = self._core.credentials.app_token
        if not method.open and not token:
            raise ApiError("not_authed")
        if method.open or (method.app_level and token == app_token):
            return next(iter(teams.values()))
        if token == app_token:
            raise ApiError("not_allowed_token_type")
        team = next((team for team in teams.values() if team.bot_token == token), None)
        if team is None:
            raise ApiError("invalid_auth")
        if team.state != "installed":
            raise ApiError("token_revoked" if team.state == "revoked" else "account_inactive")
        if method.app_level:
            raise ApiError("not_allowed_token_type")
        return team

    def _admit(self, method: Method, call: Call) -> None:
        if method.scopes and not call.team.scopes & set(method.scopes):
            call.require(method.scopes[0])
        wait = self._core.meter.take(call.team.id, call.method, call.text("channel"))
        if wait:
            raise RateLimited(wait)

    async def _fail(self, request: web.Request, name: str, params: Json, fault: Fault) -> web.StreamResponse:
        how = fault.how
        status = int(how) if how.isdigit() else 0 if how in ("reset", "stall") else 200
        error = "ratelimited" if how == "429" else how
        self._log(request, name, params, status, error, "")
        if how == "stall":
            await self._never.wait()
        if how in ("reset", "stall"):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if how == "429":
            retry_after = {"Retry-After": str(fault.retry_after)}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=retry_after)
        if status >= 400:
            return web.Response(status=status, text=f"<html>{status}</html>", content_type="text/html")
        return web.json_response({"ok": False, "error": how})

    def _log(
        self, request: web.Request, name: str, params: Json, status: int, error: str, token: str
    ) -> None:
        team = next((team.id for team in self._core.world.teams.values() if team.bot_token == token), "")
        self.requests.append(Request(self._core.clock(), name, status, error, params, team, request.method))
        self._core.changes.notify()


async def _read(request: web.Request) -> tuple[Json, str]:
    """Arguments and token of a request, from wherever they stand."""
    params: Json = dict(request.query)
    if request.method == "POST":
        if request.content_type == "application/json":
            body = await request.text()
            params |= json.loads(body) if body else {}
        else:
            params |= dict(await request.post())
    kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
    token = str(params.pop("token", ""))
    if kind == "Bearer":
        token = credentials.strip()
    elif kind == "Basic":
        params["basic_auth"] = credentials
    return params, token
