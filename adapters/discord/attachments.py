"""Files that people attached on Discord.

Their addresses are signed and last for a day, so none is kept: the message is asked for again, whose attachments then have fresh ones
("Message Resource", attachments). The addresses need no token, and none is sent there.
"""

from __future__ import annotations

from typing import Any, Final

from adapters.discord.rest import Rest
from adapters.fetching import Fetcher, of_hosts
from bot.chat import File
from bot.errors import MessageGone, PlaceRefused, PlatformBusy, PlatformUnreachable, Unreadable, Why
from bot.ports import Fetched

HOSTS: Final = ("cdn.discordapp.com", "media.discordapp.net")


class DiscordFiles:
    def __init__(self, rest: Rest, api_url: str) -> None:
        self._rest, self._fetcher = rest, Fetcher(of_hosts(HOSTS, api_url))

    async def fetch(self, file: File, most: int, seconds: float) -> Fetched:
        """Raises `Unreadable`."""
        if file.size > most:
            raise Unreadable(Why.TOO_LARGE)
        known = await self._attachment(file)
        page = file.media_type.startswith("text/html") or file.name.lower().endswith((".html", ".htm"))
        data = await self._fetcher.fetch(
            str(known["url"]), size=int(known.get("size") or 0), most=most, seconds=seconds, page=page
        )
        return Fetched(data)

    async def aclose(self) -> None:
        await self._fetcher.aclose()

    async def _attachment(self, file: File) -> dict[str, Any]:
        at = file.reference
        try:
            message = await self._rest.call("GET", f"/channels/{at['channel']}/messages/{at['message']}")
        except MessageGone:
            raise Unreadable(Why.GONE) from None
        except PlaceRefused as error:
            raise Unreadable(Why.FORBIDDEN, str(error)) from None
        except (PlatformBusy, PlatformUnreachable) as error:
            raise Unreadable(Why.UNREACHABLE, str(error)) from None
        for attachment in message.get("attachments") or ():
            if str(attachment.get("id")) == at["id"]:
                return dict(attachment)
        raise Unreadable(Why.GONE)
