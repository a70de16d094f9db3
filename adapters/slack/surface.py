"""Where an answer's messages go on Slack: native Markdown blocks, posted and edited."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.delivery.mentions import slack_markdown
from adapters.delivery.pacer import Key, Rate
from adapters.delivery.splitter import Part
from adapters.delivery.surface import Call, Found, Limits, Look, utf16_length
from adapters.slack.actions import actions
from adapters.slack.agent import Abilities, Agent
from adapters.slack.calls import slack_errors
from adapters.slack.text import preview
from bot.chat import Turn
from bot.errors import PlaceRefused, PlatformUnreachable
from bot.notices import notice
from bot.ports import Control

LENGTH: Final = 3_900
"""Characters of a message. A Markdown block takes 12,000, but an update of more than about 4,000 is refused in practice.
Counted as UTF-16, so that it holds whether Slack counts an emoji as one or as two."""
PREVIEW: Final = 150
"""Characters of a message that stand in a notification."""
PAGE: Final = 15
"""Messages that are looked at in one call: as few as the strictest limit allows ("Rate limits", apps outside of the Marketplace)."""
NEAR: Final = 600.0
"""Seconds after a question in which an answer in its channel mostly stands."""
NEVER: Final = "9999999999.999999"
LATER: Final = "later:"
"""Marks where it is looked on beyond what is near."""
NONCE_EVENT: Final = "rejoinder_part"
FILE: Final = "answer-{nonce}.md"
"""A file has no metadata, so that its name is told by its own."""
SHARED_AFTER: Final = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds between two looks for a file that was uploaded: Slack shows it a little later."""
UPLOAD_LOOKS: Final = 10
"""Pages of such a look."""

ALL_POSTS: Final = "all posts"

RATES: Final = {
    "chat.update": Rate(50, 60.0),
    "chat.delete": Rate(50, 60.0),
    "chat.postMessage": Rate(2, 2.0),
    ALL_POSTS: Rate(300, 60.0),
    "chat.startStream": Rate(20, 60.0),
    "chat.appendStream": Rate(100, 60.0),
    "chat.stopStream": Rate(20, 60.0),
    "files.completeUploadExternal": Rate(100, 60.0),
    "conversations.history": Rate(50, 60.0),
    "conversations.replies": Rate(50, 60.0),
    "users.conversations": Rate(50, 60.0),
    "agents.sessions.setStatus": Rate(50, 60.0),
    "assistant.threads.setStatus": Rate(60, 60.0),
}
"""Slack's published tiers, for each workspace and method; posts for each channel, and some hundred a minute in all ("Rate limits")."""
METHODS: Final = {
    Call.POST: "chat.postMessage",
    Call.EDIT: "chat.update",
    Call.DELETE: "chat.delete",
    Call.ATTACH: "files.completeUploadExternal",
    Call.FIND: "conversations.replies",
}


