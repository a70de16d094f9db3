"""What holds at a place, beyond the operator's settings: its admins decide, for a channel or for the whole installation.

`OPTIONS` is the one table of what can be decided. Each option is a field of `Preferences`; it is stored as the text that its admins
would type, so that what is shown, typed and stored is the same. What holds is the channel's value, else its installation's, else the
operator's default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final

from bot.chat import Author, Place
from bot.ports import Levels, PreferenceStore
from bot.redaction import KINDS, Action, ActionsError, parse_actions

LONGEST_PROMPT: Final = 3_000
"""Characters of a system prompt: what a field of Slack's forms takes."""
MOST_LISTED: Final = 50
MOST_DAYS: Final = 3_650
FOREVER: Final = "forever"
NOBODY: Final = "nobody"


class Unfit(Exception):
    """A value that an option can't have: the code of a notice that says why, and its parameters."""

    def __init__(self, code: str, **parameters: object) -> None:
        super().__init__(code)
        self.code, self.parameters = code, parameters


class Scope(StrEnum):
    """Whose memory it is: the channel's (its threads are branches), each thread's own, or each person's own."""

    CHANNEL = "channel"
    THREAD = "thread"
    USER = "user"


class Answers(StrEnum):
    """Where an answer appears: in a thread under its question, or in the channel."""

    CHANNEL = "channel"
    THREAD = "thread"


class Overlap(StrEnum):
    """What becomes of a question that its asker asks while the one before is being answered: it waits, or interrupts that answer."""

    QUEUE = "queue"
    INTERRUPT = "interrupt"


class Buttons(StrEnum):
    """What stands under an answer: all there is, or only what is needed (to stop, to try again, to go on, to leaf through)."""

    FULL = "full"
    FEW = "few"


class Welcome(StrEnum):
    """How guests, or people from elsewhere, are answered, from the mildest to the strictest: like anybody, by the small model, only in
    channels where they mention the bot, or not at all."""

    ON = "on"
    SMALL = "small"
    MENTION = "mention"
    OFF = "off"


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Talk:
    """Who may talk to the bot. None: everyone; else the listed people, and roles (with an `&` before their id). Admins always may, unless
    `nobody` may."""

    listed: tuple[str, ...] | None = None
    nobody: bool = False

    def admits(self, author: Author) -> bool:
        if self.nobody:
            return False
        return self.listed is None or author.admin or _stands_in(author, self.listed)


@dataclass(frozen=True, slots=True)
class Deny:
    """Who may not talk to the bot, admins or not."""

    listed: tuple[str, ...] = ()

    def lists(self, author: Author) -> bool:
        return _stands_in(author, self.listed)


