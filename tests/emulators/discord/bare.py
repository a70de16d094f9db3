"""A REST client that waits for nothing and repeats nothing, for tests of the limits themselves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from .emulator import DiscordEmulator


@dataclass(frozen=True)
class Answer:
    """What came back; `body` is parsed JSON, or text if it is none."""

    status: int
    headers: CIMultiDictProxy[str]
    body: Any

    @property
    def code(self) -> int:
        """The JSON error code, or the status of an answer that has none."""
        return (
            int(self.body["code"]) if isinstance(self.body, dict) and self.body.get("code") else self.status
        )

    @property
    def faults(self) -> list[str]:
        """The codes of a refused form, by field ("content BASE_TYPE_MAX_LENGTH")."""
        return _faults("", self.body.get("errors", {}))


def _faults(path: str, errors: dict[str, Any]) -> list[str]:
    own = [f"{path} {entry['code']}" for entry in errors.get("_errors", [])]
    inner = [(name, value) for name, value in errors.items() if name != "_errors"]
    return own + [found for name, value in inner for found in _faults(f"{path}.{name}".lstrip("."), value)]


class BareClient:
    """Sends requests as the bot."""

    def __init__(self, emulator: DiscordEmulator, session: aiohttp.ClientSession) -> None:
        self._base = emulator.api_url
        self._session = session

    async def ask(
        self, method: str, path: str, *, files: dict[str, bytes] | None = None, **body: Any
    ) -> Answer:
        """One request with a JSON body, or a form if there are files."""
        data: Any = json.dumps(body) if body else None
        headers = {"Content-Type": "application/json"} if body else {}
        if files:
            headers = {}
            data = aiohttp.FormData(quote_fields=False)
            data.add_field("payload_json", json.dumps(body))
            for index, (name, content) in enumerate(files.items()):
                data.add_field(f"files[{index}]", content, filename=name)
        async with self._session.request(method, self._base + path, data=data, headers=headers) as answer:
            text = await answer.text()
            is_json = answer.headers.get("Content-Type") == "application/json"
            return Answer(answer.status, answer.headers, json.loads(text) if is_json and text else text)

    async def post(self, channel_id: int, **body: Any) -> Answer:
        """Create a message."""
        return await self.ask("POST", f"/channels/{channel_id}/messages", **body)

    async def edit(self, channel_id: int, message_id: int | str, **body: Any) -> Answer:
        """Edit a message."""
        return await self.ask("PATCH", f"/channels/{channel_id}/messages/{message_id}", **body)


@asynccontextmanager
async def bare_client(emulator: DiscordEmulator, token: str | None = None) -> AsyncIterator[BareClient]:
    """A client with the bot's token, or another."""
    headers = {"Authorization": f"Bot {token or emulator.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield BareClient(emulator, session)
