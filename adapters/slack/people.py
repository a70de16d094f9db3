"""Who people are and what channels are called: asked once, kept for a while, never waited for long.

The acknowledgement of an event waits for these look-ups, and has three seconds in all; a name that does not come in time is its id.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.calls import slack_errors
from adapters.slack.incoming import Person
from bot.chat import Standing
from bot.errors import DeliveryError

log = logging.getLogger(__name__)

LONGEST: Final = 1.0
"""Seconds that a look-up may take."""
KEPT: Final = 3600.0
"""Seconds that an answer is good for."""
MOST: Final = 10_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Home:
    """Where the app is installed: a workspace, and the organization it belongs to, if any."""

    team: str
    enterprise: str = ""


def standing_of(user: Mapping[str, Any], home: Home | None) -> Standing:
    """Slack tells guests by flags of a user; `is_stranger` is no more than one whom we share no channel with, so that people of other
    organizations are told by their team ("User object", "Slack Connect")."""
    if home is None:
        return Standing.UNKNOWN
    enterprise = str(
        (user.get("enterprise_user") or {}).get("enterprise_id") or user.get("enterprise_id") or ""
    )
    theirs = str(user.get("team_id") or home.team)
    ours = theirs in (home.team, home.enterprise) or (bool(enterprise) and enterprise == home.enterprise)
    if user.get("is_stranger") or not ours:
        return Standing.EXTERNAL
    guest = user.get("is_restricted") or user.get("is_ultra_restricted")
    return Standing.GUEST if guest else Standing.MEMBER


class People:
    """Users of the workspace, by id. `home` is known once we are connected."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self.home: Home | None = None
        self._known: Kept[Person] = Kept()

    async def person(self, user: str) -> Person:
        return await self._known.get(user, self._ask) or Person(user)

    async def names(self, users: Iterable[str]) -> dict[str, str]:
        """The names of several, asked for side by side."""
        wanted = list(users)
        people = await asyncio.gather(*(self.person(user) for user in wanted))
        return {user: person.name for user, person in zip(wanted, people, strict=True)}

    async def _ask(self, user: str) -> Person:
        with slack_errors():
            answer = await self._client.users_info(user=user, include_locale=True)
        found: dict[str, Any] = answer["user"]
        profile = found.get("profile") or {}
        name = (
            profile.get("display_name")
            or profile.get("real_name")
            or found.get("real_name")
            or found.get("name")
        )
        admin = bool(found.get("is_admin") or found.get("is_owner"))
        return Person(str(name or user), admin, str(found.get("locale") or ""), standing_of(found, self.home))


class Kept(Generic[T]):
    """A bounded memory of answers, the oldest forgotten first. Failed look-ups are not kept."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[float, T]] = OrderedDict()

    async def get(self, key: str, ask: Callable[[str], Awaitable[T]]) -> T | None:
        now = asyncio.get_running_loop().time()
        if (known := self._values.get(key)) is not None and known[0] > now:
            return known[1]
        try:
            async with asyncio.timeout(LONGEST):
                value = await ask(key)
        except (DeliveryError, TimeoutError) as error:
            log.info("Slack did not tell who %s is (%s)", key, type(error).__name__)
            return known[1] if known else None
        self._values[key] = (now + KEPT, value)
        while len(self._values) > MOST:
            self._values.popitem(last=False)
        return value
