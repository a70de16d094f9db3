"""Fetching over real HTTP, from servers that try all they can: nothing is asked of a foreign host, and no token goes there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from yarl import URL

from adapters.fetching import Fetcher, asked, of_hosts
from bot.errors import MessageGone, PlatformBusy, PlatformUnreachable, Unreadable, Why

TOKEN = "xoxb-very-secret"
MOST = 10_000


@dataclass
class Host:
    """A server with one page for each trap. `seen` are the headers of every request."""

    seen: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    elsewhere: str = ""
    failures: int = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(dict(request.headers))
        how: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
            "plain": self._plain, "cut": self._cut, "endless": self._endless, "slow": self._slow, "flaky": self._flaky,
        }  # fmt: skip
        name = request.match_info["name"]
        if name in how:
            return await how[name](request)
        match name:
            case "foreign":
                return web.Response(status=302, headers={"Location": f"{self.elsewhere}/plain"})
            case "sign-in":
                return web.Response(status=302, headers={"Location": "https://acme.slack.com/?redir=x"})
            case "within":
                return web.Response(status=302, headers={"Location": "/plain"})
            case "round":
                return web.Response(status=302, headers={"Location": "/round"})
            case "login":
                return web.Response(text="<title>Sign in</title>", content_type="text/html")
            case "packed":
                return web.Response(body=b"x", headers={"Content-Encoding": "gzip"})
            case "large":
                return web.Response(body=b"x" * (MOST + 1))
            case _:
                return web.Response(status=int(name))

    async def _plain(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"the file", content_type="text/plain")

    async def _cut(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 4_096)

    async def _slow(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.Event().wait()
        return response

    async def _flaky(self, request: web.Request) -> web.StreamResponse:
        self.failures += 1
        return web.Response(status=503) if self.failures == 1 else await self._plain(request)


@asynccontextmanager
async def served() -> AsyncIterator[Host]:
    host = Host()
    app = web.Application()
    app.router.add_get("/{name}", host.serve)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield host
    await runner.cleanup()


@dataclass
class Scene:
    ours: Host
    foreign: Host
    fetcher: Fetcher

    async def fetch(self, name: str, **more: object) -> bytes:
        how: dict[str, object] = {"size": 0, "most": MOST, "seconds": 5.0} | more
        return await self.fetcher.fetch(f"{self.ours.url}/{name}", **how)  # type: ignore[arg-type]

    async def refusal(self, name: str, **more: object) -> Why:
        with pytest.raises(Unreadable) as refused:
            await self.fetch(name, **more)
        assert TOKEN not in str(refused.value)
        return refused.value.why


@pytest.fixture
async def at() -> AsyncIterator[Scene]:
    async with served() as ours, served() as foreign:
        ours.elsewhere = foreign.url
        fetcher = Fetcher(of_hosts(("slack.com",), f"{ours.url}/api/"), {"Authorization": f"Bearer {TOKEN}"})
        yield Scene(ours, foreign, fetcher)
        await fetcher.aclose()


async def test_a_file_is_fetched_with_the_token(at: Scene) -> None:
    assert await at.fetch("plain", size=8) == b"the file"
    assert await at.fetch("within") == b"the file"
    assert all(headers["Authorization"] == f"Bearer {TOKEN}" for headers in at.ours.seen)


async def test_nothing_is_ever_sent_to_a_foreign_host(at: Scene) -> None:
    assert await at.refusal("foreign") is Why.ELSEWHERE
    for url in (
        f"{at.foreign.url}/plain",
        f"http://slack.com@{at.foreign.url.removeprefix('http://')}/plain",
        "file:///etc/passwd",
        "//plain",
        "",
        "http://[",
    ):
        with pytest.raises(Unreadable) as refused:
            await at.fetcher.fetch(url, size=0, most=MOST, seconds=5)
        assert refused.value.why is Why.ELSEWHERE, url
    assert at.foreign.seen == []
    assert len(at.ours.seen) == 1


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        ("404", {}, Why.GONE),
        ("401", {}, Why.FORBIDDEN),
        ("403", {}, Why.FORBIDDEN),
        ("500", {}, Why.UNREACHABLE),
        ("round", {}, Why.UNREACHABLE),
        ("login", {}, Why.FORBIDDEN),
        ("sign-in", {}, Why.FORBIDDEN),
        ("login", {"page": True, "size": 9_000}, Why.FORBIDDEN),
        ("packed", {}, Why.BROKEN),
        ("cut", {}, Why.BROKEN),
        ("plain", {"size": 100}, Why.BROKEN),
        ("plain", {"size": MOST + 1}, Why.TOO_LARGE),
        ("large", {}, Why.TOO_LARGE),
        ("endless", {}, Why.TOO_LARGE),
        ("slow", {"seconds": 0.2}, Why.SLOW),
    ],
)
async def test_every_trap_has_a_name(at: Scene, name: str, more: dict[str, object], why: Why) -> None:
    assert await at.refusal(name, **more) is why


async def test_a_page_that_was_shared_is_a_file_like_any_other(at: Scene) -> None:
    assert b"Sign in" in await at.fetch("login", page=True, size=10)


async def test_a_server_that_stumbles_is_asked_once_more(at: Scene) -> None:
    assert await at.fetch("flaky") == b"the file"


async def test_a_platform_that_is_busy_is_asked_again_when_it_wants_to_be() -> None:
    answers: list[Exception | str] = [PlatformBusy(0.01), PlatformBusy(0.01), "known"]

    async def call() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await asked(call, 5) == "known"
    for failure in (PlatformBusy(60), PlatformUnreachable("away")):
        answers = [failure]
        with pytest.raises(Unreadable) as refused:
            await asked(call, 0.05)
        assert refused.value.why is Why.UNREACHABLE
    answers = [MessageGone("10008")]
    with pytest.raises(MessageGone):
        await asked(call, 5)


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.png", True),
        ("https://slack.com/x", True),
        ("http://files.slack.com/x", False),
        ("https://files.slack.com:8443/x", False),
        ("https://evil-slack.com/x", False),
        ("https://slack.com.evil.example/x", False),
        ("https://user@slack.com/x", False),
        ("http://127.0.0.1:9/x", True),
        ("http://127.0.0.1:10/x", False),
    ],
)
def test_only_the_platforms_own_hosts_are_trusted(url: str, trusted: bool) -> None:
    assert of_hosts(("slack.com",), "http://127.0.0.1:9/api/")(URL(url)) is trusted
