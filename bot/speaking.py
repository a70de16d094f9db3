"""Have a model answer: who is asked, how often, with what, and what becomes of an answer that breaks off.

Candidates are asked in their order. One that can't answer makes way for the next; an answer that broke off is gone on with, by the same
model first; a prompt that turns out too long is trimmed once. Each call is reserved at its worst and settled by itself: nothing where
the provider refused it outright, as reported where it told, else all that was reserved.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from operator import add
from typing import Final

from bot.breaker import Breakers
from bot.chat import Delta, Finish, Message, Prompt, Size, Turn, Usage
from bot.context import Fitted, Window, message_size
from bot.continuation import Doubtful, continued
from bot.errors import (
    ContentFiltered,
    CutOff,
    LeaseLost,
    LimitReached,
    Overloaded,
    ProviderError,
    TooLong,
)
from bot.gate import Waiting, unheard
from bot.growing import Growing
from bot.inbox import Held, steady
from bot.limits.admission import Limits, Reservation
from bot.ports import Clock, Reply, Source, Warned
from bot.privacy.filtering import Filtering
from bot.providers.retries import IMPATIENT, POLICY, open_stream
from bot.recall import Recall
from bot.voice import Voice, Voices

log = logging.getLogger(__name__)

SETTLING: Final = 5.0
"""Seconds to wait for a database that is away, before a call is left unsettled."""
NOTHING: Final = Usage(prompt=0, output=0)


Warn = Callable[[Sequence[Warned]], Awaitable[None]]


async def unwarned(warned: Sequence[Warned]) -> None:
    """Nobody is warned."""


@dataclass(frozen=True, slots=True)
class Continuing:
    """How often an answer that broke off is gone on with, and whether one that reached its length limit is, too."""

    rounds: int = 2
    at_length: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """How an answer ended: who gave it, who usually does, and what the model saw."""

    voice: Voice
    usual: Voice
    fitted: Fitted
    finish: Finish


@dataclass(slots=True)
class Call:
    """One call as it went, for the bill. `error` is why it has no finish."""

    started: datetime
    usage: Usage | None = None
    finish: Finish | None = None
    first_token_ms: int | None = None
    error: str = "cancelled"

    def take(self, delta: Delta, now: datetime) -> None:
        self.usage = delta.usage or self.usage
        self.finish = delta.finish or self.finish
        if delta.text and self.first_token_ms is None:
            self.first_token_ms = round((now - self.started).total_seconds() * 1000)


@dataclass(slots=True)
class Speech:
    """One turn being answered: where it stands. `usual` is who answers mostly; `line` are the candidates that are left, the one in
    question first; `rounds` are how often the answer may still be gone on with; `broken` is whose answer broke off last; `gave_up` is
    why the first one was left.
    `failed`, `fitted` and `windows` (of prompts that were too long) go by the voice's `id`."""

    held: Held
    reply: Reply
    growing: Growing
    usual: Voice
    line: list[Voice]
    rounds: int
    waiting: Waiting
    warn: Warn
    calls: int = 0
    broken: Voice | None = None
    gave_up: ProviderError | None = None
    failed: set[int] = field(default_factory=set)
    fitted: dict[int, Fitted] = field(default_factory=dict)
    windows: dict[int, Window] = field(default_factory=dict)

    @property
    def turn(self) -> Turn:
        return self.held.turn


