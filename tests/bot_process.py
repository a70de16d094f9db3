"""`python -m bot run` as an operator runs it: a process of its own, set up by its environment alone."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

ROOT = Path(__file__).resolve().parent.parent
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "VIRTUAL_ENV", "OPENBLAS_CORETYPE")


class Running(Protocol):
    """A process, as asyncio gives it."""

    @property
    def pid(self) -> int: ...

    @property
    def stdout(self) -> asyncio.StreamReader | None: ...

    async def wait(self) -> int: ...

    def send_signal(self, signal: int, /) -> None: ...


class BotProcess:
    """`async with BotProcess(data, {...}) as bot:` starts it and waits for `ready`; leaving stops it with SIGTERM.

    `lines` is what it said so far, on both its outputs. Nothing of the tests' own environment reaches it.
    """

    def __init__(
        self, data: Path, environment: Mapping[str, str], *, command: str = "run", until: str = "ready"
    ) -> None:
        self.data, self._environment, self._command, self._until = data, dict(environment), command, until
        self.lines: list[str] = []
        self._news = asyncio.Condition()
        self._process: Running | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.terminate()

    async def start(self, *, until: str | None = None) -> None:
        """Start it (again), and wait for a line; for none if `until` is empty."""
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= {
            "REJOINDER_DATA": str(self.data),
            "REJOINDER_HTTP": "127.0.0.1:0",
            "REJOINDER_ADMIN_HTTP": "127.0.0.1:0",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
        }
        self._process = await self._spawn(environment | self._environment)
        begun = len(self.lines)
        self._reader = asyncio.create_task(self._read(self._process))
        if line := self._until if until is None else until:
            await self.wait_for_line(line, since=begun)

    async def _spawn(self, environment: Mapping[str, str]) -> Running:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            self._command,
            env=environment,
            cwd=self.data.parent,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    async def wait_for_line(self, pattern: str, *, since: int = 0, timeout: float = 40) -> str:
        """The first line from `since` on that matches; fails with all that was said when it ends or none comes."""
        found = re.compile(pattern)

        def match() -> str | None:
            return next((line for line in self.lines[since:] if found.search(line)), None)

        async with self._news:
            with suppress(TimeoutError):
                await asyncio.wait_for(
                    self._news.wait_for(lambda: match() is not None or self._ended()), timeout
                )
        line = match()
        assert line is not None, f"no line {pattern!r} in:\n{self.output}"
        return line

    async def port(self, of: str) -> int:
        """The port of a server, as the bot said it: of `health`, `playground` or `metrics`."""
        line = await self.wait_for_line(rf"^{of} at http://")
        found = re.search(r"http://[^/]+:(\d+)/", line)
        assert found is not None
        return int(found[1])

    async def wait(self) -> int:
        """Wait for it to end; its exit code."""
        return await asyncio.wait_for(self.died(), 40)

    async def died(self) -> int:
        """Wait for its death, however long it lives; its exit code."""
        assert self._process is not None and self._reader is not None
        code = await self._process.wait()
        await self._reader
        return code

    async def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        return await self.wait()

    def _ended(self) -> bool:
        return (
            self._process is not None and self._process.stdout is not None and self._process.stdout.at_eof()
        )

    async def _read(self, process: Running) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            async with self._news:
                self.lines.append(line.decode(errors="replace").rstrip())
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()
