"""What is known of each model: how much it takes, what it costs, what may be said to it, and when it ends.

All of it is data: `models.toml`, and a file of the operator's that adds to it. A model that stands nowhere
works too, with small windows and an unknown price.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from bot.chat import Usage
from bot.errors import ConfigError
from bot.models.file import UNKNOWN, Tables, read_tables, wrong
from bot.models.prices import Price
from bot.tokens.pictures import EACH, PictureRule

Elsewhere = Callable[[str, str], tuple[Price, str] | None]
"""Another list of prices: by provider and name, the price and the name of the list."""
BUILT_IN: Final = Path(__file__).with_name("models.toml")
APIS: Final[Mapping[str, str]] = {
    "openai": "openai",
    "openai-responses": "openai",
    "openai-chat": "openai",
    "anthropic": "anthropic",
    "local": "local",
}
"""What may stand before the colon of a model's name, and whose model it then is."""
SOON: Final = timedelta(days=60)
"""So long before a model ends, its use is warned of."""

_SNAPSHOT = re.compile(r"-(?:\d{4}-\d\d-\d\d|\d{8}|\d{4}|latest)$")


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `provider` is whose it is (`openai`, `anthropic`, `local`), `name` what its API calls it.

    `window` holds prompt and answer together, in tokens. `effort` is the reasoning effort that is sent,
    empty where none is. `exact`: `encoding` is the model's own tokenizer; where it is not, a count times
    `ratio` is the first guess. `picture` is how pictures are counted. `shutdown` is the first day without it.
    """

    provider: str
    name: str
    known: bool = False
    window: int = 8_192
    max_output: int = 2_048
    price: Price | None = None
    price_list: str = ""
    role: Literal["developer", "system"] = "system"
    cap_parameter: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    temperature: bool = False
    efforts: tuple[str, ...] = ()
    effort: str = ""
    images: bool = False
    caching: Literal["implicit", "explicit", "none"] = "none"
    encoding: str = "o200k_base"
    exact: bool = False
    ratio: float = 1.0
    picture: PictureRule = EACH
    name_field: bool = False
    shutdown: date | None = None
    successor: str = ""

    @property
    def own_encoding(self) -> str:
        """The model's own vocabulary, where it is said to be public."""
        return self.encoding if self.exact else ""

    @property
    def names(self) -> tuple[str, str]:
        """What an operator may call it."""
        return f"{self.provider}:{self.name}", self.name

    def cost(self, usage: Usage) -> Decimal | None:
        """What a call cost, in US dollars; None where the price is unknown."""
        return None if self.price is None else self.price.cost(usage)

    def worst(self, prompt_tokens: int) -> tuple[Decimal, Decimal] | None:
        """The most that a prompt can cost, and each token that is said to it; None where the price is unknown."""
        return None if self.price is None else self.price.worst(prompt_tokens)

    def worst_cost(self, prompt_tokens: int, output_cap: int) -> Decimal | None:
        """The most a call can cost, in US dollars; None where the price is unknown."""
        return None if self.price is None else self.price.worst_cost(prompt_tokens, output_cap)


@dataclass(frozen=True, slots=True)
class Spec:
    """A model as an operator names it: which API speaks (a key of `APIS`), and the model's own name."""

    api: str
    model: str

    @property
    def provider(self) -> str:
        return APIS[self.api]

    def __str__(self) -> str:
        return f"{self.api}:{self.model}"


