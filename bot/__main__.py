"""The command line: `python -m bot run`, and what an operator needs around it."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bot.errors import ConfigError, StoreUnavailable, Unwieldy
from bot.operator import reference
from bot.ports import By
from bot.privacy.page import filter_page
from bot.privacy.settings import redactor_for_logs
from bot.settings import Settings, endpoint, read_settings
from bot.telemetry import set_up_logging

EX_CONFIG = 78
"""Exit code for what the operator has to mend (sysexits.h)."""

cli = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Rejoinder: an LLM chat bot for Slack and Discord."
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def _do(work: Callable[[Settings], Coroutine[Any, Any, int | None]]) -> None:
    """Read the settings, do the work, and turn what the operator can mend into one readable line."""
    try:
        settings = read_settings()
        redactor = redactor_for_logs(settings)
        set_up_logging(settings.log_level, lambda line: redactor.mask(line).text)
        code = asyncio.run(work(settings))
    except ConfigError as error:
        err.print(f"rejoinder: {error}", style="bold red")
        raise typer.Exit(EX_CONFIG) from None
    except Unwieldy:
        err.print("rejoinder: that is too much to sum up: ask for a shorter --period", style="bold red")
        raise typer.Exit(EX_CONFIG) from None
    except StoreUnavailable as error:
        err.print(
            f"rejoinder: DATABASE_URL: the database does not answer ({error}). Start it, or correct the URL",
            style="bold red",
        )
        raise typer.Exit(EX_CONFIG) from None
    if code:
        raise typer.Exit(code)


def _one_of(*forms: str) -> Callable[[str], str]:
    """Turn away a form that there is not, rather than print another."""

    def check(form: str) -> str:
        if form not in forms:
            raise typer.BadParameter(f"say one of {', '.join(forms)}")
        return form

    return check


@cli.command()
def run() -> None:
    """Start the bot on every platform that is configured, or the playground when none is."""
    from bot import app
    from bot.stopping import Stop, end_by_force

    _do(lambda settings: app.run(settings, _say, Stop(end_by_force)))


@cli.command()
def check() -> None:
    """Verify settings, tokens, scopes, intents, database, disk, model and tokenizer; name each fault and its cure."""
    from bot.operator.checking import findings

    async def work(settings: Settings) -> int:
        faults = 0
        async for finding in findings(settings):
            mark, style = (
                ("✓", "green") if finding.well else ("!", "yellow") if finding.warning else ("✗", "red")
            )
            out.print(f"[{style}]{mark}[/] {finding.what}")
            if not finding.well:
                out.print(f"    {finding.cure}")
                faults += not finding.warning
        return 1 if faults else 0

    _do(work)


@cli.command()
def migrate() -> None:
    """Bring the database to the newest revision."""
    from bot.operator import actions

    _do(lambda settings: actions.migrate(settings, _say))


@cli.command()
def sync() -> None:
    """Register the slash commands with Discord now; `run` does so by itself when they have changed."""
    from bot.operator import actions

    _do(lambda settings: actions.sync(settings, _say))


@cli.command()
def turns(
    form: Annotated[
        str,
        typer.Option(
            "--as",
            help="`table`, `plain` for a line each with tabs, `json` for scripts",
            callback=_one_of("table", "plain", "json"),
        ),
    ] = "table",
) -> None:
    """List waiting and running turns, and those that failed in the last day, with their age and owner."""
    from bot.operator import actions
    from bot.operator.listing import show_turns

    async def work(settings: Settings) -> None:
        show_turns(await actions.turns(settings), form, out)

    _do(work)


@cli.command()
def usage(
    by: Annotated[By, typer.Option(help="sum up by person, channel, model or day (UTC)")] = By.DAY,
    period: Annotated[str, typer.Option(help="`today`, `month`, or so many days: `30d`")] = "month",
    form: Annotated[
        str,
        typer.Option(
            "--as",
            help="`table`, `csv`, `json`, or `picture` with --to",
            callback=_one_of("table", "csv", "json", "picture"),
        ),
    ] = "table",
    to: Annotated[Path | None, typer.Option(help="the file that a picture is written to")] = None,
) -> None:
    """Report what the whole bot has used: calls, tokens, share of cached prompts, cost."""
    from bot.clock import now
    from bot.limits.pictures import NoPlots
    from bot.limits.reports import span
    from bot.operator import actions
    from bot.operator.listing import show_usage

    async def work(settings: Settings) -> None:
        try:
            asked = span(period, now())
        except ValueError:
            raise typer.BadParameter(
                "write today, month, or so many days: 30d", param_hint="--period"
            ) from None
        if form == "picture" and to is None:
            raise typer.BadParameter("name the file, such as usage.png", param_hint="--to")
        rows = await actions.usage(settings, by, asked)
        try:
            show_usage(rows, by, asked, form, out, to)
        except NoPlots:
            raise typer.BadParameter(
                "pictures need `pip install matplotlib` first", param_hint="--as"
            ) from None

    _do(work)


@cli.command()
def key() -> None:
    """Print a fresh key for REJOINDER_SECRET_KEY."""
    typer.echo(secrets.token_urlsafe(32))


@cli.command()
def health() -> None:
    """Ask the running bot whether it is well (for container health checks)."""

    async def work(settings: Settings) -> int:
        import aiohttp

        host, port = endpoint(settings.http)
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - an address to ask, not to listen on
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
                session.get(f"http://{'[' + host + ']' if ':' in host else host}:{port}/healthz") as answer,
            ):
                return 0 if answer.status == 200 else 1
        except (aiohttp.ClientError, TimeoutError):
            return 1

    _do(work)


@cli.command()
def settings(
    form: Annotated[
        str,
        typer.Option(
            "--as",
            help="`env` for .env.example, `markdown` for docs/settings.md, `filter` for docs/filter.md",
        ),
    ] = "env",
) -> None:
    """Print every setting with its meaning and default, or what the filter finds."""
    pages = {"markdown": reference.markdown, "filter": filter_page}
    typer.echo(pages.get(form, reference.env_example)(), nl=False)


def _say(line: str) -> None:
    """One line to standard output, at once: whoever started us reads along."""
    print(line, flush=True)


def main() -> None:
    os.umask(0o077)  # conversations are nobody else's
    cli()


if __name__ == "__main__":
    main()
