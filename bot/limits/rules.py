"""Who may use how much: the rules, and which of them hold for somebody who asks a model somewhere.

A rule binds each person, place or workspace, the whole bot, or a provider's model; or one certain place or workspace, the people of a
role, the calls to one model. The more special rule replaces the more general one, number by number; a rule for a model holds besides
those for all models, with a count of its own. The operator's file says what is allowed at most: what admins say by command may be less,
never more. The settings are what each person may use where neither says anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from bot.chat import Author, Place
from bot.ports import Level, Ruling

Allowed = int | Decimal | None
"""How much; None is no limit."""

USD: Final = frozenset({"usd_per_day", "usd_per_month"})
METRICS: Final[Mapping[str, tuple[str, str]]] = {
    "requests_per_minute": ("requests", "minute"),
    "tokens_per_minute": ("tokens", "minute"),
    "tokens_per_day": ("tokens", "day"),
    "usd_per_day": ("picousd", "day"),
    "usd_per_month": ("picousd", "month"),
}
"""What can be limited: unit and period. A rate has a burst of its own, or as many as it allows a minute."""
LEVELS: Final = (Level.USER, Level.PLACE, Level.WORKSPACE, Level.BOT)
NO_LIMIT: Final = "none"
ADMIN: Final = "admin"
"""The role that every platform's own admins have, and those whom the operator named."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a rule binds. `only` is one certain place or workspace (see `place_name`); `role` is for people alone."""

    level: Level
    only: str = ""
    role: str = ""
    model: str = ""


Rules = Mapping[Scope, Mapping[str, Allowed]]
NO_RULES: Final[Rules] = {}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What holds for one level, of all models or of one."""

    level: Level
    model: str
    numbers: Mapping[str, Allowed]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What the operator says. `roles` has their members, as `platform:id` or `platform:&role`; whose role stands first counts.

    `usual` is for each person, `provider` for each model at its provider, where the file says nothing.
    """

    filed: Rules = field(default_factory=dict)
    roles: Mapping[str, Collection[str]] = field(default_factory=dict)
    usual: Mapping[str, Allowed] = field(default_factory=dict)
    provider: Mapping[str, Allowed] = field(default_factory=dict)
    operators: Collection[str] = ()

    def allowances(
        self, place: Place, author: Author, names: Collection[str], said: Rules = NO_RULES
    ) -> Iterator[Allowance]:
        """What holds for that person in that place with a model of these names, under the file and what admins said."""
        roles = self._roles(place, author)
        models = ["", *sorted({scope.model for scope in (*self.filed, *said)} & set(names))]
        for level in LEVELS:
            for model in models:
                scopes = _scopes(level, place, roles, model)
                numbers = _stricter(_merged(self.filed, scopes), _merged(said, scopes))
                if level is Level.USER and not model:
                    numbers = {**self.usual, **numbers}
                yield Allowance(level, model, numbers)

    def of_provider(self, names: Collection[str]) -> Mapping[str, Allowed]:
        """What the operator says of a model's own limits at its provider."""
        scopes = [*(Scope(Level.PROVIDER, model=name) for name in names), Scope(Level.PROVIDER)]
        return {**self.provider, **_merged(self.filed, scopes)}

    def ceiling(self, scope: Scope, metric: str) -> Allowed:
        """The most that the file leaves to be said by command; None where it leaves all."""
        return _merged(self.filed, [scope, Scope(scope.level, model=scope.model)]).get(metric)

    @property
    def in_money(self) -> bool:
        """Whether any budget of money is held."""
        numbers = (self.usual, *self.filed.values())
        return any(one.get(name) is not None for one in numbers for name in USD)

    def is_operator(self, platform: str, person: str) -> bool:
        return f"{platform}:{person}" in self.operators

    def _roles(self, place: Place, author: Author) -> list[str]:
        names = {f"{place.platform}:{author.id}", *(f"{place.platform}:&{role}" for role in author.roles)}
        mine = [role for role, members in self.roles.items() if names & set(members)]
        admin = author.admin or self.is_operator(place.platform, author.id)
        return [*mine, ADMIN] if admin and ADMIN not in mine else mine


def said_rules(rulings: Iterable[Ruling], place: Place) -> Rules:
    """What admins said by command, as it concerns a place."""
    rules: dict[Scope, dict[str, Allowed]] = {}
    for ruling in rulings:
        rules.setdefault(scope_of(ruling, place), {})[ruling.metric] = _allowed(ruling)
    return rules


def _allowed(ruling: Ruling) -> Allowed:
    if ruling.value == NO_LIMIT:
        return None
    return Decimal(ruling.value) if ruling.metric in USD else int(ruling.value)


def scope_of(ruling: Ruling, place: Place) -> Scope:
    return Scope(ruling.level, place_name(place) if ruling.here else "", ruling.role, ruling.model)


def place_name(place: Place) -> str:
    """How a rule names one certain place: a channel with all its threads."""
    return f"{workspace_name(place)}:{place.channel}"


def workspace_name(place: Place) -> str:
    return f"{place.platform}:{place.installation}"


def _scopes(level: Level, place: Place, roles: Collection[str], model: str) -> list[Scope]:
    """The scopes of a level that fit, the most special first."""
    special: list[Scope] = []
    if level is Level.USER:
        special = [Scope(level, role=role, model=model) for role in roles]
    elif level is Level.PLACE:
        special = [Scope(level, only=place_name(place), model=model)]
    elif level is Level.WORKSPACE:
        special = [Scope(level, only=workspace_name(place), model=model)]
    return [*special, Scope(level, model=model)]


def _merged(rules: Rules, scopes: Collection[Scope]) -> dict[str, Allowed]:
    """The numbers of the most special scope that says something of each."""
    merged: dict[str, Allowed] = {}
    for scope in scopes:
        for name, allowed in rules.get(scope, {}).items():
            merged.setdefault(name, allowed)
    return merged


def _stricter(filed: Mapping[str, Allowed], said: Mapping[str, Allowed]) -> dict[str, Allowed]:
    both = {**said, **filed}
    for name in filed.keys() & said.keys():
        both[name] = lesser(filed[name], said[name])
    return both


def lesser(one: Allowed, other: Allowed) -> Allowed:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
