"""Who comes in: what is said to the bot at all, whether it answers whoever said it, and who is told that it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Final

from bot.access import Lists, refusal
from bot.chat import Author, Incoming, Invocation, Place
from bot.notices import notice
from bot.ports import Clock, Conversations, Inbox, Outcome, Privacy, Receipt, Said, Who
from bot.preferences import Preferences

COMES_AGAIN: Final = timedelta(minutes=15)
"""Until then platforms send again what was not taken in; Slack's last attempt comes after some six minutes."""


class Door:
    """`lists` are the operator's; what a place's admins decided comes with each question. `silent`: nobody is told."""

    def __init__(
        self,
        conversations: Conversations,
        inbox: Inbox,
        privacy: Privacy,
        lists: Lists,
        clock: Clock,
        *,
        silent: bool,
    ) -> None:
        self._conversations, self._inbox, self._privacy = conversations, inbox, privacy
        self._lists, self._clock, self._silent = lists, clock, silent

    async def addressed(self, incoming: Incoming) -> bool:
        """Whether it is said to the bot at all: by name, directly, or in a thread that it follows."""
        if incoming.mentioned or incoming.direct:
            return True
        return bool(incoming.place.thread) and await self._conversations.following(incoming.place)

    async def why_not(self, said: Incoming | Invocation, holds: Preferences) -> Outcome | None:
        """Why whoever said it is not answered there, if they are not: by their own wish, or by who is answered there. A command or a
        button is meant for the bot."""
        if await self.wants_nothing(said.place, said.author):
            return Outcome.OPTED_OUT
        mentioned = said.mentioned if isinstance(said, Incoming) else True
        return refusal(self._lists, holds, said.place, said.author, direct=said.direct, mentioned=mentioned)

    async def wants_nothing(self, place: Place, author: Author) -> bool:
        """Neither stored nor answered: so they have decided themselves."""
        return await self._privacy.opted_out(Who.of(place, author))

    async def without_silent(self, incoming: Incoming) -> Incoming:
        """The same without quoted words of those who want nothing of theirs kept."""
        place = incoming.place
        content = [
            part
            for part in incoming.content
            if not part.quotes
            or not await self._privacy.opted_out(Who(place.platform, place.installation, part.quotes))
        ]
        return replace(incoming, content=tuple(content))

    async def turn_away(self, incoming: Incoming, why: Outcome, language: str) -> Receipt:
        """Not answered, and told so once to whoever speaks to the bot."""
        spoken_to = incoming.mentioned or incoming.direct
        if self._silent or not spoken_to or not await self._first(incoming, why):
            return Receipt(why)
        return Receipt(why, Said(notice(why, language)))

    async def _first(self, incoming: Incoming, what: str) -> bool:
        """Whether that was not told to that person there lately. Remembered as a hash of it all, which names nobody."""
        place, person = incoming.place.trunk.shared, incoming.author.id
        name = json.dumps([place.platform, place.installation, place.channel, person, what])
        return await self._inbox.once("told:" + sha256(name.encode()).hexdigest(), self._clock())

    async def overtakes(self, incoming: Incoming) -> bool:
        """Whether an edit may have come before the message itself, of which nothing is known. What was said in a thread before the bot
        took part there was not said to it."""
        if self._clock() - incoming.sent_at >= COMES_AGAIN:
            return False
        place, said = incoming.place, incoming.sent_at
        return incoming.direct or (bool(place.thread) and await self._conversations.following(place, said))
