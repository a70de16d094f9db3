"""The small HTTP servers: the public one (Slack's events, health) and the inner one (playground, metrics), never on one port.

`/healthz` says that the event loop turns; `/readyz` that the database answers and every adapter is connected.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable

from aiohttp import web

from bot.errors import ConfigError, StoreUnavailable
from bot.ports import Hook
from bot.telemetry import Meters


def health_routes(ping: Hook, waiting_for: Callable[[], Iterable[str]]) -> list[web.RouteDef]:
    """`waiting_for` names the adapters that are not connected."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        missing = list(waiting_for())
        try:
            await asyncio.wait_for(ping(), 2)
        except (StoreUnavailable, TimeoutError):
            missing.append("database")
        return web.json_response(
            {"ready": not missing, "waiting_for": missing}, status=503 if missing else 200
        )

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]


def metrics_route(meters: Meters) -> web.RouteDef:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(
            body=meters.exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    return web.get("/metrics", metrics)


async def serve(application: web.Application, host: str, port: int, variable: str) -> web.AppRunner:
    """Start a server; `ConfigError` when the address is taken or is not ours. The caller cleans the runner up."""
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=2
    )  # Slack sends again what is cut off
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigError(
            variable,
            f"can't listen on {host}:{port} ({os.strerror(error.errno or 0)})",
            "Stop what uses it, or choose another port",
        ) from None
    return runner


def bound_port(runner: web.AppRunner) -> int:
    """The port a server really listens on (of interest when 0 was asked for)."""
    address = runner.addresses[0]
    return int(address[1])
