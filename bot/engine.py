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
import re
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Final

from bot.alarms import Alarms
from bot.buttons import after_failure, row
from bot.chat import Cancel, File, Finish, State
from bot.counting import Counter
from bot.errors import (
    BadResponse,
    CutOff,
    DeliveryError,
    EmptyAnswer,
    GaveUp,
    LeaseLost,
    LimitReached,
    Overcrowded,
    Overloaded,
    PlatformBusy,
    PlatformUnreachable,
    ProviderError,
    RejoinderError,
    StoreUnavailable,
)
from bot.files import FileReader, Unread, listed, unread_texts
from bot.filtering import Filtering
from bot.inbox import Held
from bot.limit_texts import limit_text, warning_text
from bot.notices import language_of, notice, reference, wait_text
from bot.ports import Adapter, Clock, Control, Conversations, Level, Line, Reply
from bot.preferences import Buttons, Decided
from bot.speaking import Speaker, Spoken
from bot.telemetry import Meters

log = logging.getLogger(__name__)

PASSING: Final = {error.code for error in (Overloaded, EmptyAnswer, BadResponse, CutOff, ProviderError)}
"""Whatever of these ended an answer that had begun: it broke off, and can be gone on with."""
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
        self._platforms, self._conversations, self._files = platforms, conversations, files
        self._decided = decided
        self._speaker, self._filtering = speaker, filtering
        self._counter, self._language = counter, language
        self._attempts, self._clock, self._meters, self._alarms = attempts, clock, meters, alarms

    async def answer(self, held: Held) -> None:
        """Answer one held turn, or tell why not. Cancelling the task calls it off as `held.why` says; cancelling it again lets it go."""
        reply = self._platforms[held.turn.place.platform].reply(held.turn, held.journal)
        held.said = max(reply.kept, held.turn.begun, key=len)
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
        finally:
            self._alarms.raise_for(held.turn, held.warned)

    async def _answer(self, held: Held, reply: Reply) -> None:
        turn = held.turn
        await self._lift(held, reply, turn.answer or held.said)
        if turn.answer is None:
            if turn.attempts > self._attempts:
                raise GaveUp
            reply.start()
            unread = await self._files.read(held)
            spoken = await self._speaker.answer(
                held, reply, lambda line: reply.wait(self._line_text(held, line)), held.warned.append
            )
            await self._store(held, spoken.finish)
            notes = [
                *self._file_notes(held, spoken, unread),
                *await self._notes(held, spoken),
                *await self._warn(held),
            ]
            await self._show(held, reply, notes, spoken.finish)
        else:
            held.said = turn.answer
            notes = self._lasting_notes(held)
            if turn.attempts > 1:  # whoever stored it may have died before anybody saw it
                notes += await self._personal_notes(held)
            await self._show(held, reply, notes, turn.finish)
        await self._close(held, State.DONE)

    async def _lift(self, held: Held, reply: Reply, text: str) -> None:
        """Have people see what they said themselves, in place of the placeholders in this text of an earlier attempt."""
        reply.originals.update(await self._filtering.originals(held.turn.place, text))

    async def _show(self, held: Held, reply: Reply, notes: Sequence[str], finish: Finish | None) -> None:
        """All of the answer, with the bot's own words below it, and what can be done with it."""
        await reply.finish(_with_notes(held.said, notes), buttons=await self._row(held, finish))

    async def _row(self, held: Held, finish: Finish | None) -> tuple[Control, ...]:
        turn = held.turn
        full = (await self._decided.at(turn.place)).buttons is Buttons.FULL
        return row(turn.version, turn.others, finish, full=full, rated=turn.rated)

    async def _store(self, held: Held, finish: Finish) -> None:
        await held.answered(held.said, self._counter.measure(held.said), self._counter.name, finish)

    async def _notes(self, held: Held, spoken: Spoken) -> list[str]:
        """What the bot adds below the answer in its own voice, each when it is due and only then."""
        turn = held.turn
        notes: list[str] = []
        if spoken.finish is Finish.LENGTH:
            notes.append(self._notice(held, "cut_at_length"))
        if spoken.finish in (Finish.FILTERED, Finish.REFUSED):
            notes.append(self._notice(held, "declined"))
        if spoken.voice is not spoken.usual:
            names = {"model": spoken.voice.model.name, "usual": spoken.usual.model.name}
            notes.append(self._notice(held, "stand_in", **names))
        if spoken.fitted.dropped and await self._conversations.told_trimmed(turn):
            notes.append(self._notice(held, "trimmed"))
        return [*notes, *await self._personal_notes(held)]

    async def _personal_notes(self, held: Held) -> list[str]:
        """What the asker is told of their own question, the same whoever tells it."""
        notes = [self._notice(held, "masked")] if held.turn.masked else []
        if await self._conversations.met(held.turn, self._clock()):
            notes.append(self._notice(held, "first_meeting"))
        return notes

    def _file_notes(self, held: Held, spoken: Spoken, unread: Sequence[Unread]) -> list[str]:
        """What was not read, and what a model that can't see was not shown."""
        language, model = self._speaks(held), spoken.voice.model
        notes = unread_texts(unread, self._files.limits, language)
        known = {one.name for one in unread}
        pictures = [part.name for part in held.turn.content if isinstance(part, File) and part.is_picture]
        if unseen := [name for name in pictures if not model.images and name not in known]:
            notes.append(notice("unread_unseen", language, model=model.name, names=listed(unseen, language)))
        return notes

    def _lasting_notes(self, held: Held) -> list[str]:
        """What stands below an answer whenever it is shown again."""
        match held.turn.finish:
            case Finish.LENGTH:
                return [self._notice(held, "not_whole")]
            case Finish.FILTERED | Finish.REFUSED:
                return [self._notice(held, "declined")]
            case _:
                return []

    async def _warn(self, held: Held) -> list[str]:
        """Tell the asker what is nearly used, alone where the platform can; else what is to stand below the answer."""
        notes: list[str] = []
        for one in held.warned:
            if one.meter.level in (Level.USER, Level.PLACE):
                text = warning_text(one, self._clock(), self._speaks(held))
                if not await self._platforms[held.turn.place.platform].whisper(held.turn, text):
                    notes.append(text)
        return notes

    # What else may become of a turn.

    async def _refuse(self, held: Held, reply: Reply, limit: LimitReached) -> None:
        """A limit says no: which one, how much is left, when to come back; to the asker alone where the platform can. What was said
        stays, or what stood there before."""
        text = self._limit_text(held, limit)
        back = await self._put_back(held, reply)
        open_notes = (
            [] if await self._platforms[held.turn.place.platform].whisper(held.turn, text) else [text]
        )
        if back:
            notes = [*self._lasting_notes(held), *open_notes]
            await self._show(held, reply, notes, held.turn.finish)
            await self._close(held, State.DONE)
            return
        if held.said and held.turn.answer is None:
            await self._store(held, Finish.LENGTH)
        if held.said:
            await self._show(held, reply, open_notes or [self._notice(held, "not_whole")], Finish.LENGTH)
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
        notes = [self._error_text(held, error, number), *await self._warn(held)]
        back = await self._put_back(held, reply)
        if held.said and held.turn.answer is None:
            await self._store(held, Finish.LENGTH)
        if isinstance(error, DeliveryError):
            await reply.abandon()
        elif back:
            await self._show(held, reply, [*self._lasting_notes(held), *notes], held.turn.finish)
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
        warnings = await self._warn(held)
        if await self._put_back(held, reply):
            await self._show(held, reply, [*self._lasting_notes(held), *warnings], held.turn.finish)
            await self._close(held, State.DONE)
            return
        notes = [self._notice(held, STOP_NOTICES[why]), *warnings]
        if held.said:
            await self._store(held, Finish.STOP)
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
            await reply.finish(_with_notes(held.said, notes), buttons=buttons)
        else:
            await reply.fail("\n".join(notes), buttons=buttons)

    async def _close(self, held: Held, state: State, *, error: str = "", reference: str = "") -> None:
        await held.close(state, error=error, reference=reference)
        self._meters.ended(held.turn.place.platform, state.value)

    # What the bot says itself.

    def _notice(self, held: Held, code: str, **parameters: object) -> str:
        return notice(code, self._speaks(held), **parameters)

    def _speaks(self, held: Held) -> str:
        return language_of(held.turn.author.language, self._language)

    def _error_text(self, held: Held, error: RejoinderError, number: str) -> str:
        if held.said and isinstance(error, ProviderError) and error.code in PASSING:
            return self._notice(held, CutOff.code, reference=number)
        if isinstance(error, Overcrowded):
            until = wait_text(self._clock(), error.until, self._speaks(held))
            return self._notice(held, error.code, position=error.position, wait=until, reference=number)
        wait = error.retry_after if isinstance(error, Overloaded) else None
        if wait is not None:
            now = self._clock()
            until = wait_text(now, now + timedelta(seconds=wait), self._speaks(held))
            return self._notice(held, "overloaded_until", wait=until, reference=number)
        return self._notice(held, error.code, reference=number)

    def _line_text(self, held: Held, line: Line) -> str:
        """Where one stands in line."""
        wait = wait_text(self._clock(), line.until, self._speaks(held))
        return self._notice(held, "in_line", position=line.position, wait=wait)

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
