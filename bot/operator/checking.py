"""Looks at everything `python -m bot check` promises: the settings, the disk, the database, the tokenizer, the filter, the models, the
platforms."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from bot.chat import Message, Prompt, Role
from bot.clock import now
from bot.commands.table import command_list
from bot.derived import models_of, vocabulary_folder
from bot.errors import ConfigError, ProviderError, StoreUnavailable
from bot.local_model import installed, verify
from bot.models.catalogue import Models, Spec, check
from bot.operator.check import Finding
from bot.operator.legacy import old_forms
from bot.ports import Provider
from bot.privacy.settings import actions_of, masked_for_want_of_a_key, open_redactor
from bot.providers import build_provider, speaks_for_itself
from bot.settings import Settings, known_names, unknown_names
from bot.tokens import texts as tokens
from bot.tokens import vocabularies
from bot.voices import access_of, chosen_models, summing_model
from storage import migrations
from storage.engines import complete, sqlite_file
from storage.stores import open_stores

FREE_MB = 500


async def findings(
    settings: Settings, *, free_mb: int = FREE_MB, folder: Path | None = None
) -> AsyncIterator[Finding]:
    """Everything looked at, in order. Nothing here changes anything, but for one question of a few tokens to the model."""
    yield Finding("settings are complete")
    for name in unknown_names():
        likely = get_close_matches(name, known_names(), n=1, cutoff=0.8)
        cure = f"Did you mean {likely[0]}?" if likely else "Look it up in docs/settings.md"
        yield Finding(f"{name}: there is no such setting", cure, warning=True)
    yield _disk(settings, free_mb)
    yield await _database(settings)
    yield _tokenizer(settings)
    yield _filter(settings)
    async for finding in _models(settings):
        yield finding
    for old in old_forms(folder or Path.cwd()):
        yield Finding(
            f"{old.file}, line {old.line}: `{old.written}` is a form that the SDKs gave up with 1.0",
            f"Write today: {old.current}",
            warning=True,
        )
    async for finding in _platforms(settings):
        yield finding
    yield _secret_key(settings)


def _secret_key(settings: Settings) -> Finding:
    try:
        wanting = masked_for_want_of_a_key(settings)
    except ConfigError:  # told with the filter
        wanting = ""
    if settings.secret_keys:
        return Finding("originals of placeholders are kept encrypted (REJOINDER_SECRET_KEY)")
    cure = "Set one (`python -m bot key`); with several processes all need the same"
    return Finding(
        wanting or "REJOINDER_SECRET_KEY is not set: nothing can be kept reversibly", cure, warning=True
    )


def _disk(settings: Settings, needed: int) -> Finding:
    if not _may_write(settings.data):
        return Finding(
            f"REJOINDER_DATA: {settings.data} can't be written to", "Name a folder this user may write to"
        )
    free = shutil.disk_usage(_existing(settings.data)).free // 1_000_000
    if free < needed:
        return Finding(f"only {free} MB are free for {settings.data}", f"Make room: {needed} MB at least")
    return Finding(f"data folder {settings.data}, {free / 1000:.0f} GB free")


def _existing(path: Path) -> Path:
    """The path itself, or the nearest above it that is there."""
    path = path.resolve()
    return next(one for one in (path, *path.parents) if one.exists())


def _may_write(folder: Path) -> bool:
    """Whether it can be written to, once it is made."""
    existing = _existing(folder)
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


async def _database(settings: Settings) -> Finding:
    try:
        file = sqlite_file(complete(settings.url))
        if file is not None and not file.exists():
            if _may_write(file.parent):
                return Finding("database: SQLite, made at the first start")
            return Finding(
                f"DATABASE_URL: {file.parent} can't be written to",
                "Name a file in a folder this user may write to",
            )
        async with aclosing(open_stores(settings.url)) as stores:
            revision, newest = await stores.revision(), migrations.head()
            migrations.refuse_newer(revision)
            where = migrations.at(revision)
            if stores.database.is_sqlite:
                then = "" if revision == newest else f", to be brought to {newest} at the next start"
                return Finding(f"database: SQLite {where}{then}")
            await migrations.require_newest(stores.database)
            return Finding(f"database: PostgreSQL {where}")
    except ConfigError as error:
        return _fault(error)
    except StoreUnavailable as error:
        return Finding(
            f"DATABASE_URL: the database does not answer ({error})", "Start it, or correct the URL"
        )


def _tokenizer(settings: Settings) -> Finding:
    try:
        folder = vocabularies.ensure(vocabulary_folder(settings))
    except ConfigError as error:
        return _fault(error)
    return Finding(f"the tokenizer's vocabularies are in {folder}")


def _filter(settings: Settings) -> Finding:
    try:
        open_redactor(settings)
        actions_of(settings)
    except ConfigError as error:
        return _fault(error)
    return Finding(
        f"the filter has the words of {settings.filter_words}"
        if settings.filter_words
        else "the filter has no words of your own (REJOINDER_FILTER_WORDS)"
    )


async def _models(settings: Settings) -> AsyncIterator[Finding]:
    """Every model that answers, stands in, or sums up."""
    try:
        models = models_of(settings)
        summing = summing_model(settings, models)
        specs = dict.fromkeys([*chosen_models(settings, models), *([summing] if summing else [])])
    except ConfigError as error:
        yield _fault(error)
        return
    for spec in specs:
        try:
            async for finding in _model(settings, models, spec):
                yield finding
        except ConfigError as error:
            yield _fault(error)


async def _model(settings: Settings, models: Models, spec: Spec) -> AsyncIterator[Finding]:
    model, access = models.get(spec), access_of(settings)
    await tokens.load(model.name, own=model.own_encoding)
    tokenizer = tokens.tokenizer_for(model.name, model.own_encoding)
    how = "exactly" if tokenizer.exact else "as an estimate"
    yield Finding(f"{spec}: its tokens are counted by {tokenizer.name}, {how}")
    if spec.provider == "local":
        folder, state = installed(settings.data), "to be installed at the first start"
        if folder is not None:
            await verify(folder)
            state = "installed and whole"
        yield Finding(f"{spec}: the small one on this machine, {state}")
        return
    if model.price is None:
        yield Finding(
            f"{spec}: its price is not known, so that its costs can't be counted",
            "Give it in the file REJOINDER_MODELS",
            warning=True,
        )
    provider = build_provider(spec, access, models)
    try:
        own = model if speaks_for_itself(spec, access) else replace(model, shutdown=None)
        for warning in check(own, now().date(), await provider.announced(model.name)):
            yield Finding(warning, "Name its successor in the settings in time", warning=True)
        yield await _answers(spec, provider)
    finally:
        await provider.aclose()


async def _answers(spec: Spec, provider: Provider) -> Finding:
    """Whether it answers, by a question of a few tokens."""
    prompt = Prompt(spec.model, "Answer with one word.", (Message(Role.USER, "Say: ready"),), 64)
    try:
        async for _ in provider.stream(prompt):
            pass
    except ProviderError as error:
        detail = " ".join(str(part) for part in (error.status, error.vendor_code) if part)
        return Finding(
            f"{spec}: it does not answer: {type(error).__name__} {detail}".rstrip(), _model_cure(error.code)
        )
    return Finding(f"{spec}: it answers")


def _fault(error: ConfigError) -> Finding:
    return Finding(f"{error.variable}: {error.cause}", error.cure)


def _model_cure(code: str) -> str:
    return {
        "misconfigured": "Check the key and the model's name",
        "quota": "Look at the account's billing and limits",
        "overloaded": "Check the network and the base URL, and try again",
        "empty": "The model spent its answer on reasoning: choose a lower effort in REJOINDER_MODELS",
    }.get(code, "See the provider's status page, and try again")


async def _platforms(settings: Settings) -> AsyncIterator[Finding]:
    if settings.slack_bot_token is not None:
        from adapters import slack

        for finding in await slack.check(
            bot_token=settings.slack_bot_token.get_secret_value(),
            app_token=settings.slack_app_token.get_secret_value() if settings.slack_app_token else "",
            api_url=settings.slack_api_url,
        ):
            yield finding
    if settings.discord_token is not None:
        from adapters import discord

        for finding in await discord.check(
            token=settings.discord_token.get_secret_value(),
            api_url=settings.discord_api_url,
            message_content=settings.discord_message_content == "on",
            commands=command_list(settings.language),
        ):
            yield finding
    if not settings.slack and not settings.discord:
        yield Finding("no platform is configured: the playground is served instead")
