"""What can go wrong with the local model, in words for the person who started the bot."""

from __future__ import annotations

from bot.errors import ConfigError

OTHERWISE = (
    "set OPENAI_API_KEY, ANTHROPIC_API_KEY or OPENAI_BASE_URL to use another model, "
    "or REJOINDER_LOCAL_MODEL=off to start without one"
)


class LocalModelError(ConfigError):
    """It cannot be installed or run here. The cure always ends with what to do without it."""

    def __init__(self, cause: str, cure: str = "") -> None:
        whole = f"{cure}, or {OTHERWISE}." if cure else f"{OTHERWISE[0].upper()}{OTHERWISE[1:]}."
        super().__init__("REJOINDER_LOCAL_MODEL", cause, whole)