def _stands_in(author: Author, listed: tuple[str, ...]) -> bool:
    return author.id in listed or any(f"&{role}" in listed for role in author.roles)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What holds at a place. `model` is `provider:model`, or empty for the operator's own choice; `filter` what is done with kinds of
    sensitive data, where that is not the kind's own default. `retention` is for how many days
    messages are kept; None: until somebody has them forgotten."""

    model: str = ""
    system_prompt: str = ""
    scope: Scope = Scope.CHANNEL
    answers: Answers = Answers.THREAD
    talk: Talk = Talk()
    overlap: Overlap = Overlap.QUEUE
    buttons: Buttons = Buttons.FULL
    filter: Mapping[str, Action] = field(default_factory=dict)
    retention: int | None = None
    deny: Deny = Deny()
    guests: Welcome = Welcome.ON
    externals: Welcome = Welcome.ON
    direct: Switch = Switch.ON


@dataclass(frozen=True, slots=True)
class Option:
    """Something that can be decided. `read` understands a text or raises `Unfit`, `write` is its reverse. `adds`: what a nearer level
    says of a part stands beside what a farther one says of the others.

    `choices` are all texts there are, or those that are worth proposing. `operator`: only who stands in `REJOINDER_ADMINS` decides.
    `unite`: what a channel and its installation decided hold both.
    What it means is told by the notice `setting_NAME`.
    """

    name: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str
    choices: tuple[str, ...] = ()
    long: bool = False
    operator: bool = False
    adds: bool = False
    unite: Callable[[Any, Any], Any] | None = None


def _prompt(text: str) -> str:
    if len(text) > LONGEST_PROMPT:
        raise Unfit("setting_too_long", most=LONGEST_PROMPT, length=len(text))
    return text


def _one_of(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(text: str) -> StrEnum:
        try:
            return kind(text.lower())
        except ValueError:
            raise Unfit("setting_not_a_choice", choices=", ".join(f"`{one}`" for one in kind)) from None

    return read


_LISTED = re.compile(r"<@!?(?P<person>[\w-]+)(?:\|[^<>]*)?>|<@&(?P<role>\d+)>")


def _talk(text: str) -> Talk:
    words = text.strip().lower()
    if words in ("everyone", "admins"):
        return Talk(None if words == "everyone" else ())
    if words == NOBODY:
        return Talk((), nobody=True)
    return Talk(_people(text, "setting_not_people"))


def _deny(text: str) -> Deny:
    return Deny() if text.strip().lower() == NOBODY else Deny(_people(text, "setting_not_denied"))


def _people(text: str, otherwise: str) -> tuple[str, ...]:
    """The people and roles that are mentioned, and nothing else is."""
    found = [match["person"] or f"&{match['role']}" for match in _LISTED.finditer(text)]
    if not found or re.sub(r"[\s,;]", "", _LISTED.sub("", text)):
        raise Unfit(otherwise)
    if len(found) > MOST_LISTED:
        raise Unfit("setting_too_many", most=MOST_LISTED)
    return tuple(dict.fromkeys(found))


_DAYS = re.compile(r"(\d{1,4})\s*(?:d|days?|天)?")


def days(text: str) -> int | None:
    """For how many days messages are kept; None: for ever."""
    said = text.strip().lower()
    if said == FOREVER:
        return None
    found = _DAYS.fullmatch(said)
    if found is None or not 1 <= int(found[1]) <= MOST_DAYS:
        raise Unfit("setting_not_days", most=MOST_DAYS)
    return int(found[1])


def _days_text(kept: int | None) -> str:
    return FOREVER if kept is None else f"{kept}d"


def _talk_text(talk: Talk) -> str:
    if talk.nobody:
        return NOBODY
    return "everyone" if talk.listed is None else _mentioned(talk.listed) or "admins"


def _deny_text(deny: Deny) -> str:
    return _mentioned(deny.listed) or NOBODY


def _mentioned(listed: tuple[str, ...]) -> str:
    return " ".join(f"<@{one}>" for one in listed)


def _both(one: Deny, other: Deny) -> Deny:
    return Deny(tuple(dict.fromkeys((*one.listed, *other.listed))))


def _actions(text: str) -> Mapping[str, Action]:
    try:
        return parse_actions(text)
    except ActionsError:
        kinds = ", ".join(f"`{kind.name}`" for kind in KINDS)
        actions = ", ".join(f"`{action}`" for action in Action)
        raise Unfit("setting_not_actions", kinds=kinds, actions=actions) from None


def actions_text(actions: Mapping[str, Action]) -> str:
    """As they are typed."""
    return ", ".join(f"{kind}={action}" for kind, action in actions.items())


OPTIONS: Final[Mapping[str, Option]] = {
    option.name: option
    for option in (
        Option("model", str.strip),
        Option("system_prompt", _prompt, long=True),
        Option("scope", _one_of(Scope), choices=tuple(Scope)),
        Option("answers", _one_of(Answers), choices=tuple(Answers)),
        Option("talk", _talk, _talk_text, choices=("everyone", "admins", NOBODY)),
        Option("overlap", _one_of(Overlap), choices=tuple(Overlap)),
        Option("buttons", _one_of(Buttons), choices=tuple(Buttons)),
        Option("filter", _actions, actions_text, long=True, operator=True, adds=True),
        Option("retention", days, _days_text, choices=("7d", "30d", "90d", "365d", FOREVER)),
        Option("deny", _deny, _deny_text, choices=(NOBODY,), unite=_both),
        Option("guests", _one_of(Welcome), choices=tuple(Welcome)),
        Option("externals", _one_of(Welcome), choices=tuple(Welcome)),
        Option("direct", _one_of(Switch), choices=tuple(Switch)),
    )
}


class Level(StrEnum):
    """Who decided."""

    CHANNEL = "channel"
    INSTALLATION = "installation"
    OPERATOR = "operator"


class Decided:
    """What was decided where, on top of what the operator has set; `defaults` says that for a platform."""

    def __init__(self, store: PreferenceStore, defaults: Callable[[str], Preferences]) -> None:
        self._store, self._defaults = store, defaults

    async def at(self, place: Place) -> Preferences:
        """What holds there."""
        return (await self.explained(place))[0]

    async def explained(self, place: Place) -> tuple[Preferences, Mapping[str, Level]]:
        """What holds there, and who decided each option."""
        return resolve(self._defaults(place.platform), await self._store.levels(place))


def resolve(defaults: Preferences, levels: Levels) -> tuple[Preferences, Mapping[str, Level]]:
    """The nearest level that decided counts. What an option can no longer read (it was stored by another version) decides nothing."""
    values: dict[str, Any] = {}
    deciders = dict.fromkeys(OPTIONS, Level.OPERATOR)
    for level, stored in ((Level.INSTALLATION, levels.installation), (Level.CHANNEL, levels.channel)):
        for name, text in stored.items():
            try:
                option = OPTIONS[name]
                value = option.read(text)
            except (KeyError, Unfit):
                continue
            farther = values.get(name, getattr(defaults, name))
            if option.adds:
                value = {**farther, **value}
            values[name] = option.unite(farther, value) if option.unite else value
            deciders[name] = level
    return replace(defaults, **values), deciders


def written(preferences: Preferences) -> dict[str, str]:
    """Every option as text."""
    return {
        field.name: OPTIONS[field.name].write(getattr(preferences, field.name))
        for field in fields(Preferences)
    }
