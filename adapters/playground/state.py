"""What the playground's world holds, and how a record changes it. Pure: the same records, read again, give
the same state.

Every change has a number. `since` names all that changed after some number, so that a page, or a page that
lost its connection, is brought up to date by the things themselves and not by a history of what happened to
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters.playground.values import BOT, Channel, Message, Pending, Person, Read, Thing, dump, load

Record = dict[str, Any]
_KINDS: dict[str, type[Any]] = {
    "person": Person,
    "channel": Channel,
    "message": Message,
    "read": Read,
    "pending": Pending,
}


class State:
    """`seq` counts the changes, `last` is the highest message id; deletions before `floor` are forgotten."""

    def __init__(self, identity: str) -> None:
        self.id = identity
        self.seq = self.floor = self.last = 0
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.reads: dict[tuple[str, str], Read] = {}
        self.pending: dict[int, Pending] = {}
        self._replies: dict[int, dict[int, None]] = {}
        self._tops: dict[str, dict[int, None]] = {}
        self._nonces: dict[tuple[str, str], int] = {}
        self._changed: dict[tuple[str, str], int] = {}

    def named(self, author: str, nonce: str) -> Message | None:
        """The message that was posted with this nonce."""
        return self.messages.get(self._nonces.get((author, nonce), 0))

    def replies(self, root: int) -> Sequence[Message]:
        return [self.messages[id] for id in self._replies.get(root, ())]

    def newest_first(self, channel: str, thread: int = 0, before: int = 0) -> Iterator[Message]:
        """Messages of a channel (without its threads' replies) or of a thread (without its root)."""
        ids = self._replies.get(thread, {}) if thread else self._tops.get(channel, {})
        for id in reversed(ids):
            if not before or id < before:
                yield self.messages[id]

    def since(self, seq: int) -> list[tuple[str, str, int]]:
        """Kind and id of everything that changed after `seq`, with the change's number, oldest first; several
        changes of one thing are one. A thing that is no more was deleted. Below `floor`, deletions are
        missing."""
        found: list[tuple[str, str, int]] = []
        for (kind, id), changed in reversed(self._changed.items()):
            if changed <= seq:
                break
            found.append((kind, id, changed))
        return found[::-1]

    def apply(self, record: Record) -> None:
        """Change the state by one record."""
        self.seq = record["seq"]
        match record["do"]:
            case "person" | "channel" | "read" as kind:
                self._put(load(_KINDS[kind], record))
            case "post":
                message: Message = load(Message, record)
                self._put(message)
                self._touch(message.thread)
                self._expect("said", message, message.sent_at)
            case "edit":
                before = self.messages[record["id"]]
                after = replace(before, text=record["text"], edits=before.edits + 1, seq=self.seq)
                self._put(after)
                self._expect("edited", after, datetime.fromisoformat(record["at"]))
            case "grow":
                before = self.messages[record["id"]]
                text = record["text"] if "text" in record else before.text + record["more"]
                buttons = tuple(record["buttons"])
                self._put(replace(before, text=text, open=record["open"], buttons=buttons, seq=self.seq))
            case "delete":
                self._remove(self.messages[record["id"]], datetime.fromisoformat(record["at"]))
            case "taken":
                self.pending.pop(record["number"], None)

    def snapshot(self) -> Iterator[Record]:
        """Records that give this state again, deletions forgotten."""
        yield {"do": "world", "v": 1, "id": self.id, "seq": self.seq, "last": self.last}
        tables: Sequence[Iterable[Thing]] = (
            self.people.values(),
            self.channels.values(),
            self.messages.values(),
            self.reads.values(),
            self.pending.values(),
        )
        for kind, things in zip(_KINDS, tables, strict=True):
            for thing in things:
                yield {"do": "is", "kind": kind, "thing": dump(thing)}

    def restore(self, records: Iterable[Record]) -> None:
        """Take in a snapshot and the records that followed it."""
        for record in records:
            if record["do"] == "world":
                self.id, self.seq, self.last = record["id"], record["seq"], record["last"]
                self.floor = self.seq
            elif record["do"] == "is":
                self._put(load(_KINDS[record["kind"]], record["thing"]))
            else:
                self.apply(record)
        self._changed = dict(sorted(self._changed.items(), key=lambda item: item[1]))

    def _put(self, thing: Thing) -> None:
        match thing:
            case Person():
                self.people[thing.id] = thing
                self._mark("person", thing.id, thing.seq)
            case Channel():
                self.channels[thing.id] = thing
                self._mark("channel", thing.id, thing.seq)
            case Read():
                self.reads[thing.person, thing.place] = thing
                self._mark("read", f"{thing.person} {thing.place}", thing.seq)
            case Pending():
                self.pending[thing.number] = thing
            case Message():
                self.messages[thing.id] = thing
                self.last = max(self.last, thing.id)
                self._home(thing)[thing.id] = None
                if thing.nonce:
                    self._nonces[thing.author, thing.nonce] = thing.id
                self._mark("message", str(thing.id), thing.seq)

    def _home(self, message: Message) -> dict[int, None]:
        """The ids among which the message's own stands, in order."""
        if message.thread:
            return self._replies.setdefault(message.thread, {})
        return self._tops.setdefault(message.channel, {})

    def _mark(self, kind: str, id: str, seq: int) -> None:
        self._changed.pop((kind, id), None)
        self._changed[kind, id] = seq

    def _touch(self, root: int) -> None:
        """A thread's root shows how many replies it has, and so it changes with them."""
        if root in self.messages:
            self._put(replace(self.messages[root], seq=self.seq))

    def _expect(self, kind: str, what: Message, when: datetime) -> None:
        """The bot is to hear of this, unless it is its own doing."""
        if what.author != BOT:
            self._put(
                Pending(
                    self.seq,
                    kind,
                    what.id,
                    what.channel,
                    what.author,
                    what.text,
                    when,
                    what.thread,
                    what.edits,
                    what.attached,
                )
            )

    def _remove(self, message: Message, when: datetime) -> None:
        self._expect("deleted", replace(message, text="", attached=()), when)
        self._nonces.pop((message.author, message.nonce), None)
        if self._replies.get(message.id):
            stone = replace(message, text="", nonce="", file="", attached=(), buttons=())
            stone = replace(stone, open=False, deleted=True, seq=self.seq)
            self._put(stone)
            return
        del self.messages[message.id]
        self._home(message).pop(message.id, None)
        self._mark("message", str(message.id), self.seq)
        self._touch(message.thread)
