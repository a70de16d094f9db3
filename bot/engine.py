"""The story of a turn, to be read top-down.

A question reaches this file filtered and stored (`reception`), and held under a lease by one worker (`inbox`). Here its files are
read, and it is fitted into the model's window, admitted by its asker's limits, sent, shown while it grows, stored when it is whole, and
finished on the platform.
Whatever happens in between, the person reads an answer or a plain notice, the ledger holds what it cost, and the turn is closed;
or the turn is left as it is, for another worker to go on from the messages already posted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Final

from bot.buttons import after_failure, row
from bot.chat import Cancel, Finish, State
from bot.errors import (
    DeliveryError,
    GaveUp,
    LeaseLost,
    LimitReached,
    PlatformBusy,
    PlatformUnreachable,
    RejoinderError,
    StoreUnavailable,
)
from bot.files import FileReader
from bot.inbox import Held
from bot.limits.alarms import Alarms
from bot.notices import reference
from bot.own_words import OwnWords, with_notes
from bot.ports import Adapter, Clock, Control, Conversations, Level, Reply
from bot.preferences import Buttons, Decided
from bot.privacy.filtering import Filtering
from bot.speaking import Speaker
from bot.telemetry import Meters
from bot.tokens.counting import Counter

log = logging.getLogger(__name__)

STOP_NOTICES: Final = {
    Cancel.STOPPED: "stopped",
    Cancel.RESET: "reset_meanwhile",
    Cancel.INTERRUPTED: "interrupted",
}
UNSAID: Final = "…"
"""Stands in the history for an answer that was interrupted before its first word, so that its question is not forgotten."""


class Engine:
    def __init__(
        self,
        *,
        platforms: Mapping[str, Adapter],
        conversations: Conversations,
        decided: Decided,
        speaker: Speaker,
        files: FileReader,
        filtering: Filtering,
        counter: Counter,
        language: str,
        attempts: int,
        clock: Clock,
        meters: Meters,
        alarms: Alarms,
    ) -> None:
        self._platforms, self._decided, self._files = platforms, decided, files
        self._speaker, self._filtering, self._counter = speaker, filtering, counter
        self._attempts, self._meters, self._alarms = attempts, meters, alarms
        self._words = OwnWords(conversations, files.limits, language, clock)

    async def answer(self, held: Held) -> None:
        """Answer one held turn, or tell why not. Cancelling the task calls it off as `held.why` says; cancelling it again lets it go."""
        reply = self._platforms[held.turn.place.platform].reply(held.turn, held.journal)
        held.said = held.turn.answer or max(reply.kept, held.turn.begun, key=len)
        try:
            if held.why is None:
                await self._tell(held, reply)
                return
        except asyncio.CancelledError:
            await self._end_early(held, reply)
            raise
        await self._end_early(held, reply)

    async def _end_early(self, held: Held, reply: Reply) -> None:
        try:
            await self._or_leave(held, reply, self._call_off(held, reply))
        except asyncio.CancelledError:
            await reply.abandon()
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
        await self._lift(held, reply, held.said)
        notes: Sequence[str] = self._words.lasting(turn) if turn.notes is None else turn.notes
        finish = turn.finish
        if turn.answer is None:
            if turn.attempts > self._attempts:
                raise GaveUp
            reply.start()
            unread = await self._files.read(held)
            spoken = await self._speaker.answer(
                held, reply, lambda line: reply.wait(self._words.in_line(turn, line)), held.warn
            )
            # Reading its files may have masked more of the turn.
            notes = await held.steadily(lambda: self._words.fresh(held.turn, spoken, unread))
            finish = spoken.finish
            await self._store(held, spoken.finish, notes)
        await self._show(held, reply, [*notes, *await self._warn(held)], finish)
        await self._close(held, State.DONE)

    async def _lift(self, held: Held, reply: Reply, text: str) -> None:
        """Have people see what they said themselves, in place of the placeholders in this text of an earlier attempt."""
        reply.originals.update(await self._filtering.originals(held.turn.place, text))

    async def _show(self, held: Held, reply: Reply, notes: Sequence[str], finish: Finish | None) -> None:
        """All of the answer, with the bot's own words below it, and what can be done with it."""
        await reply.finish(with_notes(held.said, notes), buttons=await self._row(held, finish))

    async def _row(self, held: Held, finish: Finish | None) -> tuple[Control, ...]:
        turn = held.turn
        full = (await self._decided.at(turn.place)).buttons is Buttons.FULL
        return row(turn.version, turn.others, finish, full=full, rated=turn.rated)

    async def _store(self, held: Held, finish: Finish, notes: Sequence[str] = ()) -> None:
        """The answer with the notes below it, so that whoever shows its end can show them."""
        await held.answered(held.said, self._counter.measure(held.said), self._counter.name, finish, notes)

    async def _warn(self, held: Held) -> list[str]:
        """Tell the asker what is nearly used, alone where the platform can; else what is to stand below the answer."""
        notes: list[str] = []
        for one in held.warned:
            if one.meter.level in (Level.USER, Level.PLACE):
                text = self._words.warning(held.turn, one)
                if not await self._platforms[held.turn.place.platform].whisper(held.turn, text):
                    notes.append(text)
        return notes

    # What else may become of a turn.

    async def _refuse(self, held: Held, reply: Reply, limit: LimitReached) -> None:
        """A limit says no: which one, how much is left, when to come back; to the asker alone where the platform can. What was said
        stays, or what stood there before."""
        text = self._words.limit(held.turn, limit)
        back = await self._put_back(held, reply)
        open_notes = (
            [] if await self._platforms[held.turn.place.platform].whisper(held.turn, text) else [text]
        )
        if back:
            notes = [*self._words.lasting(held.turn), *open_notes]
            await self._show(held, reply, notes, held.turn.finish)
            await self._close(held, State.DONE)
            return
        if held.said:
            notes = open_notes or [self._words.say(held.turn, "not_whole")]
            if held.turn.answer is None:
                await self._store(held, Finish.LENGTH, notes)
            await self._show(held, reply, notes, Finish.LENGTH)
        elif open_notes:
            await reply.fail(text)
        else:
            await reply.withdraw()
        await self._close(held, State.REFUSED, error=limit.limit)

    async def _fail(self, held: Held, reply: Reply, error: RejoinderError) -> None:
        """It failed for good: a plain notice with a reference and buttons to go on or to try again. What was said stays, or what stood
        there before."""
        number = reference()
        log.error("turn %s failed: %s %s (reference %s)", held.turn.id, error.code, error, number)
        notes = [self._words.failure(held.turn, error, number, said=bool(held.said))]
        back = await self._put_back(held, reply)
        if held.said and held.turn.answer is None:
            await self._store(held, Finish.LENGTH, notes)
        notes += await self._warn(held)
        if isinstance(error, DeliveryError):
            await reply.abandon()
        elif back:
            await self._show(held, reply, [*self._words.lasting(held.turn), *notes], held.turn.finish)
        else:
            await self._end(held, reply, notes)
        await self._close(held, State.DONE if back else State.FAILED, error=error.code, reference=number)

    async def _call_off(self, held: Held, reply: Reply) -> None:
        """Somebody called the answer off, or this worker may no longer speak."""
        await self._lift(held, reply, held.said)
        match held.why:
            case Cancel.INTERRUPTED if not held.said and not held.turn.parts:
                held.said = UNSAID
                await self._store(held, Finish.STOP)
                await reply.withdraw()
                await self._close(held, State.CANCELLED)
            case Cancel.STOPPED | Cancel.RESET | Cancel.INTERRUPTED as why:
                await self._end_stopped(held, reply, why)
            case Cancel.DELETED:
                await reply.withdraw()
                await self._close(held, State.CANCELLED)
            case Cancel.EDITED | None:
                await reply.abandon()
                await held.release()

    async def _put_back(self, held: Held, reply: Reply) -> bool:
        """Nothing came of a new answer: what stood there before, if anything did, stands again."""
        if held.said or not await held.put_back():
            return False
        await self._lift(held, reply, held.said)
        return True

    async def _end_stopped(self, held: Held, reply: Reply, why: Cancel) -> None:
        """What was said is the answer; where nothing was, what stood there before."""
        if await self._put_back(held, reply):
            notes = [*self._words.lasting(held.turn), *await self._warn(held)]
            await self._show(held, reply, notes, held.turn.finish)
            await self._close(held, State.DONE)
            return
        notes = [self._words.say(held.turn, STOP_NOTICES[why])]
        if held.said:
            await self._store(held, Finish.STOP, notes)
        notes += await self._warn(held)
        if held.said:
            await self._show(held, reply, notes, Finish.STOP)
        elif why is Cancel.STOPPED:
            await self._end(held, reply, notes)
        else:
            await reply.fail("\n".join(notes))
        await self._close(held, State.CANCELLED)

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

    async def _end(self, held: Held, reply: Reply, notes: Sequence[str]) -> None:
        buttons = after_failure(held.turn.version, held.turn.others, said=bool(held.said))
        if held.said:
            await reply.finish(with_notes(held.said, notes), buttons=buttons)
        else:
            await reply.fail("\n".join(notes), buttons=buttons)

    async def _close(self, held: Held, state: State, *, error: str = "", reference: str = "") -> None:
        await self._alarms.raise_for(held.turn, held.warned)
        await held.close(state, error=error, reference=reference)
        self._meters.ended(held.turn.place.platform, state.value)
