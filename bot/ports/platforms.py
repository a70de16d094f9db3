"""The platforms: what an adapter can do, and what it may ask of the bot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from bot.chat import File, Incoming, Invocation, Place, Posted, Turn


class Button(StrEnum):
    """What can be pressed under an answer. EARLIER and LATER lead to other answers to the same question."""

    STOP = "stop"
    RETRY = "retry"
    CONTINUE = "continue"
    REGENERATE = "regenerate"
    UP = "up"
    DOWN = "down"
    EARLIER = "earlier"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Control:
    """A button as it stands under that version of an answer. `mark` says where it leads (`2/3`); `chosen`: what it says holds."""

    button: Button
    version: int
    mark: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed, under which version of which turn's answer."""

    button: Button
    turn: int
    version: int


class Reply(Protocol):
    """An answer on its way to a platform. It paces, splits and records its messages itself.

    `update` and `finish` take the whole text so far, `kept` included: any update may be skipped, a later one replaces an
    earlier one. `kept` is the text of the parts that an earlier attempt finished; a new answer continues after it.

    Texts come, and are recorded, with placeholders: `originals` says what stands in their place where the answer is shown. It may
    grow, but has those of a text before that text comes.
    """

    kept: str
    originals: dict[str, str]

    def start(self) -> None:
        """Show that the bot is at work (typing, a status). Returns at once."""

    def wait(self, notice: str) -> None:
        """Say why the answer has not begun yet, where nothing of it is shown. Returns at once; whatever comes next takes its place."""

    def update(self, text: str) -> None:
        """The answer has grown. Returns at once."""

    async def finish(self, text: str, *, buttons: Sequence[Control] = ()) -> None:
        """The answer is whole: returns when all of it is shown. Raises `DeliveryError` when it can't be."""

    async def fail(self, notice: str, *, buttons: Sequence[Control] = ()) -> None:
        """End with a notice, below whatever is already shown. Returns when it is shown."""

    async def withdraw(self) -> None:
        """Remove what was posted: the question is gone."""

    async def abandon(self) -> None:
        """Stop at once and touch nothing more: the turn belongs to another."""


