"""Socket Mode: tickets, websockets, envelopes and acknowledgements.

Rules: docs.slack.dev "Using Socket Mode": a ticket opens one connection, up to ten connections share the load
and each envelope goes to one of them; `disconnect` announces the end of a connection.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.emulators.slack.changes import Changes
from tests.emulators.slack.delivery import Outcome, Parcel

Json = dict[str, Any]


@dataclass(eq=False)
class Connection:
    """One open websocket; `retiring` once it was told to reconnect, then nothing more is sent to it."""

    name: str
    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    retiring: bool = False
    waiting: dict[str, asyncio.Future[Outcome]] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)  # envelopes acknowledged after the time was up

    def settle(self, envelope: str, outcome: Outcome) -> None:
        future = self.waiting.get(envelope)
        if future is not None and not future.done():
            future.set_result(outcome)
        elif outcome.acknowledged:
            self.late.append(envelope)


class SocketHub:
    """The server's side of Socket Mode; a transport for deliveries."""

    def __init__(self, app_id: str, changes: Changes, most: int) -> None:
        self.connections: list[Connection] = []
        self.opened = 0
        self._app_id = app_id
        self._changes = changes
        self._most = most
        self._tickets: set[str] = set()
        self._turn = itertools.count()
        self._envelopes = itertools.count(1)

    def new_ticket(self) -> str:
        ticket = f"ticket-{len(self._tickets)}-{self.opened}-{next(self._envelopes)}"
        self._tickets.add(ticket)
        return ticket

    def live(self) -> list[Connection]:
        return [c for c in self.connections if not c.retiring and not c.socket.closed]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404)
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self.live()) >= self._most:
            await socket.send_json(self._goodbye("too_many_websockets"))
            await socket.close()
            return socket
        self.opened += 1
        connection = Connection(f"socket-{self.opened}", socket, request.transport)
        self.connections.append(connection)
        await socket.send_json(self._hello())
        self._changes.notify()
        try:
            await self._listen(connection)
        finally:
            self._forget(connection)
        return socket

    async def carry(self, parcel: Parcel) -> Outcome:
        """Send an envelope to one connection and wait for its acknowledgement."""
        connections = self.live()
        if not connections:
            await asyncio.sleep(parcel.timeout)
            return Outcome(False, "timeout", via="no connection")
        connection = connections[next(self._turn) % len(connections)]
        envelope = f"envelope-{next(self._envelopes)}"
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope] = future
        try:
            await connection.socket.send_json(_envelope(envelope, parcel))
            return await asyncio.wait_for(future, parcel.timeout)
        except TimeoutError:
            return Outcome(False, "timeout", via=connection.name)
        except ConnectionError:
            return Outcome(False, "timeout", via=f"{connection.name} died")
        finally:
            connection.waiting.pop(envelope, None)

    async def disconnect(self, reason: str) -> None:
        """Announce the end of every connection: `warning`, `refresh_requested` or `link_disabled`."""
        for connection in self.live():
            connection.retiring = reason != "warning"
            with suppress(ConnectionError):  # its client has just died
                await connection.socket.send_json(self._goodbye(reason))

    async def drop(self, *, abrupt: bool) -> None:
        """Break every connection, in the middle of whatever it carries."""
        for connection in list(self.connections):
            if abrupt and connection.transport is not None:
                connection.transport.abort()
            else:
                await connection.socket.close()
            self._forget(connection)

    async def _listen(self, connection: Connection) -> None:
        async for frame in connection.socket:
            if frame.type is WSMsgType.TEXT:
                answer = json.loads(frame.data)
                connection.settle(
                    answer.get("envelope_id", ""),
                    Outcome(True, body=answer.get("payload"), via=connection.name),
                )

    def _forget(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
        for envelope in list(connection.waiting):
            connection.settle(envelope, Outcome(False, "timeout", via=f"{connection.name} died"))
        self._changes.notify()

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "connection_info": {"app_id": self._app_id},
            "debug_info": {
                "host": "applink-emulator",
                "build_number": 1,
                "approximate_connection_time": 18_060,
            },
        }

    def _goodbye(self, reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-emulator"}}


def _envelope(envelope_id: str, parcel: Parcel) -> Json:
    envelope: Json = {
        "envelope_id": envelope_id,
        "type": parcel.kind,
        "payload": parcel.payload,
        "accepts_response_payload": parcel.kind != "events_api",
    }
    if parcel.kind == "events_api":
        envelope |= {"retry_attempt": parcel.retry_num, "retry_reason": parcel.retry_reason}
    return envelope
