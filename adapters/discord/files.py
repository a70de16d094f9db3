"""Files that go with the bot's own words: with an interaction's answer, which one person sees, else by direct message."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final

from adapters.discord.rest import Rest, listed
from adapters.discord.surface import NO_PINGS, messages
from bot.errors import DeliveryError, PlaceRefused
from bot.notices import notice, reference
from bot.ports import Said

log = logging.getLogger(__name__)

CANNOT_MESSAGE: Final = "50007"
TOO_LARGE: Final = "40005"


async def handed_over(rest: Rest, said: Said, user: str, language: str) -> Said:
    """The same words without their files: those are sent by direct message, and the words say so, or why not."""
    if not said.files:
        return said
    try:
        room = await rest.call("POST", "/users/@me/channels", {"recipient_id": user})
        body = {"attachments": listed(said.files), "allowed_mentions": NO_PINGS}
        await rest.call("POST", messages(str(room["id"])), body, files=said.files)
    except DeliveryError as error:
        return without_files(said, error, language)
    return _with_line(said, notice("file_sent", language, files=_names(said)))


def without_files(said: Said, error: DeliveryError, language: str) -> Said:
    """What is said instead where the files did not get through."""
    code = error.why.rpartition("/")[2] if isinstance(error, PlaceRefused) else ""
    known = {CANNOT_MESSAGE: "file_refused", TOO_LARGE: "file_too_large"}
    if code in known:
        return _with_line(said, notice(known[code], language, files=_names(said)))
    number = reference()
    log.warning("a file could not be sent (%s, reference %s)", error, number)
    return _with_line(said, notice("file_failed", language, files=_names(said), reference=number))


def _names(said: Said) -> str:
    return ", ".join(f"`{file.name}`" for file in said.files)


def _with_line(said: Said, line: str) -> Said:
    return replace(said, text=f"{said.text}\n\n{line}".strip(), files=())
