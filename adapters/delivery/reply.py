"""An answer that grows by posts and edits, on any platform.

One task of its own brings the platform's messages in line with the newest text, one call at a time: whoever gets a slot sends what is
newest then. Before a message is posted its intent is recorded, afterwards its id; a message that is full is finished for good and its
text recorded. Whatever was recorded by an earlier attempt is gone on with.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from adapters.delivery.pacer import Pacer, Recalled, Slot
from adapters.delivery.sign import Sign
from adapters.delivery.splitter import Diverged, Part, Splitter
from adapters.delivery.surface import Call, Declined, Found, Look, Surface, order
from bot.chat import Turn
from bot.errors import DeliveryError, MessageGone, PlaceRefused, PlatformBusy, PlatformUnreachable
from bot.ports import Button, Control, Journal
from bot.redaction import restore

PATIENCE: Final = 120.0
"""Seconds that a platform may fail at a stretch before the reply gives up."""
MOST_LOOKS: Final = 40
"""Calls that are made to find a message of which it is not known whether it was posted."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0


@dataclass(slots=True)
class Shown:
    """A message as the platform has it, as far as we know; `look` is None where it stems from an earlier attempt."""

    message: str
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One call that brings the platform closer to the text; without a call, the full part `text` is recorded as finished."""

    call: Call | None
    index: int
    look: Look | None = None
    text: str = ""
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
        self._running = tuple(Control(button, turn.version) for button in running)
        self._most = surface.limits.most_messages
        finished = []
        for part in sorted(journal.parts, key=lambda part: part.index):
            if part.text is None or part.message is None:
                break
            finished.append(part.text)
        self.kept = "".join(finished)
        self._settled = len(finished)
        self.originals: dict[str, str] = {}
        self._splitter = Splitter(surface.limits.length, self._measure, finished)
        self._shown = {part.index: Shown(part.message) for part in journal.parts if part.message is not None}
        self._nonces = {part.index: part.nonce for part in journal.parts}
        self._unsure = {part.index for part in journal.parts if part.message is None}
        self._tried = set(self._nonces)
        self._stale = {part.index for part in journal.parts if part.stale}
        self._text, self._final, self._waits = self.kept, False, False
        self._buttons: tuple[Control, ...] = ()
        self._news = asyncio.Event()
        self._slot: Slot | None = None
        self._task: asyncio.Task[None] | None = None
        self._sign = Sign(surface, pacer, f"sign {turn.id}")

    def start(self) -> None:
        if not self._shown or self._stale:
            self._sign.give()

    def wait(self, notice: str) -> None:
        if self._waits or not self._text:
            self._text, self._waits = notice, True
            self._begin()

    def update(self, text: str) -> None:
        self._text, self._waits = text, False
        self._begin()

    async def finish(self, text: str, *, buttons: Sequence[Control] = ()) -> None:
        if not text.strip():
            raise ValueError("an answer without words can't be shown")
        self._text, self._final, self._buttons = text, True, tuple(buttons)
        if self._slot is not None:
            self._slot.recall()
        await asyncio.shield(self._begin())  # called off meanwhile, it goes on and is told another ending
        await self._sign.take_away()

    async def fail(self, notice: str, *, buttons: Sequence[Control] = ()) -> None:
        said = "" if self._waits else self._text.rstrip()
        await self.finish(f"{said}\n\n{notice}" if said else notice, buttons=buttons)

    async def withdraw(self) -> None:
        await self.abandon()
        await self._adopt()
        for index in sorted(self._shown, reverse=True):
            await self._insist(Step(Call.DELETE, index, urgent=True))
        for part in self._journal.parts:  # what was to be posted, and never was
            await self._journal.removed(part.index)
        await self._sign.take_away()

    async def abandon(self) -> None:
        await self._sign.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

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
                self._task = None  # what is there already may still be given another ending
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
            except (Declined, PlatformBusy) as busy:
                error: DeliveryError = busy  # the pacer holds the bucket of a busy platform
            except PlatformUnreachable as unreachable:
                error = unreachable
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return
            if self._now() - began > PATIENCE:
                raise error
            newer = self._newest(step)
            if newer is None:
                return
            step = newer

    # What is to be done.

    def _next(self) -> Step | None:
        """The next thing that is not as it should be; None when all is."""
        parts, beyond = self._parts()
        last = None if self._final and beyond else len(parts) - 1  # else a file comes last
        for index in range(self._settled, len(parts)):
            step = self._bring(parts, index, last=index == last)
            if step is not None:
                return step
        return self._tidy(len(parts), beyond) if self._final else None

    def _newest(self, step: Step) -> Step | None:
        """That step as it is now; None when something else has to be done."""
        if step.call is Call.DELETE:
            return step if step.index in self._shown else None
        newest = self._next()
        same = newest is not None and (newest.call, newest.index) == (step.call, step.index)
        return newest if same else None

    def _parts(self) -> tuple[list[Part], bool]:
        """The messages of the text as it stands, and whether there is more than they can hold."""
        try:
            open_part = self._splitter.feed(self._text, final=self._final)
        except Diverged:
            self._rewrite()
            open_part = self._splitter.feed(self._text, final=self._final)
        parts = [*self._splitter.done, *([open_part] if open_part is not None else [])]
        fits = self._most is None or len(parts) <= self._most
        return (parts, False) if fits else (parts[: self._most], True)

    def _bring(self, parts: list[Part], index: int, *, last: bool) -> Step | None:
        """What brings one message in line with its part."""
        part, shown, final = parts[index], self._shown.get(index), parts[index].done or self._final
        buttons = (self._buttons if self._final else self._running) if last else ()
        lasting = final or self._waits  # what is no beginning of the answer is no beginning of a stream
        lifted = replace(part, shown=self._restored(part.shown), plain=self._restored(part.plain))
        look = self._surface.look(lifted, lasting, buttons, shown.message if shown else None)
        if not part.shown or not look.text:
            return None
        if shown is None:
            return Step(Call.POST, index, look, urgent=True)
        if shown.look != look:
            return Step(Call.EDIT, index, look, urgent=final)
        finished = part.done and index == self._settled and (self._final or not last)
        return Step(None, index, text=part.source) if finished else None

    def _tidy(self, messages: int, beyond: bool) -> Step | None:
        """In the end: remove what is too much, and attach the whole answer where it is too long for messages."""
        file = self._shown.get(messages) if beyond else None
        stale = file is not None and messages in self._stale
        surplus = [
            index for index in self._shown if index >= messages + beyond or (stale and index == messages)
        ]
        if surplus:
            return Step(Call.DELETE, max(surplus), urgent=True)
        return Step(Call.ATTACH, messages, urgent=True) if beyond and file is None else None

    # Doing it.

    async def _make(self, step: Step) -> None:
        """Make the call that is due, in a slot of its buckets; with what is newest when the slot comes."""
        if step.call is None:
            await self._journal.finished(step.index, step.text)
            self._settled = step.index + 1
            return
        buckets = self._buckets(step)
        self._slot = self._pacer.slot(*buckets, urgent=step.urgent)
        with suppress(Recalled):
            async with self._slot as slot:
                newest = self._newest(step)
                if newest is None or self._buckets(newest) != buckets:
                    slot.unused()
                else:
                    await self._send(newest)

    def _buckets(self, step: Step) -> tuple[tuple[str, ...], ...]:
        known = self._shown.get(step.index)
        return self._surface.buckets(step.call or Call.FIND, step.look, known.message if known else None)

    async def _send(self, step: Step) -> None:
        self._journal.check()
        surface, known = self._surface, self._shown.get(step.index)
        if step.call is Call.EDIT and known is not None and step.look is not None:
            await surface.edit(known.message, step.look, nonce=self._nonces[step.index])
            known.look = step.look
            await self._sign.stop()
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
        if nonce is None:
            nonce = self._nonces[step.index] = f"{self._turn:x}-{step.index}-{secrets.token_hex(4)}"
            await self._journal.intend(step.index, nonce)
        if step.index in self._unsure:
            await self._adopt()
            if step.index in self._shown:
                return
        self._journal.check()
        again = step.index in self._tried
        self._unsure.add(step.index)
        self._tried.add(step.index)
        try:
            message = await self._place(step, nonce)
        except (Declined, PlaceRefused, PlatformBusy) as refused:
            self._unsure.discard(step.index)  # it was not posted, that is sure
            if not again:
                self._tried.discard(step.index)
            if step.call is Call.ATTACH and isinstance(refused, PlaceRefused):
                self._most = None  # no files here: then messages, however many
                return
            raise
        self._unsure.discard(step.index)
        # A platform that knows the nonce again gives the message of an earlier attempt, with the words it had then.
        self._shown[step.index] = Shown(message, None if again else step.look)
        if await self._journal.posted(step.index, message):
            await self._sign.stop()
        else:  # another answer took it for its own while it had no name, and may have left us the one it had lost
            self._forget(step.index)
            self._unsure.add(step.index)

    async def _place(self, step: Step, nonce: str) -> str:
        if step.call is Call.ATTACH or step.look is None:
            whole = restore(self._text, self.originals)
            return await self._surface.attach(whole, self._buttons, nonce=nonce)
        return await self._surface.post(step.look, nonce=nonce, first=step.index == 0)

    async def _adopt(self) -> None:
        """Look for messages of ours that were posted without our knowing."""
        if not self._unsure:
            return
        wanted = {index: self._nonces[index] for index in sorted(self._unsure) if index in self._nonces}
        found = await self._find(list(wanted.values()))
        for index, nonce in wanted.items():
            if (message := found.named.get(nonce)) is not None:
                await self._take(index, message)
        for index in wanted:
            earlier = [order(shown.message) for known, shown in self._shown.items() if known < index]
            for message in sorted(found.nameless, key=order):
                if index not in self._shown and order(message) > max(earlier, default=(0, "")):
                    await self._take(index, message)
        self._unsure.clear()

    async def _take(self, index: int, message: str) -> None:
        """Have a message for our own, unless it is another answer's."""
        if await self._journal.posted(index, message):
            self._shown[index] = Shown(message)

    async def _find(self, nonces: list[str]) -> Found:
        """Look on until all are found, or nothing is left to look at, or long enough."""
        found = await self._patiently_look(nonces, "")
        for _ in range(MOST_LOOKS - 1):
            if not found.more or len(found.named) == len(nonces):
                break
            further = await self._patiently_look(nonces, found.more)
            named, nameless = {**found.named, **further.named}, [*found.nameless, *further.nameless]
            found = Found(named, nameless, further.more)
        return found

    async def _patiently_look(self, nonces: list[str], more: str) -> Found:
        began, pause = self._now(), FIRST_PAUSE
        while True:
            try:
                async with self._pacer.slot(*self._surface.buckets(Call.FIND), urgent=True):
                    return await self._surface.find(nonces, more)
            except (PlatformBusy, PlatformUnreachable):
                if self._now() - began > PATIENCE:
                    raise
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _forget(self, index: int) -> None:
        """That message is no more: another one needs a name of its own."""
        self._shown.pop(index, None)
        self._nonces.pop(index, None)
        self._tried.discard(index)
        self._stale.discard(index)

    def _rewrite(self) -> None:
        """The text is another one: every message is written anew, in its place."""
        self._splitter = Splitter(self._surface.limits.length, self._measure)
        self._settled = 0

    def _measure(self, text: str, lasting: bool) -> int:
        return self._surface.limits.measure(self._surface.render(self._restored(text), lasting))

    def _restored(self, text: str) -> str:
        """As people see it. Everything else, splitting and recording too, goes by the text with placeholders. An original that hardly a
        message could hold stays away; only the file has room for it."""
        return restore(text, self.originals, self._surface.limits.length // 2) if self.originals else text

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
