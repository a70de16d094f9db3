"""The APIs a model can be reached through, one file each, and which of them speaks for which model.

Each vendor's SDK takes a second or two to import: only the one that is spoken to is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urlsplit

from bot.chat import Quota
from bot.errors import ConfigError
from bot.models.catalogue import Announced, Model, Models, Spec
from bot.ports import Provider
from bot.providers.warm import warm_responses
from bot.providers.wire import TIMEOUTS, Timeouts
from bot.tokens.pictures import Detail

OPENAI: Final = "https://api.openai.com/v1"
ANTHROPIC: Final = "https://api.anthropic.com"
AZURE: Final = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
NO_KEY: Final = "none"
"""Sent as the key to a compatible server that was given none: the SDK insists on one."""

__all__ = [
    "Access",
    "Quota",
    "Timeouts",
    "VendorsApi",
    "build_provider",
    "is_openai",
    "names_in_field",
    "speaks_for_itself",
    "warm_up",
]


class VendorsApi(Provider, Protocol):
    """A provider that can also be asked when a model ends."""

    async def announced(self, model: str) -> Announced:
        """What the API says of a model's end; nothing, where it does not answer soon."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the APIs are and with which keys; empty addresses are the vendors' own. `local_base_url` is the
    small local model's server.

    `temperature` is sent to models that take one, `detail` with every picture where the API asks for it.
    """

    openai_api_key: str = field(default="", repr=False)
    openai_base_url: str = ""
    anthropic_api_key: str = field(default="", repr=False)
    anthropic_base_url: str = ""
    local_base_url: str = ""
    temperature: float | None = None
    detail: Detail = "high"
    timeouts: Timeouts = TIMEOUTS


def build_provider(spec: Spec, access: Access, models: Models) -> VendorsApi:
    """The provider that speaks for a model. `openai:` is the Responses API at OpenAI itself and chat
    completions at any other server.

    Raises `ConfigError` where a key is missing or an address is none.
    """

    def profile(name: str) -> Model:
        return models.get(Spec(spec.api, name))

    match spec.provider:
        case "anthropic":
            return _anthropic(spec, profile, access)
        case "local":
            from bot.providers.openai_chat import OpenAIChat
            from bot.providers.openai_line import OpenAILine

            address = _address("REJOINDER_LOCAL_MODEL", access.local_base_url)
            line = OpenAILine(
                name="local", api_key=NO_KEY, base_url=address, compatible=True, timeouts=access.timeouts
            )
            return OpenAIChat(line, profile, temperature=access.temperature, detail=access.detail)
        case _:
            return _openai(spec, profile, access)


async def warm_up(provider: Provider) -> None:
    """Do before the first answer what would otherwise delay it."""
    if provider.name == "openai":
        from bot.providers.openai_responses import OpenAIResponses

        if isinstance(provider, OpenAIResponses):
            await warm_responses()


def is_openai(base_url: str) -> bool:
    """Whether an address is OpenAI's own (one of its regions, maybe) and not a compatible server's."""
    host = _host(base_url or OPENAI)
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def speaks_for_itself(spec: Spec, access: Access) -> bool:
    """Whether a model is asked at its own vendor's, where what is known of its end holds."""
    return (
        not access.anthropic_base_url if spec.provider == "anthropic" else is_openai(access.openai_base_url)
    )


def names_in_field(spec: Spec, access: Access, model: Model) -> bool:
    """Whether speakers' names stand in a field of their own: in OpenAI's own chat completions."""
    return spec.api == "openai-chat" and is_openai(access.openai_base_url) and model.name_field


def _openai(spec: Spec, profile: Callable[[str], Model], access: Access) -> VendorsApi:
    from bot.providers.openai_chat import OpenAIChat
    from bot.providers.openai_line import OpenAILine
    from bot.providers.openai_responses import OpenAIResponses

    address = _address("OPENAI_BASE_URL", access.openai_base_url or OPENAI)
    compatible = not is_openai(address)
    key = _key("OPENAI_API_KEY", access.openai_api_key or (NO_KEY if compatible else ""), spec)
    responses = spec.api == "openai-responses" or (spec.api == "openai" and not compatible)
    line = OpenAILine(
        name="openai",
        api_key=key,
        base_url=address,
        compatible=compatible,
        azure=_host(address).endswith(AZURE),
        timeouts=access.timeouts,
    )
    api = OpenAIResponses if responses else OpenAIChat
    return api(line, profile, temperature=access.temperature, detail=access.detail)


def _anthropic(spec: Spec, profile: Callable[[str], Model], access: Access) -> VendorsApi:
    from bot.providers.anthropic_messages import AnthropicMessages

    address = _address("ANTHROPIC_BASE_URL", access.anthropic_base_url or ANTHROPIC)
    key = access.anthropic_api_key or (NO_KEY if access.anthropic_base_url else "")
    return AnthropicMessages(
        profile,
        api_key=_key("ANTHROPIC_API_KEY", key, spec),
        base_url=address.removesuffix("/v1"),
        timeouts=access.timeouts,
    )


def _key(variable: str, key: str, spec: Spec) -> str:
    key = key.strip()
    if not key:
        raise ConfigError(
            variable,
            f"is missing, and {spec.provider} models need it",
            "Set it in the environment or in .env",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(
            variable, "holds characters that no key has", "Copy the key again, without quotes or blanks"
        )
    return key


def _address(variable: str, text: str) -> str:
    if not _host(text):
        raise ConfigError(variable, "is not a web address", "Write it as https://host/v1")
    return text.strip().rstrip("/")


def _host(text: str) -> str:
    """The host of a web address, empty where it is none."""
    try:
        parts = urlsplit(text.strip())
        web = parts.scheme in ("http", "https") and (parts.port is None or parts.port > 0)
    except ValueError:
        return ""
    return (parts.hostname or "") if web else ""
