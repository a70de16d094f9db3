"""What becomes of a pressed button: only the one who asked, or an admin, may press, and each press does its work once.

Who may, and whether there is anything left to be done, the database says, so that it is the same after a restart and in any process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from bot.buttons import row
from bot.chat import Author, Invocation
from bot.notices import language_of, notice
from bot.ports import Button, Clock, Effect, Inbox, Press, Pressed, Rated, Said, Versions
from bot.preferences import Buttons, Decided

PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds that a press waits for an answer to be ended: less, in all, than a platform waits for the press."""


class Pressing:
    """`language` is what people are spoken to in where their platform does not tell."""

    def __init__(
        self,
        inbox: Inbox,
        versions: Versions,
        decided: Decided,
        language: str,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._inbox, self._versions, self._decided = inbox, versions, decided
        self._language, self._clock, self._sleep = language, clock, sleep

    async def pressed(self, invocation: Invocation, press: Press, language: str) -> Pressed:
        """Do it, or tell whoever pressed, in their `language`, why not."""
        holds = await self._decided.at(invocation.place)
        if not holds.talk.admits(invocation.author):
            return Pressed(Said(notice("not_admitted", language)))
        if not await self._inbox.once(invocation.key, self._clock()):
            return Pressed()
        done = await self._patiently_do(press, invocation.author)
        match done:
            case Rated():
                return self._judged(done, language, full=holds.buttons is Buttons.FULL)
            case Effect.DONE:
                return Pressed()
            case Effect.GONE:
                return Pressed(Said(notice("gone", language)))
            case why:
                return Pressed(Said(notice(f"press_{why}", language)))

    async def _patiently_do(self, press: Press, author: Author) -> Rated | Effect:
        """Who sees the buttons may press them before it is written down that they are seen: such a press waits a moment."""
        done = await self._do(press, author)
        for pause in PAUSES:
            if done is not Effect.ENDING:
                break
            await self._sleep(pause)
            done = await self._do(press, author)
        return done

    async def _do(self, press: Press, author: Author) -> Rated | Effect:
        owner = None if author.admin else author.id
        match press.button:
            case Button.STOP:
                return await self._versions.stop(press, owner, self._clock())
            case Button.RETRY | Button.REGENERATE:
                return await self._versions.ask_again(press, owner)
            case Button.CONTINUE:
                return await self._versions.go_on(press, owner)
            case Button.EARLIER:
                return await self._versions.turn_over(press, owner, -1)
            case Button.LATER:
                return await self._versions.turn_over(press, owner, 1)
            case Button.UP | Button.DOWN:
                good = press.button is Button.UP
                return await self._versions.rate(press, owner, author.id, good, self._clock())

    def _judged(self, rated: Rated, language: str, *, full: bool) -> Pressed:
        word = "nothing" if rated.mine is None else "up" if rated.mine else "down"
        buttons = row(rated.version, rated.others, rated.finish, full=full, rated=rated.askers)
        askers = language_of(rated.language, self._language)
        return Pressed(Said(notice(f"rated_{word}", language)), buttons, askers)
