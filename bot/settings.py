"""Every setting, read once from the environment (and `.env`) into one frozen value.

Nothing else in the house reads the environment. Secrets hide themselves when printed; a wrong value is a `ConfigError` that
names the variable, the cause and the cure, and never repeats the value.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from bot.errors import ConfigError
from bot.tokens.pictures import Detail

ROOT = Path(__file__).resolve().parent.parent

Switch = Literal["on", "off"]

SYSTEM_PROMPT = (
    "You are Rejoinder, a helpful assistant in a group chat. Answer briefly and to the point, in the language of the question, "
    "in Markdown. Say so when you do not know something."
)


class Settings(BaseSettings):
    """The settings that the outside relies on, grouped by concern. An empty variable counts as not set."""

    model_config = SettingsConfigDict(
        env_file=(ROOT / ".env", ".env"),
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
        case_sensitive=True,
        populate_by_name=True,
    )

    slack_bot_token: SecretStr | None = Field(
        None, alias="SLACK_BOT_TOKEN", description="Slack bot token, `xoxb-…`."
    )
    slack_app_token: SecretStr | None = Field(
        None,
        alias="SLACK_APP_TOKEN",
        description="Slack app-level token, `xapp-…`: Socket Mode, nothing to expose.",
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        alias="SLACK_SIGNING_SECRET",
        description="Slack signing secret: events over HTTP at `/slack/events`.",
    )
    slack_api_url: str = Field(
        "https://slack.com/api/",
        alias="SLACK_API_URL",
        description="Slack Web API base; GovSlack, proxies, emulators.",
    )
    slack_answers: Literal["thread", "channel"] = Field(
        "thread",
        alias="REJOINDER_SLACK_ANSWERS",
        description="Where Slack answers appear: in a `thread` under the question, or in the `channel`.",
    )
    slack_streams: Switch = Field(
        "on",
        alias="REJOINDER_SLACK_STREAMS",
        description="Answers in threads as Slack's own streams, where the workspace lets agents stream; `off`: by edits only.",
    )

    discord_token: SecretStr | None = Field(None, alias="DISCORD_TOKEN", description="Discord bot token.")
    discord_api_url: str = Field(
        "https://discord.com/api/v10",
        alias="DISCORD_API_URL",
        description="Discord REST base; a shared rate-limit proxy or an emulator.",
    )
    discord_gateway_url: str = Field(
        "", alias="DISCORD_GATEWAY_URL", description="First Discord gateway address; empty: asked for."
    )
    discord_message_content: Switch = Field(
        "on",
        alias="DISCORD_MESSAGE_CONTENT",
        description="The privileged intent: follow-ups in threads without a mention. `off`: mentions, replies and direct messages only.",
    )
    discord_shard_ids: Annotated[tuple[int, ...], NoDecode] = Field(
        (), alias="DISCORD_SHARD_IDS", description="Shards of this process, comma-separated; empty: all."
    )
    discord_shard_count: int | None = Field(
        None, ge=1, alias="DISCORD_SHARD_COUNT", description="Shards in all; empty: as Discord advises."
    )
    discord_answers: Literal["reply", "thread"] = Field(
        "reply",
        alias="REJOINDER_DISCORD_ANSWERS",
        description="Where Discord answers appear: as a `reply` in the channel, or in a new `thread`.",
    )

    openai_api_key: SecretStr | None = Field(
        None, alias="OPENAI_API_KEY", description="OpenAI key, or that of a compatible server."
    )
    openai_base_url: str = Field(
        "",
        alias="OPENAI_BASE_URL",
        description="Base URL of an OpenAI-compatible server; empty: OpenAI itself.",
    )
    anthropic_api_key: SecretStr | None = Field(
        None, alias="ANTHROPIC_API_KEY", description="Anthropic key, for Claude."
    )
    anthropic_base_url: str = Field(
        "", alias="ANTHROPIC_BASE_URL", description="Anthropic base URL; empty: Anthropic itself."
    )

    model: str = Field(
        "",
        alias="REJOINDER_MODEL",
        description="The model that answers, `provider:model` or a name from `bot/models/models.toml`; empty: by the key that is set.",
    )
    fallback_models: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        alias="REJOINDER_FALLBACK_MODELS",
        description="Models that answer when that one can't, in order, comma-separated.",
    )
    models_file: Path | None = Field(
        None,
        alias="REJOINDER_MODELS",
        description="A TOML file that adds models or overrides what is known of them.",
    )
    local_model: Switch = Field(
        "on",
        alias="REJOINDER_LOCAL_MODEL",
        description="`off`: never install or start the small local model.",
    )
    system_prompt: str = Field(
        SYSTEM_PROMPT,
        alias="REJOINDER_SYSTEM_PROMPT",
        description="What the model is told before every conversation.",
    )
    context_tokens: int = Field(
        16_000,
        ge=256,
        alias="REJOINDER_CONTEXT_TOKENS",
        description="Most tokens of a prompt; less where the model's window is smaller.",
    )
    summary_model: str = Field(
        "",
        alias="REJOINDER_SUMMARY_MODEL",
        description="A small model that sums up what no longer fits, off the way of any answer; empty: nothing is summed up.",
    )
    max_output_tokens: int = Field(
        4_000, ge=16, alias="REJOINDER_MAX_OUTPUT_TOKENS", description="Most tokens of an answer."
    )

    files: Switch = Field(
        "on",
        alias="REJOINDER_FILES",
        description="`off`: files that come with a question are not read, only named.",
    )
    file_megabytes: int = Field(
        20, ge=1, alias="REJOINDER_FILE_MEGABYTES", description="Largest file that is fetched, in megabytes."
    )
    file_seconds: float = Field(
        20,
        ge=1,
        alias="REJOINDER_FILE_SECONDS",
        description="Time for fetching one file, and as much again for reading it.",
    )
    files_per_question: int = Field(
        10, ge=1, alias="REJOINDER_FILES_PER_QUESTION", description="Files of one question that are read."
    )
    file_tokens: int = Field(
        5_000,
        ge=100,
        alias="REJOINDER_FILE_TOKENS",
        description="Most tokens of a question's files together, as text; never more than a third of the prompt.",
    )
    file_pages: int = Field(
        50, ge=1, alias="REJOINDER_FILE_PAGES", description="Pages of a PDF file that are read."
    )
    pictures: int = Field(
        4, ge=0, alias="REJOINDER_PICTURES", description="Pictures of one question that a model is shown."
    )
    picture_turns: int = Field(
        3,
        ge=0,
        alias="REJOINDER_PICTURE_TURNS",
        description="Turns after its own for which a picture is shown again; from then on it is only named.",
    )
    picture_pixels: int = Field(
        1_568,
        ge=64,
        alias="REJOINDER_PICTURE_PIXELS",
        description="Longest side of a picture as a model is shown it; larger ones are made smaller.",
    )
    picture_detail: Detail = Field(
        "high",
        alias="REJOINDER_PICTURE_DETAIL",
        description="`low`: pictures are shown coarsely (512 pixels), for less money.",
    )

    continuations: int = Field(
        2,
        ge=0,
        alias="REJOINDER_CONTINUATIONS",
        description="Times an answer that broke off is gone on with.",
    )
    continue_at_length: Switch = Field(
        "off",
        alias="REJOINDER_CONTINUE_AT_LENGTH",
        description="`on`: so is one that reached its length limit.",
    )

    user_requests_per_minute: int | None = Field(
        10,
        ge=1,
        alias="REJOINDER_USER_REQUESTS_PER_MINUTE",
        description="Questions per person and minute; `none`: no limit.",
    )
    user_tokens_per_day: int | None = Field(
        200_000,
        ge=1,
        alias="REJOINDER_USER_TOKENS_PER_DAY",
        description="Tokens per person and day (UTC); `none`: no limit.",
    )
    user_usd_per_month: Decimal | None = Field(
        None,
        gt=0,
        alias="REJOINDER_USER_USD_PER_MONTH",
        description="US dollars per person and month (UTC); `none`: no limit.",
    )
    provider_requests_per_minute: int | None = Field(
        None,
        ge=1,
        alias="REJOINDER_PROVIDER_REQUESTS_PER_MINUTE",
        description="Requests a minute that the provider allows for each model; empty: as it says in its answers.",
    )
    provider_tokens_per_minute: int | None = Field(
        None,
        ge=1,
        alias="REJOINDER_PROVIDER_TOKENS_PER_MINUTE",
        description="Tokens a minute that the provider allows for each model; empty: as it says in its answers.",
    )
    patience_seconds: float = Field(
        120,
        ge=0,
        alias="REJOINDER_PATIENCE_SECONDS",
        description="How long a question may wait for the provider's own limits.",
    )
    admin_channels: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        alias="REJOINDER_ADMIN_CHANNELS",
        description="Where admins are told of budgets that are used up, comma-separated: `platform:workspace:channel`.",
    )
    limits: Path | None = Field(
        None,
        alias="REJOINDER_LIMITS",
        description="A TOML file of limits per person, place, workspace, model and for the whole bot: see `docs/limits.md`.",
    )

    filter_words: Path | None = Field(
        None, alias="REJOINDER_FILTER_WORDS", description="A file of extra words and patterns to filter."
    )
    filter_ip: Switch = Field(
        "off", alias="REJOINDER_FILTER_IP", description="`on`: IP addresses are filtered too."
    )
    filter_actions: str = Field(
        "",
        alias="REJOINDER_FILTER_ACTIONS",
        description="What is done with kinds of sensitive data, such as `email=mask, card=block`: see `docs/filter.md`.",
    )
    allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        alias="REJOINDER_ALLOW",
        description="Who may talk to the bot, and where, comma-separated, as `platform:kind:id` with the kinds `user`, `role`, `channel` "
        "and `workspace`; a kind that is named admits no others. Empty: everybody, everywhere.",
    )
    deny: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        alias="REJOINDER_DENY",
        description="Who may not, and where not, in the same way; it goes before what is allowed.",
    )
    guests: Literal["on", "small", "mention", "off"] = Field(
        "on",
        alias="REJOINDER_GUESTS",
        description="How guests are answered: like anybody, by the model `REJOINDER_GUEST_MODEL` (`small`), only where they `mention` "
        "the bot in a channel, or not at all.",
    )
    externals: Literal["on", "small", "mention", "off"] = Field(
        "on",
        alias="REJOINDER_EXTERNALS",
        description="The same for people of other organizations (Slack Connect).",
    )
    guest_model: str = Field(
        "",
        alias="REJOINDER_GUEST_MODEL",
        description="The model that answers those for whom the policy is `small`.",
    )
    direct: Switch = Field(
        "on", alias="REJOINDER_DIRECT", description="`off`: direct messages are not answered."
    )
    refusals: Literal["say", "silent"] = Field(
        "say",
        alias="REJOINDER_REFUSALS",
        description="Whether who is not answered is told so, alone and once a week at most, or nothing is said.",
    )
    retention_days: int | None = Field(
        None,
        ge=1,
        le=3_650,
        alias="REJOINDER_RETENTION_DAYS",
        description="For how many days messages and answers are kept where no admin decided otherwise (`settings retention`); "
        "empty: until somebody has them forgotten.",
    )
    admins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        alias="REJOINDER_ADMINS",
        description="Admins by `platform:user-id`, comma-separated, besides the platforms' own.",
    )
    language: Literal["en", "zh"] = Field(
        "en",
        alias="REJOINDER_LANGUAGE",
        description="Language of the bot's own words where the platform tells none.",
    )

    data: Path = Field(Path("data"), alias="REJOINDER_DATA", description="The data folder.")
    database_url: SecretStr | None = Field(
        None,
        alias="DATABASE_URL",
        description="SQLAlchemy URL, `postgresql://…` or `sqlite://…`; empty: SQLite in the data folder.",
    )
    http: str = Field(
        "127.0.0.1:8080", alias="REJOINDER_HTTP", description="`host:port` of Slack HTTP and health."
    )
    admin_http: str = Field(
        "127.0.0.1:8081",
        alias="REJOINDER_ADMIN_HTTP",
        description="`host:port` of playground, admin page and metrics, never the public one.",
    )
    admin_token: SecretStr | None = Field(
        None,
        alias="REJOINDER_ADMIN_TOKEN",
        description="Token asked for at `REJOINDER_ADMIN_HTTP`; must be set when that is not loopback. On loopback, one is made for the "
        "admin page and told at the start.",
    )
    secret_key: SecretStr | None = Field(
        None,
        alias="REJOINDER_SECRET_KEY",
        description="Encrypts what is kept reversibly; comma-separated, the first encrypts, all decrypt. Made by `python -m bot key`.",
    )
    tiktoken_cache_dir: str = Field(
        "",
        alias="TIKTOKEN_CACHE_DIR",
        description="Folder of tiktoken's vocabularies; empty: those that come along.",
    )

    messages_per_answer: int = Field(
        8,
        ge=1,
        alias="REJOINDER_MESSAGES_PER_ANSWER",
        description="Messages an answer may take; a longer one is attached as a file as well.",
    )
    abreast: int = Field(
        4, ge=1, alias="REJOINDER_ABREAST", description="Answers at the same time in one channel or thread."
    )
    queue: int = Field(
        5, ge=1, alias="REJOINDER_QUEUE", description="Unanswered questions one person may have in one place."
    )
    workers: int = Field(
        32, ge=1, alias="REJOINDER_WORKERS", description="Answers at the same time in this process."
    )
    attempts: int = Field(
        4, ge=1, alias="REJOINDER_ATTEMPTS", description="Times a turn is begun before it fails for good."
    )
    lease_seconds: float = Field(
        8,
        ge=2,
        alias="REJOINDER_LEASE_SECONDS",
        description="A worker that is silent for so long has lost its turn.",
    )
    grace_seconds: float = Field(
        8,
        ge=0,
        alias="REJOINDER_GRACE_SECONDS",
        description="Time running answers have to finish after SIGTERM.",
    )
    catch_up_hours: float = Field(
        6,
        ge=0,
        alias="REJOINDER_CATCH_UP_HOURS",
        description="How long ago something said while the bot was away may have been said to be answered still; `0`: never.",
    )
    catch_up_most: int = Field(
        50,
        ge=1,
        alias="REJOINDER_CATCH_UP_MOST",
        description="Questions that are taken in after one absence, the newest of each place.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="REJOINDER_LOG_LEVEL", description="How much is logged; never any message text."
    )

    @field_validator(
        "discord_shard_ids", "admins", "admin_channels", "fallback_models", "allow", "deny", mode="before"
    )
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return (
            tuple(item.strip() for item in value.split(",") if item.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("user_requests_per_minute", "user_tokens_per_day", "user_usd_per_month", mode="before")
    @classmethod
    def _none_is_no_limit(cls, value: object) -> object:
        return None if isinstance(value, str) and value.strip().lower() in {"none", "off"} else value

    @field_validator("admin_channels")
    @classmethod
    def _names_channels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(one.split(":")) != 3 for one in value):
            raise ValueError("is not platform:workspace:channel")
        return value

    @field_validator("allow", "deny")
    @classmethod
    def _names_kinds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            parts = one.split(":")
            if len(parts) != 3 or not all(parts) or parts[1] not in ("user", "role", "channel", "workspace"):
                raise ValueError("is not platform:kind:id with a kind of user, role, channel or workspace")
        return value

    @field_validator("http", "admin_http")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("is not host:port")
        return value

    @property
    def url(self) -> str:
        """The database's URL: as set, or a SQLite file in the data folder."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.data / 'rejoinder.db').resolve()}"

    @property
    def secret_keys(self) -> str:
        """What is kept reversibly is encrypted with these; empty: nothing is kept so."""
        return "" if self.secret_key is None else self.secret_key.get_secret_value()

    @property
    def slack(self) -> bool:
        return self.slack_bot_token is not None

    @property
    def discord(self) -> bool:
        return self.discord_token is not None


