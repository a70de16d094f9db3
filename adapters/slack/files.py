"""Files that go with the bot's own words: uploaded to the direct message with whoever asked, and told of where they asked.

An ephemeral message can carry no file, and a file in a channel is everybody's ("Working with files").
"""

from __future__ import annotations

import logging
from dataclasses import replace

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.calls import error_code, slack_errors
from bot.chat import Place
from bot.errors import DeliveryError
from bot.notices import notice, reference
from bot.ports import Said

log = logging.getLogger(__name__)


async def handed_over(client: AsyncWebClient, said: Said, user: str, place: Place, language: str) -> Said:
    """The same words without their files: those are sent, and the words say where to, or why not."""
    if not said.files:
        return said
    names = ", ".join(f"`{file.name}`" for file in said.files)
    try:
        with slack_errors():
            await _upload(client, said, user, place)
    except DeliveryError as error:
        line = _why_not(error, names, language)
    else:
        line = notice("file_sent", language, files=names)
    return replace(said, text=f"{said.text}\n\n{line}".strip(), files=())


async def _upload(client: AsyncWebClient, said: Said, user: str, place: Place) -> None:
    opened = await client.conversations_open(users=user)
    room = str(opened["channel"]["id"])
    await client.files_upload_v2(
        file_uploads=[
            {"filename": file.name, "title": file.name, "content": file.data} for file in said.files
        ],
        channel=room,
        thread_ts=(place.thread or None) if place.channel == room else None,
    )


def _why_not(error: DeliveryError, names: str, language: str) -> str:
    refusal = error.__cause__
    if isinstance(refusal, SlackApiError) and error_code(refusal) == "missing_scope":
        log.warning("a file could not be sent: the app lacks a scope (python -m bot check)")
        return notice("file_no_scope", language, files=names)
    number = reference()
    log.warning("a file could not be sent (%s, reference %s)", error, number)
    return notice("file_failed", language, files=names, reference=number)
