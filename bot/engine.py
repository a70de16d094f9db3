"""The story of a turn, to be read top-down.

A question reaches this file filtered and stored (`reception`), and held under a lease by one worker (`inbox`). Here it is fitted into
the model's window, admitted by its asker's limits, sent, shown while it grows, stored when it is whole, and finished on the platform.
Whatever happens in between, the person reads an answer or a plain notice, the ledger holds what it cost, and the turn is closed;
or the turn is left as it is, for another worker to go on from the messages already posted.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import Final

from bot.chat import Cancel, Delta, Finish, Message, Prompt, Role, Size, State, Usage
from bot.context import Fitted, fit, message_size
from bot.continuation import Join, continued
from bot.errors import (
    CutOff,
    DeliveryError,
    GaveUp,
    LeaseLost,
    LimitReached,
    Overloaded,
    PlatformBusy,
    PlatformUnreachable,
    RejoinderError,
    StoreUnavailable,
)
from bot.inbox import Held, steady
from bot.limit_texts import limit_text
from bot.limits import Limits, Reservation
from bot.notices import language_of, notice, reference, wait_text
from bot.ports import Adapter, Button, Clock, Conversations, Reply
from bot.preferences import Decided, Scope
from bot.providers.retries import open_stream
from bot.redaction import Redactor
from bot.telemetry import Meters
from bot.voice import Voice, Voices

log = logging.getLogger(__name__)

SETTLING: Final = 5.0
"""Seconds to wait for a database that is away, before a call is left unsettled."""
STOP_NOTICES: Final = {Cancel.STOPPED: "stopped", Cancel.RESET: "reset_meanwhile"}


@dataclass(slots=True)
class Completion:
    """One call as it went: for the bill, and for the next step of the story."""

    started: datetime
    usage: Usage | None = None
    finish: Finish | None = None
    first_token_ms: int | None = None

    def take(self, delta: Delta, now: datetime) -> None:
        self.usage = delta.usage or self.usage
        self.finish = delta.finish or self.finish
        if delta.text and self.first_token_ms is None:
            self.first_token_ms = round((now - self.started).total_seconds() * 1000)


class Engine:
    def __init__(
        self,
        *,
        platforms: Mapping[str, Adapter],
        conversations: Conversations,
        limits: Limits,
        voices: Voices,
        decided: Decided,
        redactor: Redactor,
        language: str,
        attempts: int,
        continuations: int,
        clock: Clock,
        meters: Meters,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._platforms, self._conversations, self._limits = platforms, conversations, limits
        self._voices, self._decided, self._redactor, self._language = voices, decided, redactor, language
        self._attempts, self._continuations = attempts, continuations
        self._clock, self._meters, self._sleep = clock, meters, sleep

    async def answer(self, held: Held) -> None:
        """Answer one held turn, or tell why not. Cancelling the task calls it off as `held.why` says."""
        reply = self._platforms[held.turn.place.platform].reply(held.turn, held.journal)
        held.said = reply.kept
        try:
            await self._tell(held, reply)
        except asyncio.CancelledError:
            await self._or_leave(held, reply, self._call_off(held, reply))
            raise

    async def _tell(self, held: Held, reply: Reply) -> None:
        try:
            await self._answer(held, reply)
        except (LeaseLost, StoreUnavailable, PlatformBusy, PlatformUnreachable) as error:
            await self._leave(held, reply, error)
        except LimitReached as limit:
            await self._or_leave(held, reply, self._refuse(held, reply, limit))
        except RejoinderError as error:
            await self._or_leave(held, reply, self._fail(held, reply, error))

    async def _answer(self, held: Held, reply: Reply) -> None:
        turn = held.turn
        notes: list[str] = []
        if turn.answer is None:
            if turn.attempts > self._attempts:
                raise GaveUp
            reply.start()
            voice = (await self._voices.candidates(turn.place))[0]
            fitted = await self._fit(held, voice)
            finish = await self._speak(held, reply, voice, fitted)
            await self._store(held, voice, finish)
            notes = await self._notes(held, fitted, finish)
        else:
            held.said = turn.answer
        await reply.finish(_with_notes(held.said, notes))
        await self._close(held, State.DONE)

    async def _fit(self, held: Held, voice: Voice) -> Fitted:
        """Choose what the model sees of this conversation."""
        turn = held.turn
        named = not turn.direct
        question = Message(Role.USER, turn.text, turn.author.name if named else "")
        alone = (await self._decided.at(turn.place)).scope is Scope.THREAD
        history = self._conversations.history(turn.place, before=turn, alone=alone)
        return await fit(
            history, question, system=voice.system, window=voice.window, counter=voice.counter, named=named
        )

    async def _speak(self, held: Held, reply: Reply, voice: Voice, fitted: Fitted) -> Finish:
        """Have the model answer, showing the answer as it grows. A stream that breaks is asked to go on where it broke."""
        turn = held.turn
        prompt = Prompt(
            model=voice.model.name,
            system=voice.system,
            messages=fitted.messages,
            max_output_tokens=voice.window.answer,
            user=self._limits.person(turn.place, turn.author),
            cache_key=f"conversation-{turn.conversation}",
        )
        for rounds_left in reversed(range(1 + self._continuations)):
            asked = continued(prompt, held.said) if held.said else prompt
            added = asked.messages[len(prompt.messages) :]
            size = reduce(add, (message_size(voice.counter, message) for message in added), fitted.size)
            try:
                return await self._stream(held, reply, voice, asked, size)
            except CutOff:
                if not rounds_left:
                    raise
                log.info(
                    "turn %s: the stream broke off after %s characters; asking again", turn.id, len(held.said)
                )
        raise AssertionError("the last round returns or raises")

    async def _stream(self, held: Held, reply: Reply, voice: Voice, prompt: Prompt, size: Size) -> Finish:
        """One call: reserve its worst cost, stream it, settle what it used, whatever way it ends."""
        started = self._clock()
        worst = voice.counter.most(size)
        reservation = await self._limits.reserve(held.turn, voice.model, prompt, worst, started)
        call, mask, join = Completion(started), self._redactor.stream(), Join(held.said)
        try:
            asked = replace(prompt, max_output_tokens=reservation.output_cap)
            async with aclosing(open_stream(voice.provider, asked, sleep=self._sleep)) as deltas:
                async for delta in deltas:
                    call.take(delta, self._clock())
                    if text := mask.feed(delta.text):
                        held.said = join.add(text)
                        reply.update(held.said)
            join.add(mask.finish())
            held.said = join.finish()
        finally:
            await self._settle(reservation, call)
        if call.usage is not None:
            await voice.counter.learn(size, call.usage.prompt)
        if call.finish is None:
            raise CutOff("the stream ended without a finish reason")
        return call.finish

    async def _settle(self, reservation: Reservation, call: Completion) -> None:
        """Book what the call used. Where even that can't be written, the reservation stands: it is never cheaper than it was."""
        now = self._clock()
        try:
            await steady(
                lambda: self._limits.settle(
                    reservation,
                    call.usage,
                    finish=call.finish or "none",
                    first_token_ms=call.first_token_ms,
                    now=now,
                ),
                SETTLING,
            )
        except LeaseLost:
            log.warning("a call could not be settled: its reservation stands")

    async def _store(self, held: Held, voice: Voice, finish: Finish) -> None:
        counter = voice.counter
        await held.answered(held.said, counter.measure(held.said), counter.name, finish)

    async def _store_part(self, held: Held, finish: Finish) -> None:
        """Keep what was said of an answer that did not become whole."""
        await self._store(held, (await self._voices.candidates(held.turn.place))[0], finish)

    async def _notes(self, held: Held, fitted: Fitted, finish: Finish) -> list[str]:
        """What the bot adds below the answer in its own voice, each when it is due and only then."""
        turn = held.turn
        codes: list[str] = []
        if finish is Finish.LENGTH:
            codes.append("cut_at_length")
        if turn.masked:
            codes.append("masked")
        if fitted.dropped and await self._conversations.told_trimmed(turn):
            codes.append("trimmed")
        if await self._conversations.met(turn, self._clock()):
            codes.append("first_meeting")
        return [self._notice(held, code) for code in codes]

    # What else may become of a turn.

    async def _refuse(self, held: Held, reply: Reply, limit: LimitReached) -> None:
        """A limit says no: which one, how much is left, when to come back; to the asker alone where the platform can."""
        text = self._limit_text(held, limit)
        adapter = self._platforms[held.turn.place.platform]
        if held.turn.parts or not await adapter.whisper(held.turn, text):
            await self._end(held, reply, text)
        await self._close(held, State.REFUSED, error=limit.limit)

    async def _fail(self, held: Held, reply: Reply, error: RejoinderError) -> None:
        """It failed for good: a plain notice with a reference and a button to try again. What was said stays."""
        number = reference()
        log.error("turn %s failed: %s %s (reference %s)", held.turn.id, error.code, error, number)
        if held.said and held.turn.answer is None:
            await self._store_part(held, Finish.LENGTH)
        if not isinstance(error, DeliveryError):
            await self._end(held, reply, self._error_text(held, error, number), buttons=(Button.RETRY,))
        await self._close(held, State.FAILED, error=error.code, reference=number)

    async def _call_off(self, held: Held, reply: Reply) -> None:
        """Somebody called the answer off, or this worker may no longer speak."""
        match held.why:
            case Cancel.STOPPED | Cancel.RESET:
                if held.said:
                    await self._store_part(held, Finish.STOP)
                await self._end(held, reply, self._notice(held, STOP_NOTICES[held.why]))
                await self._close(held, State.CANCELLED)
            case Cancel.DELETED:
                await reply.withdraw()
                await self._close(held, State.CANCELLED)
            case Cancel.EDITED | None:
                await reply.abandon()
                await held.release()

    async def _leave(self, held: Held, reply: Reply, error: RejoinderError) -> None:
        """Touch the turn no more: when its lease has ended it is taken up again, here or elsewhere."""
        log.warning("turn %s: left for another attempt (%s)", held.turn.id, error)
        await reply.abandon()

    async def _or_leave(self, held: Held, reply: Reply, ending: Coroutine[None, None, None]) -> None:
        try:
            await ending
        except (LeaseLost, StoreUnavailable, PlatformBusy, PlatformUnreachable) as error:
            await self._leave(held, reply, error)
        except DeliveryError as error:
            log.warning("turn %s: its ending could not be shown (%s)", held.turn.id, error)
            await reply.abandon()
            await self._close(held, State.FAILED, error=error.code)

    async def _end(self, held: Held, reply: Reply, note: str, buttons: Sequence[Button] = ()) -> None:
        if held.said:
            await reply.finish(_with_notes(held.said, [note]), buttons=buttons)
        else:
            await reply.fail(note, buttons=buttons)

    async def _close(self, held: Held, state: State, *, error: str = "", reference: str = "") -> None:
        await held.close(state, error=error, reference=reference)
        self._meters.ended(held.turn.place.platform, state.value)

    # What the bot says itself.

    def _notice(self, held: Held, code: str, **parameters: object) -> str:
        return notice(code, self._speaks(held), **parameters)

    def _speaks(self, held: Held) -> str:
        return language_of(held.turn.author.language, self._language)

    def _error_text(self, held: Held, error: RejoinderError, number: str) -> str:
        wait = error.retry_after if isinstance(error, Overloaded) else None
        if wait is not None:
            now = self._clock()
            until = wait_text(now, now + timedelta(seconds=wait), self._speaks(held))
            return self._notice(held, "overloaded_until", wait=until, reference=number)
        return self._notice(held, error.code, reference=number)

    def _limit_text(self, held: Held, limit: LimitReached) -> str:
        return limit_text(limit, self._clock(), self._speaks(held))


def _with_notes(answer: str, notes: Sequence[str]) -> str:
    """The answer with the bot's own words below it, outside of any code block that was left open."""
    return "\n\n".join(
        [_closed(answer.rstrip()) if notes else answer.rstrip(), *(f"_{note}_" for note in notes)]
    )


def _closed(text: str) -> str:
    fence = ""
    for mark in _FENCE.findall(text):
        if not fence:
            fence = mark
        elif mark[0] == fence[0] and len(mark) >= len(fence):
            fence = ""
    return f"{text}\n{fence}" if fence else text


_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
