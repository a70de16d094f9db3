"""Who may talk to the playground's server, over real connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from adapters.playground.guard import Guard
from bot.errors import ConfigError
from tests.fakes_playground import Served, serving

TOKEN = "a-token-for-tests"


@pytest.fixture
async def open_(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as served:
        yield served


@pytest.fixture
async def locked(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path, token=TOKEN) as served:
        yield served


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)  # else it takes no cookies from an address without a name
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield session


async def status(session: aiohttp.ClientSession, url: str, method: str = "GET", **how: object) -> int:
    async with session.request(method, url, allow_redirects=False, **how) as response:  # type: ignore[arg-type]
        return response.status


async def test_a_foreign_name_for_this_machine_is_refused(
    open_: Served, session: aiohttp.ClientSession
) -> None:
    for host in ("evil.example", f"evil.example:{open_.port}", "127.0.0.1.evil.example", ""):
        assert await status(session, f"{open_.url}/api/state", headers={"Host": host}) == 403
    for host in ("localhost", f"LOCALHOST:{open_.port}", "[::1]:1", "127.0.0.1:9"):
        assert await status(session, f"{open_.url}/api/state", headers={"Host": host}) == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
async def test_a_foreign_page_can_neither_post_nor_listen(
    open_: Served, session: aiohttp.ClientSession, origin: str
) -> None:
    body = {"as": "ada", "channel": "general", "text": "hi", "nonce": "nonce-nonce"}
    headers = {"Origin": origin}
    assert await status(session, f"{open_.url}/api/messages", "POST", json=body, headers=headers) == 403
    assert not open_.playground.world.messages
    url = f"{open_.url}/api/events?as=ada&world={open_.playground.world.id}&since=0"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.ws_connect(url, headers=headers)
    assert refused.value.status == 403


async def test_the_pages_own_origin_is_welcome(open_: Served, session: aiohttp.ClientSession) -> None:
    body = {"as": "ada", "channel": "general", "text": "hi", "nonce": "nonce-nonce"}
    headers = {"Origin": open_.url, "Sec-Fetch-Site": "same-origin"}
    assert await status(session, f"{open_.url}/api/messages", "POST", json=body, headers=headers) == 201


async def test_a_browser_that_says_where_it_comes_from_is_believed(
    open_: Served, session: aiohttp.ClientSession
) -> None:
    fetched = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert await status(session, f"{open_.url}/api/state", headers=fetched) == 403
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert await status(session, f"{open_.url}/", headers=followed) == 200
    assert await status(session, f"{open_.url}/api/messages", "POST", json={}, headers=followed) == 403


async def test_what_a_foreign_form_can_send_is_refused(open_: Served, session: aiohttp.ClientSession) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        sent = await status(
            session, f"{open_.url}/api/messages", "POST", data=b"{}", headers={"Content-Type": kind}
        )
        assert sent == 415


async def test_every_answer_forbids_foreign_content(open_: Served, session: aiohttp.ClientSession) -> None:
    for path in ("/", "/assets/app.js", "/api/state", "/api/messages", "/nowhere", "/sign-in"):
        async with session.get(open_.url + path) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_only_the_pages_own_files_are_served(open_: Served, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{open_.url}/assets/app.js") as response:
        assert response.content_type == "text/javascript"
    for name in ("index.html", "..%2fguard.py", "%2e%2e/guard.py", "nothing.js"):
        assert await status(session, f"{open_.url}/assets/{name}") == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "192.168.1.2", "bot.example"])  # noqa: S104
def test_beyond_loopback_a_token_is_required(host: str) -> None:
    with pytest.raises(ConfigError, match="REJOINDER_ADMIN_HTTP"):
        Guard(host, 8081)
    Guard(host, 8081, TOKEN)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])
def test_on_loopback_no_token_is_required(host: str) -> None:
    Guard(host, 8081)


async def test_without_the_token_there_is_only_the_way_in(
    locked: Served, session: aiohttp.ClientSession
) -> None:
    assert await status(session, f"{locked.url}/api/state") == 401
    assert await status(session, f"{locked.url}/api/events?as=ada&world=x&since=0") == 401
    assert await status(session, f"{locked.url}/") == 401
    async with session.get(
        f"{locked.url}/", headers={"Accept": "text/html"}, allow_redirects=False
    ) as response:
        assert (response.status, response.headers["Location"]) == (303, "/sign-in")
    assert await status(session, f"{locked.url}/sign-in") == 200
    assert await status(session, f"{locked.url}/assets/tokens.css") == 200


async def test_a_program_brings_the_token_as_bearer(locked: Served, session: aiohttp.ClientSession) -> None:
    for words, expected in ((f"Bearer {TOKEN}", 200), ("Bearer wrong", 401), (TOKEN, 401), ("Bearer ", 401)):
        assert await status(session, f"{locked.url}/api/state", headers={"Authorization": words}) == expected


async def test_a_person_signs_in_once(locked: Served, session: aiohttp.ClientSession) -> None:
    async with session.post(
        f"{locked.url}/sign-in", data={"token": "wrong"}, allow_redirects=False
    ) as response:
        assert response.headers["Location"] == "/sign-in?wrong"
        assert "Set-Cookie" not in response.headers
    async with session.post(
        f"{locked.url}/sign-in", data={"token": TOKEN}, allow_redirects=False
    ) as response:
        assert response.headers["Location"] == "/"
        cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert await status(session, f"{locked.url}/api/state") == 200


async def test_with_a_token_a_foreign_page_is_still_refused(
    locked: Served, session: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": "https://evil.example"}
    assert await status(session, f"{locked.url}/api/messages", "POST", json={}, headers=headers) == 403


async def test_an_address_that_is_taken_is_told_as_a_setting(open_: Served, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"REJOINDER_ADMIN_HTTP: .*:{open_.port}"):
        async with serving(tmp_path / "other", port=open_.port):
            pass
