"""Posting, editing, deleting and reacting: what happens to the state and which events tell of it.

Nothing here asks whether the caller may do it; the REST routes ask before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from . import message_payloads, payloads
from .errors import Json
from .membership import enter_thread
from .mentions import EVERYTHING, Allowed, mentions_in, notified
from .message import (
    NO_FLAGS,
    Attachment,
    Interaction,
    Mentions,
    Message,
    MessageFlag,
    MessageKind,
    Revision,
)
from .model import Channel, User
from .world import Event, Intent, World


@dataclass
class Draft:
    """A message about to be posted; `answers` is the message it replies to."""

    channel: Channel
    author: User
    content: str = ""
    kind: MessageKind = MessageKind.DEFAULT
    flags: MessageFlag = NO_FLAGS
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    answers: Message | None = None
    allowed: Allowed = EVERYTHING
    nonce: str | int | None = None
    interaction: Interaction | None = None


def post(world: World, draft: Draft) -> Message:
    """Post it: the channel shows it, those it mentions are pinged, and the bot hears of it."""
    if draft.channel.deleted:
        raise ValueError(f"{draft.channel.name} was deleted")
    message = Message(
        world.ids.next(),
        draft.channel,
        draft.author,
        world.clock.time(),
        content=draft.content.strip(),
        kind=MessageKind.REPLY if draft.answers else draft.kind,
        flags=draft.flags,
        embeds=draft.embeds,
        components=numbered(draft.components),
        attachments=draft.attachments,
        reference=(draft.answers.channel, draft.answers.id) if draft.answers else None,
        nonce=draft.nonce,
        interaction=draft.interaction,
    )
    answered = draft.answers.author if draft.answers else None
    message.mentions = _mentions(world, message, draft.allowed, answered)
    silent = message.ephemeral or message.kind is MessageKind.THREAD_CREATED
    message.pings = Mentions() if silent else notified(message.mentions, draft.channel, draft.author)
    message.revisions.append(Revision(message.created_at, message.text))
    enter_thread(world, draft.channel, draft.author)
    draft.channel.messages[message.id] = world.messages[message.id] = message
    if message.ephemeral:
        world.changed()
    else:
        draft.channel.last_message_id = message.id
        world.tell(message_event(world, "MESSAGE_CREATE", message))
    return message


@dataclass
class Changes:
    """What an edit sets; None leaves it as it is."""

    content: str | None = None
    embeds: list[Json] | None = None
    components: list[Json] | None = None
    attachments: list[Attachment] | None = None
    flags: MessageFlag | None = None
    allowed: Allowed = EVERYTHING


def revise(world: World, message: Message, changes: Changes, *, stamped: bool = True) -> None:
    """Edit it. Mentions are read again, but nobody is pinged. `stamped=False` leaves no "(edited)" mark."""
    if changes.content is not None:
        message.content = changes.content.strip()
    if changes.embeds is not None:
        message.embeds = changes.embeds
    if changes.components is not None:
        message.components = numbered(changes.components)
    if changes.attachments is not None:
        message.attachments = changes.attachments
    if changes.flags is not None:
        message.flags = changes.flags
    if stamped:
        message.edited_at = world.clock.time()
    if changes.content is not None or changes.components is not None:
        message.mentions = _mentions(world, message, changes.allowed, _answered(message))
    if message.text != message.revisions[-1].content:
        message.revisions.append(Revision(world.clock.time(), message.text))
    if message.ephemeral:
        world.changed()
    else:
        world.tell(message_event(world, "MESSAGE_UPDATE", message))


def remove(world: World, messages: list[Message]) -> None:
    """Delete messages of one channel; several at once are one bulk event."""
    channel = messages[0].channel
    for message in messages:
        message.deleted = True
        channel.messages.pop(message.id, None)
    if messages[0].ephemeral:
        world.changed()
        return
    where = payloads.whereabouts(channel)
    intent = message_intent(channel)
    if len(messages) == 1:
        data = where | {"id": str(messages[0].id)}
        world.tell(Event("MESSAGE_DELETE", data, intent, channel.guild, channel))
    else:
        data = where | {"ids": [str(message.id) for message in messages]}
        world.tell(Event("MESSAGE_DELETE_BULK", data, intent, channel.guild, channel))


def react(world: World, message: Message, user: User, emoji: str, *, added: bool) -> None:
    """Put a reaction under a message or take it away; what is so already changes nothing."""
    who = message.reactions.setdefault(emoji, [])
    if (user in who) is added:
        return
    if added:
        who.append(user)
    else:
        who.remove(user)
    if not who:
        del message.reactions[emoji]
    channel = message.channel
    data: Json = payloads.whereabouts(channel) | {
        "user_id": str(user.id),
        "message_id": str(message.id),
        "emoji": message_payloads.emoji(emoji),
        "burst": False,
        "type": 0,
    }
    if added:
        data["message_author_id"] = str(message.author.id)
        if channel.guild is not None and user.id in channel.guild.members:
            data["member"] = payloads.member(channel.guild.members[user.id])
    name = "MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE"
    intent = Intent.GUILD_REACTIONS if channel.guild else Intent.DIRECT_REACTIONS
    world.tell(Event(name, data, intent, channel.guild, channel))


def message_intent(channel: Channel) -> int:
    """The intent that messages of this channel need."""
    return Intent.GUILD_MESSAGES if channel.guild else Intent.DIRECT_MESSAGES


def message_event(world: World, name: str, message: Message) -> Event:
    """The event that tells of this message as it stands."""
    return Event(
        name,
        message_payloads.message_event(world, message, full=True),
        message_intent(message.channel),
        message.channel.guild,
        message.channel,
        without_content=message_payloads.message_event(world, message, full=False),
        by_bot=message.author is world.bot,
    )


def numbered(components: list[Json]) -> list[Json]:
    """Components with the ids the API gives to those that come without, counted in order."""
    counter = 0

    def number(part: Json) -> Json:
        nonlocal counter
        counter += 1
        copy = dict(part) | {"id": part.get("id") or counter}
        if "components" in part:
            copy["components"] = [number(inner) for inner in part["components"]]
        for name in ("accessory", "component"):
            if isinstance(part.get(name), dict):
                copy[name] = number(part[name])
        return copy

    return [number(part) for part in components]


def _answered(message: Message) -> User | None:
    if message.reference is None or message.kind is not MessageKind.REPLY:
        return None
    channel, number = message.reference
    original = channel.messages.get(number)
    return original.author if original else None


def _mentions(world: World, message: Message, allowed: Allowed, answered: User | None) -> Mentions:
    return mentions_in(
        message.text,
        channel=message.channel,
        author=message.author,
        allowed=allowed,
        people=world.users,
        answered=answered,
    )
