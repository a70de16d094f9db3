"""The `limits` command: shows what may be used at a place, and lets its admins set it.

limits                                   what holds here
limits WHOSE NUMBER VALUE                set it: for each `user`, for each `place`, for `here`, for the `workspace`, for the whole `bot`
limits WHOSE NUMBER VALUE --role staff --model openai:gpt-6-sol
limits WHOSE NUMBER none                 no limit
limits WHOSE NUMBER default              say nothing of it: what the file and the settings say holds again
limits history                           who changed what

What the operator's file allows can't be passed; the whole bot's limits are for those alone whom the operator has named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.chat import Invocation
from bot.limits.admission import Limits
from bot.limits.file import COUNTS, parse_allowed
from bot.limits.rules import ADMIN, NO_LIMIT, USD, Allowed, Rulebook, scope_of
from bot.limits.texts import allowance_text, number_text
from bot.notices import notice
from bot.ports import Change, Clock, Level, Ruling, Rulings, Word
from bot.voice import Voices

ACTION: Final = "limits"
HISTORY: Final = "history"
DEFAULT: Final = "default"
MOST_CHANGES: Final = 10
WHOSE: Final[Mapping[str, Level]] = {
    "user": Level.USER,
    "here": Level.PLACE,
    "place": Level.PLACE,
    "workspace": Level.WORKSPACE,
    "bot": Level.BOT,
}
NUMBERS: Final = (*COUNTS, *sorted(USD))

WORDS: Final = (
    Word("whose", choices=(*WHOSE, HISTORY)),
    Word("number", choices=NUMBERS),
    Word("value"),
    Word("role", named=True),
    Word("model", named=True),
)

_OPTION = re.compile(r"(?:--|—|–)(role|model)[ =]+(\S+)", re.IGNORECASE)
"""Phones and word processors make a dash of two hyphens."""


class _Unfit(Exception):
    """Why it can't be done: the code of a notice, and its parameters."""

    def __init__(self, code: str, **parameters: object) -> None:
        super().__init__(code)
        self.code, self.parameters = code, parameters


@dataclass(frozen=True, slots=True)
class Asked:
    """What an argument asks for."""

    whose: str = ""
    number: str = ""
    value: str = ""
    role: str = ""
    model: str = ""

    @property
    def subject(self) -> str:
        """How the record names it."""
        options = [
            f"--{name} {value}" for name, value in (("role", self.role), ("model", self.model)) if value
        ]
        return " ".join([self.whose, self.number, *options])


def parse(argument: str) -> Asked:
    options = {name.lower(): value.strip("`") for name, value in _OPTION.findall(argument)}
    whose, number, value = [*_OPTION.sub(" ", argument).split(), "", "", ""][:3]
    return Asked(whose.lower(), number.lower().replace("-", "_"), value, **options)


def takes(argument: str) -> bool:
    """Whether those words, said after `limits`, belong to the command and are not the rest of a question."""
    whose = parse(argument).whose
    return not whose or whose == HISTORY or whose in WHOSE


