"""Where an answer's messages go: one place of the playground's world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.delivery.pacer import Key, Rate
from adapters.delivery.splitter import Part
from adapters.delivery.surface import Call, Found, Limits, Look
from adapters.playground.chips import chips
from adapters.playground.feed import Feed
from adapters.playground.values import BOT, MOST_TEXT, Message, Refused
from adapters.playground.world import World
from bot.chat import Turn
from bot.errors import DeliveryError, MessageGone, PlaceRefused
from bot.notices import notice
from bot.ports import Control

RATES: Final[Mapping[str, Rate]] = {Call.EDIT: Rate(10, 1.0)}
"""Edits a second: as many as a reader's eye can follow, for each place."""


class PlaygroundSurface:
    """The messages that answer one turn, at the address its question came from."""

    def __init__(self, world: World, feed: Feed, turn: Turn, language: str, most_messages: int) -> None:
        self.limits = Limits(MOST_TEXT, sign_lasts=5.0, most_messages=most_messages)
        self._language = language
        self._world, self._feed, self._turn = world, feed, turn.id
        self._channel = str(turn.address["channel"])
        self._thread, self._question = int(turn.address["thread"]), int(turn.address["question"])

    def buckets(self, call: Call, look: Look | None = None, message: str | None = None) -> tuple[Key, ...]:
        return ((call, self._channel, str(self._thread)),)

    def render(self, text: str, final: bool) -> str:
        """The page takes Markdown, and nothing that the bot says there can ping anybody."""
        return text

    def look(self, part: Part, final: bool, buttons: Sequence[Control], message: str | None) -> Look:
        return Look(self.render(part.shown, final), final, tuple(buttons))

    async def post(self, look: Look, *, nonce: str, first: bool) -> str:
        return self._post(
            look, nonce, reply_to=self._question if first and self._question != self._thread else 0
        )

    async def edit(self, message: str, look: Look, *, nonce: str) -> None:
        try:
            self._world.grow(int(message), look.text, open=not look.final, buttons=chips(look.buttons))
        except Refused as refused:
            raise _meaning(refused) from refused

    async def delete(self, message: str) -> None:
        try:
            self._world.delete(int(message))
        except Refused as refused:
            raise _meaning(refused) from refused

    async def attach(self, text: str, buttons: Sequence[Control], *, nonce: str) -> str:
        look = Look(notice("answer_file", self._language), final=True, buttons=tuple(buttons))
        return self._post(look, nonce, file=text)

    async def find(self, nonces: Sequence[str], more: str = "") -> Found:
        known = {nonce: self._world.named(BOT, nonce) for nonce in nonces}
        return Found({nonce: str(message.id) for nonce, message in known.items() if message is not None})

    async def at_work(self, on: bool) -> None:
        self._feed.typing(self._channel, self._thread)

    def _post(self, look: Look, nonce: str, *, reply_to: int = 0, file: str = "") -> str:
        message = Message(
            channel=self._channel,
            author=BOT,
            text=look.text,
            thread=self._thread,
            reply_to=reply_to,
            nonce=nonce,
            turn=self._turn,
            buttons=chips(look.buttons),
            open=not look.final,
            file=file,
        )
        try:
            return str(self._world.post(message).id)
        except Refused as refused:
            raise _meaning(refused) from refused


def _meaning(refused: Refused) -> DeliveryError:
    match refused.code:
        case "no_such_message":
            return MessageGone(refused.code)
        case "no_such_channel" | "no_such_thread":
            return PlaceRefused(refused.code)
        case _:
            return DeliveryError(refused.code)
