"""tiktoken's vocabularies, rebuilt from an installed package: no token is ever counted over the network.

tiktoken downloads a vocabulary at first use, without a time-out, into `TIKTOKEN_CACHE_DIR`, and takes a file
of the right name there instead if its SHA-256 is the one pinned in tiktoken's own source. The package
`bpe-openai` carries the same vocabularies: unpacked, they are the published files to the byte. `python -m
bot.tokens.vocabularies FOLDER` builds them ahead, for an image.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

from bot.errors import ConfigError

VARIABLE = "TIKTOKEN_CACHE_DIR"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`file` is the SHA-1 of the address tiktoken would download from, which is the name it looks for."""

    name: str
    file: str
    sha256: str


O200K = Vocabulary(
    "o200k_base",
    "fb374d419588a4632f3f557e76b4b70aebbca790",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
)
CL100K = Vocabulary(
    "cl100k_base",
    "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
)
NEEDED_BY = {"o200k_base": O200K, "o200k_harmony": O200K, "cl100k_base": CL100K}
"""Encodings that can be had offline, and the vocabulary each is made of."""


def ensure(folder: Path) -> Path:
    """Have every vocabulary in `TIKTOKEN_CACHE_DIR`, else in `folder`, and make tiktoken look there.

    Returns the folder used. Files that are whole already are left alone, so a read-only folder that was
    filled ahead will do. Raises `ConfigError` when they can be neither found nor built.
    """
    chosen = Path(os.environ.get(VARIABLE) or folder).absolute()
    for vocabulary in (O200K, CL100K):
        if not _whole(chosen / vocabulary.file, vocabulary):
            _write(chosen / vocabulary.file, _packaged(vocabulary))
    os.environ[VARIABLE] = str(chosen)
    return chosen


def held(encoding: str) -> bool:
    """Would tiktoken load this encoding without the network? A damaged file it would download again."""
    vocabulary = NEEDED_BY.get(encoding)
    return bool(vocabulary and os.environ.get(VARIABLE) and _whole(path_of(vocabulary), vocabulary))


def path_of(vocabulary: Vocabulary) -> Path:
    """Where tiktoken looks for it, once `ensure` has been called."""
    return Path(os.environ[VARIABLE]) / vocabulary.file


def _whole(path: Path, vocabulary: Vocabulary) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == vocabulary.sha256
    except OSError:
        return False


def _packaged(vocabulary: Vocabulary) -> bytes:
    """The vocabulary's bytes out of `bpe-openai`, which is found but not imported: its library is 75 MB."""
    again = "Install the dependencies again from requirements/run.txt"
    package = importlib.util.find_spec("bpe_openai")
    if package is None or not package.submodule_search_locations:
        raise ConfigError(
            VARIABLE, f"no {vocabulary.name} there, and the package bpe-openai is not installed", again
        )
    packed = Path(package.submodule_search_locations[0]) / "data" / f"{vocabulary.name}.tiktoken.gz"
    try:
        content = gzip.decompress(packed.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(VARIABLE, f"{packed} cannot be read ({error})", again) from error
    if hashlib.sha256(content).hexdigest() != vocabulary.sha256:
        raise ConfigError(VARIABLE, f"{packed} is not the {vocabulary.name} that tiktoken expects", again)
    return content


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and readable by the user a container later runs as."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.write_bytes(content)
        unfinished.chmod(0o644)
        unfinished.replace(path)
    except OSError as error:
        cure = "Name a folder this user may write to, or build it ahead with `python -m bot.tokens.vocabularies FOLDER`"
        raise ConfigError(VARIABLE, f"cannot write to {path.parent} ({error.strerror})", cure) from error


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m bot.tokens.vocabularies FOLDER", file=sys.stderr)
        return 2
    os.environ.pop(VARIABLE, None)
    try:
        folder = ensure(Path(arguments[0]))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"o200k_base and cl100k_base are in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
