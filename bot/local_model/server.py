"""The local model as a running server, kept alive for as long as an `async with` lasts."""

from __future__ import annotations

import asyncio
import collections
import json
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.local_model.errors import LocalModelError
from bot.local_model.installer import MODEL, WEIGHTS, child_environment, verify

log = logging.getLogger(__name__)

SLOTS = 2
"""Answers at the same time; more wait for a free slot."""

CONTEXT_TOKENS = 4096
"""The window of each slot. Half of what the model can, which is all that a few processor cores read in
reasonable time."""

START_SECONDS = 120.0
STOP_SECONDS = 5.0
RESTARTS, WITHIN_SECONDS = 5, 600.0
"""How often it is started again after it ended by itself, before that is given up."""


class LocalModel:
    """`async with LocalModel(folder) as model:` serves OpenAI's API at `model.base_url` as `model.model`.

    `folder` is what `ensure_installed` returned. `context_tokens` is the window of one conversation, prompt
    and answer together. The address stays the same when the process has to be started again; `alive` is False
    meanwhile, and for good when it ended too often. Entering raises `LocalModelError`.
    """

    model = MODEL
    context_tokens = CONTEXT_TOKENS

    def __init__(self, folder: Path, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._folder, self._sleep = folder, sleep
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self.alive else None

    async def __aenter__(self) -> Self:
        await verify(self._folder)
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        self._keeper = asyncio.create_task(self._keep(), name="local model")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        await self._stop()

    async def _start(self) -> None:
        """Start the process and wait until it listens; on the port it had before, if it had one."""
        arguments = (self._folder, self._folder / WEIGHTS, MODEL, self._port, SLOTS, CONTEXT_TOKENS)
        self._process = process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-I", str(Path(__file__).with_name("serve.py")), *map(str, arguments)],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=child_environment(),
            start_new_session=True,  # Ctrl-C in a terminal is for the bot, which finishes its answers first
        )
        last_words = bytearray()
        assert process.stdout is not None  # noqa: S101 - both are pipes
        assert process.stderr is not None  # noqa: S101
        self._reader = asyncio.create_task(_read(process.stderr, last_words))
        try:
            async with asyncio.timeout(START_SECONDS):
                answer = await process.stdout.readline()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise LocalModelError(f"it did not start within {START_SECONDS:.0f} s", "Try again") from None
        if not answer:
            code = await process.wait()
            await self._reader
            said = " / ".join(last_words.decode(errors="replace").splitlines()[-3:])
            cure = (
                "Install libgomp (Debian and Ubuntu: apt-get install libgomp1)" if "libgomp" in said else ""
            )
            raise LocalModelError(f"it ended while starting ({_how(code)}: {said})", cure)
        self._port = json.loads(answer)["port"]

    async def _keep(self) -> None:
        """Start it again whenever it ends, unless it ends too often."""
        loop = asyncio.get_running_loop()
        ends: collections.deque[float] = collections.deque(maxlen=RESTARTS + 1)
        while True:
            assert self._process is not None  # noqa: S101 - started before this task
            code = await self._process.wait()
            ends.append(loop.time())
            if len(ends) > RESTARTS and ends[-1] - ends[0] < WITHIN_SECONDS:
                log.error("the local model ended %d times (%s): not started again", len(ends), _how(code))
                return
            log.warning("the local model ended (%s): starting it again", _how(code))
            await self._sleep(0.2 * 2 ** (len(ends) - 1))
            try:
                await self._start()
            except LocalModelError as error:
                log.error("%s", error.cause)

    async def _stop(self) -> None:
        """Close its standard input, which ends it; kill it if it does not."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            assert process.stdin is not None  # noqa: S101 - a pipe
            process.stdin.close()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._reader is not None:
            await self._reader


async def _read(stream: asyncio.StreamReader, last_words: bytearray) -> None:
    """Keep the pipe empty. The last words are for a start that failed; later ones could quote a prompt."""
    while chunk := await stream.read(4096):
        last_words += chunk
        del last_words[:-2000]


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
