"""`python -m tests.stubborn_bot HOW`: the bot with a part that does not let go when it is told to stop. HOW is `deaf` (it overhears that
it is cancelled) or `blocking` (it blocks the event loop). For tests of the way in which the bot stops; its patience is short there."""

from __future__ import annotations

import asyncio
import sys
import time

from bot import __main__, inbox, stopping
from bot.privacy.erasing import Eraser


async def deaf(*_: object) -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def blocking(_: Eraser) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        time.sleep(3_600)  # noqa: ASYNC251 - that is the fault


if __name__ == "__main__":
    setattr(Eraser, "run", {"deaf": deaf, "blocking": blocking}[sys.argv.pop()])  # noqa: B010 - mypy knows its type
    stopping.LEAVING, stopping.LEAST, stopping.BEYOND, inbox.LETTING_GO = 0.6, 0.1, 0.6, 0.2  # type: ignore[misc]
    sys.argv.append("run")
    __main__.main()
