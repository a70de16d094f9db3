"""Reads `models.toml` and the operator's file of the same form, and tells a mistake with file, table and
key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from bot.errors import ConfigError
from bot.models.prices import amount_from, price_from
from bot.tokens.pictures import picture_rule

Tables = dict[str, dict[str, dict[str, Any]]]
"""What a file says, by provider and model, every value of its proper type."""
Reader = Callable[[Any], Any]
"""Turns a value of TOML into that of a field, or says in a `TypeError` or `ValueError` what it is not."""

PROVIDERS: Final = ("openai", "anthropic", "local")
UNKNOWN: Final = "unknown"
"""The table that says, for each provider, what to take a model for that stands nowhere."""


def read_tables(file: Path) -> Tables:
    """What one file says. Raises `ConfigError`."""
    try:
        document = tomllib.loads(file.read_text("utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            "REJOINDER_MODELS", f"{file} cannot be read ({error})", "Name a TOML file"
        ) from None
    tables: Tables = {provider: {} for provider in (*PROVIDERS, UNKNOWN)}
    for provider, models in document.items():
        if provider not in tables or not isinstance(models, dict):
            raise wrong(file, f"[{provider}]", f"stands for no provider; one of {', '.join(PROVIDERS)} does")
        for name, values in models.items():
            table = f'[{provider}."{name}"]'
            if not isinstance(values, dict):
                raise wrong(file, table, "is not a table")
            tables[provider][name] = _read(file, table, values)
    return tables


def wrong(file: Path, where: str, cause: str) -> ConfigError:
    return ConfigError("REJOINDER_MODELS", f"{file}: {where} {cause}", "Compare with bot/models/models.toml")


def _read(file: Path, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for key, value in values.items():
        if key not in _KEYS:
            raise wrong(file, f"{table} {key}", f"is not known; one of {', '.join(_KEYS)} is")
        try:
            read["shutdown" if key == "retired" else key] = _KEYS[key](value)
        except (TypeError, ValueError) as error:
            raise wrong(file, f"{table} {key}", str(error)) from None
    return read


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("is not a positive whole number")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("is not true or false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("is not a text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError("is not a list of texts")
    return tuple(value)


def _day(value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError("is not a date such as 2027-01-14")
    return value


def _ratio(value: Any) -> float:
    return float(amount_from(value))


def _one_of(*allowed: str) -> Reader:
    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"is not one of {', '.join(allowed)}")
        return str(value)

    return read


_KEYS: Final[Mapping[str, Reader]] = {
    "like": _text,
    "window": _count,
    "max_output": _count,
    "price": price_from,
    "role": _one_of("developer", "system"),
    "cap_parameter": _one_of("max_completion_tokens", "max_tokens"),
    "temperature": _flag,
    "efforts": _texts,
    "effort": _text,
    "images": _flag,
    "caching": _one_of("implicit", "explicit", "none"),
    "encoding": _text,
    "exact": _flag,
    "ratio": _ratio,
    "picture": picture_rule,
    "name_field": _flag,
    "shutdown": _day,
    "retired": _day,
    "successor": _text,
}