def endpoint(address: str) -> tuple[str, int]:
    """`host:port` as a pair; IPv6 hosts may stand in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def read_settings(**overrides: object) -> Settings:
    """The settings of this process. Raises `ConfigError` for the first value that is wrong or the first that is missing."""
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        raise ConfigError(
            name, first["msg"].removeprefix("Value error, "), "Correct it in the environment or in .env"
        ) from None
    _check_together(settings)
    return settings


def known_names() -> list[str]:
    """Every variable that is a setting."""
    return [str(field.alias) for field in Settings.model_fields.values()]


def unknown_names() -> list[str]:
    """Variables that are set, begin like settings of ours, and are none: misspelt, most likely."""
    held = {**DotEnvSettingsSource(Settings).env_vars, **EnvSettingsSource(Settings).env_vars}
    return sorted(name for name in held if name.startswith("REJOINDER_") and name not in known_names())


def _check_together(settings: Settings) -> None:
    if settings.slack and settings.slack_app_token is None and settings.slack_signing_secret is None:
        raise ConfigError(
            "SLACK_APP_TOKEN",
            "SLACK_BOT_TOKEN is set, but no way for events to come in",
            "Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)",
        )
    if not settings.slack and (
        settings.slack_app_token is not None or settings.slack_signing_secret is not None
    ):
        raise ConfigError(
            "SLACK_BOT_TOKEN",
            "is missing",
            "Set the bot token (xoxb-…) of the Slack app, or unset the other Slack settings",
        )
    for variable, secret, start in (
        ("SLACK_BOT_TOKEN", settings.slack_bot_token, "xoxb-"),
        ("SLACK_APP_TOKEN", settings.slack_app_token, "xapp-"),
    ):
        if secret is not None and not secret.get_secret_value().startswith(start):
            raise ConfigError(
                variable,
                f"does not start with {start}",
                "The two Slack tokens are easily swapped: look at docs/slack.md",
            )
    if "small" in (settings.guests, settings.externals) and not settings.guest_model:
        raise ConfigError(
            "REJOINDER_GUEST_MODEL",
            "is missing, and guests or people from elsewhere are to be answered by it",
            "Name a small model, or choose another policy",
        )
    if settings.discord_shard_ids and settings.discord_shard_count is None:
        raise ConfigError(
            "DISCORD_SHARD_COUNT",
            "is missing beside DISCORD_SHARD_IDS",
            "Set the number of shards of all processes",
        )
    if settings.http == settings.admin_http and not settings.http.endswith(":0"):
        raise ConfigError(
            "REJOINDER_ADMIN_HTTP", "is the public address REJOINDER_HTTP", "Give it a port of its own"
        )
    host, _ = endpoint(settings.admin_http)
    if host not in {"127.0.0.1", "localhost", "::1"} and settings.admin_token is None:
        cure = "Set a long random token, or use 127.0.0.1"
        raise ConfigError(
            "REJOINDER_ADMIN_TOKEN", "is missing, and REJOINDER_ADMIN_HTTP is not loopback", cure
        )
