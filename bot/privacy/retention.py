"""Messages are deleted when their time is over: as a place's admins decided, else as the operator set it; and what a reset forgot."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from bot.ports import Retention
from bot.preferences import Unfit, days
from bot.telemetry import Meters

log = logging.getLogger(__name__)

AFTER_RESET: Final = timedelta(days=1)
"""How long what a reset forgot stays, for whoever asks why a message of it was not answered."""


class Purge:
    """A chore of the housekeeping's. `usual` is for how many days messages are kept where no admin decided; None: for ever."""

    def __init__(self, retention: Retention, usual: int | None, meters: Meters) -> None:
        self._retention, self._usual, self._meters = retention, usual, meters

    async def __call__(self, now: datetime, most: int) -> int:
        texts = await self._retention.decided()
        limits = {text: _limit(_days(text, self._usual), now) for text in texts}
        removed = await self._retention.purge(limits, _limit(self._usual, now), now - AFTER_RESET, now, most)
        self._meters.removed("retention", removed)
        return removed


def _limit(kept: int | None, now: datetime) -> datetime | None:
    """What was said before goes. It moves once a day, so that the gist of what is left is made anew once a day at most."""
    return (
        None
        if kept is None
        else now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=kept)
    )


def _days(text: str, usual: int | None) -> int | None:
    try:
        return days(text)
    except Unfit:  # stored by another version
        return usual
