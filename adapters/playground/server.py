"""The playground's web application: the page, its files, its interface. Others may add routes of their own
beside it."""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web

from adapters.playground.api import Api
from adapters.playground.feed import Feed
from adapters.playground.guard import Guard

PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def build_app(guard: Guard) -> web.Application:
    """An application that only lets the right requests in, with the way to sign in and the page's files."""
    app = web.Application(middlewares=[guard.check], client_max_size=100_000)
    app.router.add_get("/sign-in", _sign_in)
    app.router.add_post("/sign-in", guard.sign_in)
    app.router.add_get("/assets/{name}", _asset)
    return app


def add_routes(app: web.Application, api: Api, feed: Feed) -> None:
    """Put the playground into an application."""

    async def send_away(_app: web.Application) -> None:
        await feed.aclose()

    app.router.add_get("/", _index)
    api.add_routes(app)
    app.on_shutdown.append(send_away)


async def _index(_request: web.Request) -> web.StreamResponse:
    return _file("index.html")


async def _sign_in(_request: web.Request) -> web.StreamResponse:
    return _file("sign-in.html")


async def _asset(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if not re.fullmatch(r"[a-z-]+\.(css|js|svg)", name) or not (PAGE / name).is_file():
        raise web.HTTPNotFound
    return _file(name)


def _file(name: str) -> web.FileResponse:
    """The type is told, never guessed: a registry of the system's may know `.js` as something else."""
    path = PAGE / name
    return web.FileResponse(path, headers={"Content-Type": _TYPES[path.suffix], "Cache-Control": "no-cache"})
