"""Is Discord set up right? The token, the intent, and the link that invites the bot."""

from __future__ import annotations

from typing import Any, Final

import aiohttp

from bot.check import Finding

CONTENT_GRANTED: Final = (1 << 18) | (1 << 19)
"""Application flags: the message content intent, granted for good or for a small bot ("Application flags")."""
VIEW, SEND, FILES, HISTORY, PUBLIC_THREADS, IN_THREADS = 1 << 10, 1 << 11, 1 << 15, 1 << 16, 1 << 35, 1 << 38
PERMISSIONS: Final = VIEW | SEND | FILES | HISTORY | PUBLIC_THREADS | IN_THREADS


async def check(*, token: str, api_url: str, message_content: bool) -> list[Finding]:
    """Ask Discord who the token is and what it may do."""
    timeout = aiohttp.ClientTimeout(total=10)
    headers = {"Authorization": f"Bot {token}", "User-Agent": "DiscordBot (Rejoinder, 1)"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.get(f"{api_url.rstrip('/')}/oauth2/applications/@me") as answer,
        ):
            if answer.status == 401:
                cure = (
                    "Copy it again: Developer Portal → your application → Bot → Reset Token (docs/discord.md)"
                )
                return [Finding("DISCORD_TOKEN: Discord refuses it", cure)]
            if answer.status >= 400:
                return [
                    Finding(
                        f"Discord answers with status {answer.status}",
                        "Try again later; see discordstatus.com",
                    )
                ]
            application: dict[str, Any] = await answer.json()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return [
            Finding(
                f"Discord does not answer ({type(error).__name__})", "Check the network and DISCORD_API_URL"
            )
        ]
    granted = bool(int(application.get("flags") or 0) & CONTENT_GRANTED)
    return [
        Finding(f"Discord: {application['name']}"),
        _intent(granted, message_content),
        _invite(str(application["id"])),
    ]


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
