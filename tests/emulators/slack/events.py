"""The Events API over HTTP: signed requests to the app's request URLs.

Rules: docs.slack.dev "Verifying requests from Slack" (v0 signature) and "Events API" (retry headers,
`url_verification`).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.emulators.slack.delivery import Outcome, Parcel
from tests.emulators.slack.limits import Clock

Json = dict[str, Any]


def sign(secret: str, timestamp: str, body: bytes) -> str:
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return "v0=" + digest.hexdigest()


class EventPusher:
    """A transport that posts to the request URLs in turn, as a load balancer would spread them."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self.urls: list[str] = []
        self._secret = secret
        self._clock = clock
        self._turn = itertools.count()
        self._session: aiohttp.ClientSession | None = None

    async def carry(self, parcel: Parcel) -> Outcome:
        url = self.urls[next(self._turn) % len(self.urls)]
        content_type, body = encode(parcel)
        headers = self.headers(body, content_type)
        if parcel.retry_num:
            headers |= {
                "X-Slack-Retry-Num": str(parcel.retry_num),
                "X-Slack-Retry-Reason": parcel.retry_reason,
            }
        try:
            async with asyncio.timeout(parcel.timeout):
                status, answer_headers, answer = await self.post(url, body, headers)
        except TimeoutError:
            return Outcome(False, "http_timeout", via=url)
        except aiohttp.ClientError:
            return Outcome(False, "connection_failed", via=url)
        accepted = 200 <= status < 300
        final = not accepted and answer_headers.get("X-Slack-No-Retry") == "1"
        return Outcome(accepted, "" if accepted else "http_error", _answer(answer), status, url, final)

    def headers(
        self, body: bytes, content_type: str = "application/json", *, age: float = 0.0
    ) -> dict[str, str]:
        """Headers with a right signature over `body`, made `age` seconds ago."""
        timestamp = str(int(self._clock() - age))
        return {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self._secret, timestamp, body),
        }

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], str]:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            return response.status, response.headers, await response.text()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def encode(parcel: Parcel) -> tuple[str, bytes]:
    """Events travel as JSON, commands as a form, interactions as JSON in a form."""
    if parcel.kind == "events_api":
        return "application/json", json.dumps(parcel.payload).encode()
    form = parcel.payload if parcel.kind == "slash_commands" else {"payload": json.dumps(parcel.payload)}
    return "application/x-www-form-urlencoded", urlencode(form).encode()


def _answer(text: str) -> Any:
    """The body of an acknowledgement, as Socket Mode would carry it."""
    if not text.strip():
        return None
    return json.loads(text) if text.lstrip().startswith("{") else {"text": text}
