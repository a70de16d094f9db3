"""What the engine needs from outside, as narrow capabilities. Stores live in `storage/`, replies in `adapters/`,
providers in `bot/providers/`; the fakes in `tests/fakes.py` really work and need no inheritance either.

Every store verb is one transaction. A database that does not answer raises `StoreUnavailable`; nothing else of it shows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from bot.chat import (
    Cancel,
    Content,
    Delta,
    Exchange,
    Finish,
    Incoming,
    Invocation,
    Mark,
    Note,
    Observation,
    Pin,
    Place,
    Posted,
    Prompt,
    Quota,
    Size,
    State,
    Summary,
    Turn,
    Usage,
)

Clock = Callable[[], datetime]
"""Now, in UTC with zone."""


# ---- the model ---------------------------------------------------------------------------------------------------


class Provider(Protocol):
    """One API of one vendor. `stream` raises only `ProviderError`s; closing the iterator closes the connection."""

    name: str

    @property
    def quota(self) -> Quota:
        """What it last said of its own limits."""

    def stream(self, prompt: Prompt) -> AsyncIterator[Delta]: ...

    async def aclose(self) -> None: ...


# ---- the platforms -----------------------------------------------------------------------------------------------


class Button(StrEnum):
    """What can be pressed under an answer."""

    STOP = "stop"
    RETRY = "retry"
    CONTINUE = "continue"


class Reply(Protocol):
    """An answer on its way to a platform. It paces, splits and records its messages itself.

    `update` and `finish` take the whole text so far, `kept` included: any update may be skipped, a later one replaces an
    earlier one. `kept` is the text of the parts that an earlier attempt finished; a new answer continues after it.
    """

    kept: str

    def start(self) -> None:
        """Show that the bot is at work (typing, a status). Returns at once."""

    def wait(self, notice: str) -> None:
        """Say why the answer has not begun yet, where nothing of it is shown. Returns at once; whatever comes next takes its place."""

    def update(self, text: str) -> None:
        """The answer has grown. Returns at once."""

    async def finish(self, text: str, *, buttons: Sequence[Button] = ()) -> None:
        """The answer is whole: returns when all of it is shown. Raises `DeliveryError` when it can't be."""

    async def fail(self, notice: str, *, buttons: Sequence[Button] = ()) -> None:
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

    async def posted(self, index: int, message: str) -> None: ...

    async def finished(self, index: int, text: str) -> None: ...

    async def removed(self, index: int) -> None: ...


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
class Said:
    """What the bot says itself in answer to a command. `private` is for the asker's eyes only; an `offer` is for those platforms
    that have forms, beside words that are private."""

    text: str
    private: bool = True
    offer: Offer | None = None


class Outcome(StrEnum):
    """What became of something said, for the adapter (all but FAULT mean: acknowledge) and for the curious."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    COMMAND = "command"
    NOT_ADDRESSED = "not_addressed"
    EMPTY = "empty"
    CROWDED = "crowded"
    NOT_ADMITTED = "not_admitted"
    UNKNOWN_EDIT = "unknown_edit"
    TOO_OLD = "too_old"
    LEFT_OUT = "left_out"
    COMMAND_MISSED = "command_missed"


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

    async def missed(self, found: Sequence[Incoming], *, not_before: datetime, most: int) -> int:
        """What the history of a place holds of a time when nobody listened: questions are taken in like any others, but nothing
        older than `not_before`, and not more than `most`, of which the newest; an edit of what is known counts. Nothing is said at
        once, and no command is run so late. Returns how many questions were taken in."""

    async def deleted(self, place: Place, message: str) -> None: ...

    async def invoked(self, invocation: Invocation) -> Said: ...

    async def complete(self, invocation: Invocation) -> Sequence[str]:
        """What the argument that is being typed could become, whole."""

    async def form(self, invocation: Invocation) -> Form | Said:
        """The form that the verb names, or why this person does not get it."""

    async def submitted(self, invocation: Invocation, values: Mapping[str, str]) -> Said | Mapping[str, str]:
        """The verb's form was filled in: `values` are those that were changed. Nothing is done, and it is told what is wrong by
        field, when one of them can't be."""

    async def pressed(self, invocation: Invocation, turn: int, button: Button) -> Said | None: ...

    async def stopped(self, invocation: Invocation, root: str) -> Said | None:
        """The platform's own Stop was pressed in that thread, which hangs on the message `root`: what that person has asked there,
        the root included, is answered no further; where an admin pressed it, nothing is."""

    async def removed(self, platform: str, installation: str) -> None:
        """The bot was uninstalled or its token revoked there: stop everything for that installation."""


