"""Where an answer's messages go on Discord: posted and edited by REST alone, so that any process can."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.delivery.mentions import discord_markdown
from adapters.delivery.pacer import Key, Rate
from adapters.delivery.surface import Call, Limits, utf16_length
from adapters.discord.rest import EVERYTHING, RATE_OF_EVERYTHING, File, Rest
from bot.chat import Turn
from bot.errors import PlaceRefused
from bot.notices import notice
from bot.ports import Button

LENGTH: Final = 1_900
"""Characters of a message. Discord takes 2,000, but does not say how it counts them."""
RATES: Final[Mapping[str, Rate]] = {
    Call.POST: Rate(5, 5.0),
    Call.EDIT: Rate(5, 5.0),
    Call.TYPING: Rate(5, 5.0),
    EVERYTHING[0]: RATE_OF_EVERYTHING,
}
"""For each channel, as practice shows, until Discord's first response tells; Discord does not publish these."""
NO_PINGS: Final[Mapping[str, Any]] = {"parse": [], "replied_user": False}
SUPPRESS_EMBEDS: Final = 1 << 2
"""Message flag: links in an answer show no previews."""
THREAD_EXISTS: Final = "400/160004"


def messages(channel: str) -> str:
    return f"/channels/{channel}/messages"


def measure(text: str) -> int:
    return max(len(text), utf16_length(text))


class DiscordSurface:
    """The messages that answer one turn, at the address its question came from."""

    limits = Limits(LENGTH, measure, typing_every=8.0)

    def __init__(self, rest: Rest, turn: Turn, language: str) -> None:
        self._rest, self._language, self._turn = rest, language, turn.id
        address = turn.address
        self._channel, self._question = str(address["channel"]), str(address["question"])
        self._parent = str(address.get("parent") or "")
        self._thread_name = turn.text.strip().split("\n")[0][:80] or "…"
        self._opened, self._opening = not self._parent, asyncio.Lock()

    def buckets(self, call: Call) -> tuple[Key, ...]:
        return (self._bucket(call), EVERYTHING)

    def _bucket(self, call: Call) -> Key:
        """Of a channel and a route; a file is posted like any other message."""
        return (Call.POST if call is Call.ATTACH else call, self._channel)

    def render(self, text: str, final: bool) -> str:
        return discord_markdown(text)

    async def post(
        self, text: str, *, nonce: str, first: bool, final: bool, buttons: Sequence[Button]
    ) -> str:
        body = self._message(text, buttons)
        if first and not self._parent:
            body["message_reference"] = {"message_id": self._question, "fail_if_not_exists": False}
        return await self._create(body, nonce)

    async def edit(self, message: str, text: str, *, final: bool, buttons: Sequence[Button]) -> None:
        path, bucket = f"{messages(self._channel)}/{message}", self._bucket(Call.EDIT)
        await self._rest.call("PATCH", path, self._message(text, buttons), bucket=bucket)

    async def delete(self, message: str) -> None:
        path, bucket = f"{messages(self._channel)}/{message}", self._bucket(Call.DELETE)
        await self._rest.call("DELETE", path, bucket=bucket)

    async def attach(self, name: str, text: str, nonce: str) -> str:
        body = {"attachments": [{"id": 0, "filename": name}], "allowed_mentions": NO_PINGS}
        return await self._create(body, nonce, File(name, text))

    async def _create(self, body: dict[str, Any], nonce: str, file: File | None = None) -> str:
        await self._open_thread()
        body |= {"nonce": nonce, "enforce_nonce": True}
        path, bucket = messages(self._channel), self._bucket(Call.POST)
        return str((await self._rest.call("POST", path, body, bucket=bucket, file=file))["id"])

    async def find(self, nonces: Sequence[str]) -> Mapping[str, str]:
        """Look at what stands after the question. (Discord also knows a nonce again for some minutes when it is posted anew.)"""
        path = f"{messages(self._channel)}?after={int(self._question)}&limit=100"
        try:
            found = await self._rest.call("GET", path, bucket=self._bucket(Call.FIND))
        except PlaceRefused:  # the thread was never opened, or may not be read
            return {}
        return {str(one["nonce"]): str(one["id"]) for one in found if str(one.get("nonce")) in nonces}

    async def typing(self) -> None:
        """In a thread to be opened: open it, so that it is there when the first words come."""
        await self._open_thread()
        path, bucket = f"/channels/{self._channel}/typing", self._bucket(Call.TYPING)
        await self._rest.call("POST", path, bucket=bucket)

    async def _open_thread(self) -> None:
        """A thread made from a message has that message's id, so that whoever comes second finds it made."""
        async with self._opening:
            if self._opened:
                return
            path = f"{messages(self._parent)}/{self._question}/threads"
            try:
                await self._rest.call("POST", path, {"name": self._thread_name})
            except PlaceRefused as refused:
                if refused.why != THREAD_EXISTS:
                    raise
            self._opened = True

    def _message(self, text: str, buttons: Sequence[Button]) -> dict[str, Any]:
        rows = [{"type": 1, "components": [self._button(button) for button in buttons]}] if buttons else []
        return {"content": text, "components": rows, "allowed_mentions": NO_PINGS, "flags": SUPPRESS_EMBEDS}

    def _button(self, button: Button) -> dict[str, Any]:
        label = notice(f"button_{button.value}", self._language)
        return {"type": 2, "style": 2, "label": label, "custom_id": f"rejoinder:{button.value}:{self._turn}"}
