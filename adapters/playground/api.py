"""The page's HTTP interface: JSON in, JSON out. What cannot be done is a `Refused`, told in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote

from aiohttp import web

from adapters.playground.chips import press_of
from adapters.playground.feed import Feed
from adapters.playground.guard import UPLOADS
from adapters.playground.uploads import Uploads
from adapters.playground.values import BOT, Message, Person, Refused
from adapters.playground.views import SHOWN, Json, Views
from adapters.playground.world import World
from bot.errors import StoreUnavailable
from bot.ports import Press

MOST_COMPLETIONS = 30
PAGE = 60
"""Messages that are loaded at a time."""


class Interactions(Protocol):
    """What is not just said but done to the bot."""

    async def command(
        self, viewer: Person, channel: str, thread: int, verb: str, argument: str, key: str
    ) -> None: ...

    async def complete(
        self, viewer: Person, channel: str, thread: int, verb: str, argument: str
    ) -> Sequence[str]: ...

    async def give(self, viewer: Person, message: Message, command: str, key: str) -> None: ...

    async def press(self, viewer: Person, message: Message, press: Press, key: str) -> None: ...


class Api:
    def __init__(
        self, world: World, views: Views, feed: Feed, uploads: Uploads, interactions: Interactions
    ) -> None:
        self._world, self._views, self._feed, self._do = world, views, feed, interactions
        self._uploads = uploads

    def add_routes(self, app: web.Application) -> None:
        routes: list[tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]] = [
            ("GET", "/api/state", self.state),
            ("GET", "/api/messages", self.messages),
            ("GET", "/api/events", self.events),
            ("POST", "/api/messages", self.say),
            ("GET", r"/api/messages/{id:\d+}/file", self.file),
            ("POST", UPLOADS, self.upload),
            ("DELETE", UPLOADS + "/{file}", self.drop),
            ("GET", r"/api/messages/{id:\d+}/attached/{file}", self.attached),
            ("PATCH", r"/api/messages/{id:\d+}", self.edit),
            ("DELETE", r"/api/messages/{id:\d+}", self.delete),
            ("POST", "/api/commands", self.command),
            ("GET", "/api/completions", self.complete),
            ("POST", "/api/buttons", self.press),
            ("POST", "/api/people", self.add_person),
            ("POST", "/api/channels", self.add_channel),
            ("POST", "/api/read", self.read),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, path, _plainly(handler))

    async def state(self, request: web.Request) -> web.StreamResponse:
        """For whoever is asked for, or for the first who is there."""
        people = {id: person for id, person in self._world.people.items() if id != BOT}
        viewer = people.get(request.query.get("as", "")) or next(iter(people.values()))
        return web.json_response(self._views.state(viewer))

    async def messages(self, request: web.Request) -> web.StreamResponse:
        query = Values(dict(request.query))
        viewer, channel = self._where(query)
        thread = query.number("thread")
        return web.json_response(self._views.page(viewer, channel, thread, query.number("before"), PAGE))

    async def events(self, request: web.Request) -> web.StreamResponse:
        query = Values(dict(request.query))
        viewer = self._world.person(query.text("as"))
        return await self._feed.follow(request, viewer, query.text("world"), query.number("since"))

    async def say(self, request: web.Request) -> web.StreamResponse:
        values = await Values.of(request)
        viewer, channel = self._where(values)
        message = Message(
            channel=channel,
            author=viewer.id,
            text=values.text("text"),
            thread=values.number("thread"),
            nonce=values.key("nonce"),
        )
        posted = self._world.named(viewer.id, message.nonce)
        if posted is None:
            files = self._uploads.waiting(viewer.id, values.texts("files"))
            posted = self._world.post(replace(message, attached=files))
            self._uploads.said(files)
        self._world.read(viewer.id, channel, posted.thread, posted.id)
        return web.json_response(self._views.message(posted, viewer.id), status=201)

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """A file that is to go with a message: its bytes are the body."""
        query = Values(dict(request.query))
        viewer = self._world.person(query.text("as"))
        pieces = request.content.iter_chunked(1 << 16)
        taken = await self._uploads.take(viewer.id, query.text("name"), query.text("type"), pieces)
        return web.json_response({"id": taken.id, "name": taken.name, "size": taken.size}, status=201)

    async def drop(self, request: web.Request) -> web.StreamResponse:
        values = await Values.of(request)
        self._uploads.drop(self._world.person(values.text("as")).id, request.match_info["file"])
        return web.json_response({})

    async def attached(self, request: web.Request) -> web.StreamResponse:
        """A file of a person's, to be saved; nothing but a plain picture is ever shown."""
        viewer = self._world.person(Values(dict(request.query)).text("as"))
        message = self._world.message(int(request.match_info["id"]), viewer.id)
        number = request.match_info["file"]
        found = next((file for file in message.attached if file.id == number), None)
        path = self._uploads.path(number)
        if found is None or path is None:
            raise Refused("no_such_file", "There is no file here.", 404)
        shown = found.media_type if found.media_type in SHOWN else "application/octet-stream"
        saved = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
        return web.FileResponse(path, headers={"Content-Type": shown, "Content-Disposition": saved})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """What hangs on a message, to be saved and never to be shown as a page."""
        viewer = self._world.person(Values(dict(request.query)).text("as"))
        message = self._world.message(int(request.match_info["id"]), viewer.id)
        if not message.file:
            raise Refused("no_such_file", "There is no file here.", 404)
        charset = "; charset=utf-8" if message.file_type.startswith("text/") else ""
        headers = {
            "Content-Disposition": f'attachment; filename="{message.file_name}"',
            "Content-Type": message.file_type + charset,
        }
        return web.Response(body=message.file_data, headers=headers)

    async def edit(self, request: web.Request) -> web.StreamResponse:
        values = await Values.of(request)
        viewer = self._world.person(values.text("as"))
        edited = self._world.edit(int(request.match_info["id"]), values.text("text"), by=viewer.id)
        return web.json_response(self._views.message(edited, viewer.id))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        values = await Values.of(request)
        viewer = self._world.person(values.text("as"))
        message = self._world.message(int(request.match_info["id"]), viewer.id)
        self._world.delete(message.id, by=viewer.id)
        self._uploads.gone(message)
        return web.json_response({})

    async def command(self, request: web.Request) -> web.StreamResponse:
        values = await Values.of(request)
        viewer, channel = self._where(values)
        verb, argument = values.text("verb"), values.text("argument")
        if verb not in self._views.verbs:
            raise Refused("no_such_command", f"There is no command /{verb[:40]}.", 404)
        await self._do.command(viewer, channel, values.number("thread"), verb, argument, values.key("key"))
        return web.json_response({})

    async def complete(self, request: web.Request) -> web.StreamResponse:
        values = Values(dict(request.query))
        viewer, channel = self._where(values)
        verb, argument = values.text("verb"), values.text("argument")
        found = await self._do.complete(viewer, channel, values.number("thread"), verb, argument)
        return web.json_response(list(found)[:MOST_COMPLETIONS])

    async def press(self, request: web.Request) -> web.StreamResponse:
        values = await Values.of(request)
        viewer = self._world.person(values.text("as"))
        message = self._world.message(values.number("message"), viewer.id)
        button = values.text("button")
        press = press_of(button, message.turn)
        if not any(chip.partition("|")[0] == button for chip in message.buttons):
            raise Refused("no_such_button", "This button is no longer there.", 409)
        if press is None:
            await self._do.give(viewer, message, button, values.key("key"))
        else:
            await self._do.press(viewer, message, press, values.key("key"))
        return web.json_response({})

    async def add_person(self, request: web.Request) -> web.StreamResponse:
        values = await Values.of(request)
        name, language = values.text("name"), values.text("language")
        if language and not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", language):
            raise Refused("no_language", "A language is written like en or zh-CN.")
        person = self._world.add_person(name, admin=values.flag("admin"), language=language)
        return web.json_response(self._views.person(person), status=201)

    async def add_channel(self, request: web.Request) -> web.StreamResponse:
        values = await Values.of(request)
        channel = self._world.add_channel(values.text("name"), values.text("topic"))
        return web.json_response(self._views.channel(channel), status=201)

    async def read(self, request: web.Request) -> web.StreamResponse:
        values = await Values.of(request)
        viewer, channel = self._where(values)
        self._world.read(viewer.id, channel, values.number("thread"), values.number("message"))
        return web.json_response({})

    def _where(self, values: Values) -> tuple[Person, str]:
        """The viewer, and a channel that the viewer may see (with the thread, where one is named)."""
        viewer = self._world.person(values.text("as"))
        channel = self._world.channel(values.text("channel"), viewer.id).id
        if values.number("thread"):
            self._world.root(channel, values.number("thread"), viewer.id)
        return viewer, channel