class LimitsCommand:
    def __init__(
        self, limits: Limits, rulings: Rulings, rulebook: Rulebook, voices: Voices, clock: Clock
    ) -> None:
        self._limits, self._rulings, self._rulebook = limits, rulings, rulebook
        self._voices, self._clock = voices, clock

    async def run(self, invocation: Invocation, language: str) -> str:
        asked = parse(invocation.argument)
        try:
            if not asked.whose:
                return await self._show(invocation, language)
            if asked.whose == HISTORY:
                return await self._history(invocation, language)
            return await self._set(invocation, asked, language)
        except _Unfit as unfit:
            return notice(unfit.code, language, **unfit.parameters)

    async def _show(self, invocation: Invocation, language: str) -> str:
        voices = await self._voices.candidates(invocation.place)
        names = {name for voice in voices for name in voice.model.names}
        found = await self._limits.allowances(invocation.place, invocation.author, names)
        rows = [text for one in found if (text := allowance_text(one, language))]
        how = "limits_how" if self._may(invocation) else "limits_how_not"
        head = notice("limits_head" if rows else "limits_none", language)
        return "\n".join([head, *rows, "", notice(how, language)])

    async def _set(self, invocation: Invocation, asked: Asked, language: str) -> str:
        self._check(invocation, asked)
        level = WHOSE[asked.whose]
        value: str | None = None
        if asked.value.lower() != DEFAULT:
            value = await self._fit(invocation, asked)
        ruling = Ruling(level, asked.number, value or "", asked.whose == "here", asked.role, asked.model)
        change = Change(
            invocation.place,
            invocation.author.id,
            ACTION,
            asked.subject,
            value,
            everywhere=not ruling.here,
        )
        changed = await self._rulings.rule(ruling, change, self._clock())
        code = "limits_same" if not changed else "limits_back" if value is None else "limits_done"
        return notice(code, language, name=asked.subject, value=value or DEFAULT)

    def _check(self, invocation: Invocation, asked: Asked) -> None:
        if asked.whose not in WHOSE or asked.number not in NUMBERS or not asked.value:
            raise _Unfit(
                "limits_unknown",
                whose=", ".join(f"`{name}`" for name in WHOSE),
                numbers=", ".join(f"`{name}`" for name in NUMBERS),
            )
        if not self._may(invocation):
            raise _Unfit("settings_not_admin")
        if asked.whose == "bot" and not self._operates(invocation):
            raise _Unfit("settings_not_operator")
        roles = (*self._rulebook.roles, ADMIN)
        if asked.role and (asked.whose != "user" or asked.role not in roles):
            raise _Unfit("limits_no_role", roles=", ".join(f"`{role}`" for role in roles))

    async def _fit(self, invocation: Invocation, asked: Asked) -> str:
        """The value as it is stored. Raises `_Unfit` for one that can't be."""
        try:
            allowed = parse_allowed(asked.number, asked.value)
        except ValueError:
            raise _Unfit("limits_no_number", value=asked.value[:40].replace("`", "'")) from None
        scope = scope_of(
            Ruling(WHOSE[asked.whose], "", "", asked.whose == "here", asked.role, asked.model),
            invocation.place,
        )
        ceiling = self._rulebook.ceiling(scope, asked.number)
        if ceiling is not None and (allowed is None or allowed > ceiling):
            raise _Unfit("limits_above_file", most=number_text(asked.number, ceiling))
        if asked.number in USD and allowed is not None:
            await self._check_priced(invocation)
        return _text(allowed)

    async def _check_priced(self, invocation: Invocation) -> None:
        for voice in await self._voices.candidates(invocation.place):
            if voice.model.price is None:
                raise _Unfit("setting_model_unpriced", model=voice.model.name)

    def _operates(self, invocation: Invocation) -> bool:
        return self._rulebook.is_operator(invocation.place.platform, invocation.author.id)

    def _may(self, invocation: Invocation) -> bool:
        return invocation.author.admin or self._operates(invocation)

    async def _history(self, invocation: Invocation, language: str) -> str:
        if not self._may(invocation):
            raise _Unfit("settings_not_admin")
        changes = await self._rulings.changes(invocation.place, MOST_CHANGES)
        if not changes:
            return notice("settings_no_history", language)
        return "\n".join([notice("settings_history", language), *(_row(one, language) for one in changes)])


def _text(allowed: Allowed) -> str:
    return NO_LIMIT if allowed is None else f"{allowed:f}" if not isinstance(allowed, int) else str(allowed)


def _row(change: Change, language: str) -> str:
    return notice(
        "limits_history_row",
        language,
        when=f"{change.at:%Y-%m-%d %H:%M}",
        who=f"<@{change.actor}>" if change.actor else notice("report_forgotten", language),
        name=change.subject,
        old=change.old or DEFAULT,
        new=change.new or DEFAULT,
    )
