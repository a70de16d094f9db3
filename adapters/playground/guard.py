"""Who may talk to the server: this machine's own browser, or whoever brings the token.

Three attacks are kept out. A foreign page that posts here (CSRF) is known by its Origin. A foreign name that
resolves to this machine (DNS rebinding) is known by its Host. Somebody else on the network, where the server
listens beyond loopback, has no token.
"""

from __future__ import annotations

import hmac
import ipaddress
from hashlib import sha256
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.errors import ConfigError

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types playground"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
INNER = "/admin"
"""Below this, a token is always asked for."""
_MONTH = 30 * 24 * 60 * 60
_READING = ("GET", "HEAD")
UPLOADS = "/api/files"
"""Where files are sent to as they are; like JSON, that is a type which no other site's page can send without being asked back."""


class Guard:
    """The middleware `check`, and the sign-in by token. `host` and `port` are where the server listens.

    Without a token it listens on loopback only (else `ConfigError`) and answers to loopback's names; with
    one, any name will do, since a foreign name has no cookie. `inner` is the token that is asked for below
    `INNER` even then: others who have an account on this machine can reach loopback, too.
    """

    def __init__(self, host: str, port: int, token: str | None = None, inner: str = "") -> None:
        if not token and not _is_loopback(host):
            cause = f"{host} can be reached from other machines"
            cure = "Listen on 127.0.0.1, or set REJOINDER_ADMIN_TOKEN"
            raise ConfigError("REJOINDER_ADMIN_HTTP", cause, cure)
        self._token, self._inner = token or "", token or inner
        self._names = {"localhost", "127.0.0.1", "::1", host.strip("[]").lower()}
        self._cookie = f"rejoinder-{port}"
        self._proof = hmac.new(self._inner.encode(), b"rejoinder admin cookie", sha256).hexdigest()

    @property
    def check(self) -> Middleware:
        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                response = self._refusal(request) or self._link(request) or await handler(request)
            except web.HTTPException as answer:
                answer.headers.update(_HEADERS)
                raise
            if not response.prepared:
                response.headers.update(_HEADERS)
                response.headers.setdefault("Cache-Control", "no-store")
            return response

        return check

    def _refusal(self, request: web.Request) -> web.StreamResponse | None:
        """The answer to a request that must not get through; None when it may."""
        origin = request.headers.get("Origin")
        asked = urlsplit(f"//{request.host}")
        if not self._token and (asked.hostname or "") not in self._names:
            return _no(403, "host", "This server answers to the names of this machine only.")
        if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
            return _no(403, "origin", "Another site's page sent this.")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none") and (
            request.method not in _READING or request.headers.get("Sec-Fetch-Mode") != "navigate"
        ):
            return _no(403, "origin", "Another site's page sent this.")
        writes = request.method not in _READING and request.path != "/sign-in"
        sent = "application/octet-stream" if request.path == UPLOADS else "application/json"
        if writes and request.content_type != sent:
            return _no(415, "json", f"Send {sent}.")
        if self._closed(request.path) and not self._knows(request) and not self._linked(request):
            if request.method in _READING and "text/html" in request.headers.get("Accept", ""):
                raise web.HTTPSeeOther(_way_in(request.path))
            return _no(401, "token", "Sign in first.")
        return None

    def _closed(self, path: str) -> bool:
        """Does it take a token to get there?"""
        if _is_inner(path):
            return True
        return bool(self._token) and not self._open(path)

    def _linked(self, request: web.Request) -> bool:
        """Is it the link of the start line, which brings the token along?"""
        return (
            bool(self._inner) and request.path == INNER and _same(request.query.get("token", ""), self._inner)
        )

    def _link(self, request: web.Request) -> web.StreamResponse | None:
        """Remember the browser, and take the token out of its address."""
        if self._linked(request):
            raise self._remembered(request, INNER)
        return None

    def _open(self, path: str) -> bool:
        """The way in, and the files that are the same for everybody."""
        return path == "/sign-in" or path.startswith("/assets/")

    def _knows(self, request: web.Request) -> bool:
        if not self._inner:
            return False
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(bearer.strip(), self._inner):
            return True
        return _same(request.cookies.get(self._cookie, ""), self._proof)

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Takes the token of the form, and remembers the browser."""
        token = (await request.post()).get("token", "")
        goal = INNER if request.query.get("to") == INNER else "/"
        if not (isinstance(token, str) and self._inner and _same(token.strip(), self._inner)):
            raise web.HTTPSeeOther(f"{_way_in(goal)}{'&' if goal == INNER else '?'}wrong")
        raise self._remembered(request, goal)

    def _remembered(self, request: web.Request, goal: str) -> web.HTTPSeeOther:
        """The way to go on, with the cookie."""
        answer = web.HTTPSeeOther(goal)
        secure = request.headers.get("X-Forwarded-Proto", request.scheme) == "https"
        answer.set_cookie(
            self._cookie, self._proof, max_age=_MONTH, httponly=True, samesite="Strict", secure=secure
        )
        return answer


def _is_inner(path: str) -> bool:
    return path == INNER or path.startswith(f"{INNER}/")


def _way_in(path: str) -> str:
    """The sign-in, which leads back."""
    return f"/sign-in?to={INNER}" if _is_inner(path) else "/sign-in"


def _no(status: int, code: str, why: str) -> web.Response:
    return web.json_response({"error": code, "message": why}, status=status)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
