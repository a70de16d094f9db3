"""Who people are and what channels are called: asked once, kept for a while, never waited for long.

The acknowledgement of an event waits for these look-ups, and has three seconds in all; a name that does not come in time is its id.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Generic, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.calls import slack_errors
from adapters.slack.incoming import Person
from bot.errors import DeliveryError

log = logging.getLogger(__name__)

LONGEST: Final = 1.0
"""Seconds that a look-up may take."""
KEPT: Final = 3600.0
"""Seconds that an answer is good for."""
MOST: Final = 10_000

T = TypeVar("T")


class People:
    """Users of the workspace, by id."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
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
        return Person(str(name or user), admin, str(found.get("locale") or ""))


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
