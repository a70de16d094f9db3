"""When the detectors were frozen: the commit's name seeds the half of the corpus that they were never tuned on."""

from __future__ import annotations

import hashlib
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests/corpus/freezes.toml"
DEVELOPMENT = "development"
"""The seed of the half that detectors may be tuned on."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """One freeze: `detectors` is a digest of their source; the figures are those measured with the half it seeds."""

    commit: str
    detectors: str
    secrets: float
    rest: float
    precision: float
    remark: str = ""


def freezes() -> list[Freeze]:
    return [Freeze(**entry) for entry in tomllib.loads(FILE.read_text(encoding="utf-8")).get("freeze", [])]


def digest() -> str:
    """Of the detectors as they are now."""
    whole = hashlib.sha256()
    for path in sorted((ROOT / "bot/redaction").glob("*.py")):
        whole.update(path.name.encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:16]


def committed() -> str:
    """The commit that the detectors stand in as they are now. Raises SystemExit if they are not committed."""
    if _git("status", "--porcelain", "bot/redaction", "tests/corpus"):
        raise SystemExit("Commit the detectors and the corpus first: a freeze is named after their commit")
    return _git("rev-parse", "HEAD")


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def record(freeze: Freeze) -> None:
    with FILE.open("a", encoding="utf-8") as file:
        file.write(
            f'\n[[freeze]]\ncommit = "{freeze.commit}"\ndetectors = "{freeze.detectors}"\n'
            f'secrets = {freeze.secrets:.4f}\nrest = {freeze.rest:.4f}\nprecision = {freeze.precision:.4f}\nremark = "{freeze.remark}"\n'
        )
