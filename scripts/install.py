"""Install a lock file with pip and show how far it is: `.venv/bin/python scripts/install.py
requirements/run.txt`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

STEP = re.compile(
    r"(?:Collecting |Requirement already satisfied: |Ignoring |Processing \S*/)(\w[\w.]*(?:-[a-z]\w*)*)"
)
OPTIONS = "--require-hashes --no-compile --no-input --disable-pip-version-check --progress-bar=off"


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
        print("".join(said[-12:]), end="", file=sys.stderr)
        print(f"pip could not install {lock}.", file=sys.stderr)
    else:
        print(f"Installed in {time.monotonic() - begun:.0f} s", flush=True)
    return pip.returncode


def show(text: str, *, step: int = 0) -> None:
    """One line that is written over in a terminal; every twentieth step elsewhere."""
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)
    elif text and step % 20 == 0:
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
