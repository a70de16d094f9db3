"""Code in the style of the vendors' SDKs before 1.0, where an operator keeps some: found, and answered with the current form.

Looked at are the texts of the folder the bot is started in and of the folders in it: notes, scripts, settings. Nothing of them is told but
where it stands and which call it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUFFIXES: Final = {
    ".py",
    ".md",
    ".txt",
    ".rst",
    ".toml",
    ".yaml",
    ".yml",
    ".ini",
    ".cfg",
    ".env",
    ".sh",
    ".ipynb",
}
OURS: Final = {
    "bot",
    "adapters",
    "storage",
    "alembic",
    "tests",
    "benchmarks",
    "scripts",
    "data",
    "node_modules",
}
"""Folders with none of the operator's texts in them."""
LARGEST: Final = 500_000
MOST_FILES: Final = 500

CLIENT: Final = "client = openai.AsyncOpenAI()"
FORMS: Final = tuple(
    (re.compile(pattern), current)
    for pattern, current in (
        (
            r"openai\.ChatCompletion\.a?create",
            f"{CLIENT}, then await client.responses.create(model=…, input=…) or client.chat.completions.create(model=…, messages=…)",
        ),
        (r"openai\.Completion\.a?create", f"{CLIENT}, then await client.responses.create(model=…, input=…)"),
        (r"openai\.Embedding\.a?create", f"{CLIENT}, then await client.embeddings.create(model=…, input=…)"),
        (r"openai\.Moderation\.a?create", f"{CLIENT}, then await client.moderations.create(input=…)"),
        (r"openai\.Image\.a?create\w*", f"{CLIENT}, then await client.images.generate(…)"),
        (r"openai\.Audio\.a?transcribe", f"{CLIENT}, then await client.audio.transcriptions.create(…)"),
        (
            r"openai\.(?:File|FineTune|FineTuningJob|Model|Engine|Edit)\.\w+",
            f"{CLIENT}, then client.files, .fine_tuning or .models",
        ),
        (r"openai\.error\.InvalidRequestError", "openai.BadRequestError"),
        (r"openai\.error\.Timeout\b", "openai.APITimeoutError"),
        (r"openai\.error\.ServiceUnavailableError", "openai.InternalServerError"),
        (
            r"(?:from|import) openai\.error\b|openai\.error(?:\.\w+)?",
            "the errors of openai itself, such as openai.RateLimitError",
        ),
        (
            r"openai\.(?:api_base|api_type|api_version)\b",
            "openai.AsyncOpenAI(base_url=…), or OPENAI_BASE_URL",
        ),
        (r"openai\.api_key\s*=", "openai.AsyncOpenAI(api_key=…), or OPENAI_API_KEY"),
        (r"\bOPENAI_API_BASE\b", "OPENAI_BASE_URL"),
        (r"\bOPENAI_API_(?:TYPE|VERSION)\b", "OPENAI_BASE_URL=https://NAME.openai.azure.com/openai/v1/"),
        (r"\[[\"']choices[\"']\]\s*\[0\]\s*\[[\"']message[\"']\]", "response.choices[0].message.content"),
        (
            r"\bHUMAN_PROMPT\b|\bAI_PROMPT\b|max_tokens_to_sample",
            "client.messages.create(model=…, max_tokens=…, messages=[…])",
        ),
        (r"anthropic\.Client\(", "anthropic.AsyncAnthropic()"),
    )
)


@dataclass(frozen=True, slots=True)
class OldForm:
    """A line in a style that no current SDK has. `current` is how it is written today."""

    file: Path
    line: int
    written: str
    current: str


def old_forms(folder: Path) -> Iterator[OldForm]:
    """Those in the operator's texts, the first of each kind in a file."""
    for file in _texts(folder):
        found: set[str] = set()
        for number, line in enumerate(_lines(file), 1):
            rest = line
            for pattern, current in FORMS:
                match = pattern.search(rest)
                if match and current not in found:
                    found.add(current)
                    yield OldForm(file.relative_to(folder), number, match[0].strip(" ="), current)
                rest = pattern.sub("", rest)  # a wider pattern is not to find the same again


def _texts(folder: Path) -> list[Path]:
    """Texts of the folder and of those in it; hidden ones only where they are settings."""
    try:
        here = sorted(folder.iterdir())
        inside = [
            one
            for one in here
            if one.is_dir() and one.name not in OURS and not one.name.startswith((".", "_"))
        ]
        files = [*here, *(file for one in inside for file in sorted(one.iterdir()))]
        return [one for one in files if _is_text(one)][:MOST_FILES]
    except OSError:
        return []


def _is_text(file: Path) -> bool:
    named = file.suffix.lower() in SUFFIXES or file.name.startswith(".env")
    return named and file.is_file() and file.stat().st_size <= LARGEST


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
