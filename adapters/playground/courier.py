"""Brings what happens in the world to the bot: one event after the other, each until it is taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from adapters.playground.mentions import mentioned, without
from adapters.playground.speaking import author_of, names, place_of, say
from adapters.playground.values import BOT, Attachment, Pending, Refused
from adapters.playground.world import World
from bot.chat import Content, File, Incoming, Text
from bot.errors import StoreUnavailable
from bot.ports import Reception

log = logging.getLogger(__name__)

LONGEST_PAUSE = 10.0


class Courier:
    """`pause` is how long, in seconds, it first waits before it brings something again that could not be taken."""

    def __init__(self, world: World, pause: float) -> None:
        self._world, self._pause = world, pause
        self._stopped = False
        self._news = asyncio.Event()
        world.listeners.append(lambda _record: self._news.set())

    def stop(self) -> None:
        """Bring nothing more; what is left is brought after the next start."""
        self._stopped = True

    async def run(self, bot: Reception) -> None:
        pause = self._pause
        while True:
            self._news.clear()
            first = next(iter(self._world.pending.values()), None)
            if first is None or self._stopped:
                await self._news.wait()
                continue
            try:
                await self._bring(first, bot)
            except StoreUnavailable:
                log.warning("the bot cannot take event %d now, trying again in %g s", first.number, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            except Exception:
                # The outer edge: the failure over one event must not hold up the next.
                log.exception("event %d is lost: the bot failed over it", first.number)
            self._world.taken(first.number)
            pause = self._pause

    async def _bring(self, event: Pending, bot: Reception) -> None:
        if event.kind == "deleted":
            await bot.deleted(place_of(event.channel, event.thread), str(event.message))
            return
        place = place_of(event.channel, event.thread)
        in_thread = not self._world.channels[event.channel].person and await bot.answers_in_thread(place)
        incoming = self._incoming(event, in_thread)
        receipt = await (bot.edited(incoming) if event.kind == "edited" else bot.said(incoming))
        if receipt.said is None:
            return
        try:
            say(
                self._world,
                receipt.said,
                to=event.author,
                channel=event.channel,
                thread=event.thread,
                question=event.message,
                nonce=f"event-{event.number}",
            )
        except Refused as refused:
            log.warning("the answer to event %d found no place (%s)", event.number, refused.code)

    def _incoming(self, event: Pending, in_thread: bool) -> Incoming:
        world = self._world
        bot, known = world.people[BOT].name, world.names
        root = world.messages.get(event.thread)
        address: dict[str, Any] = {"v": 1, "channel": event.channel, "question": event.message}
        address["thread"] = event.thread or (event.message if in_thread else 0)
        if in_thread and not event.thread:
            address["opens_thread"] = str(event.message)
        return Incoming(
            place=place_of(event.channel, event.thread),
            message=str(event.message),
            author=author_of(world.people[event.author]),
            content=_content(without(event.text, bot, known), event.attached),
            address=address,
            sent_at=event.sent_at,
            mentioned=mentioned(event.text, bot, known),
            direct=bool(world.channels[event.channel].person),
            revision=f"{event.edits:06d}" if event.edits else "",
            branched_at=root.sent_at if root else None,
            named=names(world),
            called=mentioned(event.text, bot, known),
        )


def _content(text: str, files: Sequence[Attachment]) -> Content:
    """Words and files; a file alone has no words."""
    said = [File(file.name, file.media_type, file.size, {"id": file.id}) for file in files]
    return (Text(text), *said) if text or not said else tuple(said)
