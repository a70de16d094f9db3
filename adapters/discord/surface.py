"""Where an answer's messages go on Discord: posted and edited by REST alone, so that any process can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from discord.http import HTTPClient

from adapters.delivery.mentions import discord_markdown
from adapters.delivery.pacer import Key, Rate
from adapters.delivery.surface import Call, Limits, utf16_length
from adapters.discord.calls import call
from bot.chat import Turn
from bot.errors import PlaceRefused
from bot.notices import notice
from bot.ports import Button

LENGTH: Final = 1_900
"""Characters of a message. Discord takes 2,000, but does not say how it counts them."""
RATES: Final = {Call.POST: Rate(5, 5.0), Call.EDIT: Rate(5, 5.0), Call.TYPING: Rate(5, 5.0)}
"""For each channel, as practice shows; what Discord's headers say is kept by discord.py besides."""
NO_PINGS: Final[Mapping[str, Any]] = {"parse": [], "replied_user": False}
SUPPRESS_EMBEDS: Final = 1 << 2
"""Message flag: links in an answer show no previews."""
MESSAGES: Final = "/channels/{channel_id}/messages"
THREAD_EXISTS: Final = "400/160004"


def measure(text: str) -> int:
    return max(len(text), utf16_length(text))


class DiscordSurface:
    """The messages that answer one turn, at the address its question came from."""

    limits = Limits(LENGTH, measure, typing_every=8.0)

    def __init__(self, http: HTTPClient, turn: Turn, language: str) -> None:
        self._http, self._language, self._turn = http, language, turn.id
        address = turn.address
        self._channel, self._question = str(address["channel"]), str(address["question"])
        self._parent = str(address.get("parent") or "")
        self._thread_name = turn.text.strip().split("\n")[0][:80] or "…"
        self._ready = not self._parent

    def bucket(self, call: Call) -> Key:
        return (call, self._channel)

    def render(self, text: str, final: bool) -> str:
        return discord_markdown(text)

    async def post(
        self, text: str, *, nonce: str, first: bool, final: bool, buttons: Sequence[Button]
    ) -> str:
        await self._open_thread()
        body = self._message(text, buttons) | {"nonce": nonce, "enforce_nonce": True}
        if first and not self._parent:
            body["message_reference"] = {"message_id": self._question, "fail_if_not_exists": False}
        return str((await call(self._http, "POST", MESSAGES, body, channel_id=self._channel))["id"])

    async def edit(self, message: str, text: str, *, final: bool, buttons: Sequence[Button]) -> None:
        path = f"{MESSAGES}/{{message_id}}"
        await call(
            self._http,
            "PATCH",
            path,
            self._message(text, buttons),
            channel_id=self._channel,
            message_id=message,
        )

    async def delete(self, message: str) -> None:
        await call(
            self._http, "DELETE", f"{MESSAGES}/{{message_id}}", channel_id=self._channel, message_id=message
        )

    async def attach(self, name: str, text: str, nonce: str) -> str:
        raise PlaceRefused("no_files")

    async def find(self, nonces: Sequence[str]) -> Mapping[str, str]:
        """Look at what stands after the question. (Discord also knows a nonce again for some minutes when it is posted anew.)"""
        path = f"{MESSAGES}?after={int(self._question)}&limit=100"
        try:
            messages = await call(self._http, "GET", path, channel_id=self._channel)
        except PlaceRefused:  # the thread was never opened, or may not be read
            return {}
        return {
            str(found["nonce"]): str(found["id"]) for found in messages if str(found.get("nonce")) in nonces
        }

    async def typing(self) -> None:
        if self._ready:
            await call(self._http, "POST", "/channels/{channel_id}/typing", channel_id=self._channel)

    async def _open_thread(self) -> None:
        """A thread made from a message has that message's id, so that whoever comes second finds it made."""
        if self._ready:
            return
        path = f"{MESSAGES}/{{message_id}}/threads"
        try:
            await call(
                self._http,
                "POST",
                path,
                {"name": self._thread_name},
                channel_id=self._parent,
                message_id=self._question,
            )
        except PlaceRefused as refused:
            if refused.why != THREAD_EXISTS:
                raise
        self._ready = True

    def _message(self, text: str, buttons: Sequence[Button]) -> dict[str, Any]:
        rows = [{"type": 1, "components": [self._button(button) for button in buttons]}] if buttons else []
        return {"content": text, "components": rows, "allowed_mentions": NO_PINGS, "flags": SUPPRESS_EMBEDS}

    def _button(self, button: Button) -> dict[str, Any]:
        label = notice(f"button_{button.value}", self._language)
        return {"type": 2, "style": 2, "label": label, "custom_id": f"rejoinder:{button.value}:{self._turn}"}