class Values:
    """A request's values, each checked as it is taken."""

    def __init__(self, values: Json) -> None:
        self._values = values

    @classmethod
    async def of(cls, request: web.Request) -> Values:
        try:
            values: Any = await request.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise Refused("json", "This is not JSON.") from error
        if not isinstance(values, dict):
            raise Refused("json", "A JSON object is expected.")
        return cls(values)

    def text(self, name: str) -> str:
        value = self._values.get(name, "")
        if not isinstance(value, str):
            raise Refused("value", f"{name} is a text.")
        return value

    def texts(self, name: str) -> list[str]:
        values = self._values.get(name) or []
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise Refused("value", f"{name} is a list of texts.")
        return values

    def number(self, name: str) -> int:
        value = self._values.get(name) or 0
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**15:
            raise Refused("value", f"{name} is a whole number.")
        return value

    def flag(self, name: str) -> bool:
        return self._values.get(name) is True

    def key(self, name: str) -> str:
        """A name that the page gave to what it asks for, so that asking twice is asking once."""
        value = self.text(name)
        if not re.fullmatch(r"[A-Za-z0-9-]{8,64}", value):
            raise Refused("value", f"{name} has 8 to 64 letters and digits.")
        return value


def _plainly(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Turn refusals into answers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            return web.json_response({"error": refused.code, "message": refused.why}, status=refused.status)
        except StoreUnavailable:
            why = "The bot cannot take this in right now. Try again in a moment."
            return web.json_response({"error": "unavailable", "message": why}, status=503)

    return answer
