"""Discord's REST API, as far as answers need it: one attempt a call, paced by what Discord itself says of its limits.

discord.py's own client waits inside a call, for as long as half a minute, where a limit is used up or a server fails. An answer
that grows needs to know at once, so that it sends what is newest when its turn comes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp
from aiohttp import hdrs

from adapters.delivery.pacer import Key, Pacer, Rate
from bot.errors import DeliveryError, MessageGone, PlaceRefused, PlatformBusy, PlatformUnreachable
from bot.ports import Attached

LONGEST: Final = 20.0
"""Seconds for one call."""
USER_AGENT: Final = "DiscordBot (Rejoinder, 1)"
EVERYTHING: Final[Key] = ("everything",)
"""The bucket of all calls together."""
RATE_OF_EVERYTHING: Final = Rate(48, 1.0)
"""Discord takes fifty requests a second from a bot; a few are left for commands and buttons, which go their own way."""
UNKNOWN_MESSAGE: Final = 10008


class Rest:
    """`aclose` it in the end. All calls raise only `DeliveryError`s."""

    def __init__(self, token: str, base: str, pacer: Pacer) -> None:
        self._base, self._pacer, self._me = base.rstrip("/"), pacer, ""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=LONGEST),
            headers={hdrs.AUTHORIZATION: f"Bot {token}", hdrs.USER_AGENT: USER_AGENT},
        )

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        bucket: Key | None = None,
        files: Sequence[Attached] = (),
    ) -> Any:
        """One call. `bucket` is the one that the response tells about; `files` go along with the message that `body` is or holds."""
        try:
            async with self._session.request(method, self._base + path, **_sent(body, files)) as response:
                if bucket is not None:
                    self._learn(bucket, response.headers)
                answer = await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PlatformUnreachable(type(error).__name__) from error
        said = _parsed(answer)
        if response.status >= 400:
            raise meaning(response.status, response.headers, said)
        return said

    async def me(self) -> str:
        """Our own user id."""
        if not self._me:
            self._me = str((await self.call("GET", "/users/@me"))["id"])
        return self._me

    async def aclose(self) -> None:
        await self._session.close()

    def _learn(self, bucket: Key, headers: Mapping[str, str]) -> None:
        try:
            limit, remaining = (int(headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining"))
            reset_after = float(headers["X-RateLimit-Reset-After"])
        except (KeyError, ValueError):
            return
        self._pacer.learn(bucket, limit, remaining, reset_after)


def listed(files: Sequence[Attached]) -> list[dict[str, Any]]:
    """Files as the message that they go with names them."""
    return [{"id": number, "filename": file.name} for number, file in enumerate(files)]


def _sent(body: Any, files: Sequence[Attached]) -> dict[str, Any]:
    if not files:
        return {} if body is None else {"json": body}
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", json.dumps(body), content_type="application/json")
    for number, file in enumerate(files):
        form.add_field(f"files[{number}]", file.data, filename=file.name, content_type=file.media_type)
    return {"data": form}


def _parsed(answer: str) -> Any:
    try:
        return json.loads(answer) if answer else None
    except ValueError:
        return None  # a page of a server in between


def meaning(status: int, headers: Mapping[str, str], said: Any) -> DeliveryError:
    """What a refused call means for the answer on its way."""
    body: Mapping[str, Any] = said if isinstance(said, dict) else {}
    if status == 429:
        wait = body.get("retry_after") or headers.get("Retry-After") or 1
        return PlatformBusy(float(wait), everywhere=bool(body.get("global", not body)))
    if status >= 500:
        return PlatformUnreachable(str(status))
    code = int(body.get("code") or 0)
    return MessageGone(str(code)) if code == UNKNOWN_MESSAGE else PlaceRefused(f"{status}/{code}")
