"""Is Discord set up right? The token, the intent, and the link that invites the bot."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

from adapters.delivery.pacer import Pacer
from adapters.discord.registering import known, register, this_application
from adapters.discord.rest import Rest
from bot.errors import ConfigError, DeliveryError, PlaceRefused
from bot.operator.check import Finding
from bot.ports import Slash

CONTENT_GRANTED: Final = (1 << 18) | (1 << 19)
"""Application flags: the message content intent, granted for good or for a small bot ("Application flags")."""
VIEW, SEND, FILES, HISTORY, PUBLIC_THREADS, IN_THREADS = 1 << 10, 1 << 11, 1 << 15, 1 << 16, 1 << 35, 1 << 38
PERMISSIONS: Final = VIEW | SEND | FILES | HISTORY | PUBLIC_THREADS | IN_THREADS


async def check(
    *, token: str, api_url: str, message_content: bool, commands: Sequence[Slash]
) -> list[Finding]:
    """Ask Discord who the token is and what it may do."""
    async with aclosing(Rest(token, api_url, Pacer({}))) as rest:
        try:
            application = await this_application(rest)
            registered = await known(rest, str(application["id"]), commands)
        except DeliveryError as error:
            return [_silent(error)]
    granted = bool(int(application.get("flags") or 0) & CONTENT_GRANTED)
    state = "registered" if registered else "registered at the next start (or now: `python -m bot sync`)"
    return [
        Finding(f"Discord: {application['name']}"),
        _intent(granted, message_content),
        Finding(f"Discord: the slash commands are {state}"),
        _invite(str(application["id"])),
    ]


async def sync(*, token: str, api_url: str, commands: Sequence[Slash]) -> bool:
    """Register the slash commands now. True when Discord did not know them so. Raises `ConfigError` when it can't be done."""
    async with aclosing(Rest(token, api_url, Pacer({}))) as rest:
        try:
            application = await this_application(rest)
            return await register(rest, str(application["id"]), commands)
        except DeliveryError as error:
            finding = _silent(error)
            raise ConfigError(
                "DISCORD_TOKEN", finding.what.removeprefix("DISCORD_TOKEN: "), finding.cure
            ) from None


def _silent(error: DeliveryError) -> Finding:
    if isinstance(error, PlaceRefused) and error.why.startswith("401/"):
        cure = "Copy it again: Developer Portal → your application → Bot → Reset Token (docs/discord.md)"
        return Finding("DISCORD_TOKEN: Discord refuses it", cure)
    return Finding(
        f"Discord does not answer ({error})",
        "Check the network and DISCORD_API_URL; see discordstatus.com",
    )


def _intent(granted: bool, wanted: bool) -> Finding:
    if wanted and not granted:
        cure = "Switch on Message Content Intent (Developer Portal → Bot), or set DISCORD_MESSAGE_CONTENT=off"
        return Finding("Discord: the message content intent is not granted (close code 4014)", cure)
    if granted and not wanted:
        cure = "Set DISCORD_MESSAGE_CONTENT=on to answer follow-ups in threads without a mention"
        return Finding("Discord: the message content intent is granted but not used", cure, warning=True)
    return Finding(f"Discord: message content intent {'granted' if granted else 'not used'}")


def _invite(application: str) -> Finding:
    link = "https://discord.com/oauth2/authorize"
    scopes = "bot%20applications.commands"
    return Finding(
        f"Discord: invite it with {link}?client_id={application}&scope={scopes}&permissions={PERMISSIONS}"
    )
