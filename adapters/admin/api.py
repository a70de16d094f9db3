"""The admin page's HTTP interface: the page, and what it shows as JSON and CSV. It only reads, and knows no SQL: sums come from `Reports`.

Who may see it is the guard's to say (`adapters/playground/guard.py`): everything below `PATH` wants a token, on loopback too.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from bot.errors import StoreUnavailable, Unwieldy
from bot.limits.reports import Span, as_csv, as_values, shortened, span, summed
from bot.notices import notice
from bot.operator.listing import turn_values
from bot.ports import OTHERS, By, Clock, Health, Reports, Row, Waiting, Whose

PATH: Final = "/admin"
PAGE: Final = Path(__file__).parent / "page"
MOST: Final = 10
"""Rows of a table; the rest stand in one, and all in the file."""
MOST_IN_FILE: Final = 50_000
MOST_PLACES: Final = 1000
TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

Json = dict[str, Any]
Turns = Callable[[], Awaitable[Sequence[Waiting]]]
"""What waits and runs, and what failed lately."""


class AdminPage:
    def __init__(self, reports: Reports, turns: Turns, clock: Clock) -> None:
        self._reports, self._turns, self._clock = reports, turns, clock

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(PATH, self.page)
        app.router.add_get(f"{PATH}/assets/{{name}}", self.asset)
        app.router.add_get(f"{PATH}/api/report", _plainly(self.report))
        app.router.add_get(f"{PATH}/api/report.csv", _plainly(self.table))
        app.router.add_get(f"{PATH}/api/turns", _plainly(self.turns))

    async def page(self, _: web.Request) -> web.StreamResponse:
        return _file("admin.html", "text/html; charset=utf-8")

    async def asset(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if not re.fullmatch(r"[a-z-]+\.(css|js)", name) or not (PAGE / name).is_file():
            raise web.HTTPNotFound
        return _file(name, TYPES[Path(name).suffix])

    async def report(self, request: web.Request) -> web.StreamResponse:
        """Everything about one period, of one installation or of all."""
        period, whose = self._asked(request)
        days = await self._rows(By.DAY, period, whose)
        health = await self._reports.health(period.since, period.until, whose)
        answer: Json = {
            "since": f"{period.since:%Y-%m-%d}",
            "days": (period.until - period.since).days,
            "total": as_values(summed(days), By.DAY),
            "by_day": [as_values(row, By.DAY) for row in days],
            "health": _health(health),
        }
        channels = await self._rows(By.CHANNEL, period, whose)
        for by in (By.USER, By.CHANNEL, By.MODEL):
            rows = (
                shortened(channels, MOST) if by is By.CHANNEL else await self._rows(by, period, whose, MOST)
            )
            answer[f"by_{by}"] = [as_values(row, by) | {"rest": row.key == OTHERS} for row in rows]
        if not whose.platform:
            answer["installations"] = sorted(
                {row.key.rpartition(":")[0] for row in channels if row.key != OTHERS}
            )
        return web.json_response(answer)

    async def table(self, request: web.Request) -> web.StreamResponse:
        """The same rows, all of them, for a spreadsheet."""
        period, whose = self._asked(request)
        by = _by(request.query.get("by", ""))
        text = as_csv(await self._rows(by, period, whose, MOST_IN_FILE), by, "en")
        name = f"usage-by-{by}-{period.since:%Y-%m-%d}.csv"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Type": "text/csv; charset=utf-8",
        }
        return web.Response(body=text.encode("utf-8-sig"), headers=headers)

    async def turns(self, _: web.Request) -> web.StreamResponse:
        """What is being answered right now, what waits, and what failed within a day."""
        return web.json_response([turn_values(turn) for turn in await self._turns()])

    async def _rows(self, by: By, period: Span, whose: Whose, most: int = MOST_PLACES) -> Sequence[Row]:
        return await self._reports.rows(by, period.since, period.until, whose, most=most)

    def _asked(self, request: web.Request) -> tuple[Span, Whose]:
        try:
            period = span(request.query.get("period", "30d"), self._clock())
        except ValueError:
            raise Unclear("A period is today, month, or a number of days like 30d.") from None
        platform, _, installation = request.query.get("of", "").partition(":")
        if platform and not installation:
            raise Unclear("An installation is written platform:id.")
        return period, Whose(platform, installation)


class Unclear(Exception):
    """A request that can't be understood, in words for people."""


def _plainly(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """What goes wrong is told in JSON, in plain words."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Unclear as unclear:
            return web.json_response({"error": "unclear", "message": str(unclear)}, status=400)
        except StoreUnavailable:
            why = "The database does not answer right now. The page tries again by itself."
            return web.json_response({"error": "store", "message": why}, status=503)
        except Unwieldy:
            return web.json_response({"error": "unwieldy", "message": notice("unwieldy", "en")}, status=503)

    return answer


def _by(name: str) -> By:
    try:
        return By(name)
    except ValueError:
        raise Unclear("Sum up by user, channel, model or day.") from None


def _health(health: Health) -> Json:
    return {
        "paces": [[most, calls] for most, calls in health.paces],
        "finishes": dict(health.finishes),
        "errors": dict(health.errors),
    }


def _file(name: str, media_type: str) -> web.FileResponse:
    return web.FileResponse(PAGE / name, headers={"Content-Type": media_type, "Cache-Control": "no-cache"})