# ---- the stores --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """`created` is False for a redelivery. `position` is how many unfinished turns of that person stand before it."""

    turn: int
    created: bool
    position: int = 0


class Pulse(StrEnum):
    """What a renewed lease finds."""

    MINE = "mine"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Renewal:
    pulse: Pulse
    cancel: Cancel | None = None


class Topic(StrEnum):
    """What a signal is about."""

    TURNS = "turns"
    PREFERENCES = "preferences"
    LIMITS = "limits"


@dataclass(frozen=True, slots=True)
class Signal:
    """Something changed. About turns: there may be work (`turn` is None), or that turn was called off."""

    turn: int | None = None
    cancel: Cancel | None = None
    topic: Topic = Topic.TURNS


class Inbox(Protocol):
    """Accepted turns, and who is answering them (`storage/turns.py`)."""

    async def accept(
        self,
        incoming: Incoming,
        content: Content,
        *,
        masked: Sequence[str],
        size: Size,
        counter: str,
        now: datetime,
        queue: int,
    ) -> Accepted | None:
        """Write the turn, once per key. `content` is the filtered one; None when the person already has `queue` waiting there."""

    async def amend(
        self,
        incoming: Incoming,
        content: Content,
        *,
        masked: Sequence[str],
        size: Size,
        counter: str,
        now: datetime,
    ) -> Accepted | None:
        """The question was edited: a new version, answered again in the same messages. None when no such turn is known;
        `created` is False when this or a later revision was taken already, or the words are the same. A running answer is called
        off with EDITED and begun anew when its worker has released it (or its lease has ended)."""

    async def retry(self, turn: int, author: str | None, now: datetime) -> bool:
        """Ask a finished turn again (new version, attempts at zero), if it belongs to `author` (None: anybody's)."""

    async def go_on(self, turn: int, author: str | None, now: datetime) -> bool:
        """Have a finished turn's answer gone on with where it ended (in the same messages, attempts at zero), if it has one and belongs
        to `author` (None: anybody's)."""

    async def claim(
        self, owner: str, now: datetime, lease: timedelta, *, abreast: int, attempts: int
    ) -> Turn | None:
        """Lease the oldest turn that may run: waiting, or running with its lease ended; with no earlier unfinished turn of the
        same person in the same conversation; with fewer than `abreast` running in that conversation. One that has been claimed
        `attempts` times already is handed out once more, to be failed."""

    async def renew(self, turn: int, owner: str, until: datetime) -> Renewal: ...

    async def release(self, turn: int, owner: str) -> None:
        """Give an unfinished turn back, untouched, to be claimed again at once (draining); not counted as an attempt."""

    async def answered(
        self, turn: int, owner: str, answer: str, size: Size, counter: str, finish: Finish
    ) -> None:
        """The answer is whole (still to be shown)."""

    async def close(
        self, turn: int, owner: str, state: State, *, error: str = "", reference: str = "", now: datetime
    ) -> None:
        """The turn is over, and shown to be."""

    def journal(self, turn: Turn, owner: str) -> Journal: ...

    async def cancel(
        self,
        reason: Cancel,
        *,
        turn: int | None = None,
        place: Place | None = None,
        message: str | None = None,
        author: str | None = None,
    ) -> int:
        """Call off unfinished turns: one by its id (only `author`'s, when given), one by its message, or all of a place.
        A waiting turn is over at once; a running one when its worker has let go. DELETED also forgets the words, of finished turns
        too. Returns how many were unfinished."""

    async def interrupt(self, turn: int) -> int:
        """Call off what is being answered of the same person in the same conversation, if it was asked before that turn; how many."""

    async def once(self, key: str, now: datetime) -> bool:
        """True the first time this key is seen (commands and buttons, which may be delivered twice)."""

    async def seen(self, key: str) -> bool:
        """Has `once` been asked for this key?"""

    async def known(self, keys: Sequence[str]) -> Collection[str]:
        """Those of the keys that a turn bears, or that `once` was asked for."""

    async def void_leases(self) -> int:
        """For the only process there is, at its start: whatever is leased has been left behind. Returns how many turns."""

    async def unfinished(self) -> Sequence[Waiting]: ...

    def signals(self) -> AsyncIterator[Signal]:
        """Wake-ups from this and from other processes, until closed. Never raises for a lost connection: it reconnects."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of `python -m bot turns`: unfinished, or failed with the `error` and the `reference` that its person was given."""

    turn: int
    place: Place
    state: State
    age: timedelta
    owner: str
    attempts: int
    error: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of something said that is no turn, or was one already (DUPLICATE). Holds none of its words."""

    place: Place
    message: str
    author: str
    outcome: Outcome
    at: datetime


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a turn stands, and why it came to be one. `before` is how many unfinished turns of its person stand before it."""

    state: State
    asked_at: datetime
    mentioned: bool = False
    direct: bool = False
    masked: tuple[str, ...] = ()
    before: int = 0
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel: Cancel | None = None
    error: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of one thing said: its turn, or the verdict, or both where it came more than once (`times` again)."""

    author: str
    at: datetime
    fate: Fate | None = None
    outcome: Outcome | None = None
    times: int = 0


class Records(Protocol):
    """What became of what was said, for the curious (`storage/records.py`)."""

    async def note(self, verdicts: Sequence[Verdict]) -> None:
        """Keep them for some days. Of one message the last verdict counts, but for DUPLICATE, which is only counted."""

    async def story(self, place: Place, message: str) -> Story | None:
        """Of this message of that place's channel, whatever its thread; of the question, when it is one of the bot's answers."""

    async def latest(self, place: Place, author: str) -> Story | None:
        """Of the last thing that person said there, commands left out; in a channel's threads, too."""

    async def failed(self, since: datetime, most: int) -> Sequence[Waiting]:
        """Turns that failed since then, the newest first."""

    async def sweep(self, now: datetime, most: int) -> int:
        """Remove what has served its time: receipts of deliveries and verdicts, at most `most` of each. Returns how many."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a reset forgot: turns of the epoch that ended."""

    turns: int


