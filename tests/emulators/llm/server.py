"""An HTTP server on this machine that speaks as OpenAI's and Anthropic's APIs do, says what it is told to,
and fails as it is told to.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.emulators.llm.answers import WORDS, Answer, Refusal, say
from tests.emulators.llm.chat import Chat
from tests.emulators.llm.dialect import Dialect, plan
from tests.emulators.llm.faults import CONTEXT_LENGTH, MODEL_NOT_FOUND, UNAUTHORIZED
from tests.emulators.llm.messages import Messages
from tests.emulators.llm.requests import Request
from tests.emulators.llm.responses import Responses
from tests.emulators.llm.streaming import Stream

Rule = Callable[[Request], Answer]
"""Decides what a request is answered, when nothing is scripted."""


class LLMEmulator:
    """`async with LLMEmulator() as llm:` serves until the block ends.

    Answers are taken from the script, in order, and then from `rule`. `key`, `window` and `models`, where
    set, are enforced as the vendors do; a request they would refuse is refused, whatever was scripted. Each
    model stands with the end it announces: a day, or Claude's word for it.
    `compatible`: chat completions of a plain server, with a strict template and no parameter it does not
    know.
    """

    def __init__(
        self,
        *,
        rule: Rule | None = None,
        key: str = "",
        window: int | None = None,
        models: Mapping[str, str | None] | None = None,
        compatible: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.requests: list[Request] = []
        self.rule: Rule = rule or (lambda request: say(*WORDS))
        self.key, self.window, self.models = key, window, models
        self._sleep, self._clock = sleep, clock
        self._script: deque[Answer] = deque()
        self._changed = asyncio.Event()
        self._dialects: tuple[Dialect, ...] = (Chat(compatible=compatible), Responses(), Messages())
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, shutdown_timeout=0.1)
        self._port = 0

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def openai_url(self) -> str:
        """For `OPENAI_BASE_URL`."""
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        """For `ANTHROPIC_BASE_URL`."""
        return self.url

    @property
    def tls_url(self) -> str:
        """The same port asked for TLS, which it does not speak."""
        return f"https://127.0.0.1:{self._port}"

    def script(self, *answers: Answer) -> None:
        """Answer the next requests so, one after another."""
        self._script.extend(answers)

    def say(self, *chunks: str, **more: Any) -> None:
        """Answer the next request with these chunks."""
        self.script(say(*chunks, **more))

    def release(self) -> None:
        """Let every answer that is held go on."""
        for request in self.requests:
            request.release()

    async def wait_for(self, seen: Callable[[LLMEmulator], object], timeout: float = 5.0) -> None:
        """Wait until something is true of this emulator. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout):
            while not seen(self):
                self._changed.clear()
                await self._changed.wait()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 26)
        for dialect in self._dialects:
            app.router.add_post(dialect.path, self._handler(dialect))
        app.router.add_post("/v1/messages/count_tokens", self._count_tokens)
        app.router.add_get("/v1/models", self._list_models)
        return app

    def _handler(self, dialect: Dialect) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(web_request: web.Request) -> web.StreamResponse:
            request = await self._record(dialect, web_request)
            try:
                return await self._answer(dialect, web_request, request)
            except (asyncio.CancelledError, ConnectionError):
                request.closed_early = True
                raise
            finally:
                request.finished = self._clock()
                self._changed.set()

        return handle

    async def _record(self, dialect: Dialect, web_request: web.Request) -> Request:
        body = json.loads(await web_request.read() or b"{}")
        headers = {name.lower(): value for name, value in web_request.headers.items()}
        number = len(self.requests) + 1
        request = Request(
            number, dialect.name, web_request.path, headers, body, dialect.ask(body), self._clock()
        )
        request.query = dict(web_request.query)
        self.requests.append(request)
        self._changed.set()
        return request

    async def _answer(
        self, dialect: Dialect, web_request: web.Request, request: Request
    ) -> web.StreamResponse:
        refused = self._refusal(dialect, request)
        answer = (
            Answer(refusal=refused)
            if refused
            else (self._script.popleft() if self._script else self.rule(request))
        )
        request.answer = answer
        stream = Stream(
            request,
            answer,
            failing=dialect.failing,
            sleep=self._sleep,
            clock=self._clock,
            changed=self._changed.set,
        )
        if answer.hold == -1:
            await stream.hold()
        headers = {
            "x-request-id": f"req_{request.number}",
            "request-id": f"req_{request.number}",
            **answer.headers,
        }
        if answer.refusal is not None:
            return self._error(dialect, request, answer.refusal, headers)
        if answer.page:
            request.status = 200
            return web.Response(text=answer.page, content_type="text/html", headers=headers)
        if answer.recorded:
            request.status = answer.status
            kind = "text/event-stream" if answer.status == 200 else "application/json"
            return web.Response(
                body=answer.recorded, content_type=kind, status=answer.status, headers=headers
            )
        planned = plan(answer, request.asked, request.body, request.number)
        if not request.asked.stream:
            request.status = 200
            return web.json_response(dialect.whole(planned), headers=headers)
        response = web.StreamResponse(headers={**headers, "Content-Type": "text/event-stream; charset=utf-8"})
        request.status = 200
        await response.prepare(web_request)
        transport = web_request.transport
        assert isinstance(transport, asyncio.Transport)
        await stream.send(response, transport, dialect.events(planned))
        return response

    def _refusal(self, dialect: Dialect, request: Request) -> Refusal | None:
        """What the vendor would refuse by itself."""
        if self.key and request.key != self.key:
            return UNAUTHORIZED
        if self.models is not None and request.model not in self.models:
            return MODEL_NOT_FOUND
        if self.window is not None and request.asked.prompt_tokens > self.window:
            return CONTEXT_LENGTH
        return dialect.check(request.body)

    def _error(
        self, dialect: Dialect, request: Request, refusal: Refusal, headers: Mapping[str, str]
    ) -> web.Response:
        request.status = refusal.status
        message = refusal.message.replace("{key}", request.key).replace("{prompt}", request.question)
        everything = {**refusal.headers, **headers}
        if message.startswith("<html>"):
            return web.Response(
                text=message, content_type="text/html", status=refusal.status, headers=everything
            )
        return web.json_response(dialect.error(refusal, message), status=refusal.status, headers=everything)

    async def _count_tokens(self, web_request: web.Request) -> web.Response:
        asked = Messages().ask(await web_request.json())
        return web.json_response({"input_tokens": asked.prompt_tokens})

    async def _list_models(self, web_request: web.Request) -> web.Response:
        models = self.models or {}
        if "anthropic-version" in web_request.headers:
            rows = [
                {
                    "type": "model",
                    "id": name,
                    "display_name": name,
                    "created_at": "2026-01-01T00:00:00Z",
                    "lifecycle": end or "active",
                }
                for name, end in models.items()
            ]
            return web.json_response({"data": rows, "has_more": False})
        data = [
            {"id": name, "object": "model", "created": 0, "owned_by": "emulator", "shutdown_date": end}
            for name, end in models.items()
        ]
        return web.json_response({"object": "list", "data": data})


def refusing_port() -> int:
    """A port of this machine on which nobody listens: only who asks for it by its number is given it, as long as this process lives."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    atexit.register(held.close)
    return int(held.getsockname()[1])