class Models:
    """All models, by provider and name. `unknown` has one for each provider, for those that stand nowhere."""

    def __init__(
        self, known: Iterable[Model], unknown: Iterable[Model], elsewhere: Elsewhere | None = None
    ) -> None:
        self._known = {(model.provider, model.name): model for model in known}
        self._unknown = {model.provider: model for model in unknown}
        self._elsewhere = elsewhere

    def __iter__(self) -> Iterator[Model]:
        return iter(self._known.values())

    def spec(self, text: str) -> Spec:
        """Read `provider:model` or a bare name; one that stands nowhere is OpenAI's, or a compatible
        server's.
        """
        api, colon, name = text.strip().partition(":")
        if colon and api in APIS:
            name = name.strip()
        else:
            name = text.strip()
            api = self._whose(name)
        if not name:
            cure = "Write provider:model, for example openai:gpt-6-luna"
            raise ConfigError("REJOINDER_MODEL", f"{text!r} names no model", cure)
        return Spec(api, name)

    def get(self, text: str | Spec) -> Model:
        """What is known of a model. A dated snapshot without an entry of its own is like its model."""
        spec = text if isinstance(text, Spec) else self.spec(text)
        for name in (spec.model, _SNAPSHOT.sub("", spec.model)):
            if (model := self._known.get((spec.provider, name))) is not None:
                return self._priced(replace(model, name=spec.model))
        return self._priced(replace(self._unknown[spec.provider], name=spec.model))

    def _priced(self, model: Model) -> Model:
        """The model with what another list says of its price, where ours says nothing; and the name of the list."""
        price, price_list = model.price, model.price_list or BUILT_IN.name
        if price is None and self._elsewhere is not None:
            price, price_list = self._elsewhere(model.provider, model.name) or (None, "")
        if price is None:
            return model
        return replace(model, price=price, price_list=f"{price_list} {price.fingerprint}")

    def _whose(self, name: str) -> str:
        for provider in self._unknown:
            if self._known.keys() & {(provider, name), (provider, _SNAPSHOT.sub("", name))}:
                return provider
        return "anthropic" if name.startswith("claude-") else "openai"


@dataclass(frozen=True, slots=True)
class Announced:
    """What an API says itself of a model's end: the day, or only that it is coming, or that it is past."""

    day: date | None = None
    deprecated: bool = False
    retired: bool = False


NOT_ANNOUNCED: Final = Announced()


def check(model: Model, today: date, announced: Announced = NOT_ANNOUNCED) -> tuple[str, ...]:
    """Warnings about a model, each a sentence. Raises `ConfigError` for one that has ended.

    Only its own provider ends a model: where another server answers to its name, what stands in `models.toml` says nothing.
    """
    cure = f"Use {model.provider}:{model.successor}" if model.successor else "Choose another model"
    days = [day for day in (model.shutdown, announced.day) if day is not None]
    if announced.retired or (days and min(days) <= today):
        when = f" on {min(days)}" if days else ""
        raise ConfigError("REJOINDER_MODEL", f"{model.name} was shut down{when}", cure)
    if days and min(days) - today <= SOON:
        return (f"{model.name} will be shut down on {min(days)}. {cure}",)
    return (f"{model.name} is deprecated and will be shut down. {cure}",) if announced.deprecated else ()


def load_models(extra: Path | None = None, elsewhere: Elsewhere | None = None) -> Models:
    """All that is known of models, with the operator's own file over it, and prices from elsewhere where neither has one.

    Raises `ConfigError`.
    """
    tables = read_tables(BUILT_IN)
    for provider, models in (read_tables(extra) if extra is not None else {}).items():
        for name, values in models.items():
            own = {"price_list": "REJOINDER_MODELS"} if "price" in values else {}
            tables[provider][name] = tables[provider].get(name, {}) | values | own
    file = extra or BUILT_IN
    known = [
        _model(file, tables, provider, name)
        for provider in tables
        if provider != UNKNOWN
        for name in tables[provider]
    ]
    unknown = [Model(provider, "", **values) for provider, values in tables[UNKNOWN].items()]
    return Models(known, unknown, elsewhere)


def _model(file: Path, tables: Tables, provider: str, name: str, seen: tuple[str, ...] = ()) -> Model:
    """Build one model: its table, over what it is like, over what its provider's unknown models are like."""
    values: dict[str, Any] = dict(tables[provider][name])
    like = values.pop("like", None)
    if like is None:
        base = Model(provider, name, **tables[UNKNOWN].get(provider, {}))
    elif like not in tables[provider] or like in (*seen, name):
        raise wrong(
            file, f'[{provider}."{name}"] like', f"names {like!r}, which stands nowhere or leads back here"
        )
    else:
        other = _model(file, tables, provider, like, (*seen, name))
        base = replace(other, name=name, shutdown=None, successor="")
    return replace(base, known=True, **values)