class Conversations(Protocol):
    """What was said where (`storage/conversations.py`)."""

    async def following(self, place: Place) -> bool:
        """Does the bot take part in this thread?"""

    async def follow(self, place: Place, on: bool) -> bool:
        """Take part, or leave. True when that changed anything."""

    async def reset(self, place: Place, now: datetime) -> Forgotten:
        """A new epoch, in one statement: for a channel with all its threads, or for the one thread, which then inherits nothing."""

    async def told_trimmed(self, turn: Turn) -> bool:
        """True for one turn per conversation and epoch (again for the same turn): people are told when trimming begins."""

    async def met(self, turn: Turn, now: datetime) -> bool:
        """True for the first turn of this person on this platform's installation (again for the same turn)."""

    async def revoke(self, platform: str, installation: str, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """Turns of one conversation in one epoch, up to a moment (None: to the end); of these only that `message`'s, if one is named."""

    conversation: int
    epoch: int
    until: datetime | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a place can look back upon, the newest stretch first, and how a prompt there begins: with what is pinned, with the gist of
    what was left behind, and then with the turn at `since` (None: with the first there is). `adopted`: a thread has that from its
    channel, and not of its own yet."""

    stretches: tuple[Stretch, ...] = ()
    before: Mark | None = None
    since: Mark | None = None
    summary: Summary | None = None
    pins: tuple[Pin, ...] = ()
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Cached:
    """How much of a prompt the provider had in its cache, as reported for the newest answer."""

    prompt: int
    cached: int


class Memory(Protocol):
    """What is remembered of a place's conversation, and from where on it is told (`storage/memory.py`)."""

    async def beginning(self, place: Place, *, before: Turn | None = None, alone: bool = False) -> Beginning:
        """Of the present epoch, or of that of `before`: the place's own stretch, then, for a thread that inherits, its channel's up to
        the thread's root (`alone`: the root only)."""

    def history(
        self, beginning: Beginning, *, since: Mark | None = None, until: Mark | None = None
    ) -> AsyncIterator[Exchange]:
        """Finished turns that have an answer (also a partial one), newest first: those before `until` (or the question), from `since`
        on. Reads page by page, so that stopping early reads little."""

    async def left_out(self, beginning: Beginning, since: Mark) -> int:
        """How many finished turns stand before that one."""

    async def begin_at(self, turn: Turn, since: Mark, summary: Summary | None) -> None:
        """From now on the turn's conversation is told from there on, in this epoch. It only ever moves on."""

    async def take_summing(self, turn: Turn, now: datetime, until: datetime) -> bool:
        """Be the one to sum up, until then; False where somebody else is at it."""

    async def sum_up(self, turn: Turn, summary: Summary, taken: datetime) -> bool:
        """Remember the gist, and let others sum up again. Not where something was reset or deleted since it was `taken` (until then)."""

    async def pin(self, place: Place, author: str, what: Note | str, now: datetime, most: int) -> Pin | None:
        """Pin a note, or the finished exchange with that message (of either side; empty: the newest); None where there is nothing to
        pin, or `most` are pinned already."""

    async def unpin(self, pin: int) -> None: ...

    async def cached(self, beginning: Beginning) -> Cached | None:
        """None where nothing was reported."""


class Level(StrEnum):
    """Whose limit it is. A provider's is waited for, not refused; a share only counts how much of it somebody had lately."""

    USER = "user"
    PLACE = "place"
    WORKSPACE = "workspace"
    BOT = "bot"
    PROVIDER = "provider"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Levels:
    """What admins decided, as text by the option's name: for a channel, and for its whole installation."""

    channel: Mapping[str, str]
    installation: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A decision of an admin's: from one text to another (None: nothing decided). `actor` is the person's id on the platform.

    `action` is the command that made it, `subject` what was changed. `everywhere`: for the installation, not just the channel.
    """

    place: Place
    actor: str
    action: str
    subject: str
    new: str | None
    old: str | None = None
    everywhere: bool = False
    at: datetime | None = None


class PreferenceStore(Protocol):
    """What was decided for places, and the record of who did (`storage/preferences.py`)."""

    async def levels(self, place: Place) -> Levels:
        """What is decided there. One small read, kept for a moment; a change holds at once, in every process."""

    async def change(self, change: Change, now: datetime) -> bool:
        """Decide an option and write it down in the record; `old` is found here. False when it was decided just so already."""

    async def changes(self, place: Place, most: int) -> Sequence[Change]:
        """The newest changes that concern that channel, newest first."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Until when somebody listened on a line, and who (empty: who said goodbye)."""

    until: datetime
    owner: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What was said in that place since then was perhaps not heard."""

    place: Place
    since: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """What people said in a place between two moments, as it stands there now. `threads` are threads in which more was said."""

    found: Sequence[Incoming]
    since: datetime
    until: datetime
    threads: Sequence[Place] = ()


class History(Protocol):
    """What a platform remembers (`adapters/`). Raises only `DeliveryError`s."""

    async def places(self, line: str, since: datetime, known: Sequence[Place]) -> Sequence[Place]:
        """Where something may have been said to the bot since then, by those whom that line hears; the most important first.
        `known` are the places where it was lately spoken with, the liveliest first."""

    async def read(self, gap: Gap) -> Page:
        """What people said there, as far back as a few calls reach."""


class Attendance(Protocol):
    """When the bot was listening, and where it still has to look for what it missed (`storage/attendance.py`).

    A line is a connection that hears a part of a platform: a workspace, a shard. Several processes may hear the same.
    """

    async def heard(self, platform: str, line: str) -> Heard | None:
        """The last that is known of that line; of a line never heard, what is known of the platform's others."""

    async def listening(
        self, platform: str, line: str, owner: str, now: datetime, *, unbroken: timedelta | None = None
    ) -> bool:
        """Note that `owner` hears that line now. False, and nothing noted, when nobody did within the last `unbroken`."""

    async def left(self, platform: str, owner: str) -> None:
        """`owner` says goodbye to all its lines."""

    async def owe(self, line: str, gaps: Sequence[Gap]) -> None:
        """Keep these to be looked up, in this order. A place that is owed already keeps its earlier mark."""

    async def owed(self, platform: str, line: str) -> Sequence[Gap]: ...

    async def looked(self, place: Place) -> None:
        """Nothing is owed there any more."""

    async def known(self, platform: str, since: datetime, most: int) -> Sequence[Place]:
        """Places that were spoken in since then, or in whose threads the bot began to take part; the liveliest first."""

    async def asked(self, place: Place, page: Page, before: datetime) -> Sequence[str]:
        """The messages of that place's turns that were said within the page, and taken in before that moment; not the deleted."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One limit as it applies to one subject. `period` is "minute" (a bucket of `burst`, refilled at `allowed` a minute), "day" or
    "month" (UTC).

    `subject` is a keyed hash, or a lane's name; `unit` is "requests", "tokens" or "picousd" (a million-millionth of a dollar);
    `model` is empty where all models count.
    """

    level: Level
    unit: str
    period: str
    subject: str
    allowed: int
    burst: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A limit as an admin set it by command: for one certain place (`here`), or for all of a kind in an installation.

    `metric` and `value` are as in the operator's file, the value as text. The whole bot's limits are of no installation.
    """

    level: Level
    metric: str
    value: str
    here: bool = False
    role: str = ""
    model: str = ""


class Rulings(Protocol):
    """What admins allowed by command, and the record of who did (`storage/rulings.py`)."""

    async def of(self, place: Place) -> Sequence[Ruling]:
        """What they said that concerns that place. One small read, kept for a moment; a change holds at once, in every process."""

    async def rule(self, ruling: Ruling, change: Change, now: datetime) -> bool:
        """Allow what the ruling says, or leave it to the file again where the change's `new` is None; and write it down in the
        record. False when it was just so already."""

    async def changes(self, place: Place, most: int) -> Sequence[Change]:
        """The newest changes that concern that place, newest first."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call takes of a meter: an amount, and so much more for each token that it may say."""

    meter: Meter
    amount: int
    per_token: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A row of the ledger, written when its worst cost is reserved and settled when it is known.

    `output_cap` is the most it shall say, `least_output` the least that is worth a call. Costs are in picousd, of the whole prompt and
    of each token said; None where the price is unknown. `price` says by which list.
    """

    turn: int
    place: Place
    direct: bool
    person: str
    provider: str
    model: str
    prompt_tokens: int
    output_cap: int
    least_output: int
    prompt_cost: int | None = None
    token_cost: int | None = None
    price: str = ""

    @property
    def lane(self) -> str:
        """Where calls wait for a provider's own limits: they are a model's."""
        return f"{self.provider}:{self.model}"


@dataclass(frozen=True, slots=True)
class Taken:
    """A call that may be made, with so much output; what was taken for it, and when."""

    call: int
    output_cap: int
    charges: tuple[Charge, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the line before a provider's limits. Lower ranks go first; a ticket that is not shown again soon is void."""

    id: int
    rank: int


@dataclass(frozen=True, slots=True)
class Line:
    """One has to wait: as number `position`, until then if nobody goes before."""

    position: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a call really used; `usage` is None where the provider reported nothing (then the reservation stands).

    `quota` is what the provider said of its own limits, when it answered.
    """

    usage: Usage | None
    cost: Decimal | None
    finish: str
    first_token_ms: int | None
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """A budget of which 80 or 100 percent are used now, for the first time in its day or month."""

    meter: Meter
    percent: int
    used: int
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class Spent:
    """One meter's state, for `/usage`."""

    meter: Meter
    used: int
    resets_at: datetime


class By(StrEnum):
    """How a report sums up."""

    USER = "user"
    CHANNEL = "channel"
    MODEL = "model"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Whose:
    """What a report is about: one installation, or the whole bot where no platform is named."""

    platform: str = ""
    installation: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report. Tokens: `prompt` includes `cached`, `output` includes `reasoning`; `reserved` are those of calls of which
    nothing was reported. `cost` is what is known of it (None: nothing), `unpriced` the calls it knows nothing of.

    `key` is a keyed hash of a person (empty: forgotten), `platform:installation:channel` (no channel: direct messages),
    `provider:model`, or a day (UTC). `name` is a person's, as long as a turn of theirs is kept.
    """

    key: str
    name: str
    calls: int
    prompt: int
    cached: int
    output: int
    reasoning: int
    reserved: int
    cost: Decimal | None
    unpriced: int

    @property
    def tokens(self) -> int:
        return self.prompt + self.output + self.reserved


@dataclass(frozen=True, slots=True)
class Health:
    """How calls and turns went: calls by the milliseconds to their first token (at most so many; None: longer), by how they ended, and
    failed turns by their error."""

    paces: Sequence[tuple[int | None, int]]
    finishes: Mapping[str, int]
    errors: Mapping[str, int]


class Reports(Protocol):
    """Sums over the ledger (`storage/reports.py`), from `since` to just before `until`."""

    async def rows(
        self, by: By, since: datetime, until: datetime, whose: Whose, *, most: int = 1000
    ) -> Sequence[Row]:
        """Days in their order, all else by cost."""

    async def health(self, since: datetime, until: datetime, whose: Whose) -> Health: ...


class Ledger(Protocol):
    """Budgets, rates and the record of calls (`storage/ledger.py`)."""

    async def reserve(
        self, call: Call, charges: Sequence[Charge], now: datetime, ticket: Ticket | None = None
    ) -> Taken | Line:
        """Take all charges or none, and write the open call, in one round trip. The output cap is lowered to what is left.

        Raises `LimitReached` naming the limit to come back latest for. A `Line` means that only the provider's own limits have no
        room, after those who wait before; the ticket is void once the call is taken or refused.
        """

    async def queue(self, call: Call, shares: Sequence[Charge], now: datetime) -> Ticket:
        """Stand in line: behind all who asked before, further behind the more of the shares one had lately."""

    async def leave(self, ticket: Ticket) -> None:
        """Leave the line without a call."""

    async def settle(self, taken: Taken, settlement: Settlement, now: datetime) -> Sequence[Warned]:
        """Replace what was reserved by what was used, in the windows it was taken from. A second settlement changes nothing."""

    async def reached(self, meter: Meter, now: datetime) -> bool:
        """A limit has refused somebody: True the first time in its day or month, if it is nearly used."""

    async def spent(self, meters: Sequence[Meter], now: datetime) -> Sequence[Spent]: ...

    async def close_lost(self, now: datetime, before: datetime) -> int:
        """Close calls that began before then and were never settled, at their full reservation. How many."""

    async def tidy(self, now: datetime, most: int) -> int:
        """Close what nobody will settle, and drop at most so many counters that say nothing any more; how many."""

    async def forget(self, person: str) -> int:
        """Keep their calls without them. How many."""

    async def learned(self) -> Mapping[str, Quota]:
        """What providers said of their own limits, by lane."""

    async def learn(self, lane: str, quota: Quota) -> None: ...


class Calibrations(Protocol):
    """What providers reported of whole prompts, for each way of counting (`storage/calibrations.py`)."""

    async def observations(self, counter: str) -> Sequence[Observation]:
        """The newest few."""

    async def observe(self, counter: str, observation: Observation) -> Sequence[Observation]:
        """Remember one more; the newest few, with it."""


Json = Mapping[str, Any]
Hook = Callable[[], Awaitable[None]]
