"""Calls to Slack's Web API, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.errors import DeliveryError, MessageGone, PlaceRefused, PlatformBusy, PlatformUnreachable

PASSING: Final = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
"""Errors that Slack's own pages say to try again."""
REFUSED_TOKENS: Final = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
    }
)


@contextmanager
def slack_errors() -> Iterator[None]:
    """Turn whatever goes wrong in a call into a `DeliveryError`."""
    try:
        yield
    except SlackApiError as error:
        raise meaning(error) from error
    except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
        raise PlatformUnreachable(type(error).__name__) from error


def meaning(error: SlackApiError) -> DeliveryError:
    """What a refused call means for the answer on its way."""
    response, why = error.response, error_code(error)
    status = getattr(response, "status_code", 200)
    if status == 429 or why in ("ratelimited", "rate_limited"):
        return PlatformBusy(_retry_after(response.headers.get("Retry-After")))
    if status >= 500 or why in PASSING:
        return PlatformUnreachable(why or str(status))
    if why in ("message_not_found", "cant_update_message"):
        return MessageGone(why)
    return PlaceRefused(why)


def error_code(error: SlackApiError) -> str:
    """Slack's own word for what is wrong."""
    data = getattr(error.response, "data", error.response)
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def _retry_after(header: object) -> float:
    text = header[0] if isinstance(header, list) and header else header
    try:
        return max(float(str(text)), 0.5)
    except ValueError:
        return 1.0
