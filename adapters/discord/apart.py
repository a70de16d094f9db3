"""Words for one person alone, said in answer to a message: by direct message, since a channel has no words for one pair of eyes."""

from __future__ import annotations

import logging
from typing import Any, Final

from adapters.discord.rest import Rest
from adapters.discord.surface import NO_PINGS, messages
from bot.errors import DeliveryError
from bot.notices import notice
from bot.ports import Said

log = logging.getLogger(__name__)

LONGEST: Final = 2_000


async def whispered(rest: Rest, said: Said, user: str) -> bool:
    """Say it to that person directly; False where that can't be."""
    body: dict[str, Any] = {"content": said.text[:LONGEST], "allowed_mentions": NO_PINGS}
    try:
        room = await rest.call("POST", "/users/@me/channels", {"recipient_id": user})
        await rest.call("POST", messages(str(room["id"])), body)
    except DeliveryError as error:
        log.info("somebody could not be written to directly (%s)", error)
        return False
    return True


async def told_apart(rest: Rest, said: Said, user: str, language: str) -> Said:
    """What is left to be said openly: that the words were said apart, or why not."""
    done = await whispered(rest, said, user)
    return Said(notice("apart_sent" if done else "apart_refused", language))
