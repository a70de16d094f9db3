"""Bot processes that start at once: forked from one that has read all modules already, which takes longer than all else of a start.

Each begins at `bot.__main__`, as `python -m bot` does. `python -m tests.crash.nursery FD` is the mother; `Nursery` the one who asks her.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from tests.bot_process import ROOT, BotProcess, Running
from tests.crash import blade

READ: Final = (
    "bot.__main__",
    "bot.app",
    "bot.providers.openai_chat",
    "adapters.slack",
    "adapters.discord",
    "storage.migrations",
)
LONGEST: Final = 1 << 16
"""Bytes of a message to the mother."""


class Child:
    """One process, as `asyncio.subprocess` would give it."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader) -> None:
        self.pid, self.stdout = pid, stdout
        self.died: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        return await asyncio.shield(self.died)

    def send_signal(self, number: int) -> None:
        if self.died.done():
            raise ProcessLookupError
        os.kill(self.pid, number)


class Nursery:
    """`async with Nursery() as nursery:`; `bear` as many as you like. Whoever still lives in the end is killed, whatever ends it."""

    def __init__(self) -> None:
        self._socket, self._hers = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._children: dict[int, Child] = {}
        self._born: asyncio.Queue[int] = asyncio.Queue()
        self._bearing = asyncio.Lock()
        self._mother: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        self._mother = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.crash.nursery",
            str(self._hers.fileno()),
            cwd=ROOT,
            pass_fds=[self._hers.fileno()],
        )
        self._hers.close()
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._hear)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        await self._mother.wait()

    async def bear(self, environment: Mapping[str, str], folder: Path) -> Child:
        """A new process in that folder."""
        reading, writing = os.pipe()
        asked = json.dumps({"environment": dict(environment), "folder": str(folder)}).encode()
        stdout, loop = asyncio.StreamReader(), asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(reading, "rb"))
        async with self._bearing:
            socket.send_fds(self._socket, [asked], [writing])
            os.close(writing)
            pid = await self._born.get()
        child = self._children[pid]
        child.stdout = stdout
        return child

    def _hear(self) -> None:
        """A birth is [pid], a death is [pid, code]; no child dies before its birth was told."""
        said = self._socket.recv(LONGEST)
        if not said:
            raise EOFError("the nursery is gone")
        pid, *code = json.loads(said)
        if code:
            self._children.pop(pid).died.set_result(code[0])
        else:
            self._children[pid] = Child(pid, asyncio.StreamReader())
            self._born.put_nowait(pid)


class ForkedProcess(BotProcess):
    """A `BotProcess` out of a nursery."""

    def __init__(self, nursery: Nursery, data: Path, environment: Mapping[str, str]) -> None:
        super().__init__(data, environment, until="")
        self._nursery = nursery

    async def _spawn(self, environment: Mapping[str, str]) -> Running:
        return await self._nursery.bear(environment, self.data.parent)


# The mother's side.


def mother(said: socket.socket) -> None:
    _read_all()
    living: set[int] = set()
    signal.signal(signal.SIGCHLD, lambda number, frame: _tell_deaths(said, living))
    while True:
        asked, outputs, _, _ = socket.recv_fds(said, LONGEST, 1)
        if not asked:
            break
        [output] = outputs
        # Deaths are told after births.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid == 0:
            said.close()
            _live(output, **json.loads(asked))
        os.close(output)
        living.add(pid)
        said.send(json.dumps([pid]).encode())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for pid in living:
        os.kill(pid, signal.SIGKILL)


def _read_all() -> None:
    """All modules and the vocabulary; only the first module is read anew, since it runs by being read."""
    import tiktoken

    for name in READ:
        importlib.import_module(name)
    del sys.modules["bot.__main__"]
    tiktoken.get_encoding("o200k_base")
    gc.freeze()


def _live(output: int, environment: dict[str, str], folder: str) -> None:
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
    sys.argv = ["bot", "run"]
    code: Any = 70
    try:
        blade.hang(os.environ)
        runpy.run_module("bot", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _tell_deaths(said: socket.socket, living: set[int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        living.discard(pid)
        with suppress(BrokenPipeError):  # nobody asks any more
            said.send(json.dumps([pid, os.waitstatus_to_exitcode(status)]).encode())


if __name__ == "__main__":
    mother(socket.socket(fileno=int(sys.argv[1])))
