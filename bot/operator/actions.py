"""What `python -m bot` does beside a bot that may be running: bring the database up to date, tell Discord of commands, list, report."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import Final

from bot.commands.table import command_list
from bot.derived import make_data_folder
from bot.errors import ConfigError
from bot.limits.reports import Span
from bot.ports import By, Row, Waiting, Whose
from bot.settings import Settings
from storage import migrations
from storage.stores import Stores, open_stores

Say = Callable[[str], None]

FAILED_SHOWN: Final = timedelta(days=1)
MOST_NAMED: Final = 50_000
"""Rows of a report that `usage` names; the rest stand in one."""
MOST_FAILED: Final = 50
"""Failed turns that `turns` lists."""


async def migrate(settings: Settings, say: Say) -> None:
    make_data_folder(settings.data)
    async with aclosing(open_stores(settings.url)) as stores:
        await stores.upgrade()
        say(f"the database is at revision {await stores.revision()}")


async def sync(settings: Settings, say: Say) -> None:
    """Tell the platforms that want it of the slash commands, now. Raises `ConfigError`."""
    if settings.discord_token is None:
        raise ConfigError("DISCORD_TOKEN", "is missing", "Only Discord is told of commands: set its token")
    from adapters import discord

    commands = command_list(settings.language)
    told = await discord.sync(
        token=settings.discord_token.get_secret_value(), api_url=settings.discord_api_url, commands=commands
    )
    names = ", ".join(f"/{slash.verb}" for slash in commands)
    say(f"Discord {'now knows' if told else 'knew already'} {names}")


async def turns(settings: Settings) -> Sequence[Waiting]:
    """What waits and runs, and what failed lately."""
    async with opened(settings) as stores:
        return await standing(stores)


async def standing(stores: Stores) -> Sequence[Waiting]:
    return [
        *await stores.inbox.unfinished(),
        *await stores.records.failed(stores.clock() - FAILED_SHOWN, MOST_FAILED),
    ]


async def usage(settings: Settings, by: By, period: Span) -> Sequence[Row]:
    """What the whole bot has used."""
    async with opened(settings) as stores:
        return await stores.reports.rows(by, period.since, period.until, Whose(), most=MOST_NAMED)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Stores]:
    """The stores beside a bot that may be running, for a command that reads. Raises `ConfigError` unless the tables are this
    version's."""
    async with aclosing(open_stores(settings.url)) as stores:
        await migrations.require_newest(stores.database)
        await stores.clock.adjust()
        yield stores
