"""One WebSocket of the gateway: frames out in order, frames in checked, and several ways to lose it."""

from __future__ import annotations

import asyncio
import importlib
import json
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from .errors import Json
from .sockets import reset
from .world import World


class Op:
    """Gateway opcodes."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11
    SOUNDBOARD = 31


class CloseCode:
    """Gateway close codes, with the reason Discord gives."""

    UNKNOWN_OPCODE = (4001, "Unknown opcode.")
    DECODE_ERROR = (4002, "Error while decoding payload.")
    NOT_AUTHENTICATED = (4003, "Not authenticated.")
    AUTHENTICATION_FAILED = (4004, "Authentication failed.")
    ALREADY_AUTHENTICATED = (4005, "Already authenticated.")
    INVALID_SEQ = (4007, "Invalid seq.")
    RATE_LIMITED = (4008, "You are being rate limited.")
    SESSION_TIMED_OUT = (4009, "Session timed out.")
    INVALID_SHARD = (4010, "Invalid shard.")
    SHARDING_REQUIRED = (4011, "Sharding required.")
    INVALID_VERSION = (4012, "Invalid API version.")
    INVALID_INTENTS = (4013, "Invalid intent(s).")
    DISALLOWED_INTENTS = (4014, "Disallowed intent(s).")


class _Compressor(Protocol):
    def __call__(self, raw: bytes) -> bytes: ...


def zlib_stream() -> _Compressor:
    """One zlib context for the whole connection, flushed after each payload."""
    context = zlib.compressobj()
    return lambda raw: context.compress(raw) + context.flush(zlib.Z_SYNC_FLUSH)


def zstd_stream() -> _Compressor:
    """The same with zstandard; only a client that has the package asks for it."""
    context: Any = importlib.import_module("zstandard").ZstdCompressor().compressobj()
    block = importlib.import_module("zstandard").COMPRESSOBJ_FLUSH_BLOCK
    return lambda raw: bytes(context.compress(raw) + context.flush(block))


COMPRESSIONS: dict[str, Callable[[], _Compressor]] = {"zlib-stream": zlib_stream, "zstd-stream": zstd_stream}


@dataclass(frozen=True)
class _Close:
    code: int
    reason: str


class Connection:
    """A client on the line; `on_payload` gets what it sends."""

    def __init__(
        self,
        world: World,
        request: web.Request,
        socket_: web.WebSocketResponse,
        *,
        heartbeat_interval: float,
        on_payload: Callable[[Connection, Json], Awaitable[None]],
    ) -> None:
        self._world = world
        self._request = request
        self._socket = socket_
        self._interval = heartbeat_interval
        self._on_payload = on_payload
        compression = COMPRESSIONS.get(request.query.get("compress", ""))
        self._compress = compression() if compression else None
        self._outbox: asyncio.Queue[Json | _Close] = asyncio.Queue()
        self._heard = 0.0
        self.closing = False
        self._closed_with: int | None = None

    @property
    def close_codes(self) -> set[int | None]:
        """The codes either side closed with."""
        return {self._closed_with, self._socket.close_code}

    def send(self, payload: Json) -> None:
        """Queue a payload; after a close nothing more goes out."""
        if not self.closing:
            self._outbox.put_nowait(payload)

    def close(self, cause: tuple[int, str]) -> None:
        """Close with a code, after what is queued."""
        if not self.closing:
            self.closing = True
            self._closed_with = cause[0]
            self._outbox.put_nowait(_Close(*cause))

    def drop(self) -> None:
        """Break the line without a word."""
        self.closing = True
        reset(self._request)

    def heartbeat(self) -> None:
        """Note that the client is alive."""
        self._heard = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Greet, then serve until the line is gone."""
        self.heartbeat()
        self.send({"op": Op.HELLO, "d": {"heartbeat_interval": self._interval * 1000, "_trace": []}})
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._watch())]
        try:
            await self._read()
        finally:
            self.closing = True
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            item = await self._outbox.get()
            try:
                if isinstance(item, _Close):
                    await self._socket.close(code=item.code, message=item.reason.encode())
                    return
                await self._send(item)
            except ConnectionError:
                return

    async def _send(self, payload: Json) -> None:
        raw = json.dumps({"t": None, "s": None} | payload)
        if self._compress is None:
            await self._socket.send_str(raw)
        else:
            await self._socket.send_bytes(self._compress(raw.encode()))

    async def _watch(self) -> None:
        """A client silent for two heartbeats is taken for dead."""
        while not self.closing:
            silent = asyncio.get_running_loop().time() - self._heard
            if silent > 2 * self._interval:
                self.close(CloseCode.SESSION_TIMED_OUT)
            await asyncio.sleep(max(0.001, 2 * self._interval - silent))

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            raw: str | bytes = frame.data
            if not self._world.book.take(("sends", self), self._world.limits.gateway_sends).allowed:
                self.close(CloseCode.RATE_LIMITED)
                continue
            payload = self._decode(raw)
            if payload is None:
                self.close(CloseCode.DECODE_ERROR)
            elif not self.closing:
                await self._on_payload(self, payload)

    def _decode(self, raw: str | bytes) -> Json | None:
        size = len(raw.encode()) if isinstance(raw, str) else len(raw)
        if size > self._world.limits.gateway_payload:
            return None
        try:
            payload = json.loads(raw)
        except ValueError:
            return None
        return payload if isinstance(payload, dict) and "op" in payload else None
