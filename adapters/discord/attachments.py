"""Files that people attached on Discord.

Their addresses are signed and last for a day, so none is kept: the message is asked for again, whose attachments then have fresh ones
("Message Resource", attachments). The addresses need no token, and none is sent there.
"""

from __future__ import annotations

from typing import Any, Final

from adapters.discord.rest import Rest
from adapters.fetching import Fetcher, asked, of_hosts
from bot.chat import File
from bot.errors import DeliveryError, MessageGone, Unreadable, Why
from bot.ports import Fetched

HOSTS: Final = ("cdn.discordapp.com", "media.discordapp.net")


class DiscordFiles:
    def __init__(self, rest: Rest, api_url: str) -> None:
        self._rest, self._fetcher = rest, Fetcher(of_hosts(HOSTS, api_url))

    async def fetch(self, file: File, most: int, seconds: float) -> Fetched:
        """Raises `Unreadable`."""
        if file.size > most:
            raise Unreadable(Why.TOO_LARGE)
        known = await self._attachment(file, seconds)
        page = file.media_type.startswith("text/html") or file.name.lower().endswith((".html", ".htm"))
        data = await self._fetcher.fetch(
            str(known["url"]), size=int(known.get("size") or 0), most=most, seconds=seconds, page=page
        )
        return Fetched(data)

    async def aclose(self) -> None:
        await self._fetcher.aclose()

    async def _attachment(self, file: File, seconds: float) -> dict[str, Any]:
        path = "/channels/{channel}/messages/{message}".format_map(file.reference)
        try:
            message = await asked(lambda: self._rest.call("GET", path), seconds)
        except MessageGone:
            raise Unreadable(Why.GONE) from None
        except DeliveryError as error:
            raise Unreadable(Why.FORBIDDEN, str(error)) from None
        for attachment in message.get("attachments") or ():
            if str(attachment.get("id")) == file.reference["id"]:
                return dict(attachment)
        raise Unreadable(Why.GONE)
