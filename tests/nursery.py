"""Bot processes that start at once: forked from one that has read all modules already, which takes longer than all else of a start.

Each begins at `bot.__main__`, as `python -m bot` does. `python -m tests.nursery FD` is the mother; `Nursery` the one who asks her.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from bot.tokens.vocabularies import VARIABLE
from tests.bot_process import ROOT, BotProcess, Running
from tests.crash import blade

READ: Final = (
    "bot.__main__",
    "bot.app",
    "bot.providers.anthropic_messages",
    "bot.providers.openai_chat",
    "bot.providers.openai_responses",
    "adapters.admin",
    "adapters.discord",
    "adapters.playground",
    "adapters.slack",
    "storage.migrations",
    "alembic.command",
    "anyio._backends._asyncio",
    "httpcore2",
)
LONGEST: Final = 1 << 16
"""Bytes of a message to the mother."""


class Child:
    """One process, as `asyncio.subprocess` would give it."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader, told: asyncio.StreamReader) -> None:
        self.pid, self.stdout = pid, stdout
        self._died = asyncio.create_task(_number(told))

    async def wait(self) -> int:
        return await asyncio.shield(self._died)

    def send_signal(self, number: int) -> None:
        if self._died.done():
            raise ProcessLookupError
        os.kill(self.pid, number)


class Nursery:
    """`with Nursery() as nursery:`; `bear` as many as you like. Whoever still lives in the end is killed, whatever ends it."""

    def __init__(self) -> None:
        self._socket, hers = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with hers:
            command = [sys.executable, "-m", "tests.nursery", str(hers.fileno())]
            self._mother = subprocess.Popen(command, cwd=ROOT, pass_fds=[hers.fileno()])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._mother.wait()

    async def bear(self, environment: Mapping[str, str], folder: Path, command: str) -> Child:
        """A new process in that folder."""
        asked = {"environment": dict(environment), "folder": str(folder), "command": command}
        (stdout, output), (told, tell) = await _pipe(), await _pipe()
        socket.send_fds(self._socket, [json.dumps(asked).encode()], [output, tell])
        os.close(output)
        os.close(tell)
        return Child(await _number(told), stdout, told)


async def _pipe() -> tuple[asyncio.StreamReader, int]:
    """Its two ends: what is written to the second is read from the first."""
    reading, writing = os.pipe()
    reader, loop = asyncio.StreamReader(), asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb"))
    return reader, writing


async def _number(told: asyncio.StreamReader) -> int:
    """The mother's next word of a child: its process id at its birth, its exit code at its death."""
    return int(await told.readuntil())


@functools.cache
def shared() -> Nursery:
    """One for all tests of this process."""
    nursery = Nursery()
    atexit.register(nursery.__exit__)
    return nursery


class ForkedProcess(BotProcess):
    """A `BotProcess` out of a nursery; the vocabularies, too, are there already."""

    def __init__(
        self,
        data: Path,
        environment: Mapping[str, str],
        *,
        command: str = "run",
        until: str = "ready",
        nursery: Nursery | None = None,
    ) -> None:
        there = {VARIABLE: os.environ[VARIABLE]} if VARIABLE in os.environ else {}
        super().__init__(data, there | dict(environment), command=command, until=until)
        self._nursery = nursery or shared()

    async def _spawn(self, environment: Mapping[str, str]) -> Running:
        return await self._nursery.bear(environment, self.data.parent, self._command)


# The mother's side.


def mother(said: socket.socket) -> None:
    _read_all()
    living: dict[int, int] = {}
    signal.signal(signal.SIGCHLD, lambda number, frame: _tell_deaths(living))
    while True:
        asked, outputs, _, _ = socket.recv_fds(said, LONGEST, 2)
        if not asked:
            break
        output, tell = outputs
        # Deaths are told after births.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid == 0:
            for inherited in (said.fileno(), tell, *living.values()):
                os.close(inherited)
            _live(output, **json.loads(asked))
        os.close(output)
        living[pid] = tell
        _tell(tell, pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for pid in living:
        os.kill(pid, signal.SIGKILL)


def _read_all() -> None:
    """All modules, the vocabulary and the numbering plans; only the first module is read anew, since it runs by being read."""
    import tiktoken

    from bot.redaction import Redactor

    for name in READ:
        importlib.import_module(name)
    del sys.modules["bot.__main__"]
    tiktoken.get_encoding("o200k_base")
    Redactor()
    gc.freeze()


def _live(output: int, environment: dict[str, str], folder: str, command: str) -> None:
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115 - as long as the process
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115 - as long as the process
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    sys.argv = ["bot", command]
    code: Any = 1
    try:
        blade.hang(os.environ)
        runpy.run_module("bot", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:  # noqa: BLE001 - said, as the interpreter says it
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _tell_deaths(living: dict[int, int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        tell = living.pop(pid)
        _tell(tell, os.waitstatus_to_exitcode(status))
        os.close(tell)


def _tell(tell: int, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody asks any more
        os.write(tell, b"%d\n" % number)


if __name__ == "__main__":
    mother(socket.socket(fileno=int(sys.argv[1])))
