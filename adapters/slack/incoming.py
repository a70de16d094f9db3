"""What Slack sends, as what the bot understands (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.slack.text import linked, readable, user_ids
from bot.chat import Author, File, Incoming, Invocation, Part, Place, Standing, Text

PLATFORM = "slack"
SAID = frozenset({None, "file_share", "thread_broadcast"})
"""Subtypes of messages that a person wrote; all others are edits, deletions, joins and other bots."""

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a user: enough to make an `Author`."""

    name: str
    admin: bool = False
    language: str = ""
    standing: Standing = Standing.UNKNOWN

    def author(self, user: str) -> Author:
        return Author(user, self.name, self.admin, self.language, standing=self.standing)


@dataclass(frozen=True, slots=True)
class Workspace:
    """Who we are there: `installation` is the enterprise's id for an org-wide install, else the team's."""

    installation: str
    bot: str


def installation_of(body: Event) -> str:
    """From the authorization, not from the event: in a channel shared between workspaces the event may name the other one."""
    authorizations = body.get("authorizations") or [body]
    first = authorizations[0]
    if first.get("is_enterprise_install") in (True, "true"):
        enterprise = first.get("enterprise_id") or (first.get("enterprise") or {}).get("id")
        return str(enterprise)
    team = first.get("team_id") or (first.get("team") or {}).get("id") or body.get("team_id")
    return str(team)


def moment(ts: str) -> datetime:
    """The time of a Slack timestamp, to the microsecond: a text of digits, never a float."""
    seconds, _, fraction = ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC) + timedelta(
        microseconds=int(fraction.ljust(6, "0")[:6] or 0)
    )


def by_a_person(event: Event) -> bool:
    """Whether a person wrote it: no bot, no workflow, no app, not Slack itself."""
    ours = event.get("bot_id") or event.get("app_id") or event.get("bot_profile")
    return bool(event.get("user")) and not ours and event["user"] != "USLACKBOT"


def mentions_bot(event: Event, bot: str) -> bool:
    return bot in user_ids(event.get("text") or "")


def place_of(workspace: Workspace, channel: str, event: Event) -> Place:
    """The place of a message: a thread only for what is said under a root, not for the root itself."""
    thread = event.get("thread_ts") or ""
    return Place(PLATFORM, workspace.installation, channel, thread if thread != event.get("ts") else "")


def incoming(
    workspace: Workspace,
    channel: str,
    event: Event,
    person: Person,
    names: Mapping[str, str],
    *,
    direct: bool,
    in_thread: bool,
    revision: str = "",
) -> Incoming:
    """A message of a person's. `event` is the message itself, also for an edit. `in_thread`: its answer appears under it."""
    place, ts = place_of(workspace, channel, event), str(event["ts"])
    opens = in_thread and not place.thread
    thread = place.thread or (ts if opens else "")
    address: dict[str, Any] = {
        "v": 1,
        "team": workspace.installation,
        "channel": channel,
        "thread": thread,
        "question": ts,
        "user": event["user"],
    }
    if opens:
        address["opens_thread"] = ts
    return Incoming(
        place=place,
        message=ts,
        author=person.author(str(event["user"])),
        content=_content(event, workspace.bot, names),
        address=address,
        sent_at=moment(ts),
        mentioned=mentions_bot(event, workspace.bot),
        direct=direct,
        revision=revision,
        branched_at=moment(place.thread) if place.thread else None,
        named={
            f"@{names[user]}": f"<@{user}>" for user in user_ids(event.get("text") or "") if user in names
        },
        called=mentions_bot(event, workspace.bot),
        about=linked(event.get("text") or ""),
    )


def invocation(body: Event, person: Person, installation: str) -> Invocation:
    """A slash command: `/rejoinder reset`, or `/reset` itself. Slack has none inside threads."""
    words = str(body.get("text") or "").split(maxsplit=1)
    verb = str(body["command"]).removeprefix("/")
    if verb == "rejoinder":
        verb, words = (words[0].lower() if words else "help"), words[1:]
    channel = str(body["channel_id"])
    return Invocation(
        key=f"slack:{body['trigger_id']}",
        place=Place(PLATFORM, installation, channel),
        author=person.author(str(body["user_id"])),
        verb=verb,
        argument=" ".join(words),
        direct=channel.startswith("D"),
        about=linked(" ".join(words)),
    )


def pressed(body: Event, person: Person, installation: str) -> Invocation:
    """A button under one of our messages."""
    message, channel = body.get("message") or {}, str(body["channel"]["id"])
    action = body["actions"][0]
    place = place_of(Workspace(installation, ""), channel, message)
    return Invocation(
        key=f"slack:{body['trigger_id']}",
        place=place,
        author=person.author(str(body["user"]["id"])),
        verb=str(action["action_id"]),
        direct=channel.startswith("D"),
    )


def _content(event: Event, bot: str, names: Mapping[str, str]) -> tuple[Part, ...]:
    text = readable(event.get("text") or "", bot, names)
    parts: list[Part] = [Text(text)] if text else []
    for file in event.get("files") or ():
        if file.get("mode") == "tombstone":  # its owner took it away
            continue
        reference = {"id": file.get("id", "")}
        name = str(file.get("name") or file.get("title") or "file")
        parts.append(File(name, str(file.get("mimetype") or ""), int(file.get("size") or 0), reference))
    return tuple(parts)
