"""The composition root: settings in, a running bot out. The only place that knows which part stands behind which port."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.absence import Watch
from bot.access import Lists
from bot.chat import Place
from bot.commands.limits import LimitsCommand
from bot.commands.memory import MemoryCommands
from bot.commands.menu import Menu
from bot.commands.privacy import PrivacyCommand
from bot.commands.settings import SettingsCommand
from bot.commands.table import Commands, command_list
from bot.commands.usage import UsageCommand
from bot.commands.why import Why
from bot.derived import (
    admin_token,
    defaults_of,
    file_limits,
    inner_token,
    make_data_folder,
    models_of,
    person_key,
    rulebook_of,
    vocabulary_folder,
)
from bot.engine import Engine
from bot.files import FileReader, Gallery
from bot.gate import Gate
from bot.health import bound_port, health_routes, metrics_route, serve
from bot.housekeeping import Chore, Housekeeping
from bot.inbox import Workers
from bot.limits.admission import Limits
from bot.limits.alarms import Alarms
from bot.limits.rules import Rulebook
from bot.lock import only_process
from bot.notebook import Notebook
from bot.operator.actions import standing
from bot.ports import Adapter, Reception
from bot.preferences import Decided
from bot.pressing import Pressing
from bot.privacy.erasing import Eraser
from bot.privacy.filtering import Filtering
from bot.privacy.retention import Purge
from bot.privacy.settings import masked_for_want_of_a_key, open_redactor
from bot.recall import Recall, nothing_due
from bot.reception import FrontDesk
from bot.settings import Settings, endpoint
from bot.speaking import Continuing, Speaker
from bot.stopping import Stop
from bot.summaries import Summaries
from bot.telemetry import Meters
from bot.tokens import vocabularies
from bot.tokens.counting import Counter
from bot.voice import Voice, Voices
from bot.voices import Switchboard, open_menu
from storage import migrations
from storage.stores import Stores, open_stores

if TYPE_CHECKING:
    from adapters.playground.adapter import Playground

log = logging.getLogger(__name__)

Say = Callable[[str], None]


async def run(settings: Settings, say: Say, stop: Stop | None = None) -> None:
    """Run the bot until SIGTERM or SIGINT. Raises `ConfigError` for whatever the operator has to mend."""
    async with AsyncExitStack() as stack:
        make_data_folder(settings.data)
        stores = await _open_stores(settings, stack, say)
        vocabularies.ensure(vocabulary_folder(settings))
        models, rulebook = models_of(settings), rulebook_of(settings)
        priced = rulebook.in_money
        menu = open_menu(settings, models, priced=priced, today=lambda: stores.clock().date())
        decided = Decided(stores.preferences, defaults_of(settings, menu))
        if wanting := masked_for_want_of_a_key(settings):
            say(f"warning: {wanting}")
        voices = Switchboard(
            settings,
            models,
            decided,
            stores.calibrations,
            stack,
            say,
            priced=priced,
            today=lambda: stores.clock().date(),
        )
        await voices.open()
        await voices.look_ahead()
        summing = await voices.summing()
        house = House(settings, stores, voices, voices.counter, menu, decided, rulebook, summing)
        await house.run(say, stop or Stop())


class House:
    """Everything that runs: how it is put together, how it starts, how it stops."""

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        voices: Voices,
        counter: Counter,
        menu: Menu,
        decided: Decided,
        rulebook: Rulebook,
        summing: Voice | None,
    ) -> None:
        self._settings, self._stores, self._voices = settings, stores, voices
        self._clock = stores.clock
        self._counter, self._decided = counter, decided
        self._meters = Meters()
        self._filtering = Filtering(open_redactor(settings), stores.vault, decided)
        gate = Gate(
            stores.ledger, rulebook, self._clock, patience=timedelta(seconds=settings.patience_seconds)
        )
        self._limits = Limits(stores.ledger, gate, stores.rulings, rulebook, person_key(settings))
        self._notebook = Notebook(stores.records, self._clock)
        self._eraser = Eraser(stores.privacy, self._clock, self._meters, self._notebook)
        self._platforms: dict[str, Adapter] = {}
        channels = [Place(*name.split(":")) for name in settings.admin_channels]
        self._alarms = Alarms(self._platforms, channels, settings.language, self._clock)
        self._summaries = self._open_summaries(summing) if summing else None
        self._gallery = Gallery(self._platforms, file_limits(settings))
        due = self._summaries.due if self._summaries else nothing_due
        self._recall = Recall(stores.memory, decided, due, gallery=self._gallery)
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._public: list[web.AbstractRouteDef] = []
        self._inner_token = inner_token(settings)
        self._playground: Playground | None = None
        self._adapters = self._open_adapters(self._open_desk(menu, rulebook))
        self._platforms |= {adapter.platform: adapter for adapter in self._adapters}
        self._connected: set[str] = set()
        self._workers = Workers(
            stores.inbox,
            self._open_engine(),
            owner=self._owner,
            platforms=tuple(self._platforms),
            lease=timedelta(seconds=settings.lease_seconds),
            most=settings.workers,
            abreast=settings.abreast,
            attempts=settings.attempts,
            clock=self._clock,
        )

    def _open_summaries(self, voice: Voice) -> Summaries:
        return Summaries(
            memory=self._stores.memory,
            voice=voice,
            limits=self._limits,
            filtering=self._filtering,
            decided=self._decided,
            warn=self._alarms.raise_for,
            clock=self._clock,
        )

    def _open_desk(self, menu: Menu, rulebook: Rulebook) -> FrontDesk:
        """Where all that people say and press comes in, with the commands behind it."""
        settings, stores, decided = self._settings, self._stores, self._decided
        settings_command = SettingsCommand(
            decided, stores.preferences, menu, self._filtering, settings.admins, self._clock
        )
        commands = Commands(
            stores.conversations,
            MemoryCommands(stores.memory, self._recall, self._voices, self._filtering, self._clock),
            UsageCommand(self._limits, stores.reports, rulebook, self._clock),
            settings_command,
            LimitsCommand(self._limits, stores.rulings, rulebook, self._voices, self._clock),
            PrivacyCommand(stores.privacy, self._eraser, self._limits, decided, self._clock),
            Why(stores.records, self._notebook, self._clock),
            self._clock,
        )
        return FrontDesk(
            inbox=stores.inbox,
            pressing=Pressing(stores.inbox, stores.versions, decided, settings.language, self._clock),
            conversations=stores.conversations,
            commands=commands,
            settings=settings_command,
            filtering=self._filtering,
            notebook=self._notebook,
            counter=self._counter,
            admins=settings.admins,
            language=settings.language,
            queue=settings.queue,
            decided=decided,
            privacy=stores.privacy,
            lists=Lists(frozenset(settings.allow), frozenset(settings.deny)),
            silent=settings.refusals == "silent",
            clock=self._clock,
        )

    def _open_engine(self) -> Engine:
        settings = self._settings
        speaker = Speaker(
            recall=self._recall,
            limits=self._limits,
            voices=self._voices,
            filtering=self._filtering,
            continuing=Continuing(settings.continuations, at_length=settings.continue_at_length == "on"),
            clock=self._clock,
        )
        files = FileReader(
            platforms=self._platforms,
            gallery=self._gallery,
            voices=self._voices,
            filtering=self._filtering,
            counter=self._counter,
        )
        return Engine(
            platforms=self._platforms,
            conversations=self._stores.conversations,
            decided=self._decided,
            speaker=speaker,
            files=files,
            filtering=self._filtering,
            counter=self._counter,
            language=settings.language,
            attempts=settings.attempts,
            clock=self._clock,
            meters=self._meters,
            alarms=self._alarms,
        )

    def _open_adapters(self, desk: Reception) -> list[Adapter]:
        """An adapter for each platform that is configured; the playground when none is."""
        settings = self._settings
        adapters: list[Adapter] = []
        if settings.slack_bot_token is not None:
            from adapters.slack import Slack

            slack = Slack(
                bot_token=settings.slack_bot_token.get_secret_value(),
                app_token=settings.slack_app_token.get_secret_value() if settings.slack_app_token else "",
                signing_secret=settings.slack_signing_secret.get_secret_value()
                if settings.slack_signing_secret
                else "",
                api_url=settings.slack_api_url,
                reception=desk,
                watch=self._watch("slack", desk),
                language=settings.language,
                clock=self._clock,
                streams=settings.slack_streams == "on",
                most_messages=settings.messages_per_answer,
            )
            self._public += slack.routes
            adapters.append(slack)
        if settings.discord_token is not None:
            from adapters.discord import Discord

            adapters.append(
                Discord(
                    token=settings.discord_token.get_secret_value(),
                    api_url=settings.discord_api_url,
                    gateway_url=settings.discord_gateway_url,
                    message_content=settings.discord_message_content == "on",
                    shard_ids=settings.discord_shard_ids,
                    shard_count=settings.discord_shard_count,
                    reception=desk,
                    watch=self._watch("discord", desk),
                    commands=command_list(settings.language),
                    language=settings.language,
                    clock=self._clock,
                    most_messages=settings.messages_per_answer,
                )
            )
        if not adapters:
            from adapters.playground.adapter import Playground

            self._playground = playground = Playground(
                data=settings.data,
                http=endpoint(settings.admin_http),
                commands=command_list(settings.language),
                clock=self._clock,
                most_messages=settings.messages_per_answer,
                reception=desk,
                token=admin_token(settings),
                inner=self._inner_token,
            )
            playground.extend(self._add_inner)
            adapters.append(playground)
        return adapters

    def _watch(self, platform: str, desk: Reception) -> Watch:
        """For platforms that keep nothing for those who are away."""
        settings = self._settings
        return Watch(
            platform,
            reception=desk,
            attendance=self._stores.attendance,
            owner=self._owner,
            alone=self._stores.database.is_sqlite,
            oldest=timedelta(hours=settings.catch_up_hours),
            most=settings.catch_up_most,
            clock=self._clock,
        )

    def waiting_for(self) -> list[str]:
        return [adapter.platform for adapter in self._adapters if adapter.platform not in self._connected]

    async def run(self, say: Say, stop: Stop) -> None:
        """Serve until told to stop or until a part fails; then drain, whatever the reason."""
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        async with AsyncExitStack() as servers:
            await self._serve(servers, say)
            tasks = [asyncio.create_task(told.wait(), name="told to stop"), *self._begin(say)]
            try:
                ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                say("stopping: finishing what is being said")
                await self._end(stop, tasks, servers)
            for task in ended:
                task.result()

    def _begin(self, say: Say) -> list[asyncio.Task[None]]:
        """All that runs beside the servers, the workers first."""
        purge = Purge(self._stores.retention, self._settings.retention_days, self._meters)
        chores: list[Chore] = [self._stores.records.sweep, self._stores.ledger.tidy, purge]
        parts: dict[str, Coroutine[Any, Any, None]] = {
            "workers": self._workers.run(),
            "housekeeping": Housekeeping(chores, self._clock).run(),
            "clock": self._clock.run(),
            "notebook": self._notebook.run(),
            "eraser": self._eraser.run(),
        }
        if self._summaries is not None:
            parts["summaries"] = self._summaries.run()
        parts |= {adapter.platform: adapter.run(self._ready(adapter, say)) for adapter in self._adapters}
        return [asyncio.create_task(part, name=name) for name, part in parts.items()]

    async def _end(self, stop: Stop, tasks: Sequence[asyncio.Task[Any]], servers: AsyncExitStack) -> None:
        """Let answers finish, then everything else, each as long as there is time for it."""
        grace = self._settings.grace_seconds
        stop.begin(grace)
        deaf = asyncio.gather(*(adapter.stop() for adapter in self._adapters))
        await self._workers.drain(grace)
        await stop.within("hearing nothing more", deaf)
        await stop.within("the admins' channels", self._alarms.told(1))
        _, workers, *_ = tasks
        await stop.within("the workers", workers)  # they end by themselves
        for task in tasks:
            task.cancel()
        # An SDK that is just reconnecting ends by this alone.
        await stop.within("closing connections", *(adapter.aclose() for adapter in self._adapters))
        await stop.within("a part of the bot", *tasks)
        await stop.within("notes for `why`", self._notebook.write())
        await stop.within("the servers", servers.aclose())

    async def _serve(self, stack: AsyncExitStack, say: Say) -> None:
        """The public server, and the inner one where no playground brings it."""
        settings = self._settings
        public = web.Application(client_max_size=2_000_000)
        public.add_routes([*health_routes(self._stores.ping, self.waiting_for), *self._public])
        host, port = endpoint(settings.http)
        runner = await serve(public, host, port, "REJOINDER_HTTP")
        stack.push_async_callback(runner.cleanup)
        say(
            f"health at http://{host}:{bound_port(runner)}/healthz"
            + (", Slack events at /slack/events" if self._public else "")
        )
        if any(adapter.platform == "playground" for adapter in self._adapters):
            return
        from adapters.playground.guard import Guard
        from adapters.playground.server import build_app

        host, port = endpoint(settings.admin_http)
        inner = build_app(Guard(host, port, admin_token(settings), self._inner_token))
        self._add_inner(inner)
        runner = await serve(inner, host, port, "REJOINDER_ADMIN_HTTP")
        stack.push_async_callback(runner.cleanup)
        say(f"metrics at http://{host}:{bound_port(runner)}/metrics")
        say(self._admin_line(host, bound_port(runner)))

    def _add_inner(self, inner: web.Application) -> None:
        """What stands beside the playground, or alone: metrics and the admin page."""
        from adapters.admin import AdminPage

        inner.add_routes([metrics_route(self._meters)])
        AdminPage(self._stores.reports, lambda: standing(self._stores), self._clock).add_routes(inner)

    def _admin_line(self, host: str, port: int) -> str:
        """Where the admin page is; with the token that was made for it, where none was set."""
        token = "" if self._settings.admin_token else f"?token={self._inner_token}"
        return f"admin page at http://{host}:{port}/admin{token}"

    def _ready(self, adapter: Adapter, say: Say) -> Callable[[str], None]:
        def ready(what: str) -> None:
            if adapter.platform in self._connected:
                log.info("connected again: %s", what)
                return
            self._connected.add(adapter.platform)
            say(what)
            if self._playground is not None:
                say(self._admin_line(*self._playground.address))
            if not self.waiting_for():
                say("ready")

        return ready


async def _open_stores(settings: Settings, stack: AsyncExitStack, say: Say) -> Stores:
    """Open the database. Our own SQLite is brought to the newest revision; a PostgreSQL has to be there already."""
    stores = open_stores(settings.url, keys=settings.secret_keys)
    stack.push_async_callback(stores.aclose)
    if stores.database.is_sqlite:
        stack.enter_context(only_process(stores.database.url.database, settings.data))
        await stores.upgrade()
        left = await stores.inbox.void_leases()
        await stores.ledger.close_lost(stores.clock(), stores.clock())
        say("database: SQLite" + (f", {left} unfinished turns to go on with" if left else ""))
        return stores
    await migrations.require_newest(stores.database)
    await stores.clock.adjust()
    say("database: PostgreSQL")
    return stores
