"""Install a lock file with pip and show how far it is: `.venv/bin/python scripts/install.py
requirements/run.txt`."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

STEP = re.compile(
    r"(?:Collecting |Requirement already satisfied: |Ignoring |Processing \S*/)(\w[\w.]*(?:-[a-z]\w*)*)"
)
OPTIONS = "--require-hashes --no-compile --no-input --disable-pip-version-check --progress-bar=off"
CAUSES = (
    (
        "DO NOT MATCH THE HASHES",
        "what came is not what the lock file promises. Look at what stands before the index",
    ),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "the package index's certificate is not trusted. Name its authority in PIP_CERT",
    ),
    ("No space left", "the disk is full. Make room"),
    (
        "connection broken by",
        "the package index can't be reached. Check the network, or name another in PIP_INDEX_URL",
    ),
    (
        "No matching distribution",
        "there is none for Python {python} on {machine}. Name another: make PYTHON=python3.13",
    ),
)
"""What stands in pip's complaint, and what it means and needs."""


def main(lock: str) -> int:
    pins = [
        line for line in Path(lock).read_text(encoding="utf-8").splitlines() if re.match(r"[\w.-]+.*==", line)
    ]
    print(f"Installing {len(pins)} packages of {lock}", flush=True)
    begun = time.monotonic()
    command = [sys.executable, "-m", "pip", "install", *OPTIONS.split(), "--requirement", lock]
    environment = os.environ | {"PIP_ROOT_USER_ACTION": "ignore"}
    said = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as pip:
        done = 0
        for line in pip.stdout or ():
            said.append(line)
            if step := STEP.match(line):
                done += 1
                show(f"{done:4}/{len(pins)} {step[1]}", step=done)
            elif line.startswith("Installing collected packages"):
                show("  unpacking")
    show("")
    if pip.returncode:
        print(f"pip could not install {lock}: {why(said)}.", file=sys.stderr)
    else:
        print(f"Installed in {time.monotonic() - begun:.0f} s", flush=True)
    return pip.returncode


def why(said: list[str]) -> str:
    """The cause and the cure in one line, for what goes wrong most often; else pip's own last words."""
    output = "".join(said)
    for sign, meaning in CAUSES:
        if sign in output:
            about = re.search(r"No matching distribution found for (\S+)", output)
            subject = f"{about[1]}: " if about else ""
            return subject + meaning.format(
                python=platform.python_version(), machine=f"{platform.system()} {platform.machine()}"
            )
    return "".join(["see what it says\n", *said[-12:]]).rstrip(".\n")


def show(text: str, *, step: int = 0) -> None:
    """One line that is written over in a terminal; every twentieth step elsewhere."""
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)
    elif text and step % 20 == 0:
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
