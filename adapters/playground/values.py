"""The playground's nouns, and how they stand in a JSON file.

`seq` is the number of the change that last touched the thing: whoever has seen all changes up to some number
needs only the things with a higher one.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

MOST_TEXT: Final = 4_000
"""Characters in a message."""

BOT: Final = "rejoinder"
"""The bot's own id among the people."""


ANSWER_FILE: Final = "answer.md"
ANSWER_TYPE: Final = "text/markdown"


NOT_YET: Final = datetime.min.replace(tzinfo=UTC)


class Refused(Exception):
    """The playground does not do that. `status` is the HTTP status that says so, `code` names the reason."""

    def __init__(self, code: str, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.code, self.why, self.status = code, why, status


@dataclass(frozen=True, slots=True)
class Person:
    """`language` is a BCP 47 tag, or empty."""

    id: str
    name: str
    admin: bool = False
    language: str = ""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Channel:
    """`person` is set for the direct conversation of that person with the bot."""

    id: str
    name: str
    topic: str = ""
    person: str = ""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with what a person said: its bytes are in a folder, under `id`."""

    id: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Message:
    """Something said. Ids increase with time; id and time are given when it is posted.

    `thread` is the root's id for a reply in a thread, `reply_to` the message that is answered, `only_for` the
    one person who sees a private notice, `about` the command that led to it. `open` means that it still
    grows. `file` is what hangs on it, as text, or in base64 where `file_type` is none of text's. `attached` are the files of people. A
    deleted message stays only where a thread hangs on it.
    """

    channel: str
    author: str
    text: str
    id: int = 0
    sent_at: datetime = NOT_YET
    thread: int = 0
    reply_to: int = 0
    only_for: str = ""
    about: str = ""
    nonce: str = ""
    turn: int = 0
    buttons: tuple[str, ...] = ()
    open: bool = False
    file: str = ""
    file_name: str = ANSWER_FILE
    file_type: str = ANSWER_TYPE
    attached: tuple[Attachment, ...] = ()
    edits: int = 0
    deleted: bool = False
    seq: int = 0

    @property
    def file_data(self) -> bytes:
        return self.file.encode() if self.file_type.startswith("text/") else b64decode(self.file)


@dataclass(frozen=True, slots=True)
class Pending:
    """Something that happened and that the bot has not taken yet, as it was then. `kind`: said, edited or
    deleted."""

    number: int
    kind: str
    message: int
    channel: str
    author: str
    text: str
    sent_at: datetime
    thread: int = 0
    edits: int = 0
    attached: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """How far a person has read a place (`channel` or `channel/thread`)."""

    person: str
    place: str
    message: int
    seq: int = 0


Thing = Person | Channel | Message | Pending | Read
T = TypeVar("T", Person, Channel, Message, Pending, Read)


def dump(thing: Thing) -> dict[str, Any]:
    """As JSON, without what is as it is by default."""
    defaults = {field.name: field.default for field in fields(thing)}
    plain = {name: value for name, value in asdict(thing).items() if value != defaults[name]}
    if "sent_at" in plain:
        plain["sent_at"] = plain["sent_at"].isoformat()
    return plain


def load(kind: type[T], plain: dict[str, Any]) -> T:
    """The reverse of `dump`; fields of a newer version are left aside."""
    known = {field.name for field in fields(kind)}
    values = {name: value for name, value in plain.items() if name in known}
    if "sent_at" in values:
        values["sent_at"] = datetime.fromisoformat(values["sent_at"])
    if "attached" in values:
        values["attached"] = tuple(Attachment(**file) for file in values["attached"])
    if "buttons" in values:
        values["buttons"] = tuple(values["buttons"])
    return kind(**values)
