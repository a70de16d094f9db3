"""Sends one answer as a stream, at its pace, past its gate, and into whatever is to go wrong with it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web

from tests.emulators.llm.answers import Answer, How
from tests.emulators.llm.dialect import Event
from tests.emulators.llm.requests import Request

BROKEN: Final = b'data: {"broken": "json\n\n'
STRANGE: Final = b'data: "no object"\n\n'


class Stream:
    """`failing` writes the vendor's own events of failure; `changed` is told whenever something was sent."""

    def __init__(
        self,
        request: Request,
        answer: Answer,
        *,
        failing: Callable[[How], bytes],
        sleep: Callable[[float], Awaitable[None]],
        clock: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self._request, self._answer = request, answer
        self._failing, self._sleep, self._clock, self._changed = failing, sleep, clock, changed

    async def send(
        self, response: web.StreamResponse, transport: asyncio.Transport, events: Sequence[Event]
    ) -> None:
        breaks = self._answer.breaks
        if breaks is not None and breaks.after_bytes is not None:
            await response.write(b"".join(event.wire for event in events)[: breaks.after_bytes])
            return
        for index, event in enumerate(events):
            if breaks is not None and index == breaks.at:
                if await self._broken(breaks.how, response, transport, event):
                    return
                continue
            if self._request.chunks == self._answer.hold and not self._request.held:
                await self.hold()
            await self._event(response, event)

    async def hold(self) -> None:
        """Wait at the gate."""
        self._request.held = True
        self._changed()
        await self._request.gate.wait()

    async def _event(self, response: web.StreamResponse, event: Event) -> None:
        if event.text and self._answer.pace:
            await self._sleep(self._answer.pace)
        await response.write(event.wire)
        self._request.events += 1
        self._request.bytes += len(event.wire)
        if event.text:
            self._request.chunks += 1
            self._request.first_chunk = self._request.first_chunk or self._clock()
        self._changed()

    async def _broken(
        self, how: How, response: web.StreamResponse, transport: asyncio.Transport, due: Event
    ) -> bool:
        """Go wrong in place of the event that was due. True when that is the end of the stream."""
        match how:
            case How.EOF:
                return True
            case How.MID_EVENT:
                await response.write(due.wire[: len(due.wire) // 2])
                return True
            case How.DISCONNECT | How.RESET:
                _hang_up(transport, reset=how is How.RESET)
                return True
            case How.STALL:
                await self.hold()
                return True
            case How.MALFORMED | How.STRANGE:
                name = due.wire.partition(b"\n")[0] + b"\n" if due.wire.startswith(b"event:") else b""
                await response.write(name + (BROKEN if how is How.MALFORMED else STRANGE))
                return False
            case _:
                await response.write(self._failing(how))
                return True


def _hang_up(transport: asyncio.Transport, *, reset: bool) -> None:
    """Close the connection without ending the response; a linger time of 0 makes the close a reset."""
    connection: socket.socket = transport.get_extra_info("socket")
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