class Journal(Protocol):
    """The record of one turn's messages, kept by whoever holds its lease (else `LeaseLost`)."""

    @property
    def parts(self) -> Sequence[Posted]: ...

    def check(self) -> None:
        """To be asked right before anything is shown. Raises `LeaseLost` when the lease may have ended by now, as far as a clock tells."""

    async def intend(self, index: int, nonce: str) -> None: ...

    async def posted(self, index: int, message: str) -> bool:
        """False when another turn has that message for its own: then nothing is written. Whoever writes first has it."""

    async def finished(self, index: int, text: str) -> None: ...

    async def removed(self, index: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file's bytes, whole. `name` and `media_type` are told where the message itself did not tell them."""

    data: bytes
    name: str = ""
    media_type: str = ""


class Adapter(Protocol):
    """A platform. `run` serves until cancelled; each time it is connected it calls `ready` with one line that says to what."""

    platform: str

    async def run(self, ready: Callable[[str], None]) -> None: ...

    def reply(self, turn: Turn, journal: Journal) -> Reply: ...

    async def whisper(self, turn: Turn, notice: str) -> bool:
        """Tell only the asker, beside the answer; False where the platform has no such way (then the bot stays silent or
        says it openly, as the notice demands)."""

    async def announce(self, place: Place, notice: str) -> None:
        """Say something of the bot's own in a channel, to all. Raises `DeliveryError`."""

    async def fetch(self, file: File, most: int, seconds: float) -> Fetched:
        """A file that came with a message, of at most so many bytes, from the platform's own hosts and from nowhere else.
        Raises `Unreadable`."""

    async def stop(self) -> None:
        """Take in nothing more; what is running may still be answered."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Word:
    """One argument of a slash command, for platforms that ask for each by itself. `choices` are all there are; else `proposed` ones
    come while somebody types (`Reception.complete`). A `flag` is given or not, and said as `--name`; one that is `named` is said
    as `--name VALUE`."""

    name: str
    summary: str = ""
    choices: tuple[str, ...] = ()
    proposed: bool = False
    flag: bool = False
    named: bool = False


@dataclass(frozen=True, slots=True)
class Slash:
    """A command as platforms list it."""

    verb: str
    summary: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """Something to fill in: one of `choices` where there are any, else a text of at most `most` characters."""

    name: str
    label: str
    hint: str
    value: str
    choices: tuple[str, ...] = ()
    most: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """What a platform shows as a dialogue: all `fields`, or one of them; always with those that say how it is meant (`manner`)."""

    name: str
    title: str
    submit: str
    fields: tuple[Field, ...]
    manner: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """A button, or a menu, that opens a form: `fields` are the names and labels of what can be filled in there."""

    form: str
    label: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A button that gives a command."""

    label: str
    verb: str
    argument: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of the bot's own making. It is made anew when it is asked for again, so that nobody keeps it."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """What the bot says itself in answer to a command. `private` is for the asker's eyes only; an `offer` is for those platforms
    that have forms, beside words that are private. `files` reach the asker alone, whatever the platform: so the words that go with
    them have to be private (else `ValueError`). `shortcut` is a button beside private words. `apart`: nobody else is to see these words,
    so that they go by direct message where the platform has no private ones."""

    text: str
    private: bool = True
    offer: Offer | None = None
    files: tuple[Attached, ...] = ()
    shortcut: Shortcut | None = None
    apart: bool = False

    def __post_init__(self) -> None:
        if self.files and not self.private:
            raise ValueError("files are for the asker alone")


@dataclass(frozen=True, slots=True)
class Pressed:
    """What comes of a pressed button: something to say to whoever pressed it, and the row of buttons as it shall look from now on
    (None: as it is), in the `language` of the one who asked."""

    said: Said | None = None
    row: tuple[Control, ...] | None = None
    language: str = ""


class Outcome(StrEnum):
    """What became of something said, for the adapter (all but FAULT mean: acknowledge) and for the curious."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    COMMAND = "command"
    NOT_ADDRESSED = "not_addressed"
    EMPTY = "empty"
    CROWDED = "crowded"
    BLOCKED = "blocked"
    NOT_ADMITTED = "not_admitted"
    DENIED = "denied"
    NOT_HERE = "not_here"
    NO_DIRECT = "no_direct"
    GUEST = "guest"
    EXTERNAL = "external"
    UNKNOWN_PERSON = "unknown_person"
    MENTION_ONLY = "mention_only"
    OPTED_OUT = "opted_out"
    UNKNOWN_EDIT = "unknown_edit"
    TOO_OLD = "too_old"
    LEFT_OUT = "left_out"
    COMMAND_MISSED = "command_missed"


REFUSED: Final = frozenset(
    {
        Outcome.NOT_ADMITTED,
        Outcome.DENIED,
        Outcome.NOT_HERE,
        Outcome.NO_DIRECT,
        Outcome.GUEST,
        Outcome.EXTERNAL,
        Outcome.UNKNOWN_PERSON,
        Outcome.MENTION_ONLY,
        Outcome.OPTED_OUT,
    }
)
"""Somebody is not answered because of who they are, or where: what is said of it is for them alone, or for nobody."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """`said` is what the adapter has to say at once at the message's address (a command's answer, a full queue)."""

    outcome: Outcome
    said: Said | None = None


class Reception(Protocol):
    """Where adapters hand in what happened on their platform. When a call returns, it is committed: acknowledge then.

    A `StoreUnavailable` must not be acknowledged.
    """

    async def answers_in_thread(self, place: Place) -> bool:
        """Whether answers to what is said in that channel appear in a thread under the question."""

    async def said(self, incoming: Incoming) -> Receipt: ...

    async def edited(self, incoming: Incoming) -> Receipt: ...

    async def missed(
        self, found: Sequence[Incoming], *, back: datetime, not_before: datetime, most: int
    ) -> int:
        """What the history of a place holds of a time when nobody listened: questions are taken in like any others, but nothing
        older than `not_before`, and not more than `most`, of which the newest; an edit of what is known counts. What was said since
        somebody is `back` is delivered, too. Nothing is said at once, and no command is run so late. Returns how many questions were
        taken in."""

    async def deleted(self, place: Place, message: str) -> None: ...

    async def invoked(self, invocation: Invocation) -> Said: ...

    async def complete(self, invocation: Invocation) -> Sequence[str]:
        """What the argument that is being typed could become, whole."""

    async def form(self, invocation: Invocation) -> Form | Said:
        """The form that the verb names, or why this person does not get it."""

    async def submitted(self, invocation: Invocation, values: Mapping[str, str]) -> Said | Mapping[str, str]:
        """The verb's form was filled in: `values` are those that were changed. Nothing is done, and it is told what is wrong by
        field, when one of them can't be."""

    async def pressed(self, invocation: Invocation, press: Press) -> Pressed: ...

    async def stopped(self, invocation: Invocation, root: str) -> Said | None:
        """The platform's own Stop was pressed in that thread, which hangs on the message `root`: what that person has asked there,
        the root included, is answered no further; where an admin pressed it, nothing is."""

    async def removed(self, platform: str, installation: str) -> None:
        """The bot was uninstalled or its token revoked there: stop everything for that installation."""