class Speaker:
    def __init__(
        self,
        *,
        recall: Recall,
        limits: Limits,
        voices: Voices,
        filtering: Filtering,
        continuing: Continuing,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._recall, self._limits, self._voices = recall, limits, voices
        self._filtering, self._continuing = filtering, continuing
        self._clock, self._sleep, self._breakers = clock, sleep, Breakers(clock)

    async def answer(
        self, held: Held, reply: Reply, waiting: Waiting = unheard, warn: Warn = unwarned
    ) -> Spoken:
        """Answer a turn, going on with `held.said`, which grows on the way. `waiting` is told while a model has no room, `warn` of
        budgets that the answer has nearly or wholly used.

        Raises `ProviderError`, `LimitReached`, `Overcrowded`.
        """
        turn = held.turn
        candidates = await self._voices.candidates(turn.place, turn.author)
        filtered = await self._filtering.answer(turn.place, Source.of(turn), reply.originals)
        growing = Growing(filtered, held.said, len(reply.kept))
        line = self._breakers.willing(candidates)
        speech = Speech(held, reply, growing, candidates[0], line, self._continuing.rounds, waiting, warn)
        try:
            finish = await self._speak(speech)
        except LimitReached as limit:
            if (warned := await self._limits.reached(limit, self._clock())) is not None:
                await warn([warned])
            raise
        except asyncio.CancelledError:
            growing.drop_held()
            raise
        finally:
            held.said = growing.told
        held.said = await growing.finish()
        voice = speech.line[0]
        return Spoken(voice, candidates[0], speech.fitted[id(voice)], finish)

    async def _speak(self, speech: Speech) -> Finish:
        """Ask until the answer is whole, or nobody is left to ask."""
        while True:
            voice = speech.line[0]
            try:
                finish = await self._ask(speech, voice)
            except ContentFiltered:
                raise  # the question, not the model: nobody else is asked to answer it after all
            except ProviderError as error:
                log.warning("turn %s: %s failed (%s: %s)", speech.turn.id, voice.label, error.code, error)
                if id(voice) not in speech.failed and not isinstance(error, Doubtful):
                    speech.failed.add(id(voice))
                    self._breakers.failed(voice, error)
                await self._recover(speech, voice, error)
            else:
                self._breakers.succeeded(voice)
                if finish is not Finish.LENGTH or not self._continuing.at_length or not speech.rounds:
                    return finish
                speech.rounds -= 1

    async def _recover(self, speech: Speech, voice: Voice, error: ProviderError) -> None:
        """Decide who is asked next, and with what; raises when nobody is left."""
        if isinstance(error, TooLong) and _can_trim(speech, voice):
            fitted = speech.fitted.pop(id(voice))
            half = voice.counter.most(fitted.size) - max(fitted.history // 2, 1)
            speech.windows[id(voice)] = replace(voice.window, prompt=half)
            return
        if _broke_off(error) and speech.rounds and (wait := _pause(error)) <= POLICY.total:
            speech.rounds -= 1
            if voice is not speech.broken or len(speech.line) == 1:
                speech.broken = voice
                await self._sleep(wait)
                return
        elif _broke_off(error) and speech.growing.told:
            raise error
        speech.gave_up = speech.gave_up or error
        if len(speech.line) == 1:
            raise speech.gave_up
        del speech.line[0]

    async def _ask(self, speech: Speech, voice: Voice) -> Finish:
        """One call to one model, with all that it needs to know."""
        told = speech.growing.go_on()
        bare = self._prompt(speech.turn, voice, ())
        more = continued(bare, told).messages if told else ()
        extra = reduce(add, (message_size(voice.counter, message) for message in more), Size())
        fitted = await self._fit(speech, voice, extra)
        prompt = replace(bare, messages=(*fitted.messages, *more))
        texts = (text for message in prompt.messages for text in (message.name, message.text))
        speech.reply.originals.update(await self._filtering.originals(speech.turn.place, *texts))
        return await self._stream(speech, voice, prompt, fitted.size + extra)

    def _prompt(self, turn: Turn, voice: Voice, messages: Sequence[Message]) -> Prompt:
        return Prompt(
            model=voice.model.name,
            system=voice.system,
            messages=tuple(messages),
            max_output_tokens=voice.window.answer,
            user=self._limits.person(turn.place, turn.author),
            cache_key=self._limits.conversation(turn.place),
        )

    async def _fit(self, speech: Speech, voice: Voice, extra: Size) -> Fitted:
        """What this model sees of the conversation beside what was said already: the same again, unless that does not fit any more."""
        counter, window = voice.counter, speech.windows.get(id(voice), voice.window)
        fitted = speech.fitted.get(id(voice))
        if fitted is None or counter.most(fitted.size + extra) > window.prompt:
            taken = counter.most(extra) if extra.messages else 0
            left = replace(voice, window=replace(window, prompt=window.prompt - taken))
            fitted = await self._recall.prompt_for(
                speech.turn,
                left,
                usual=voice is speech.usual and not voice.aside,
                cut=id(voice) in speech.windows,
                pictures=speech.held.pictures,
            )
            speech.fitted[id(voice)] = fitted
        return fitted

    async def _stream(self, speech: Speech, voice: Voice, prompt: Prompt, size: Size) -> Finish:
        """Reserve the call's worst cost, stream it, settle what it used, whatever way it ends."""
        held = speech.held
        turn = (
            speech.turn if not speech.calls else replace(speech.turn, attempts=max(2, speech.turn.attempts))
        )
        speech.calls += 1
        reservation = await self._limits.reserve(
            turn,
            voice.model,
            prompt,
            voice.counter.most(size, prompt.cache_key),
            self._clock(),
            speech.waiting,
        )
        call, asked = Call(self._clock()), replace(prompt, max_output_tokens=reservation.output_cap)
        policy = POLICY if len(speech.line) == 1 else IMPATIENT
        try:
            async with aclosing(
                open_stream(voice.provider, asked, policy=policy, sleep=self._sleep)
            ) as deltas:
                async for delta in deltas:
                    call.take(delta, self._clock())
                    held.model = voice.label if delta.text else held.model
                    if await speech.growing.add(delta.text):
                        held.said = speech.growing.shown
                        speech.reply.update(held.said)
            if call.finish is None:
                raise CutOff("the stream ended without a finish reason")
            await speech.growing.end()
        except ProviderError as error:
            await speech.growing.break_off()
            call.error = error.code
            if error.free and call.usage is None:
                call.usage = NOTHING
            raise
        finally:
            await self._settle(speech, reservation, call, voice)
        if call.usage is not None:
            await voice.counter.learn(size, call.usage.prompt, prompt.cache_key)
        return call.finish

    async def _settle(self, speech: Speech, reservation: Reservation, call: Call, voice: Voice) -> None:
        """Book what the call used. Where even that can't be written, the reservation stands: it is never cheaper than it was."""
        now = self._clock()
        try:
            warned = await steady(
                lambda: self._limits.settle(
                    reservation,
                    call.usage,
                    finish=call.finish or call.error,
                    first_token_ms=call.first_token_ms,
                    now=now,
                    quota=voice.provider.quota,
                ),
                SETTLING,
            )
        except LeaseLost:
            log.warning("a call could not be settled: its reservation stands")
            return
        if warned:
            await speech.warn(warned)


def _broke_off(error: ProviderError) -> bool:
    """It had begun, and may have cost something: going on with it is a call of its own."""
    return isinstance(error, CutOff) or (isinstance(error, Overloaded) and not error.free)


def _pause(error: ProviderError) -> float:
    """Seconds to wait before going on."""
    return POLICY.wait(1, error, 0.5) if isinstance(error, Overloaded) else 0.0


def _can_trim(speech: Speech, voice: Voice) -> bool:
    fitted = speech.fitted.get(id(voice))
    return fitted is not None and fitted.turns > 0 and id(voice) not in speech.windows
