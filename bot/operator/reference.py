"""The settings as documents, made from `Settings` and `OPTIONS` themselves: `.env.example` and `docs/settings.md`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from pydantic.fields import FieldInfo

from bot.notices import notice
from bot.preferences import OPTIONS
from bot.settings import Settings

GROUPS = (
    ("Slack", ("SLACK_", "REJOINDER_SLACK_")),
    ("Discord", ("DISCORD_", "REJOINDER_DISCORD_")),
    (
        "The model",
        ("OPENAI_", "ANTHROPIC_", "REJOINDER_MODEL", "REJOINDER_FALLBACK_MODELS", "REJOINDER_LOCAL_MODEL"),
    ),
    (
        "The conversation",
        (
            "REJOINDER_SYSTEM_PROMPT",
            "REJOINDER_CONTEXT_TOKENS",
            "REJOINDER_SUMMARY_MODEL",
            "REJOINDER_MAX_OUTPUT_TOKENS",
            "REJOINDER_CONTINU",
        ),
    ),
    ("Files and pictures", ("REJOINDER_FILE", "REJOINDER_PICTURE")),
    (
        "Limits",
        (
            "REJOINDER_USER_",
            "REJOINDER_LIMITS",
            "REJOINDER_PROVIDER_",
            "REJOINDER_PATIENCE_SECONDS",
            "REJOINDER_ADMIN_CHANNELS",
        ),
    ),
    (
        "Filtering and people",
        (
            "REJOINDER_FILTER_",
            "REJOINDER_RETENTION_DAYS",
            "REJOINDER_ADMINS",
            "REJOINDER_ALLOW",
            "REJOINDER_DENY",
            "REJOINDER_GUEST",
            "REJOINDER_EXTERNALS",
            "REJOINDER_DIRECT",
            "REJOINDER_REFUSALS",
            "REJOINDER_LANGUAGE",
        ),
    ),
    ("Running it", ("",)),
)


def env_example() -> str:
    """The text of `.env.example`: every setting, commented, with its default."""
    lines = ["# Copy this file to .env and set what you need; everything else may stay as it is.", ""]
    for title, fields in _grouped():
        lines.append(f"# ---- {title}")
        for field in fields:
            lines.append(f"# {_plain(field)}")
            lines.append(f"#{field.alias}={_default(field)}")
        lines.append("")
    return "\n".join(lines)


def markdown() -> str:
    """The reference page of all settings."""
    lines = [
        "# Settings",
        "",
        "Read from the environment, or from a file `.env` in the project's or the current folder.",
        "",
    ]
    for title, fields in _grouped():
        lines += [f"## {title}", "", "| variable | meaning | default |", "| --- | --- | --- |"]
        lines += [f"| `{field.alias}` | {field.description} | {_code(_default(field))} |" for field in fields]
        lines.append("")
    return "\n".join([*lines, *_of_places(), ""])


def _of_places() -> list[str]:
    """What is decided per place, from the table of options."""
    rows = [
        f"| `{name}` | {notice(f'setting_{name}')} | {'the operator' if option.operator else 'admins'} |"
        for name, option in OPTIONS.items()
    ]
    return [
        "## Settings of a place",
        "",
        "Besides, the admins of a place decide for a channel, or for the whole workspace or server, with the command",
        "`settings`: Slack's owners and admins, whoever may manage the server on Discord, and those in `REJOINDER_ADMINS`. A",
        "channel's own value goes before that of everywhere, and that before the settings above. A change holds from the next",
        "message on, in every process; who changed what is written down (`settings history`).",
        "",
        "- `settings` shows what holds and who decided it; on Slack and Discord it opens a form, too.",
        "- `settings NAME VALUE` changes it for the channel, `settings --everywhere NAME VALUE` for everywhere.",
        "- `settings NAME default` takes it back.",
        "",
        "| name | meaning | changed by |",
        "| --- | --- | --- |",
        *rows,
    ]


def _grouped() -> list[tuple[str, list[FieldInfo]]]:
    left = list(Settings.model_fields.values())
    grouped = []
    for title, prefixes in GROUPS:
        mine = [field for field in left if str(field.alias).startswith(prefixes)]
        left = [field for field in left if field not in mine]
        grouped.append((title, mine))
    return grouped


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None or value == ():
        return ""
    return (
        value.as_posix()
        if isinstance(value, Path)
        else str(value)
        if isinstance(value, str | int | float | Decimal)
        else ""
    )


def _code(value: str) -> str:
    return f"`{value}`" if value else ""


def _plain(field: FieldInfo) -> str:
    return (field.description or "").replace("`", "")
