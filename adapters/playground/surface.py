"""Where an answer's messages go: one place of the playground's world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.delivery.pacer import Key, Rate
from adapters.delivery.surface import Call, Limits
from adapters.playground.feed import Feed
from adapters.playground.values import BOT, MOST_TEXT, Message, Refused
from adapters.playground.world import World
from bot.chat import Turn
from bot.errors import DeliveryError, MessageGone, PlaceRefused
from bot.ports import Button

RATES: Final[Mapping[str, Rate]] = {Call.EDIT: Rate(10, 1.0)}
"""Edits a second: as many as a reader's eye can follow, for each place."""


class PlaygroundSurface:
    """The messages that answer one turn, at the address its question came from."""

    limits = Limits(MOST_TEXT, typing_every=5.0)

    def __init__(self, world: World, feed: Feed, turn: Turn) -> None:
        self._world, self._feed, self._turn = world, feed, turn.id
        self._channel = str(turn.address["channel"])
        self._thread, self._question = int(turn.address["thread"]), int(turn.address["question"])

    def buckets(self, call: Call) -> tuple[Key, ...]:
        return ((call, self._channel, str(self._thread)),)

    def render(self, text: str, final: bool) -> str:
        """The page takes Markdown, and nothing that the bot says there can ping anybody."""
        return text

    async def post(
        self, text: str, *, nonce: str, first: bool, final: bool, buttons: Sequence[Button]
    ) -> str:
        message = Message(
            channel=self._channel,
            author=BOT,
            text=text,
            thread=self._thread,
            reply_to=self._question if first and self._question != self._thread else 0,
            nonce=nonce,
            turn=self._turn,
            buttons=tuple(button.value for button in buttons),
            open=not final,
        )
        try:
            return str(self._world.post(message).id)
        except Refused as refused:
            raise _meaning(refused) from refused

    async def edit(self, message: str, text: str, *, final: bool, buttons: Sequence[Button]) -> None:
        try:
            self._world.grow(int(message), text, open=not final, buttons=[button.value for button in buttons])
        except Refused as refused:
            raise _meaning(refused) from refused

    async def delete(self, message: str) -> None:
        try:
            self._world.delete(int(message))
        except Refused as refused:
            raise _meaning(refused) from refused

    async def attach(self, name: str, text: str, nonce: str) -> str:
        raise PlaceRefused("no_files")

    async def find(self, nonces: Sequence[str]) -> dict[str, str]:
        known = {nonce: self._world.named(BOT, nonce) for nonce in nonces}
        return {nonce: str(message.id) for nonce, message in known.items() if message is not None}

    async def typing(self) -> None:
        self._feed.typing(self._channel, self._thread)


def _meaning(refused: Refused) -> DeliveryError:
    match refused.code:
        case "no_such_message":
            return MessageGone(refused.code)
        case "no_such_channel" | "no_such_thread":
            return PlaceRefused(refused.code)
        case _:
            return DeliveryError(refused.code)
