"""Looks at everything `python -m bot check` promises: the settings, the database, the disk, the model, the tokenizer, the platforms."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

from bot import app, tokens, vocabularies
from bot.chat import Message, Prompt, Role
from bot.check import Finding
from bot.errors import ConfigError, ProviderError, StoreUnavailable
from bot.local_model import is_installed
from bot.models import check, load_models
from bot.providers import build_provider, speaks_for_itself
from bot.settings import Settings
from bot.voices import access_of, choose_model
from storage import migrations
from storage.stores import open_stores

FREE_MB = 500


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """Everything looked at, in order. Nothing here changes anything, but for one question of a few tokens to the model."""
    yield Finding("settings are complete")
    yield _disk(settings)
    yield await _database(settings)
    yield await _tokenizer(settings)
    async for finding in _model(settings):
        yield finding
    async for finding in _platforms(settings):
        yield finding
    if settings.secret_key is None:
        yield Finding(
            "REJOINDER_SECRET_KEY is not set: nothing can be kept reversibly",
            "Set one (`python -m bot key`); with several processes all need the same",
            warning=True,
        )


def _disk(settings: Settings) -> Finding:
    folder = settings.data if settings.data.exists() else settings.data.resolve().parent
    try:
        free = shutil.disk_usage(folder).free // 1_000_000
    except OSError as error:
        return Finding(
            f"REJOINDER_DATA: {folder} can't be read ({error.strerror})",
            "Name a folder this user may write to",
        )
    if free < FREE_MB:
        return Finding(f"only {free} MB are free for {settings.data}", f"Make room: {FREE_MB} MB at least")
    return Finding(f"data folder {settings.data}, {free / 1000:.0f} GB free")


async def _database(settings: Settings) -> Finding:
    stores = open_stores(settings.url)
    try:
        if stores.database.is_sqlite and not (
            settings.database_url or (settings.data / "rejoinder.db").exists()
        ):
            return Finding("database: SQLite, made at the first start")
        revision, newest = await stores.revision(), migrations.head()
    except StoreUnavailable as error:
        return Finding(
            f"DATABASE_URL: the database does not answer ({error})", "Start it, or correct the URL"
        )
    finally:
        await stores.aclose()
    kind = "SQLite" if stores.database.is_sqlite else "PostgreSQL"
    if revision == newest:
        return Finding(f"database: {kind} at revision {revision}")
    return Finding(
        f"database: {kind} at revision {revision}, this version has {newest}", "Run `python -m bot migrate`"
    )


async def _tokenizer(settings: Settings) -> Finding:
    try:
        vocabularies.ensure(app.vocabulary_folder(settings))
    except ConfigError as error:
        return Finding(f"{error.variable}: {error.cause}", error.cure)
    await tokens.load()
    return Finding(f"tokenizer {tokens.tokenizer_for('gpt-4o').name}")


async def _model(settings: Settings) -> AsyncIterator[Finding]:
    try:
        models = load_models(settings.models_file)
        spec = choose_model(settings, models)
        model, access = models.get(spec), access_of(settings)
        if spec.provider == "local":
            state = "installed" if is_installed(settings.data) else "to be installed at the first start"
            yield Finding(f"model {spec}: the small one on this machine, {state}")
            return
        if speaks_for_itself(spec, access):
            for warning in check(model, app.now().date()):
                yield Finding(warning, "Set REJOINDER_MODEL to its successor in time", warning=True)
        provider = build_provider(spec, access, models)
    except ConfigError as error:
        yield Finding(f"{error.variable}: {error.cause}", error.cure)
        return
    if model.price is None:
        yield Finding(
            f"the price of {spec} is not known: its costs can't be counted",
            "Give it in the file REJOINDER_MODELS",
            warning=True,
        )
    prompt = Prompt(model.name, "Answer with one word.", (Message(Role.USER, "Say: ready"),), 64)
    try:
        async for _ in provider.stream(prompt):
            pass
    except ProviderError as error:
        detail = " ".join(str(part) for part in (error.status, error.vendor_code) if part)
        yield Finding(
            f"model {spec} does not answer: {type(error).__name__} {detail}".rstrip(), _model_cure(error.code)
        )
    else:
        yield Finding(f"model {spec} answers")
    finally:
        await provider.aclose()


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
        ):
            yield finding
    if not settings.slack and not settings.discord:
        yield Finding("no platform is configured: the playground is served instead")
