"""Where an answer's messages go on Discord: posted and edited by REST alone, so that any process can."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.delivery.pacer import Key, Rate
from adapters.delivery.splitter import Part
from adapters.delivery.surface import Call, Found, Limits, Look, utf16_length
from adapters.discord.components import button_rows
from adapters.discord.markdown import shown
from adapters.discord.rest import EVERYTHING, RATE_OF_EVERYTHING, Rest, listed
from bot.chat import Turn
from bot.errors import PlaceRefused
from bot.notices import notice
from bot.ports import Attached, Control

LENGTH: Final = 1_900
"""Characters of a message. Discord takes 2,000, but does not say how it counts them."""
RATES: Final[Mapping[str, Rate]] = {
    Call.POST: Rate(5, 5.0),
    Call.EDIT: Rate(5, 5.0),
    Call.WORK: Rate(5, 5.0),
    EVERYTHING[0]: RATE_OF_EVERYTHING,
}
"""For each channel, as practice shows, until Discord's first response tells; Discord does not publish these."""
NO_PINGS: Final[Mapping[str, Any]] = {"parse": [], "replied_user": False}
SUPPRESS_EMBEDS: Final = 1 << 2
"""Message flag: links in an answer show no previews."""
FILE: Final = "answer.md"
PAGE: Final = 100
"""Messages that are looked at in one call: the most that Discord gives."""
THREAD_EXISTS: Final = "400/160004"


def messages(channel: str) -> str:
    return f"/channels/{channel}/messages"


def measure(text: str) -> int:
    return max(len(text), utf16_length(text))


class DiscordSurface:
    """The messages that answer one turn, at the address its question came from."""

    def __init__(self, rest: Rest, turn: Turn, language: str, most_messages: int) -> None:
        self.limits = Limits(LENGTH, measure, sign_lasts=8.0, most_messages=most_messages)
        self._rest, self._language, self._turn = rest, language, turn.id
        address = turn.address
        self._channel, self._question = str(address["channel"]), str(address["question"])
        self._parent = str(address.get("parent") or "")
        self._thread_name = turn.text.strip().split("\n")[0][:80] or "…"
        self._opened, self._opening = not self._parent, asyncio.Lock()

    def buckets(self, call: Call, look: Look | None = None, message: str | None = None) -> tuple[Key, ...]:
        return (self._bucket(call), EVERYTHING)

    def _bucket(self, call: Call) -> Key:
        """Of a channel and a route; a file is posted like any other message."""
        return (Call.POST if call is Call.ATTACH else call, self._channel)

    def render(self, text: str, final: bool) -> str:
        return shown(text)

    def look(self, part: Part, final: bool, buttons: Sequence[Control], message: str | None) -> Look:
        return Look(self.render(part.shown, final), final, tuple(buttons))

    async def post(self, look: Look, *, nonce: str, first: bool) -> str:
        body = self._message(look)
        if first and not self._parent:
            body["message_reference"] = {"message_id": self._question, "fail_if_not_exists": False}
        return await self._create(body, nonce)

    async def edit(self, message: str, look: Look, *, nonce: str) -> None:
        path, bucket = f"{messages(self._channel)}/{message}", self._bucket(Call.EDIT)
        await self._rest.call("PATCH", path, self._message(look), bucket=bucket)

    async def delete(self, message: str) -> None:
        path, bucket = f"{messages(self._channel)}/{message}", self._bucket(Call.DELETE)
        await self._rest.call("DELETE", path, bucket=bucket)

    async def attach(self, text: str, buttons: Sequence[Control], *, nonce: str) -> str:
        body = self._message(Look(notice("answer_file", self._language), buttons=tuple(buttons)))
        file = Attached(FILE, "text/markdown", text.encode())
        body["attachments"] = listed([file])
        return await self._create(body, nonce, file)

    async def _create(self, body: dict[str, Any], nonce: str, *files: Attached) -> str:
        await self._open_thread()
        body |= {"nonce": nonce, "enforce_nonce": True}
        path, bucket = messages(self._channel), self._bucket(Call.POST)
        return str((await self._rest.call("POST", path, body, bucket=bucket, files=files))["id"])

    async def find(self, nonces: Sequence[str], more: str = "") -> Found:
        """Look at what stands after the question. Where Discord tells no nonces afterwards, what replies to the question or has a
        button of its turn is the answer's. (It also knows a nonce again for some minutes when it is posted anew.)"""
        path = f"{messages(self._channel)}?after={int(more or self._question)}&limit={PAGE}"
        try:
            standing = await self._rest.call("GET", path, bucket=self._bucket(Call.FIND))
        except PlaceRefused:  # the thread was never opened, or may not be read
            return Found()
        me = await self._rest.me()
        mine = [one for one in standing if one["author"]["id"] == me]
        named = {str(one["nonce"]): str(one["id"]) for one in mine if str(one.get("nonce")) in nonces}
        nameless = [str(one["id"]) for one in mine if not one.get("nonce") and self._answers(one)]
        last = max((int(one["id"]) for one in standing), default=0)
        return Found(named, nameless, str(last) if len(standing) == PAGE else "")

    def _answers(self, message: Mapping[str, Any]) -> bool:
        """Whether one of our messages belongs to this answer, as far as can be seen."""
        if (message.get("message_reference") or {}).get("message_id") == self._question:
            return True
        buttons = (
            button for row in message.get("components") or () for button in row.get("components") or ()
        )
        return any(str(button.get("custom_id")).split(":")[2:3] == [str(self._turn)] for button in buttons)

    async def at_work(self, on: bool) -> None:
        """In a thread to be opened: open it, so that it is there when the first words come."""
        await self._open_thread()
        path, bucket = f"/channels/{self._channel}/typing", self._bucket(Call.WORK)
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

    def _message(self, look: Look) -> dict[str, Any]:
        return {
            "content": look.text,
            "components": button_rows(look.buttons, self._turn, self._language),
            "allowed_mentions": NO_PINGS,
            "flags": SUPPRESS_EMBEDS,
        }
