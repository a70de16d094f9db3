"""One REST request as the routes see it, and the description of a route."""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from .errors import Code, Json, invalid, refusal
from .intake import Files
from .message import Message, Upload
from .model import Channel, Guild, Permission, User, can_see, permissions
from .world import World

_FILE_FIELD = re.compile(r"files?\[(\d+)\]")
_FILE_FIELD_SINGLE = "file"
Answer = tuple[int, Any]
"""Status and JSON body; None is no body."""


@dataclass(frozen=True)
class Route:
    """A route of the API. `bucket` names its rate in `Limits`.

    `open` routes need no bot token: their URL holds a secret; they are exempt from the global limit too.
    """

    method: str
    template: str
    handler: Callable[[Call], Awaitable[Answer]]
    bucket: str = "other"
    open: bool = False


@dataclass
class Call:
    """A request with its body read, and the look-ups every route needs."""

    world: World
    params: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    files: Files = field(default_factory=dict)

    @property
    def bot(self) -> User:
        """Who calls; the emulator knows one bot."""
        return self.world.bot

    @property
    def json(self) -> Json:
        """The body as an object."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            invalid("_body", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return self.body

    def id(self, name: str) -> int:
        """An id out of the path."""
        return snowflake(name, self.params[name])

    def channel(self, *needed: Permission) -> Channel:
        """The channel of the path, if the bot may see it and holds these permissions."""
        channel = self.world.channel(self.id("channel_id"))
        if not can_see(channel, self.bot):
            raise refusal(Code.MISSING_ACCESS)
        self.need(channel, *needed)
        return channel

    def need(self, channel: Channel, *needed: Permission) -> None:
        """Refuse what the bot has no permission for."""
        held = permissions(channel, self.bot)
        if any(permission not in held for permission in needed):
            raise refusal(Code.MISSING_PERMISSIONS)

    def message(self, channel: Channel, name: str = "message_id") -> Message:
        """The message of the path."""
        return self.world.message(channel, self.id(name))

    def guild(self) -> Guild:
        """The guild of the path, if the bot is in it."""
        guild = self.world.guild(self.id("guild_id"))
        if self.bot.id not in guild.members:
            raise refusal(Code.MISSING_ACCESS)
        return guild

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """A number out of the query."""
        raw = self.query.get(name)
        if raw is None:
            return default
        if not raw.isdecimal() or not lowest <= int(raw) <= highest:
            invalid(name, "NUMBER_TYPE_RANGE", f"int value should be between {lowest} and {highest}.")
        return int(raw)


def snowflake(field_name: str, raw: str) -> int:
    """An id, or the API's refusal of something that is none."""
    if not raw.isdecimal():
        invalid(field_name, "NUMBER_TYPE_COERCE", f'Value "{raw}" is not snowflake.')
    return int(raw)


async def read_body(request: web.Request) -> tuple[Any, Files]:
    """JSON, or a multipart form of `payload_json` and files."""
    try:
        if request.content_type == "multipart/form-data":
            return await _read_form(request)
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise refusal(Code.TOO_LARGE) from None
    return (_parse(raw) if raw else None), {}


async def _read_form(request: web.Request) -> tuple[Any, Files]:
    body: Any = None
    files: Files = {}
    total = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise refusal(Code.INVALID_JSON)
        data = bytes(await part.read(decode=True))
        total += len(data)
        if total > request.client_max_size:
            raise refusal(Code.TOO_LARGE)
        name = part.name or ""
        number = _FILE_FIELD.fullmatch(name)
        if name == "payload_json":
            body = _parse(data)
        elif number or name == _FILE_FIELD_SINGLE:
            filename = part.filename or "file"
            guessed = mimetypes.guess_type(filename)[0] or "application/octet-stream"
            files[int(number[1]) if number else 0] = Upload(filename, data, guessed)
    return body, files


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        raise refusal(Code.INVALID_JSON) from None
