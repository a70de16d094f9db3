"""Calls that discord.py makes (logging in, answering interactions), and what their failures mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import discord

from bot.errors import DeliveryError, PlaceRefused, PlatformBusy, PlatformUnreachable


@contextmanager
def discord_errors() -> Iterator[None]:
    """Turn whatever goes wrong in a call into a `DeliveryError`."""
    try:
        yield
    except discord.RateLimited as error:
        raise PlatformBusy(error.retry_after) from error
    except discord.HTTPException as error:
        raise _meaning(error) from error
    except (aiohttp.ClientError, discord.GatewayNotFound, TimeoutError, OSError) as error:
        raise PlatformUnreachable(type(error).__name__) from error


def _meaning(error: discord.HTTPException) -> DeliveryError:
    if error.status == 429:
        return PlatformBusy(float(error.response.headers.get("Retry-After") or 1))
    if error.status >= 500:
        return PlatformUnreachable(str(error.status))
    return PlaceRefused(f"{error.status}/{error.code}")
