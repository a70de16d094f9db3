"""Files as the emulators serve them, and the ways a server spoils them."""

from __future__ import annotations

from typing import Literal

from aiohttp import web

Trap = Literal["", "missing", "cut", "long", "page"]
"""It is `missing`, `cut` short of its length, longer than was said (`long`), or a `page` stands in its place."""


async def served(request: web.Request, data: bytes, media_type: str, trap: Trap) -> web.StreamResponse:
    """A file as it is, or as a server in between spoils it."""
    match trap:
        case "missing":
            return web.Response(status=404, text="This content is no longer available.")
        case "long":
            data *= 1_000
        case "cut":
            response = web.StreamResponse(
                headers={"Content-Type": media_type, "Content-Length": str(len(data))}
            )
            await response.prepare(request)
            await response.write(data[: len(data) // 2])
            assert request.transport is not None
            request.transport.close()
            return response
        case "page":
            return web.Response(text="<!DOCTYPE html><title>Something else</title>", content_type="text/html")
    return web.Response(body=data, headers={"Content-Type": media_type})
