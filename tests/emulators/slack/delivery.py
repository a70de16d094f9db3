"""Deliveries to the app: attempt after attempt until one is acknowledged, and a record of them all.

Rule: docs.slack.dev "Events API", retries: an event not acknowledged within 3 s is sent again at once, after
a minute and after five minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tests.emulators.slack.changes import Changes
from tests.emulators.slack.limits import Clock

Json = dict[str, Any]
Shipment = Literal["events_api", "slash_commands", "interactive"]


@dataclass(frozen=True)
class Parcel:
    """What a transport carries in one attempt; the acknowledgement may take `timeout` seconds."""

    kind: Shipment
    payload: Json
    timeout: float
    retry_num: int = 0
    retry_reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. `reason` is Slack's retry reason; `final` means the app asked for no retry."""

    acknowledged: bool
    reason: str = ""
    body: Any = None
    status: int | None = None
    via: str = ""
    final: bool = False


class Transport(Protocol):
    async def carry(self, parcel: Parcel) -> Outcome: ...


@dataclass(frozen=True)
class Attempt:
    """`took` is in real seconds; `via` names the connection or the request URL."""

    time: float
    retry_num: int
    retry_reason: str
    took: float
    outcome: Outcome


@dataclass(eq=False)
class Delivery:
    """One event, command or interaction on its way to the app."""

    kind: Shipment
    payload: Json
    on_ack: Callable[[Any], None] | None = None  # given the body of the first acknowledgement
    attempts: list[Attempt] = field(default_factory=list)
    finished: bool = False
    first_try: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def acknowledged(self) -> bool:
        return any(attempt.outcome.acknowledged for attempt in self.attempts)

    @property
    def acknowledged_in(self) -> float | None:
        """Real seconds the acknowledged attempt took."""
        return next((a.took for a in self.attempts if a.outcome.acknowledged), None)

    @property
    def body(self) -> Any:
        """What the app answered with its acknowledgement."""
        return next((a.outcome.body for a in self.attempts if a.outcome.acknowledged), None)

    @property
    def event(self) -> Json:
        """The inner event, empty for commands and interactions."""
        event = self.payload.get("event")
        return event if isinstance(event, dict) else {}

    @property
    def name(self) -> str:
        """The event type with its subtype, the command, or the type of interaction."""
        event = self.event
        if event:
            return ".".join(str(event[key]) for key in ("type", "subtype") if key in event)
        return str(self.payload.get("command") or self.payload.get("type"))


class PostOffice:
    """Sends what it is given through a transport, retrying as Slack does, each in a task of its own."""

    def __init__(
        self,
        transport: Transport,
        changes: Changes,
        clock: Clock,
        *,
        ack_timeout: float,
        retry_delays: Sequence[float],
        retry_commands: bool,
    ) -> None:
        self.ack_timeout = ack_timeout
        self.retry_delays = tuple(retry_delays)
        self.retry_commands = retry_commands
        self.deliveries: list[Delivery] = []
        self._transport = transport
        self._changes = changes
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def send(
        self,
        kind: Shipment,
        payload: Json,
        *,
        after: Delivery | None = None,
        on_ack: Callable[[Any], None] | None = None,
    ) -> Delivery:
        """Start a delivery; with `after` it waits for the other one's first attempt to end."""
        delivery = Delivery(kind, payload, on_ack)
        self.deliveries.append(delivery)
        self._start(self._deliver(delivery, after))
        return delivery

    async def again(self, delivery: Delivery) -> Attempt:
        """Send it once more, as when Slack lost the acknowledgement."""
        number = 1 + max((attempt.retry_num for attempt in delivery.attempts), default=-1)
        return await self._attempt(delivery, number, "http_timeout" if number else "")

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _may_retry(self, kind: Shipment) -> bool:
        return kind == "events_api" or (kind == "slash_commands" and self.retry_commands)

    async def _deliver(self, delivery: Delivery, after: Delivery | None) -> None:
        if after is not None:
            await after.first_try.wait()
        delays = self.retry_delays if self._may_retry(delivery.kind) else ()
        attempt = await self._attempt(delivery, 0, "")
        for number, delay in enumerate(delays, 1):
            if attempt.outcome.acknowledged or attempt.outcome.final:
                break
            await asyncio.sleep(delay)
            attempt = await self._attempt(delivery, number, attempt.outcome.reason)
        delivery.finished = True
        self._changes.notify()

    async def _attempt(self, delivery: Delivery, number: int, reason: str) -> Attempt:
        loop = asyncio.get_running_loop()
        sent, started = self._clock(), loop.time()
        parcel = Parcel(delivery.kind, delivery.payload, self.ack_timeout, number, reason)
        outcome = await self._transport.carry(parcel)
        attempt = Attempt(sent, number, reason, loop.time() - started, outcome)
        if outcome.acknowledged and not delivery.acknowledged and delivery.on_ack is not None:
            delivery.on_ack(outcome.body)
        delivery.attempts.append(attempt)
        delivery.first_try.set()
        self._changes.notify()
        return attempt
