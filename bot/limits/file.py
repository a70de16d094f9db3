"""Reads the operator's file of limits, and tells a mistake with its line and key, the cause and the cure.

[roles]                            # who has which; `admin` there is always
staff = ["slack:U012AB3CD", "discord:&80351110224678912"]

[user]                             # each person
tokens_per_day = 200_000
[user.role.staff]                  # instead, number by number
tokens_per_day = 1_000_000
[user.model."openai:gpt-6-sol"]    # besides, counted apart
tokens_per_day = 20_000

[workspace.only."slack:T012AB3CD"] # this one, instead
usd_per_month = 500
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from bot.errors import ConfigError
from bot.limits.rules import ADMIN, LEVELS, USD, Allowed, Scope
from bot.ports import Level

VARIABLE: Final = "REJOINDER_LIMITS"
PLATFORMS: Final = ("slack", "discord", "playground")
FILED: Final = (*LEVELS, Level.PROVIDER)
COUNTS: Final = ("requests_per_minute", "burst", "tokens_per_day")
OF_PROVIDER: Final = ("requests_per_minute", "tokens_per_minute")
MOST: Final = 10**12
MOST_USD: Final = Decimal(9_000_000)
MEMBER: Final = re.compile(rf"(?:{'|'.join(PLATFORMS)}):&?[^\s:]+")
PARTS: Final = {Level.PLACE: 3, Level.WORKSPACE: 2}
EXAMPLES: Final = {Level.PLACE: "slack:T012AB3CD:C012AB3CD", Level.WORKSPACE: "slack:T012AB3CD"}

Rules = dict[Scope, dict[str, Allowed]]
Roles = dict[str, tuple[str, ...]]


def read_limits(file: Path) -> tuple[Rules, Roles]:
    """The rules of a file, and the members of its roles in their order. Raises `ConfigError`."""
    try:
        words = file.read_text("utf-8")
        document = tomllib.loads(words, parse_float=Decimal)
    except OSError as error:
        raise ConfigError(
            VARIABLE, f"{file} can't be read ({error.strerror})", "Name a readable TOML file"
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            VARIABLE, f"{file} is no TOML ({error})", "Correct it there; docs/limits.md shows the form"
        ) from None
    return _Reader(file, words).read(document)


class _Reader:
    def __init__(self, file: Path, words: str) -> None:
        self._file, self._lines = file, dict(_lines(words))
        self._rules: Rules = {}
        self._roles: Roles = {}

    def read(self, document: Mapping[str, Any]) -> tuple[Rules, Roles]:
        self._read_roles(document.get("roles", {}))
        for name, table in document.items():
            if name != "roles":
                level = self._known(name, FILED, (name,), "table")
                self._read_level(Level(level), table)
        return self._rules, self._roles

    def _read_roles(self, roles: Any) -> None:
        for role, members in self._table(roles, ("roles",)).items():
            path = ("roles", role)
            if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
                raise self._wrong(path, "is not a list of texts", 'Write ["slack:U012AB3CD"], for example')
            for member in members:
                if not MEMBER.fullmatch(member):
                    cure = "Write platform:id for a person, platform:&id for a role of the platform's own"
                    raise self._wrong(path, f"holds {member!r}, which names nobody", cure)
            self._roles[role] = tuple(members)

    def _read_level(self, level: Level, table: Any) -> None:
        special = {Level.USER: "role", Level.PLACE: "only", Level.WORKSPACE: "only"}.get(level)
        self._read_scope(Scope(level), table, (level,), *(("model", special) if special else ("model",)))

    def _read_scope(self, scope: Scope, table: Any, path: tuple[str, ...], *deeper: str) -> None:
        """One rule, and those that are more special."""
        allowed = OF_PROVIDER if scope.level is Level.PROVIDER else (*COUNTS, *sorted(USD))
        for key, value in self._table(table, path).items():
            here = (*path, key)
            if key in deeper:
                for name, inner in self._table(value, here).items():
                    special = self._special(scope, key, name, (*here, name))
                    self._read_scope(special, inner, (*here, name), *(("model",) if key != "model" else ()))
                continue
            self._known(key, (*allowed, *deeper), here, "key")
            self._rules.setdefault(scope, {})[key] = self._number(key, value, here)

    def _special(self, scope: Scope, key: str, name: str, path: tuple[str, ...]) -> Scope:
        if key == "model":
            return Scope(scope.level, scope.only, scope.role, name)
        if key == "role":
            if name not in (*self._roles, ADMIN):
                raise self._wrong(
                    path, "is a role that nobody has", f"Say who has it: [roles] {name} = [...]"
                )
            return Scope(scope.level, role=name)
        if len(name.split(":")) != PARTS[scope.level] or name.split(":", maxsplit=1)[0] not in PLATFORMS:
            raise self._wrong(
                path, f"names no {scope.level}", f'Write it as "{EXAMPLES[scope.level]}", for example'
            )
        return Scope(scope.level, only=name)

    def _number(self, key: str, value: Any, path: tuple[str, ...]) -> Allowed:
        try:
            return allowed_from(key, value)
        except ValueError as error:
            raise self._wrong(path, str(error), 'Write a number, or "none" for no limit') from None

    def _table(self, value: Any, path: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(path, "is not a table", f"Write [{_dotted(path)}] and what it allows below it")
        return value

    def _known(self, name: str, known: Iterable[str], path: tuple[str, ...], what: str) -> str:
        names = [str(one) for one in known]
        if name in names:
            return name
        near = difflib.get_close_matches(name, names, 1)
        cure = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(names)}"
        raise self._wrong(path, f"is no {what} that is known here", cure)

    def _wrong(self, path: tuple[str, ...], cause: str, cure: str) -> ConfigError:
        lines = [self._lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._lines]
        where = f"{self._file}, line {lines[0]}" if lines else str(self._file)
        return ConfigError(VARIABLE, f"{where}: {_dotted(path)} {cause}", cure)


def allowed_from(key: str, value: Any) -> Allowed:
    """What a number of a limit allows. Raises `ValueError` saying what it is not."""
    if value == "none":
        return None
    most = MOST_USD if key in USD else MOST
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise ValueError("is not a number")
    if key not in USD and not isinstance(value, int):
        raise ValueError("is not a whole number")
    if not 0 <= value <= most:
        raise ValueError(f"is not between 0 and {most}")
    return value


def parse_allowed(key: str, text: str) -> Allowed:
    """The same of a text, as people type it. Raises `ValueError`."""
    if text.lower() == "none":
        return None
    plain = text.replace(",", "").replace("_", "").removeprefix("$")
    try:
        return allowed_from(key, Decimal(plain) if key in USD else int(plain))
    except ArithmeticError:
        raise ValueError("is not a number") from None


_HEADER = re.compile(r"\s*\[(?!\[)[^#]*\]\s*(?:#.*)?$")
_KEY: Final[Callable[[str], re.Match[str] | None]] = re.compile(r"\s*(?:\"([^\"]+)\"|([\w-]+))\s*=").match


def _lines(words: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """On which line each table begins and each key stands."""
    path: tuple[str, ...] = ()
    for number, line in enumerate(words.splitlines(), 1):
        if _HEADER.match(line):
            with suppress(tomllib.TOMLDecodeError):  # it stands inside a long text
                path = tuple(_path(tomllib.loads(line)))
                yield path, number
        elif key := _KEY(line):
            yield (*path, key[1] or key[2]), number


def _path(table: Mapping[str, Any]) -> Iterator[str]:
    while table:
        ((name, table),) = table.items()
        yield name


def _dotted(path: Iterable[str]) -> str:
    return ".".join(name if re.fullmatch(r"[\w-]+", name) else f'"{name}"' for name in path)
