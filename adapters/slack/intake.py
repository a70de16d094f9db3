"""Takes in what happens on Slack: who said what where, and hands it to the bot. When `take` returns, it is committed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from adapters.delivery.buttons import press_of
from adapters.slack.actions import actions, replaced
from adapters.slack.agent import suggest
from adapters.slack.calls import slack_errors
from adapters.slack.files import handed_over
from adapters.slack.forms import GIVES, OPENS, filled, modal
from adapters.slack.incoming import (
    PLATFORM,
    SAID,
    Workspace,
    by_a_person,
    incoming,
    installation_of,
    invocation,
    moment,
    place_of,
    pressed,
)
from adapters.slack.people import Home, People
from adapters.slack.text import user_ids
from bot.chat import Author, Incoming, Invocation, Place
from bot.errors import DeliveryError
from bot.notices import language_of
from bot.ports import Receipt, Reception, Said

log = logging.getLogger(__name__)

Say = Callable[[str, str, Said, str], Awaitable[None]]
"""Say something to (channel, user), in a thread maybe."""
Event = Mapping[str, Any]


class Intake:
    """`bot` is our own user id, known once we are connected."""

    def __init__(self, client: AsyncWebClient, reception: Reception, say: Say, language: str) -> None:
        self._client, self._reception, self._say, self._language = client, reception, say, language
        self._people = People(client)
        self.bot = ""

    def at_home(self, identity: Event) -> None:
        """Who we are there, as Slack says."""
        self.bot = str(identity["user_id"])
        self._people.home = Home(str(identity.get("team_id") or ""), str(identity.get("enterprise_id") or ""))

    async def take(self, body: Event) -> None:
        """Whatever Slack sent. Raises when it could not be committed."""
        if body.get("type") == "block_actions":
            await self._pressed(body)
        elif (event := body.get("event")) is not None:
            await self._event(Workspace(installation_of(body), self.bot), event)

    async def command(self, body: Event) -> Said:
        person = await self._people.person(str(body["user_id"]))
        asked = invocation(body, person, installation_of(body))
        return await self._handed_over(await self._reception.invoked(asked), asked.author, asked.place)

    async def found(self, place: Place, message: Event) -> Incoming | None:
        """A message of the history, as it stands now; None when no person said it."""
        if not by_a_person(message) or message.get("subtype") not in SAID:
            return None
        workspace = Workspace(place.installation, self.bot)
        revision = str((message.get("edited") or {}).get("ts") or "")
        return await self._incoming(workspace, place.channel, message, message, revision)

    async def _event(self, workspace: Workspace, event: Event) -> None:
        match event.get("type"):
            case "app_mention" | "message":
                await self._message(workspace, event)
            case "agent_session_stopped":
                await self._stopped(workspace, event)
            case "app_home_opened" if event.get("tab") == "messages":
                person = await self._people.person(str(event["user"]))
                await suggest(
                    self._client, str(event["channel"]), language_of(person.language, self._language)
                )
            case "app_uninstalled":
                await self._reception.removed(PLATFORM, workspace.installation)
            case "tokens_revoked" if event.get("tokens", {}).get("bot"):
                await self._reception.removed(PLATFORM, workspace.installation)

    async def _stopped(self, workspace: Workspace, event: Event) -> None:
        """Slack's own Stop, which it shows in a thread while the bot is at work there."""
        channel, thread, user = str(event["channel"]), str(event["thread_ts"]), str(event["user"])
        person = await self._people.person(user)
        asked = Invocation(
            key=f"slack:{channel}:stopped:{event['event_ts']}",
            place=Place(PLATFORM, workspace.installation, channel, thread),
            author=person.author(user),
            verb="stop",
            given_at=moment(str(event["event_ts"])),
        )
        said = await self._reception.stopped(asked, thread)
        if said is not None:
            await self._tell(asked, said)

    async def _message(self, workspace: Workspace, event: Event) -> None:
        channel, subtype = str(event["channel"]), event.get("subtype")
        if subtype == "message_changed":
            await self._changed(workspace, channel, event)
        elif subtype == "message_deleted":
            previous = event.get("previous_message") or {"ts": event["deleted_ts"]}
            if by_a_person(previous) or "user" not in previous:
                await self._reception.deleted(
                    place_of(workspace, channel, previous), str(event["deleted_ts"])
                )
        elif subtype in SAID and by_a_person(event):
            said = await self._incoming(workspace, channel, event, event)
            await self._answer(said, await self._reception.said(said))

    async def _changed(self, workspace: Workspace, channel: str, event: Event) -> None:
        """An edit; unfurled links and reactions change a message, too, but not its words."""
        message, previous = event.get("message") or {}, event.get("previous_message") or {}
        if message.get("subtype") == "tombstone":  # deleted, but its thread goes on
            await self._reception.deleted(
                place_of(workspace, channel, previous), str(previous.get("ts") or message["ts"])
            )
            return
        if not by_a_person(message) or message.get("subtype") not in SAID:
            return
        if _said(message) == _said(previous) or "edited" not in message:
            return
        said = await self._incoming(workspace, channel, event, message, str(message["edited"]["ts"]))
        await self._answer(said, await self._reception.edited(said))

    async def _incoming(
        self, workspace: Workspace, channel: str, event: Event, message: Event, revision: str = ""
    ) -> Incoming:
        mentioned = user_ids(message.get("text") or "") - {workspace.bot}
        names = await self._people.names({*mentioned, str(message["user"])})
        return incoming(
            workspace,
            channel,
            message,
            await self._people.person(str(message["user"])),
            names,
            direct=event.get("channel_type") == "im" or channel.startswith("D"),
            in_thread=await self._reception.answers_in_thread(
                Place(PLATFORM, workspace.installation, channel)
            ),
            revision=revision,
        )

    async def _answer(self, said: Incoming, receipt: Receipt) -> None:
        """Say at once what the reception has to say. It is committed already: a refusal here must not bring the event back."""
        if receipt.said is None:
            return
        words = await self._handed_over(receipt.said, said.author, said.place)
        try:
            await self._say(said.place.channel, said.author.id, words, said.place.thread)
        except DeliveryError as error:
            log.warning("a notice could not be shown (%s)", error)

    async def _pressed(self, body: Event) -> None:
        action = str(body["actions"][0].get("action_id") or "")
        if action.startswith(OPENS):
            await self._open_form(body, action.removeprefix(OPENS))
            return
        if action == GIVES:
            await self._give(body)
            return
        if (press := press_of(action)) is None:
            return
        person = await self._people.person(str(body["user"]["id"]))
        by = pressed(body, person, installation_of(body))
        done = await self._reception.pressed(by, press)
        if done.row is not None:
            await self._change(body, actions(done.row, press.turn, done.language))
        if done.said is not None:
            await self._tell(by, done.said)

    async def _change(self, body: Event, row: list[dict[str, Any]]) -> None:
        """Show other buttons below the message that was pressed. What is stored counts, whether it can be shown or not."""
        message = body["message"]
        blocks = replaced(message.get("blocks") or (), row)
        try:
            with slack_errors():
                await self._client.chat_update(
                    channel=str(body["channel"]["id"]),
                    ts=str(message["ts"]),
                    text=str(message.get("text") or ""),
                    blocks=blocks,
                )
        except DeliveryError as error:
            log.info("a button could not be shown as chosen (%s)", error)

    async def _give(self, body: Event) -> None:
        """A button that gives a command."""
        person = await self._people.person(str(body["user"]["id"]))
        verb, _, words = str(body["actions"][0].get("value") or "").partition(" ")
        asked = replace(pressed(body, person, installation_of(body)), verb=verb, argument=words)
        await self._tell(asked, await self._reception.invoked(asked))

    async def _open_form(self, body: Event, name: str) -> None:
        person = await self._people.person(str(body["user"]["id"]))
        asked = replace(pressed(body, person, installation_of(body)), verb=name)
        form = await self._reception.form(asked)
        if isinstance(form, Said):
            await self._tell(asked, form)
            return
        try:
            with slack_errors():
                await self._client.views_open(
                    trigger_id=str(body["trigger_id"]), view=modal(form, asked.place)
                )
        except DeliveryError as error:  # whoever pressed it sees that nothing came, and presses again
            log.warning("a form could not be opened (%s)", error)

    async def submitted(self, body: Event) -> dict[str, str]:
        """A form was filled in: what is wrong with it, by field. Where nothing is, it is done, and said to the person."""
        name, place, values = filled(body["view"])
        person = await self._people.person(str(body["user"]["id"]))
        author = person.author(str(body["user"]["id"]))
        sent = Invocation(f"slack:{body['trigger_id']}", place, author, name)
        answer = await self._reception.submitted(sent, values)
        if not isinstance(answer, Said):
            return dict(answer)
        await self._tell(sent, answer)
        return {}

    async def _handed_over(self, said: Said, author: Author, place: Place) -> Said:
        language = language_of(author.language, self._language)
        return await handed_over(self._client, said, author.id, place, language)

    async def _tell(self, asked: Invocation, said: Said) -> None:
        words = await self._handed_over(said, asked.author, asked.place)
        try:
            await self._say(asked.place.channel, asked.author.id, words, asked.place.thread)
        except DeliveryError as error:
            log.warning("a notice could not be shown (%s)", error)


def _said(message: Event) -> tuple[Any, list[Any]]:
    """What a message says: its words, and its files."""
    return message.get("text"), [file.get("id") for file in message.get("files") or ()]
