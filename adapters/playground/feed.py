"""The stream of changes to a page, over a WebSocket.

A follower has one number, the last change it has seen, and asks the world for the things that changed since.
So a page that was away, or is slow, gets each thing once as it is now, and needs no history kept for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from aiohttp import WSCloseCode, WSMessage, web

from adapters.playground.state import Record
from adapters.playground.values import BOT, Person
from adapters.playground.views import Json, Views
from adapters.playground.world import World

HEARTBEAT = 20.0
"""Seconds between pings; a page that does not answer them is gone."""


class Feed:
    """Wakes all followers when the world changes."""

    def __init__(self, world: World, views: Views) -> None:
        self._world, self._views = world, views
        self._followers: set[_Follower] = set()
        world.listeners.append(self._wake)

    async def follow(
        self, request: web.Request, viewer: Person, world: str, since: int
    ) -> web.WebSocketResponse:
        """Serve one page until it leaves. `world` and `since` tell what it has seen: with another world's
        number, or with one so old that deletions would be missing, it is told to start over."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT, compress=False)
        await socket.prepare(request)
        fits = world == self._world.id and self._world.floor <= since <= self._world.seq
        if not fits:
            await socket.send_json({"type": "reset"})
            await socket.close()
            return socket
        follower = _Follower(self._world, self._views, viewer, since)
        self._followers.add(follower)
        sending = asyncio.create_task(self._send(socket, follower))
        try:
            await _until_closed(socket)
        finally:
            self._followers.discard(follower)
            sending.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await sending
        return socket

    def typing(self, channel: str, thread: int) -> None:
        """The bot is at work there. Nothing that needs to be kept."""
        news: Json = {"type": "typing", "person": BOT, "channel": channel, "thread": thread}
        for follower in self._followers:
            if self._world.channels[channel].person in ("", follower.viewer.id):
                follower.passing.append(news)
                follower.news.set()

    async def aclose(self) -> None:
        """Send everybody away: they come back when there is a server again."""
        for follower in self._followers:
            follower.over = True
            follower.news.set()

    def _wake(self, _record: Record) -> None:
        for follower in self._followers:
            follower.news.set()

    async def _send(self, socket: web.WebSocketResponse, follower: _Follower) -> None:
        await socket.send_json({"type": "hello"})
        while not follower.over:
            for news in follower.catch_up():
                await socket.send_json(news)
            await follower.news.wait()
        await socket.close(code=WSCloseCode.GOING_AWAY)


class _Follower:
    def __init__(self, world: World, views: Views, viewer: Person, since: int) -> None:
        self.viewer = viewer
        self.news = asyncio.Event()
        self.passing: list[Json] = []
        self.over = False
        self._world, self._views, self._since = world, views, since

    def catch_up(self) -> Iterator[Json]:
        """Everything new, in order. What changes meanwhile is found by the next call."""
        self.news.clear()
        passing, self.passing = self.passing, []
        yield from passing
        changes = self._world.since(self._since)
        for kind, id, seq in changes:
            news = self._news(kind, id)
            if news is not None:
                yield {"seq": seq, **news}
            self._since = seq

    def _news(self, kind: str, id: str) -> Json | None:
        world, viewer = self._world, self.viewer.id
        if kind == "person":
            return {"type": kind, "person": self._views.person(world.people[id])}
        if kind == "channel":
            channel = world.channels[id]
            mine = channel.person in ("", viewer)
            return {"type": kind, "channel": self._views.channel(channel)} if mine else None
        if kind == "read":
            person, _, place = id.partition(" ")
            read = self._views.read(person, place)
            return {"type": kind, "place": place, "message": read} if person == viewer else None
        message = world.messages.get(int(id))
        if message is None:
            return {"type": "gone", "id": int(id)}
        if not world.visible(message, viewer):
            return None
        return {"type": kind, "message": self._views.message(message, viewer)}


async def _until_closed(socket: web.WebSocketResponse) -> None:
    """Pages send nothing; reading is how their leaving is noticed."""
    message: WSMessage
    async for message in socket:
        del message
