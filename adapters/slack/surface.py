"""Where an answer's messages go on Slack: native Markdown blocks, posted and edited."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.delivery.mentions import slack_markdown
from adapters.delivery.pacer import Key, Rate
from adapters.delivery.surface import Call, Limits
from adapters.slack.calls import slack_errors
from adapters.slack.text import escape
from bot.chat import Turn
from bot.errors import PlaceRefused
from bot.notices import notice
from bot.ports import Button

log = logging.getLogger(__name__)

LENGTH: Final = 3_900
"""Characters of a message. A Markdown block takes 12,000, but an update of more than about 4,000 is refused in practice."""
PREVIEW: Final = 150
"""Characters of a message that stand in a notification."""
FIND_PAGES: Final = 4
NONCE_EVENT: Final = "rejoinder_part"

ALL_POSTS: Final = "all posts"

RATES: Final = {
    "chat.update": Rate(50, 60.0),
    "chat.delete": Rate(50, 60.0),
    "chat.postMessage": Rate(2, 2.0),
    "conversations.history": Rate(50, 60.0),
    ALL_POSTS: Rate(300, 60.0),
    "conversations.replies": Rate(50, 60.0),
    "users.conversations": Rate(50, 60.0),
    "assistant.threads.setStatus": Rate(60, 60.0),
}
"""Slack's published tiers, for each workspace and method; posts for each channel, and some hundred a minute in all ("Rate limits")."""
METHODS: Final = {
    Call.POST: "chat.postMessage",
    Call.EDIT: "chat.update",
    Call.DELETE: "chat.delete",
    Call.ATTACH: "files.completeUploadExternal",
    Call.FIND: "conversations.replies",
    Call.TYPING: "assistant.threads.setStatus",
}


class StatusLine:
    """Whether the workspace takes a status ("is thinking…"). Apps that are no agents may not set one: asked once, then left."""

    def __init__(self) -> None:
        self.taken = True


class SlackSurface:
    """The messages that answer one turn, at the address its question came from."""

    limits = Limits(LENGTH, typing_every=60.0)

    def __init__(self, client: AsyncWebClient, turn: Turn, language: str, status: StatusLine) -> None:
        self._client, self._language, self._status = client, language, status
        address = turn.address
        self._turn, self._team = turn.id, str(address["team"])
        self._channel, self._thread = str(address["channel"]), str(address["thread"])
        self._question = str(address["question"])

    def buckets(self, call: Call) -> tuple[Key, ...]:
        if call is Call.POST:
            return ((METHODS[call], self._channel), (ALL_POSTS, self._team))
        return ((METHODS[call], self._team),)

    def render(self, text: str, final: bool) -> str:
        return slack_markdown(text)

    async def post(
        self, text: str, *, nonce: str, first: bool, final: bool, buttons: Sequence[Button]
    ) -> str:
        metadata = {"event_type": NONCE_EVENT, "event_payload": {"nonce": nonce}}
        with slack_errors():
            answer = await self._client.chat_postMessage(
                channel=self._channel,
                thread_ts=self._thread or None,
                **self._message(text, buttons),
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
            )
        return str(answer["ts"])

    async def edit(self, message: str, text: str, *, final: bool, buttons: Sequence[Button]) -> None:
        with slack_errors():
            await self._client.chat_update(channel=self._channel, ts=message, **self._message(text, buttons))

    async def delete(self, message: str) -> None:
        with slack_errors():
            await self._client.chat_delete(channel=self._channel, ts=message)

    async def attach(self, name: str, text: str, nonce: str) -> str:
        raise PlaceRefused("no_files")

    async def find(self, nonces: Sequence[str]) -> Mapping[str, str]:
        """Look at what stands after the question: in its thread, or in the channel."""
        found: dict[str, str] = {}
        cursor = ""
        for _ in range(FIND_PAGES):
            try:
                page = await self._page(cursor)
            except PlaceRefused:  # the thread is gone, or may not be read: nothing of ours can be found there
                break
            for message in page.get("messages") or []:
                if (nonce := _nonce(message)) in nonces:
                    found[nonce] = str(message["ts"])
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor or len(found) == len(nonces):
                break
        return found

    async def _page(self, cursor: str) -> AsyncSlackResponse:
        """Some messages after the question, with their metadata; a page as small as the strictest limit allows."""
        with slack_errors():
            if self._thread:
                return await self._client.conversations_replies(
                    channel=self._channel,
                    ts=self._thread,
                    oldest=self._question,
                    limit=15,
                    include_all_metadata=True,
                    cursor=cursor or None,
                )
            return await self._client.conversations_history(
                channel=self._channel,
                oldest=self._question,
                limit=15,
                include_all_metadata=True,
                cursor=cursor or None,
            )

    async def typing(self) -> None:
        if not self._thread or not self._status.taken:
            return
        try:
            with slack_errors():
                await self._client.assistant_threads_setStatus(
                    channel_id=self._channel,
                    thread_ts=self._thread,
                    status=notice("thinking", self._language),
                )
        except PlaceRefused as refused:
            self._status.taken = False
            log.info("Slack takes no status here (%s): none will be set", refused)

    def _message(self, text: str, buttons: Sequence[Button]) -> dict[str, Any]:
        blocks: list[dict[str, Any]] = [{"type": "markdown", "text": text}]
        if buttons:
            blocks.append({"type": "actions", "elements": [self._button(button) for button in buttons]})
        return {"text": escape(text[:PREVIEW]), "blocks": blocks}

    def _button(self, button: Button) -> dict[str, Any]:
        label = notice(f"button_{button.value}", self._language)
        return {
            "type": "button",
            "text": {"type": "plain_text", "text": label},
            "action_id": f"rejoinder:{button.value}:{self._turn}",
            "value": str(self._turn),
        }


def _nonce(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != NONCE_EVENT:
        return ""
    return str((metadata.get("event_payload") or {}).get("nonce") or "")
