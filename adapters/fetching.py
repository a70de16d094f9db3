"""Fetching what people attached, from the platform's own hosts and from nowhere else.

An address comes from the platform, but what stands in it may have been chosen by whoever posted the file. So it is asked for only at
hosts that are the platform's, a redirect is followed only within the very same host, and no credential goes anywhere else. A server is
trusted with neither the length nor the type it tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

import aiohttp
from aiohttp import hdrs
from yarl import URL

from bot.errors import PlatformBusy, PlatformUnreachable, Unreadable, Why

T = TypeVar("T")

ATTEMPTS: Final = 2
PAUSE: Final = 0.5
"""Seconds before the second attempt."""
REDIRECTS: Final = 3
PIECE: Final = 1 << 16
NOTHING: Final[Mapping[str, str]] = {}


class Fetcher:
    """`trusted` says of an address whether it is the platform's; `headers` are sent there, and only there."""

    def __init__(self, trusted: Callable[[URL], bool], headers: Mapping[str, str] = NOTHING) -> None:
        self._trusted = trusted
        self._session = aiohttp.ClientSession(
            headers={hdrs.ACCEPT_ENCODING: "identity", hdrs.USER_AGENT: "Rejoinder", **headers},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def fetch(self, url: str, *, size: int, most: int, seconds: float, page: bool = False) -> bytes:
        """The whole file, of `size` bytes as the platform says (0: it says nothing). Unless a `page` is asked for, one that comes instead
        is a sign-in page: the platform does not grant the file. Raises `Unreadable`."""
        if size > most:
            raise Unreadable(Why.TOO_LARGE)
        try:
            async with asyncio.timeout(seconds):
                for left in reversed(range(ATTEMPTS)):
                    try:
                        return await self._get(_parsed(url), size, most, page)
                    except Unreadable as error:
                        if error.why is not Why.UNREACHABLE or not left:
                            raise
                    await asyncio.sleep(PAUSE)
        except TimeoutError:
            raise Unreadable(Why.SLOW) from None
        raise AssertionError("the last attempt returns or raises")

    async def aclose(self) -> None:
        await self._session.close()

    async def _get(self, url: URL, size: int, most: int, page: bool) -> bytes:
        for _ in range(REDIRECTS + 1):
            if not self._trusted(url):
                raise Unreadable(Why.ELSEWHERE)
            try:
                async with self._session.get(url, allow_redirects=False) as response:
                    if 300 <= response.status < 400:
                        url = self._followed(url, response)
                        continue
                    _check(response, most, page)
                    return await _body(response, size, most, page)
            except aiohttp.ClientPayloadError as error:
                raise Unreadable(Why.BROKEN, type(error).__name__) from None
            except (aiohttp.ClientError, OSError) as error:
                raise Unreadable(Why.UNREACHABLE, type(error).__name__) from None
        raise Unreadable(Why.UNREACHABLE, "too many redirects")

    def _followed(self, url: URL, response: aiohttp.ClientResponse) -> URL:
        """Where a redirect leads, if that is the same host. To another one of the platform's it leads to sign in."""
        try:
            target = url.join(URL(response.headers.get(hdrs.LOCATION, "")))
            if target.origin() == url.origin():
                return target
            why = Why.FORBIDDEN if self._trusted(target) else Why.ELSEWHERE
        except ValueError:
            why = Why.ELSEWHERE
        raise Unreadable(why, "a redirect to another host")


async def asked(call: Callable[[], Awaitable[T]], seconds: float) -> T:
    """What the platform says of a file, also where it has to be asked again after a pause that it wants. Raises `Unreadable` where it
    does not say so in time, and whatever other refusal there is as it is."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    return await call()
                except PlatformBusy as busy:
                    await asyncio.sleep(busy.retry_after)
    except (TimeoutError, PlatformUnreachable) as error:
        raise Unreadable(Why.UNREACHABLE, type(error).__name__) from None


def of_hosts(suffixes: tuple[str, ...], *same_origin_as: str) -> Callable[[URL], bool]:
    """Trusts these hosts and those below them, by TLS alone; and whatever has the origin of an address that the operator set."""
    origins = {URL(address).origin() for address in same_origin_as}

    def trusted(url: URL) -> bool:
        host = (url.host or "").lower()
        within = any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes)
        ours = within and url.scheme == "https" and url.port == 443 and url.user is None
        return ours or (url.absolute and url.user is None and url.origin() in origins)

    return trusted


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        raise Unreadable(Why.ELSEWHERE) from None
    if not parsed.absolute or parsed.scheme not in ("http", "https"):
        raise Unreadable(Why.ELSEWHERE)
    return parsed


def _check(response: aiohttp.ClientResponse, most: int, page: bool) -> None:
    status = response.status
    if status in (404, 410):
        raise Unreadable(Why.GONE)
    if status in (401, 403):
        raise Unreadable(Why.FORBIDDEN)
    if status != 200:
        raise Unreadable(Why.UNREACHABLE if status == 429 or status >= 500 else Why.GONE, str(status))
    if response.content_type == "text/html" and not page:
        raise Unreadable(Why.FORBIDDEN, "a sign-in page")
    if response.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
        raise Unreadable(Why.BROKEN, "packed, though asked not to be")
    if (response.content_length or 0) > most:
        raise Unreadable(Why.TOO_LARGE)


async def _body(response: aiohttp.ClientResponse, size: int, most: int, page: bool) -> bytes:
    data = bytearray()
    async for piece in response.content.iter_chunked(PIECE):
        data += piece
        if len(data) > most:
            raise Unreadable(Why.TOO_LARGE)
    if len(data) < size:
        if page and response.content_type == "text/html":
            raise Unreadable(Why.FORBIDDEN, "a sign-in page")
        raise Unreadable(Why.BROKEN, "it ended early")
    return bytes(data)
