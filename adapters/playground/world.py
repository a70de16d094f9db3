"""The playground's world: what people and the bot can do there. Each verb checks, then writes one record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from adapters.playground.state import Record, State
from adapters.playground.values import BOT, MOST_TEXT, Channel, Message, Person, Read, Refused, dump
from bot.ports import Clock

MOST_PEOPLE = MOST_CHANNELS = 100


class World(State):
    """The state with its verbs. `listeners` are told of every record once it took effect; the first one
    stores it."""

    def __init__(self, clock: Clock, identity: str) -> None:
        super().__init__(identity)
        self.clock = clock
        self.listeners: list[Callable[[Record], None]] = []

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(person.name for person in self.people.values())

    def person(self, id: str) -> Person:
        if id not in self.people or id == BOT:
            raise Refused("no_such_person", "There is no such person here.", 404)
        return self.people[id]

    def channel(self, id: str, viewer: str = "") -> Channel:
        """The channel, if `viewer` (when given) may see it."""
        channel = self.channels.get(id)
        if channel is None or (viewer and channel.person not in ("", viewer)):
            raise Refused("no_such_channel", "There is no such channel here.", 404)
        return channel

    def message(self, id: int, viewer: str = "") -> Message:
        """The message, if it still exists and `viewer` (when given) may see it."""
        message = self.messages.get(id)
        if message is None or message.deleted or (viewer and not self.visible(message, viewer)):
            raise Refused("no_such_message", "This message no longer exists.", 404)
        return message

    def root(self, channel: str, id: int, viewer: str = "") -> Message:
        """The message a thread hangs on; it may have been deleted since."""
        root = self.messages.get(id)
        wrong = root is None or root.channel != channel or root.thread or root.only_for
        if root is None or wrong or (viewer and not self.visible(root, viewer)):
            raise Refused("no_such_thread", "There is no such thread here.", 404)
        return root

    def visible(self, message: Message, viewer: str) -> bool:
        return self.channels[message.channel].person in ("", viewer) and message.only_for in ("", viewer)

    def add_person(self, name: str, *, admin: bool = False, language: str = "", id: str = "") -> Person:
        """A person, and the direct conversation of that person with the bot."""
        name = _name(name, "a name", 40)
        if name.casefold() in (person.name.casefold() for person in self.people.values()):
            raise Refused("taken", f"There is already somebody called {name}.", 409)
        if len(self.people) >= MOST_PEOPLE:
            raise Refused("too_many", f"There are {MOST_PEOPLE} people here already.", 409)
        id = id or _identity(name, "person", self.people)
        self._record("person", dump(Person(id, name, admin, language)))
        if id != BOT:
            self._record("channel", dump(Channel(f"dm-{id}", self.people[BOT].name, person=id)))
        return self.people[id]

    def add_channel(self, name: str, topic: str = "") -> Channel:
        slug = re.sub(r"\W+", "-", _name(name, "a channel's name", 40).lower()).strip("-_")
        if not slug:
            raise Refused("no_name", "A channel's name needs a letter or a digit.")
        channels = [channel for channel in self.channels.values() if not channel.person]
        if slug in (channel.name for channel in channels):
            raise Refused("taken", f"There is already a channel called {slug}.", 409)
        if len(channels) >= MOST_CHANNELS:
            raise Refused("too_many", f"There are {MOST_CHANNELS} channels here already.", 409)
        id = _identity(slug, "channel", self.channels)
        self._record("channel", dump(Channel(id, slug, _plain(topic)[:200])))
        return self.channels[id]

    def post(self, message: Message) -> Message:
        """Say something; `id`, `sent_at` and `seq` are set here. An author's same nonce is the same
        message."""
        known = self.named(message.author, message.nonce) if message.nonce else None
        if known is not None:
            return known
        self.channel(message.channel)
        if message.thread:
            self.root(message.channel, message.thread)
        text = _text(message.text, silent=bool(message.attached))
        posted = replace(message, id=self.last + 1, sent_at=self.clock(), text=text, seq=0)
        self._record("post", dump(posted))
        return self.messages[posted.id]

    def edit(self, id: int, text: str, *, by: str) -> Message:
        """A person changes what they said."""
        message = self.message(id, by)
        if message.author != by:
            raise Refused("not_yours", "Only its author can edit a message.", 403)
        text = _text(text, silent=bool(message.attached))
        if text != message.text:
            self._record("edit", {"id": id, "text": text, "at": self.clock().isoformat()})
        return self.messages[id]

    def grow(self, id: int, text: str, *, open: bool, buttons: Sequence[str] = ()) -> Message:
        """The bot changes what it said. Of a text that only grew, the end is recorded."""
        message = self.message(id)
        text = _text(text)
        longer = text.startswith(message.text)
        words = {"more": text[len(message.text) :]} if longer else {"text": text}
        if (text, open, tuple(buttons)) != (message.text, message.open, message.buttons):
            self._record("grow", {"id": id, "open": open, "buttons": list(buttons), **words})
        return self.messages[id]

    def delete(self, id: int, *, by: str = "") -> None:
        """The author may, and an admin, and whoever alone sees it; without `by` it is the bot that does."""
        message = self.message(id, by)
        if by and by not in (message.author, message.only_for) and not self.person(by).admin:
            raise Refused("not_yours", "Only its author or an admin can delete a message.", 403)
        self._record("delete", {"id": id, "at": self.clock().isoformat()})

    def read(self, person: str, channel: str, thread: int, message: int) -> None:
        """The person has seen everything there up to this message."""
        place = f"{channel}/{thread}" if thread else channel
        known = self.reads.get((person, place))
        if (known.message if known else 0) < message <= self.last:
            self._record("read", dump(Read(person, place, message)))

    def taken(self, number: int) -> None:
        """The bot has taken this pending event."""
        self._record("taken", {"number": number})

    def _record(self, do: str, values: Record) -> None:
        record = {"seq": self.seq + 1, "do": do, **values}
        self.apply(record)
        for listener in self.listeners:
            listener(record)


def furnish(world: World, bot: str) -> None:
    """What a new world holds."""
    world.add_person(bot, id=BOT)
    world.add_person("Ada")
    world.add_person("Grace", admin=True)
    world.add_person("Lin", language="zh-CN")
    world.add_channel("general", "Everything and nothing")
    world.add_channel("random", "Off topic is on topic")


def _text(text: str, *, silent: bool = False) -> str:
    """What may be said: not empty (unless `silent`, with a file), not too long, no half characters, no control characters but tabs and new
    lines."""
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", "", text.replace("\r\n", "\n")).rstrip()
    if not text.strip() and not silent:
        raise Refused("empty", "There is nothing to say.")
    if len(text) > MOST_TEXT:
        why = f"A message has at most {MOST_TEXT:,} characters; this one has {len(text):,}."
        raise Refused("too_long", why)
    return text


def _plain(text: str) -> str:
    """One line of clean text."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", " ", text).split())


def _name(name: str, what: str, most: int) -> str:
    name = _plain(name)
    if not name or len(name) > most or re.search(r"[@`<>]", name):
        why = f"{what.capitalize()} has 1 to {most} characters, none of them @, ` or a bracket."
        raise Refused("no_name", why)
    return name


def _identity(name: str, kind: str, taken: Iterable[str]) -> str:
    """An id that reads like the name where that is possible."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if slug and slug not in taken:
        return slug
    number = 2
    while f"{slug or kind}-{number}" in taken:
        number += 1
    return f"{slug or kind}-{number}"
