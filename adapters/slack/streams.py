"""Answers as native streams: a message that Slack itself shows growing.

A stream only ever gets longer, so it is given what of a part stays as it is; the last form, when it is another, is an edit. Slack ends a
stream five minutes after its start, whatever is appended: before, it is stopped, and the message goes on by edits. The same is done
with one that was ended by Slack or by a person's Stop, or left open by a process that died. Where a workspace does not let us
stream, or has no more streams a minute, an answer is shown by edits from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from adapters.delivery.mentions import without_half_address
from adapters.delivery.pacer import Key, Pacer
from adapters.delivery.splitter import Part
from adapters.delivery.surface import Call, Declined, Look
from adapters.slack.agent import Abilities
from adapters.slack.calls import slack_errors
from adapters.slack.surface import SlackSurface, metadata, name_of
from bot.errors import MessageGone, PlaceRefused, PlatformUnreachable
from bot.ports import Control

LIFE: Final = 240.0
"""Seconds that a stream is used; Slack ends it after 300."""
DEATH: Final = 300.0
START, APPEND, STOP = "chat.startStream", "chat.appendStream", "chat.stopStream"
STILL_OPEN: Final = frozenset({"streaming_state_conflict", "cant_delete_message"})
"""What Slack says to an edit or a deletion of a message that still streams."""


@dataclass(eq=False, slots=True)
class Stream:
    """One that we started, with what was streamed of it. `started` is the clock's."""

    team: str
    started: float
    sent: str
    over: bool = False


class Streams:
    """The streams of all replies. Each that is started needs a call to stop it: so many are open at most as may be stopped at once."""

    def __init__(self, pacer: Pacer, abilities: Abilities, clock: Callable[[], float]) -> None:
        self._pacer, self._abilities, self.clock = pacer, abilities, clock
        self._open: dict[str, Stream] = {}
        self.bot = ""  # our user id, known once we are connected

    def may_start(self, team: str) -> bool:
        self._open = {
            ts: one for ts, one in self._open.items() if not one.over and self.clock() - one.started < DEATH
        }
        open_here = sum(one.team == team for one in self._open.values())
        room = self._pacer.left((START, team)) > 0 and self._pacer.left((STOP, team)) > open_here
        return room and self._abilities.may(team, "stream")

    def started(self, ts: str, stream: Stream) -> Stream:
        self._open[ts] = stream
        return stream

    def refused(self, team: str, why: PlaceRefused) -> None:
        self._abilities.refused(team, "stream", why)

    def is_orphan(self, message: Mapping[str, Any]) -> bool:
        """Whether a message is a stream of ours without a name, that nobody here is writing to."""
        if "streaming_state" not in message or name_of(message):
            return False
        if not self.bot:
            raise PlatformUnreachable("who we are is not known yet")
        return message.get("user") == self.bot and str(message["ts"]) not in self._open


