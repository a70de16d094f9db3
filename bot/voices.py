"""Which model answers, and how it is reached: from the settings to a `Voice`.

A model that is named is used; else the key that is set decides; with neither key nor base URL, the small model on this machine answers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date
from typing import Final

from pydantic import SecretStr

from bot import tokens
from bot.context import Counter, Estimate, window_for
from bot.engine import Voice
from bot.errors import ConfigError
from bot.local_model import MODEL, LocalModel, ensure_installed
from bot.menu import Menu
from bot.models import Model, Models, Spec, check, load_models
from bot.providers import Access, build_provider, speaks_for_itself, warm_up
from bot.settings import Settings

USUAL_OPENAI: Final = "openai:gpt-6-luna"
USUAL_CLAUDE: Final = "anthropic:claude-haiku-5-5"
LOCAL: Final = f"local:{MODEL}"


def choose_model(settings: Settings, models: Models) -> Spec:
    """The model that the settings name or imply. Raises `ConfigError` when they imply none."""
    if settings.model:
        return models.spec(settings.model)
    if settings.openai_base_url:
        raise ConfigError(
            "REJOINDER_MODEL",
            "is missing beside OPENAI_BASE_URL",
            "Name a model that the server at that address has",
        )
    if settings.openai_api_key is not None:
        return models.spec(USUAL_OPENAI)
    if settings.anthropic_api_key is not None:
        return models.spec(USUAL_CLAUDE)
    if settings.local_model == "on":
        return models.spec(LOCAL)
    raise ConfigError(
        "OPENAI_API_KEY",
        "no model can be reached: no key is set and the local model is off",
        "Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or allow the local model (REJOINDER_LOCAL_MODEL=on)",
    )


async def open_voice(
    settings: Settings, stack: AsyncExitStack, say: Callable[[str], None], *, today: date
) -> Voice:
    """Reach the model, starting the local one if it is the one; closed with `stack`. Raises `ConfigError`."""
    models = load_models(settings.models_file)
    spec = choose_model(settings, models)
    model, access = models.get(spec), access_of(settings)
    if spec.provider == "local":
        local = await _start_local(settings, stack, say)
        access = replace(access, local_base_url=local.base_url)
        model = replace(model, window=local.context_tokens)
    elif speaks_for_itself(spec, access):
        for warning in check(model, today):
            say(f"warning: {warning}")
    if settings.user_usd_per_month is not None and model.price is None:
        raise ConfigError(
            "REJOINDER_USER_USD_PER_MONTH",
            f"can't be held: the price of {spec} is not known",
            "Give its price in the file REJOINDER_MODELS, or limit tokens instead",
        )
    provider = build_provider(spec, access, models)
    stack.push_async_callback(provider.aclose)
    await warm_up(provider)
    await tokens.load(model.name)
    window = window_for(
        model.window,
        model.max_output,
        context_tokens=settings.context_tokens,
        max_output_tokens=settings.max_output_tokens,
    )
    say(f"model: {spec}")
    return Voice(provider, model, settings.system_prompt, window, counter_for(model))


def open_menu(settings: Settings, *, today: Callable[[], date]) -> Menu:
    """The models that admins of places may choose."""
    models = load_models(settings.models_file)
    usual, priced = choose_model(settings, models), settings.user_usd_per_month is not None
    return Menu(models, access_of(settings), usual, priced=priced, today=today)


def counter_for(model: Model) -> Counter:
    """The model's own tokenizer, or an estimate of it."""
    tokenizer = tokens.tokenizer_for(model.name)
    return tokenizer if tokenizer.exact else Estimate(tokenizer, model.ratio)


def access_of(settings: Settings) -> Access:
    return Access(
        openai_api_key=_open(settings.openai_api_key),
        openai_base_url=settings.openai_base_url,
        anthropic_api_key=_open(settings.anthropic_api_key),
        anthropic_base_url=settings.anthropic_base_url,
    )


async def _start_local(settings: Settings, stack: AsyncExitStack, say: Callable[[str], None]) -> LocalModel:
    folder = await ensure_installed(settings.data, announce=say)
    return await stack.enter_async_context(LocalModel(folder))


def _open(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
