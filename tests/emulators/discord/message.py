"""Messages and interactions: what was said, and what a person sees of an answer to a command or button."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import NamedTuple

from tests.emulators.files import Trap

from .errors import Json
from .model import Channel, Role, User


class MessageKind(IntEnum):
    """Message types."""

    DEFAULT = 0
    USER_JOIN = 7
    THREAD_CREATED = 18
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    THREAD_STARTER = 21
    CONTEXT_MENU_COMMAND = 23


SPOKEN = frozenset(
    {MessageKind.DEFAULT, MessageKind.REPLY, MessageKind.CHAT_INPUT_COMMAND, MessageKind.CONTEXT_MENU_COMMAND}
)
"""Types that somebody wrote; all others are system messages."""


class MessageFlag(IntFlag):
    """Message flags."""

    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    COMPONENTS_V2 = 1 << 15


NO_FLAGS = MessageFlag(0)


class Revision(NamedTuple):
    """What a message said from `time` (seconds since 1970) on."""

    time: float
    content: str


@dataclass(frozen=True)
class Upload:
    """A file somebody posts. With `redirect` its download answers 302 to that address; `trap` is what else goes wrong with it."""

    filename: str
    data: bytes
    content_type: str = "application/octet-stream"
    redirect: str = ""
    trap: Trap = ""


@dataclass(eq=False)
class Attachment:
    """A file as it hangs on a message."""

    id: int
    filename: str
    data: bytes = field(repr=False)
    content_type: str
    description: str | None = None
    redirect: str = ""
    trap: Trap = ""


@dataclass(frozen=True)
class Mentions:
    """Whom a text reaches. False when it reaches nobody."""

    users: frozenset[User] = frozenset()
    roles: frozenset[Role] = frozenset()
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)


@dataclass(eq=False, repr=False)
class Message:
    """A message as it stands now, with everything it said before.

    `pings` are those notified when it was posted; `mentions` are those its present text mentions, which an
    edit can change without notifying anybody.
    """

    id: int
    channel: Channel
    author: User
    created_at: float
    content: str = ""
    kind: MessageKind = MessageKind.DEFAULT
    flags: MessageFlag = NO_FLAGS
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    reference: tuple[Channel, int] | None = None
    nonce: str | int | None = None
    interaction: Interaction | None = None
    thread: Channel | None = None
    pings: Mentions = Mentions()
    mentions: Mentions = Mentions()
    reactions: dict[str, list[User]] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    edited_at: float | None = None
    deleted: bool = False

    @property
    def ephemeral(self) -> bool:
        """Whether only the person who called the bot sees it."""
        return MessageFlag.EPHEMERAL in self.flags

    @property
    def thinking(self) -> bool:
        """Whether it stands as "the bot is thinking"."""
        return MessageFlag.LOADING in self.flags

    @property
    def text(self) -> str:
        """Everything written in it: the content, or the text displays of a Components V2 message."""
        displayed = [str(part["content"]) for part in walk(self.components) if part.get("type") == 10]
        return "\n".join([self.content, *displayed] if self.content else displayed)

    def __repr__(self) -> str:
        state = " deleted" if self.deleted else ""
        return f"<Message {self.id} by {self.author.name} in {self.channel.name}{state}: {self.text!r}>"


def walk(components: list[Json]) -> Iterator[Json]:
    """Every component of a message, containers before what they hold."""
    for part in components:
        yield part
        yield from walk(part.get("components", []))
        for name in ("accessory", "component"):
            if isinstance(part.get(name), dict):
                yield from walk([part[name]])


class InteractionKind(IntEnum):
    """Interaction types."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class Callback(IntEnum):
    """How a bot can answer an interaction first."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


FAILED_TEXT = "This interaction failed"


@dataclass(eq=False, repr=False)
class Interaction:
    """A command, press or submission by a person, and what came back.

    `response` is the message that answers it: a new one, or for updates the one that was pressed.
    """

    id: int
    token: str
    kind: InteractionKind
    user: User
    channel: Channel
    data: Json
    created_at: float
    source: Message | None = None
    callback: Callback | None = None
    acknowledged_at: float | None = None
    response: Message | None = None
    followups: list[Message] = field(default_factory=list)
    modal: Json | None = None
    choices: list[str] | None = None
    failed: bool = False

    @property
    def acknowledged(self) -> bool:
        """Whether the bot said anything in time."""
        return self.callback is not None

    @property
    def deferred(self) -> bool:
        """Whether its first answer was a promise of a later one."""
        return self.callback in (Callback.DEFERRED_MESSAGE, Callback.DEFERRED_UPDATE)

    @property
    def thinking(self) -> bool:
        """Whether the person still waits behind a promise."""
        return self.response is not None and self.response.thinking

    @property
    def ephemeral(self) -> bool:
        """Whether only the caller sees the answer."""
        return self.response is not None and self.response.ephemeral

    @property
    def content(self) -> str | None:
        """What the answer says now; None while there is none, or after it was deleted."""
        if self.response is None or self.response.deleted or self.thinking:
            return None
        return self.response.text

    @property
    def done(self) -> bool:
        """Whether the person has an answer in front of them, or the failure notice."""
        return self.failed or (self.acknowledged and not self.thinking)

    @property
    def shown(self) -> str | None:
        """What the caller reads now, the failure notice included."""
        return FAILED_TEXT if self.failed else self.content

    def __repr__(self) -> str:
        answer = self.callback.name if self.callback else "unanswered"
        return f"<Interaction {self.id} {self.kind.name} by {self.user.name}, {answer}: {self.shown!r}>"
