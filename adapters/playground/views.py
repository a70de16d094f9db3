"""What one viewer sees of the world, as JSON for the page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from adapters.playground.chips import chip_view
from adapters.playground.markdown import to_html
from adapters.playground.uploads import MOST_FILES
from adapters.playground.values import BOT, MOST_TEXT, Channel, Message, Person
from adapters.playground.world import World
from bot.ports import Slash

Json = dict[str, Any]
SHOWN: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Pictures of people that the page shows; all other files are only to be saved."""


class Views:
    def __init__(self, world: World, commands: Sequence[Slash]) -> None:
        self._world, self._commands = world, commands

    @property
    def verbs(self) -> list[str]:
        return [command.verb for command in self._commands]

    def state(self, viewer: Person) -> Json:
        """All but the messages."""
        world = self._world
        channels = [channel for channel in world.channels.values() if channel.person in ("", viewer.id)]
        return {
            "world": world.id,
            "seq": world.seq,
            "me": viewer.id,
            "bot": BOT,
            "people": [self.person(person) for person in world.people.values()],
            "channels": [self.channel(channel) | self.unread(viewer, channel) for channel in channels],
            "commands": [
                {"verb": command.verb, "summary": command.summary, "words": len(command.words)}
                for command in self._commands
            ],
            "most": MOST_TEXT,
            "mostFiles": MOST_FILES,
        }

    def person(self, person: Person) -> Json:
        return {
            "id": person.id,
            "name": person.name,
            "admin": person.admin,
            "language": person.language,
            "bot": person.id == BOT,
        }

    def channel(self, channel: Channel) -> Json:
        return {
            "id": channel.id,
            "name": channel.name,
            "topic": channel.topic,
            "direct": bool(channel.person),
        }

    def unread(self, viewer: Person, channel: Channel) -> Json:
        """How far the viewer has read, and how many messages (at most 100 are counted) there are since."""
        read = self.read(viewer.id, channel.id)
        recent = islice(self._world.newest_first(channel.id), 200)
        unread = [
            message
            for message in recent
            if message.id > read and message.author != viewer.id and self._world.visible(message, viewer.id)
        ]
        return {"read": read, "unread": min(100, len(unread))}

    def read(self, viewer: str, place: str) -> int:
        known = self._world.reads.get((viewer, place))
        return known.message if known else 0

    def page(self, viewer: Person, channel: str, thread: int, before: int, most: int) -> Json:
        """The newest `most` messages before `before`, oldest first, and whether there are more."""
        world = self._world
        newest = world.newest_first(channel, thread, before)
        found = list(islice((message for message in newest if world.visible(message, viewer.id)), most + 1))
        place = f"{channel}/{thread}" if thread else channel
        return {
            "messages": [self.message(message, viewer.id) for message in reversed(found[:most])],
            "root": self.message(world.messages[thread], viewer.id) if thread else None,
            "more": len(found) > most,
            "read": self.read(viewer.id, place),
            "seq": world.seq,
        }

    def message(self, message: Message, viewer: str) -> Json:
        world = self._world
        replies = [reply for reply in world.replies(message.id) if world.visible(reply, viewer)]
        return {
            "id": message.id,
            "seq": message.seq,
            "channel": message.channel,
            "thread": message.thread,
            "author": message.author,
            "text": message.text,
            "html": to_html(message.text, world.names, message.open) if message.text else "",
            "sent_at": message.sent_at.isoformat(),
            "edited": message.edits > 0,
            "deleted": message.deleted,
            "open": message.open,
            "private": bool(message.only_for),
            "about": message.about,
            "buttons": [chip_view(chip) for chip in message.buttons],
            "file": self._file(message) if message.file else None,
            "attached": [
                {"id": file.id, "name": file.name, "size": file.size, "picture": file.media_type in SHOWN}
                for file in message.attached
            ],
            "reply_to": self._quote(message.reply_to) if message.reply_to else None,
            "replies": len(replies),
            "last_reply": replies[-1].sent_at.isoformat() if replies else None,
            "repliers": list(dict.fromkeys(reply.author for reply in replies))[:4],
            "unread": self._unread_thread(message, replies, viewer),
        }

    def _file(self, message: Message) -> Json:
        return {"name": message.file_name, "type": message.file_type, "size": len(message.file_data)}

    def _unread_thread(self, root: Message, replies: list[Message], viewer: str) -> bool:
        """Has somebody else replied in a thread that the viewer takes part in?"""
        if viewer not in (root.author, *(reply.author for reply in replies)):
            return False
        read = self.read(viewer, f"{root.channel}/{root.id}")
        return any(reply.id > read and reply.author != viewer for reply in replies)

    def _quote(self, id: int) -> Json:
        """The line above an answer that says what is answered; 0 when that was deleted."""
        message = self._world.messages.get(id)
        if message is None or message.deleted:
            return {"id": 0}
        return {"id": message.id, "author": message.author, "text": " ".join(message.text.split())[:160]}
