"""Calls to Discord's REST API, and what its refusals mean."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import aiohttp
import discord
from discord.http import HTTPClient, Route

from bot.errors import DeliveryError, MessageGone, PlaceRefused, PlatformBusy, PlatformUnreachable

LONGEST: Final = 20.0
"""Seconds for one call. discord.py tries a failing one again for half a minute by itself; that is too long to wait."""
UNKNOWN_MESSAGE: Final = 10008


async def call(http: HTTPClient, method: str, path: str, json: Any = None, **parameters: Any) -> Any:
    """One REST call, by its route. Raises only `DeliveryError`s."""
    with discord_errors():
        async with asyncio.timeout(LONGEST):
            more = {} if json is None else {"json": json}
            return await http.request(Route(method, path, **parameters), **more)


@contextmanager
def discord_errors() -> Iterator[None]:
    """Turn whatever goes wrong in a call into a `DeliveryError`."""
    try:
        yield
    except discord.RateLimited as error:
        raise PlatformBusy(error.retry_after) from error
    except discord.HTTPException as error:
        raise meaning(error) from error
    except (aiohttp.ClientError, discord.GatewayNotFound, TimeoutError, OSError) as error:
        raise PlatformUnreachable(type(error).__name__) from error


def meaning(error: discord.HTTPException) -> DeliveryError:
    if error.status == 429:
        return PlatformBusy(float(error.response.headers.get("Retry-After") or 1))
    if error.status >= 500:
        return PlatformUnreachable(str(error.status))
    if error.code == UNKNOWN_MESSAGE:
        return MessageGone(str(error.code))
    return PlaceRefused(f"{error.status}/{error.code}")