class StreamedSurface(SlackSurface):
    """The messages that answer one turn, each a stream while it grows."""

    def __init__(self, *arguments: Any, streams: Streams, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._streams = streams
        self._mine: dict[str, Stream] = {}
        self._left_open: set[str] = set()
        self._next_streams: bool | None = None if self._thread else False

    def look(self, part: Part, final: bool, buttons: Sequence[Control], message: str | None) -> Look:
        if final or not self._grows_alone(message):
            return super().look(part, final, buttons, message)
        text, stream = self.render(without_half_address(part.steady), final=False), self._stream(message)
        if stream is not None and not text.startswith(stream.sent):
            text = stream.sent  # what was said can't be taken back before the end
        if stream is None and not text:
            self._next_streams = None
        return Look(text, streamed=True)

    def buckets(self, call: Call, look: Look | None = None, message: str | None = None) -> tuple[Key, ...]:
        streamed = look is not None and look.streamed
        if message in self._left_open or (call in (Call.EDIT, Call.DELETE) and self._stream(message)):
            return ((APPEND if streamed else STOP, self._team),)
        return ((START, self._team),) if streamed else super().buckets(call, look, message)

    async def post(self, look: Look, *, nonce: str, first: bool) -> str:
        self._next_streams = None if self._thread else False
        if not look.streamed:
            return await super().post(look, nonce=nonce, first=first)
        try:
            with slack_errors():
                answer = await self._client.chat_startStream(
                    **self._where, **self._recipient, markdown_text=look.text
                )
        except PlaceRefused as refused:
            self._next_streams = False
            self._streams.refused(self._team, refused)
            raise Declined(refused.why) from refused
        ts = str(answer["ts"])
        self._mine[ts] = self._streams.started(ts, Stream(self._team, self._streams.clock(), look.text))
        return ts

    async def edit(self, message: str, look: Look, *, nonce: str) -> None:
        stream = self._stream(message)
        if stream is not None and look.streamed:
            await self._append(message, stream, look.text)
        elif stream is not None and look.final and look.text.startswith(stream.sent):
            rest = look.text[len(stream.sent) :]
            more: dict[str, Any] = {"markdown_text": rest} if rest else {}
            await self._stop(message, **more, blocks=self._actions(look), metadata=metadata(nonce))
        else:
            await self._close(message, look)
            with self._still_open(message):
                await super().edit(message, look, nonce=nonce)

    async def delete(self, message: str) -> None:
        await self._close(message, Look(""))
        with self._still_open(message):
            await super().delete(message)

    def _grows_alone(self, message: str | None) -> bool:
        """Whether a growing message is a stream, or shall become one."""
        if message is not None:
            stream = self._stream(message)
            return stream is not None and self._streams.clock() - stream.started < LIFE
        if self._next_streams is None:
            self._next_streams = self._agent.stoppable and self._streams.may_start(self._team)
        return self._next_streams

    def _stream(self, message: str | None) -> Stream | None:
        stream = self._mine.get(message or "")
        return stream if stream is not None and not stream.over else None

    async def _append(self, message: str, stream: Stream, text: str) -> None:
        rest = text[len(stream.sent) :]
        if not rest:
            return
        try:
            with slack_errors():
                await self._client.chat_appendStream(channel=self._channel, ts=message, markdown_text=rest)
        except (PlaceRefused, MessageGone) as refused:
            stream.over = True
            if isinstance(refused, MessageGone):
                raise
            raise Declined(refused.why) from refused
        except PlatformUnreachable:
            stream.over = True  # it may have been said or not: the next edit says it for sure
            raise
        stream.sent = text

    async def _close(self, message: str, look: Look) -> None:
        """A message that still streams is stopped first, with the buttons it shall have; what was to be done comes next, in a
        bucket of its own."""
        if message in self._left_open or self._stream(message) is not None:
            await self._stop(message, blocks=self._actions(look))
            raise Declined("stopped")

    async def _stop(self, message: str, **more: Any) -> None:
        try:
            with slack_errors():
                await self._client.chat_stopStream(channel=self._channel, ts=message, **more)
        except PlaceRefused as refused:
            self._over(message)
            raise Declined(refused.why) from refused
        except (PlatformUnreachable, MessageGone):
            self._over(message)
            raise
        self._over(message)

    def _over(self, message: str) -> None:
        self._left_open.discard(message)
        if (stream := self._mine.get(message)) is not None:
            stream.over = True

    @contextmanager
    def _still_open(self, message: str) -> Iterator[None]:
        """Slack says that the message still streams: an earlier attempt left it open, or its end got lost."""
        try:
            yield
        except PlaceRefused as refused:
            if refused.why not in STILL_OPEN:
                raise
            self._left_open.add(message)
            raise Declined(refused.why) from refused

    def _is_orphan(self, message: Mapping[str, Any]) -> bool:
        return self._streams.is_orphan(message)
