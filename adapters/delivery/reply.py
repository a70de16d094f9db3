"""An answer that grows by posts and edits, on any platform.

One task of its own brings the platform's messages in line with the newest text, one call at a time: whoever gets a slot sends what is
newest then. Before a message is posted its intent is recorded, afterwards its id; a message that is full is finished for good and its
text recorded. Whatever was recorded by an earlier attempt is gone on with.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from adapters.delivery.pacer import Pacer, Slot
from adapters.delivery.splitter import Diverged, Part, Splitter
from adapters.delivery.surface import Call, Surface
from bot.chat import Turn
from bot.errors import DeliveryError, MessageGone, PlatformBusy, PlatformUnreachable
from bot.ports import Button, Journal

log = logging.getLogger(__name__)

PATIENCE: Final = 120.0
"""Seconds that a platform may fail at a stretch before the reply gives up."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0
FILE: Final = "answer.md"


@dataclass(slots=True)
class Shown:
    """A message as the platform has it, as far as we know; `text` is None where it stems from an earlier attempt."""

    message: str
    text: str | None = None
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One call that brings the platform closer to the text."""

    call: Call
    index: int
    text: str = ""
    final: bool = False
    buttons: tuple[Button, ...] = ()
    urgent: bool = False


class EditedReply:
    """Implements the `Reply` port. `running` are the buttons under an answer that still grows."""

    def __init__(
        self,
        surface: Surface,
        journal: Journal,
        pacer: Pacer,
        turn: Turn,
        *,
        running: Sequence[Button] = (Button.STOP,),
    ) -> None:
        self._surface, self._journal, self._pacer, self._turn = surface, journal, pacer, turn.id
        self._running = tuple(running)
        finished = []
        for part in sorted(journal.parts, key=lambda part: part.index):
            if part.text is None or part.message is None:
                break
            finished.append(part.text)
        self.kept = "".join(finished)
        self._settled = len(finished)
        self._splitter = Splitter(surface.limits.length, self._measure, finished)
        self._shown = {part.index: Shown(part.message) for part in journal.parts if part.message is not None}
        self._nonces = {part.index: part.nonce for part in journal.parts}
        self._unsure = {part.index for part in journal.parts if part.message is None}
        self._text, self._final, self._waits = self.kept, False, False
        self._buttons: tuple[Button, ...] = ()
        self._news = asyncio.Event()
        self._slot: Slot | None = None
        self._task: asyncio.Task[None] | None = None
        self._typing: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._surface.limits.typing_every and self._typing is None and not self._shown:
            self._typing = asyncio.create_task(self._type(), name=f"typing {self._turn}")

    def wait(self, notice: str) -> None:
        if self._waits or not self._text:
            self._text, self._waits = notice, True
            self._begin()

    def update(self, text: str) -> None:
        self._text, self._waits = text, False
        self._begin()

    async def finish(self, text: str, *, buttons: Sequence[Button] = ()) -> None:
        if not text.strip():
            raise ValueError("an answer without words can't be shown")
        self._text, self._final, self._buttons = text, True, tuple(buttons)
        if self._slot is not None:
            self._slot.hurry()
        await self._begin()
        await self._end_typing()

    async def fail(self, notice: str, *, buttons: Sequence[Button] = ()) -> None:
        said = "" if self._waits else self._text.rstrip()
        await self.finish(f"{said}\n\n{notice}" if said else notice, buttons=buttons)

    async def withdraw(self) -> None:
        await self.abandon()
        await self._adopt()
        for index in sorted(self._shown, reverse=True):
            await self._insist(Step(Call.DELETE, index, urgent=True))

    async def abandon(self) -> None:
        await self._end_typing()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, DeliveryError):
                await self._task

    # The task that shows it.

    def _begin(self) -> asyncio.Task[None]:
        self._news.set()
        if self._task is None:
            self._task = asyncio.create_task(self._show(), name=f"reply {self._turn}")
        return self._task

    async def _show(self) -> None:
        """Bring the platform in line with the text, until all of it is there."""
        await self._adopt()
        while True:
            self._news.clear()
            step = self._next()
            if step is not None:
                await self._insist(step)
            elif self._final:
                return
            else:
                await self._news.wait()

    async def _insist(self, step: Step) -> None:
        """Make the call, or, where the platform fails, leave it to the next round; a platform that fails for too long is given up."""
        began, pause = self._now(), FIRST_PAUSE
        while True:
            try:
                await self._make(step)
            except MessageGone:
                self._forget(step.index)
                return
            except PlatformBusy as busy:
                error: DeliveryError = busy  # the pacer holds the bucket
            except PlatformUnreachable as unreachable:
                error = unreachable
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return
            if self._now() - began > PATIENCE:
                raise error
            newer = self._next() if step.call is not Call.DELETE else step
            if newer is None or newer.index != step.index:
                return
            step = newer

    def _next(self) -> Step | None:
        """The next thing that is not as it should be; None when all is."""
        parts = self._parts()
        for index in range(self._settled, len(parts)):
            step = self._bring(parts, index)
            if step is not None:
                return step
        if self._final:
            surplus = [index for index in self._shown if index >= len(parts)]
            if surplus:
                return Step(Call.DELETE, max(surplus), urgent=True)
        return None

    def _parts(self) -> list[Part]:
        """The messages of the text as it stands; what is beyond their number goes into a file at last."""
        try:
            open_part = self._splitter.feed(self._text, final=self._final)
        except Diverged:
            self._rewrite()
            open_part = self._splitter.feed(self._text, final=self._final)
        parts = [*self._splitter.done, *([open_part] if open_part is not None else [])]
        most = self._surface.limits.files_after
        if most is None or len(parts) <= most:
            return parts
        rest = "".join(part.source for part in parts[most:])
        return [*parts[:most], Part(rest, rest, False)] if self._final else parts[:most]

    def _bring(self, parts: list[Part], index: int) -> Step | None:
        part = parts[index]
        last = index == len(parts) - 1
        final = part.done or self._final
        if not part.shown:
            return None
        if index == self._surface.limits.files_after:
            return (
                None
                if index in self._shown and self._shown[index].text
                else Step(Call.ATTACH, index, part.source, urgent=True)
            )
        buttons = () if part.done and not last else self._buttons if self._final else self._running
        buttons = buttons if last else ()
        text, shown = self._surface.render(part.shown, final), self._shown.get(index)
        if shown is None:
            return Step(Call.POST, index, text, final, buttons, urgent=True)
        if shown.text != text or shown.buttons != buttons:
            return Step(Call.EDIT, index, text, final, buttons, urgent=final)
        return Step(Call.FIND, index, part.source) if part.done and index == self._settled else None

    async def _make(self, step: Step) -> None:
        """Make the call that is due, in a slot of its bucket; with what is newest when the slot comes."""
        if step.call is Call.FIND:  # nothing to be sent: the part is full, and shown
            await self._journal.finished(step.index, step.text)
            self._settled = step.index + 1
            return
        self._slot = self._pacer.slot(*self._surface.buckets(step.call), urgent=step.urgent)
        async with self._slot as slot:
            pass_on = self._next() if step.call is not Call.DELETE else step
            if pass_on is None or (pass_on.call, pass_on.index) != (step.call, step.index):
                slot.unused()
                return
            await self._send(pass_on)

    async def _send(self, step: Step) -> None:
        self._journal.check()
        surface, known = self._surface, self._shown.get(step.index)
        if step.call is Call.EDIT and known is not None:
            await surface.edit(known.message, step.text, final=step.final, buttons=step.buttons)
            self._shown[step.index] = Shown(known.message, step.text, step.buttons)
        elif step.call is Call.DELETE and known is not None:
            with suppress(MessageGone):
                await surface.delete(known.message)
            await self._journal.removed(step.index)
            self._forget(step.index)
        else:
            await self._post(step)

    async def _post(self, step: Step) -> None:
        """Record the intent, post, record the id. After a doubtful attempt the message may be there already."""
        nonce = self._nonces.get(step.index)
        intended = nonce is not None
        if nonce is None:
            nonce = self._nonces[step.index] = f"{self._turn:x}-{step.index}-{secrets.token_hex(4)}"
            await self._journal.intend(step.index, nonce)
        if step.index in self._unsure:
            await self._adopt()
            if step.index in self._shown:
                return
        self._journal.check()
        self._unsure.add(step.index)
        if step.call is Call.ATTACH:
            message = await self._surface.attach(FILE, step.text, nonce)
        else:
            message = await self._surface.post(
                step.text, nonce=nonce, first=step.index == 0, final=step.final, buttons=step.buttons
            )
        self._unsure.discard(step.index)
        # A platform that knows the nonce again gives the message of an earlier attempt, with the words it had then.
        self._shown[step.index] = Shown(message) if intended else Shown(message, step.text, step.buttons)
        await self._journal.posted(step.index, message)

    async def _adopt(self) -> None:
        """Look for messages of ours that were posted without our knowing."""
        if not self._unsure:
            return
        wanted = {self._nonces[index]: index for index in self._unsure if index in self._nonces}
        found = await self._patiently_find(list(wanted))
        for nonce, message in found.items():
            index = wanted[nonce]
            self._shown[index] = Shown(message)
            await self._journal.posted(index, message)
        self._unsure.clear()

    async def _patiently_find(self, nonces: list[str]) -> dict[str, str]:
        began, pause = self._now(), FIRST_PAUSE
        while True:
            try:
                async with self._pacer.slot(*self._surface.buckets(Call.FIND), urgent=True):
                    return dict(await self._surface.find(nonces))
            except (PlatformBusy, PlatformUnreachable):
                if self._now() - began > PATIENCE:
                    raise
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _forget(self, index: int) -> None:
        """That message is no more: another one needs a name of its own."""
        self._shown.pop(index, None)
        self._nonces.pop(index, None)

    def _rewrite(self) -> None:
        """The text is another one: every message is written anew, in its place."""
        self._splitter = Splitter(self._surface.limits.length, self._measure)
        self._settled = 0

    def _measure(self, text: str, lasting: bool) -> int:
        return self._surface.limits.measure(self._surface.render(text, lasting))

    # The sign of being at work.

    async def _type(self) -> None:
        keys = self._surface.buckets(Call.TYPING)
        while not self._shown:
            try:
                if self._pacer.ample(*keys):
                    async with self._pacer.slot(*keys, urgent=True):
                        await self._surface.typing()
            except DeliveryError as error:
                log.debug("no sign of being at work could be given (%s)", error)
            await asyncio.sleep(self._surface.limits.typing_every)

    async def _end_typing(self) -> None:
        if self._typing is not None:
            self._typing.cancel()
            await asyncio.gather(self._typing, return_exceptions=True)
            self._typing = None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