class SlackSurface:
    """The messages that answer one turn, at the address its question came from."""

    def __init__(
        self, client: AsyncWebClient, turn: Turn, language: str, abilities: Abilities, most_messages: int
    ) -> None:
        self._client, self._language, self._turn = client, language, turn.id
        address = turn.address
        self._team, self._channel = str(address["team"]), str(address["channel"])
        self._thread, self._question = str(address["thread"]), str(address["question"])
        self._where: dict[str, Any] = {"channel": self._channel, "thread_ts": self._thread or None}
        team = str(address.get("user_team") or self._team)
        self._recipient: dict[str, Any] = {
            "recipient_user_id": str(address.get("user", "")),
            "recipient_team_id": team,
        }
        self._agent = Agent(client, abilities, self._team, self._channel, self._thread, turn.text)
        self._agent.processing = turn.attempts > 1  # an earlier attempt said so
        sign = 60.0 if self._thread else 0.0  # Slack shows a status in threads only, and for two minutes
        self.limits = Limits(
            LENGTH, utf16_length, sign_lasts=sign, sign_stays=True, most_messages=most_messages
        )

    def look(self, part: Part, final: bool, buttons: Sequence[Control], message: str | None) -> Look:
        return Look(self.render(part.shown, final), final, tuple(buttons))

    def buckets(self, call: Call, look: Look | None = None, message: str | None = None) -> tuple[Key, ...]:
        if call is Call.POST:
            return ((METHODS[call], self._channel), (ALL_POSTS, self._team))
        if call is Call.WORK:
            return (("agents.sessions.setStatus", self._team), ("assistant.threads.setStatus", self._team))
        if call is Call.FIND and not self._thread:
            return (("conversations.history", self._team),)
        return ((METHODS[call], self._team),)

    def render(self, text: str, final: bool) -> str:
        return slack_markdown(text)

    async def post(self, look: Look, *, nonce: str, first: bool) -> str:
        with slack_errors():
            answer = await self._client.chat_postMessage(
                **self._where,
                **self._message(look),
                metadata=metadata(nonce),
                unfurl_links=False,
                unfurl_media=False,
            )
        return str(answer["ts"])

    async def edit(self, message: str, look: Look, *, nonce: str) -> None:
        with slack_errors():
            await self._client.chat_update(
                channel=self._channel, ts=message, **self._message(look), metadata=metadata(nonce)
            )

    async def delete(self, message: str) -> None:
        with slack_errors():
            await self._client.chat_delete(channel=self._channel, ts=message)

    async def attach(self, text: str, buttons: Sequence[Control], *, nonce: str) -> str:
        """Upload it, and wait until it is shown: only then it is a message. (Its blocks can't be Markdown blocks.)"""
        said = {"type": "section", "text": {"type": "mrkdwn", "text": notice("answer_file", self._language)}}
        with slack_errors():
            await self._client.files_upload_v2(
                filename=FILE.format(nonce=nonce),
                title=notice("answer_file_title", self._language),
                content=text,
                channel=self._channel,
                thread_ts=self._thread or None,
                blocks=json.dumps([said, *actions(buttons, self._turn, self._language)]),
            )
        for pause in SHARED_AFTER:
            await asyncio.sleep(pause)
            if message := await self._uploaded(nonce):
                return message
        raise PlatformUnreachable("the file is not shown yet")

    async def _uploaded(self, nonce: str) -> str | None:
        found = await self.find([nonce])
        for _ in range(UPLOAD_LOOKS - 1):
            if nonce in found.named or not found.more:
                break
            found = await self.find([nonce], found.more)
        return found.named.get(nonce)

    async def find(self, nonces: Sequence[str], more: str = "") -> Found:
        """Look at what stands after the question: in its thread, from there on; or in the channel, first in the minutes after it, then
        at all that came later, the newest first. (Some messages have no name while they grow.)"""
        later, cursor = more.startswith(LATER), more.removeprefix(LATER)
        try:
            page = await (self._replies(cursor) if self._thread else self._history(cursor, later))
        except PlaceRefused:  # the thread is gone, or may not be read: nothing of ours can be found there
            return Found()
        messages = page.get("messages") or []
        names = {name_of(message): str(message["ts"]) for message in messages}
        named = {nonce: names[nonce] for nonce in nonces if nonce in names}
        nameless = [str(message["ts"]) for message in messages if self._is_orphan(message)]
        if following := str((page.get("response_metadata") or {}).get("next_cursor") or ""):
            return Found(named, nameless, f"{LATER}{following}" if later else following)
        return Found(named, nameless, "" if self._thread or later else LATER)

    def _is_orphan(self, message: Mapping[str, Any]) -> bool:
        return False

    async def _replies(self, cursor: str) -> AsyncSlackResponse:
        """Oldest first."""
        with slack_errors():
            return await self._client.conversations_replies(
                channel=self._channel,
                ts=self._thread,
                oldest=self._question,
                limit=PAGE,
                include_all_metadata=True,
                cursor=cursor or None,
            )

    async def _history(self, cursor: str, later: bool) -> AsyncSlackResponse:
        """Newest first. `latest` is always given: without it Slack has been known to page from the oldest."""
        near = f"{float(self._question) + NEAR:.6f}"
        with slack_errors():
            return await self._client.conversations_history(
                channel=self._channel,
                oldest=near if later else self._question,
                latest=NEVER if later else near,
                inclusive=not later,
                limit=PAGE,
                include_all_metadata=True,
                cursor=cursor or None,
            )

    async def at_work(self, on: bool) -> None:
        if on:
            await self._agent.begin(notice("thinking", self._language))
        else:
            await self._agent.end()

    def _message(self, look: Look) -> dict[str, Any]:
        blocks: list[dict[str, Any]] = [{"type": "markdown", "text": look.text}, *self._actions(look)]
        return {"text": preview(look.text, PREVIEW), "blocks": blocks}

    def _actions(self, look: Look) -> list[dict[str, Any]]:
        return actions(look.buttons, self._turn, self._language)


def metadata(nonce: str) -> dict[str, Any]:
    return {"event_type": NONCE_EVENT, "event_payload": {"nonce": nonce}}


def name_of(message: Mapping[str, Any]) -> str:
    """The nonce that one of our messages was posted with; empty for all others."""
    known = message.get("metadata") or {}
    if known.get("event_type") == NONCE_EVENT:
        return str((known.get("event_payload") or {}).get("nonce") or "")
    before, after = FILE.split("{nonce}")
    names = [str(file.get("name") or "") for file in message.get("files") or ()]
    ours = [name for name in names if name.startswith(before) and name.endswith(after)]
    return ours[0].removeprefix(before).removesuffix(after) if ours else ""
