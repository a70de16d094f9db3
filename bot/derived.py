"""What follows from the settings for the parts that are put together: defaults, limits, keys, folders."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bot.clock import now
from bot.commands.menu import Menu
from bot.errors import ConfigError
from bot.files import FileLimits
from bot.limits.file import read_limits
from bot.limits.rules import Rulebook, Scope
from bot.models.catalogue import Models, load_models
from bot.models.price_lists import listed_price
from bot.ports import Level
from bot.preferences import Answers, Preferences, Switch, Welcome
from bot.privacy.settings import actions_of, open_redactor
from bot.redaction import Policy
from bot.settings import Settings
from bot.tokens.pictures import LOW


def make_data_folder(folder: Path) -> None:
    """Raises `ConfigError` when it can't be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            "REJOINDER_DATA",
            f"{folder} can't be written to ({error.strerror})",
            "Name a folder this user may write to",
        ) from None


def defaults_of(settings: Settings, menu: Menu) -> Callable[[str], Preferences]:
    """What the operator's settings say for places where no admin has decided, by platform."""
    threads = {"slack": settings.slack_answers == "thread", "discord": settings.discord_answers == "thread"}
    actions = actions_of(settings)
    instructions = open_redactor(settings).without(Policy(actions).off).mask(settings.system_prompt).text
    usual = Preferences(
        model=str(menu.usual),
        system_prompt=instructions,
        filter=actions,
        retention=settings.retention_days,
        guests=Welcome(settings.guests),
        externals=Welcome(settings.externals),
        direct=Switch(settings.direct),
    )

    def defaults(platform: str) -> Preferences:
        return replace(usual, answers=Answers.THREAD if threads.get(platform, False) else Answers.CHANNEL)

    return defaults


def file_limits(settings: Settings) -> FileLimits:
    """How much of people's files is taken in. At low detail nothing larger than what is looked at is sent."""
    return FileLimits(
        on=settings.files == "on",
        most=settings.file_megabytes * 1_000_000,
        seconds=settings.file_seconds,
        number=settings.files_per_question,
        tokens=settings.file_tokens,
        pages=settings.file_pages,
        pictures=settings.pictures,
        turns=settings.picture_turns,
        pixels=min(settings.picture_pixels, LOW)
        if settings.picture_detail == "low"
        else settings.picture_pixels,
    )


def models_of(settings: Settings) -> Models:
    """All that is known of models. Raises `ConfigError`."""
    return load_models(settings.models_file, lambda provider, name: listed_price(provider, name, now()))


def rulebook_of(settings: Settings) -> Rulebook:
    """What the operator says of limits. Raises `ConfigError` for a file that can't be read or understood.

    A setting that the operator has set is as good as the file's word: no admin raises it. One that is as it comes may be raised.
    """
    usual = {
        name: getattr(settings, f"user_{name}")
        for name in ("requests_per_minute", "tokens_per_day", "usd_per_month")
    }
    said = {
        name: allowed
        for name, allowed in usual.items()
        if allowed is not None and f"user_{name}" in settings.model_fields_set
    }
    filed, roles = read_limits(settings.limits) if settings.limits is not None else ({}, {})
    if said:
        filed = {**filed, Scope(Level.USER): {**said, **filed.get(Scope(Level.USER), {})}}
    provider = {
        "requests_per_minute": settings.provider_requests_per_minute,
        "tokens_per_minute": settings.provider_tokens_per_minute,
    }
    return Rulebook(filed, roles, usual, provider, settings.admins)


def vocabulary_folder(settings: Settings) -> Path:
    return (
        Path(settings.tiktoken_cache_dir) if settings.tiktoken_cache_dir else settings.data / "vocabularies"
    )


def person_key(settings: Settings) -> bytes:
    """The key under which people are counted: from the oldest secret key, so that a rotation keeps the counts, else one made once
    in the data folder."""
    if settings.secret_key is not None:
        oldest = settings.secret_key.get_secret_value().split(",")[-1].strip()
        return hashlib.sha256(b"person:" + oldest.encode()).digest()
    return _kept(settings.data / "person.key", lambda: secrets.token_bytes(32))


def inner_token(settings: Settings) -> str:
    """The token of the admin page: as set, else one made once in the data folder, so that browsers are known again."""
    if (token := admin_token(settings)) is not None:
        return token
    return _kept(settings.data / "admin.token", lambda: secrets.token_urlsafe(24).encode()).decode().strip()


def admin_token(settings: Settings) -> str | None:
    return settings.admin_token.get_secret_value() if settings.admin_token else None


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """A secret in a file that only its owner can read, made where there is none."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_bytes(make())
        fresh.chmod(0o600)
        fresh.replace(path)
    return path.read_bytes()
