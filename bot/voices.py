"""Which models answer, and how they are reached: from the settings to a `Voice` of each.

A model that is named is used; else the key that is set decides; with neither key nor base URL, the small model on this machine answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date
from typing import Final

from pydantic import SecretStr

from bot.access import welcome_for
from bot.chat import Author, Place
from bot.commands.menu import Menu
from bot.context import window_for
from bot.errors import ConfigError
from bot.local_model import MODEL, LocalModel, ensure_installed
from bot.marking import instructed
from bot.models.catalogue import Models, Spec, check
from bot.ports import Calibrations
from bot.preferences import Decided, Welcome
from bot.providers import Access, VendorsApi, build_provider, names_in_field, speaks_for_itself, warm_up
from bot.settings import Settings
from bot.tokens import texts as tokens
from bot.tokens.counting import Counter, counter_for
from bot.voice import Voice

log = logging.getLogger(__name__)

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


def chosen_models(settings: Settings, models: Models) -> list[Spec]:
    """The model that usually answers, and then those that stand in for it. Raises `ConfigError`."""
    stand_ins = map(models.spec, settings.fallback_models)
    return list(dict.fromkeys([choose_model(settings, models), *stand_ins]))


def summing_model(settings: Settings, models: Models) -> Spec | None:
    """The model that sums up what is told no more, if one does. Raises `ConfigError`."""
    return models.spec(settings.summary_model) if settings.summary_model else None


class Switchboard:
    """Reaches models, each once and when it is first asked for; all are let go when `stack` closes. Implements `Voices`.

    `priced`: the operator holds a budget of money, so that no model without a price can be asked.
    """

    def __init__(
        self,
        settings: Settings,
        models: Models,
        decided: Decided,
        calibrations: Calibrations,
        stack: AsyncExitStack,
        say: Callable[[str], None],
        *,
        priced: bool,
        today: Callable[[], date],
    ) -> None:
        self._settings, self._models, self._decided = settings, models, decided
        self._calibrations, self._stack, self._say = calibrations, stack, say
        self._priced, self._today, self._access = priced, today, access_of(settings)
        self._reached: dict[Spec, Voice] = {}
        self._apis: dict[Spec, VendorsApi] = {}
        self._warned: set[str] = set()
        self._reaching = asyncio.Lock()
        self._usual: tuple[Voice, ...] = ()
        self._small: Voice | None = None

    async def open(self) -> None:
        """Reach the usual model and those that stand in for it. Raises `ConfigError`."""
        specs = chosen_models(self._settings, self._models)
        self._usual = tuple([await self.reach(spec) for spec in specs])
        self._say("model: " + ", then ".join(map(str, specs)))
        if self._settings.guest_model:
            spec = self._models.spec(self._settings.guest_model)
            self._small = replace(await self.reach(spec), aside=True)
            self._say(f"small model: {spec}")

    async def look_ahead(self) -> None:
        """Ask the APIs themselves when the usual models end. Raises `ConfigError` for one that has ended."""
        for spec, provider in self._apis.items():
            model = replace(self._models.get(spec), shutdown=None)
            self._warn(check(model, self._today(), await provider.announced(spec.model)))

    def _warn(self, warnings: Sequence[str]) -> None:
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self._say(f"warning: {warning}")

    @property
    def counter(self) -> Counter:
        """How what is said is counted when it comes in: as the usual model counts."""
        return self._usual[0].counter

    async def summing(self) -> Voice | None:
        """The model that sums up, if one does. Raises `ConfigError`."""
        spec = summing_model(self._settings, self._models)
        return None if spec is None else await self.reach(spec)

    async def candidates(self, place: Place, author: Author | None = None) -> Sequence[Voice]:
        """What the place's admins chose goes before the usual models, and all are told what the place has them told. Those for whom
        the policy is the small model are answered by that one alone."""
        holds = await self._decided.at(place)
        if author is not None and self._small is not None and welcome_for(author, holds) is Welcome.SMALL:
            return [replace(self._small, system=instructed(holds.system_prompt))]
        chosen = await self._chosen(holds.model)
        others = [voice for voice in self._usual if voice is not chosen]
        voices = others if chosen is None else [chosen, *others]
        return [replace(voice, system=instructed(holds.system_prompt)) for voice in voices]

    async def _chosen(self, name: str) -> Voice | None:
        """None where the model can't be reached any more: it was chosen when the settings were others."""
        try:
            return await self.reach(self._models.spec(name))
        except ConfigError as error:
            log.warning("a model that was chosen for a place can't be reached (%s)", error)
            return None

    async def reach(self, spec: Spec) -> Voice:
        """A model as the settings have it speak, ready to be asked. Raises `ConfigError`."""
        async with self._reaching:
            if spec not in self._reached:
                self._reached[spec] = await self._open(spec)
            return self._reached[spec]

    async def _open(self, spec: Spec) -> Voice:
        settings, model = self._settings, self._models.get(spec)
        if spec.provider == "local":
            local = await self._start_local()
            model = replace(model, window=local.context_tokens)
        elif speaks_for_itself(spec, self._access):
            self._warn(check(model, self._today()))
        if self._priced and model.price is None:
            of_person = settings.user_usd_per_month is not None
            raise ConfigError(
                "REJOINDER_USER_USD_PER_MONTH" if of_person else "REJOINDER_LIMITS",
                f"can't be held: the price of {spec} is not known",
                "Give its price in the file REJOINDER_MODELS, or limit tokens instead",
            )
        provider = build_provider(spec, self._access, self._models)
        self._stack.push_async_callback(provider.aclose)
        if spec.provider != "local":
            self._apis[spec] = provider
        await warm_up(provider)
        await tokens.load(model.name, own=model.own_encoding)
        window = window_for(
            model.window,
            model.max_output,
            context_tokens=settings.context_tokens,
            max_output_tokens=settings.max_output_tokens,
        )
        in_field = names_in_field(spec, self._access, model)
        counter = await counter_for(
            model, self._calibrations, detail=settings.picture_detail, name_field=in_field
        )
        return Voice(provider, model, settings.system_prompt, window, counter)

    async def _start_local(self) -> LocalModel:
        folder = await ensure_installed(self._settings.data, announce=self._say)
        local = await self._stack.enter_async_context(LocalModel(folder))
        self._access = replace(self._access, local_base_url=local.base_url)
        return local


def open_menu(settings: Settings, models: Models, *, priced: bool, today: Callable[[], date]) -> Menu:
    """The models that admins of places may choose."""
    usual = choose_model(settings, models)
    small = bool(settings.guest_model)
    return Menu(models, access_of(settings), usual, priced=priced, today=today, small=small)


def access_of(settings: Settings) -> Access:
    return Access(
        openai_api_key=_open(settings.openai_api_key),
        openai_base_url=settings.openai_base_url,
        anthropic_api_key=_open(settings.anthropic_api_key),
        anthropic_base_url=settings.anthropic_base_url,
        detail=settings.picture_detail,
    )


def _open(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
