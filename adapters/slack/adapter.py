"""Slack as a platform of the bot's: events become what the engine understands, and are acknowledged once that is committed.

Bolt acknowledges an event as soon as it finds a listener, so the commit happens before: in a global middleware, which answers with
an error when it fails. Such an event is not acknowledged, and Slack sends it again. A catch-all listener for every kind keeps
what nobody wants from being refused.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.delivery.pacer import Pacer, Rate
from adapters.delivery.reply import EditedReply
from adapters.slack.agent import Abilities
from adapters.slack.attachments import SlackFiles
from adapters.slack.calls import REFUSED_TOKENS, error_code, slack_errors
from adapters.slack.forms import button, giving
from adapters.slack.history import SlackHistory
from adapters.slack.incoming import installation_of
from adapters.slack.intake import Intake
from adapters.slack.streams import StreamedSurface, Streams
from adapters.slack.surface import PREVIEW, RATES, SlackSurface
from adapters.slack.text import preview, spoken
from bot.absence import Watch
from bot.chat import File, Place, Turn
from bot.errors import ConfigError, DeliveryError, PlatformBusy, PlatformUnreachable
from bot.notices import language_of
from bot.ports import Clock, Fetched, Journal, Reception, Reply, Said

log = logging.getLogger(__name__)

EVERYTHING: Final = re.compile(".*")
SOON: Final = 2.0
"""Seconds until a command is acknowledged without its answer, which then follows: Slack waits for three."""
LONGEST_PAUSE: Final = 30.0
LOOK: Final = 1.0
"""Seconds between two looks at the connection. What Slack could not deliver in a shorter break, it sends again."""


class Slack:
    """The adapter. With an app token it connects by Socket Mode; without, `routes` take Slack's requests over HTTP."""

    platform = "slack"

    def __init__(
        self,
        *,
        bot_token: str,
        app_token: str,
        signing_secret: str,
        api_url: str,
        reception: Reception,
        watch: Watch,
        language: str,
        clock: Clock,
        streams: bool = True,
        most_messages: int = 8,
        rates: Mapping[str, Rate] = RATES,
    ) -> None:
        self._watch, self._clock = watch, clock
        self._bot_token, self._app_token, self._language = bot_token, app_token, language
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        self.client = AsyncWebClient(
            token=bot_token,
            base_url=api_url if api_url.endswith("/") else f"{api_url}/",
            session=self._session,
            retry_handlers=[],
        )
        self._files = SlackFiles(self.client, bot_token, api_url)
        self._intake = Intake(self.client, reception, self._say, language)
        self._pacer, self._most_messages = Pacer(rates), most_messages
        self._abilities = Abilities(self._seconds)
        self._streams = Streams(self._pacer, self._abilities, self._seconds) if streams else None
        self._stopped, self._line = False, ""
        self._presses: set[asyncio.Task[None]] = set()
        self._handler: AsyncSocketModeHandler | None = None
        self._app = self._bolt(signing_secret)
        self.routes: list[web.AbstractRouteDef] = (
            [] if app_token else [web.post("/slack/events", self._over_http)]
        )

    async def run(self, ready: Callable[[str], None]) -> None:
        """Serve until cancelled. Raises `ConfigError` when Slack refuses a token."""
        identity = await self._patiently("SLACK_BOT_TOKEN", self.client.auth_test)
        self._intake.at_home(identity.data)
        if self._streams is not None:
            self._streams.bot = self._intake.bot
        how = "Socket Mode" if self._app_token else "HTTP"
        if self._app_token:
            self._handler = AsyncSocketModeHandler(self._app, self._app_token, web_client=self.client)
            await self._patiently("SLACK_APP_TOKEN", self._handler.connect_async)
        ready(f"Slack: {identity.get('team')} as @{identity.get('user')} ({how})")
        self._line = installation_of({"authorizations": [identity.data]})
        history = SlackHistory(self.client, self._intake, self._pacer, self._clock, self._line)
        await asyncio.gather(self._watch.run(history), self._listen())

    async def _listen(self) -> None:
        """Tell the watch when events can come in, and when they can't."""
        heard = False
        while not self._stopped:
            connected = self._handler is None or await self._handler.client.is_connected()
            if connected and not heard:
                self._watch.back(self._line)
            elif heard and not connected:
                log.warning("Slack: the connection is lost")
                self._watch.away(self._line)
            heard = connected
            await asyncio.sleep(LOOK)

    def reply(self, turn: Turn, journal: Journal) -> Reply:
        language = language_of(turn.author.language, self._language)
        about = (self.client, turn, language, self._abilities, self._most_messages)
        surface = (
            StreamedSurface(*about, streams=self._streams)
            if self._streams is not None
            else SlackSurface(*about)
        )
        return EditedReply(surface, journal, self._pacer, turn)

    def _seconds(self) -> float:
        return self._clock().timestamp()

    async def whisper(self, turn: Turn, notice: str) -> bool:
        address = turn.address
        try:
            await self._say(str(address["channel"]), str(address["user"]), Said(notice), turn.place.thread)
        except (PlatformBusy, PlatformUnreachable):
            raise
        except DeliveryError:
            return False
        return True

    async def announce(self, place: Place, notice: str) -> None:
        await self._say(place.channel, "", Said(notice, private=False), place.thread)

    async def fetch(self, file: File, most: int, seconds: float) -> Fetched:
        return await self._files.fetch(file, most, seconds)

    async def stop(self) -> None:
        self._stopped = True
        self._watch.away(self._line)
        if self._handler is not None:
            await self._handler.disconnect_async()  # type: ignore[no-untyped-call]

    async def aclose(self) -> None:
        await asyncio.gather(*self._presses, return_exceptions=True)
        if self._handler is not None:
            await self._handler.close_async()  # type: ignore[no-untyped-call]
        await self._files.aclose()
        await self._session.close()

    async def _patiently(self, variable: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Call Slack until it answers; a refused token is the operator's to mend."""
        pause = 1.0
        while True:
            try:
                with slack_errors():
                    return await call()
            except DeliveryError as error:
                refusal = error.__cause__
                if isinstance(refusal, SlackApiError) and error_code(refusal) in REFUSED_TOKENS:
                    cure = (
                        "Copy the token again from the app's page at api.slack.com/apps (see docs/slack.md)"
                    )
                    raise ConfigError(variable, f"Slack refuses it ({error_code(refusal)})", cure) from None
                log.warning("Slack does not answer (%s), trying again in %g s", error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _bolt(self, signing_secret: str) -> AsyncApp:
        """The Bolt app: everything is told it, nothing is left to the environment."""
        app = AsyncApp(
            name="rejoinder",  # or Bolt reads the source of every caller to find one
            client=self.client,
            token=self._bot_token,
            signing_secret=signing_secret or "unused by Socket Mode",
            request_verification_enabled=not self._app_token,
        )
        app.middleware(self._commit)
        app.command(EVERYTHING)(self._command)
        app.view(EVERYTHING)(self._submitted)
        for listener in (
            app.event(EVERYTHING),
            app.action(EVERYTHING),
            app.shortcut(EVERYTHING),
        ):
            listener(_acknowledge)
        return app

    async def _over_http(self, request: web.Request) -> web.Response:
        if self._stopped:
            return web.Response(status=503)
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "0")
        if not timestamp.isdecimal():  # the SDK would raise
            return web.Response(status=401)
        return await to_aiohttp_response(await self._app.async_dispatch(await to_bolt_request(request)))

    async def _commit(
        self, body: Mapping[str, Any], next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse:
        """Take the event in before it is acknowledged; what can't be taken now, Slack will send again."""
        if self._stopped:
            return BoltResponse(status=503, body="")
        if body.get("type") == "block_actions":
            return await self._press(body, next)
        try:
            await self._intake.take(body)
        except Exception as error:
            log.error(
                "an event could not be taken in (%s); it will come again",
                type(error).__name__,
                exc_info=_quiet(error),
            )
            return BoltResponse(status=503, body="")
        return await next()

    async def _press(
        self, body: Mapping[str, Any], next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse:
        """A pressed button: acknowledged when it is done, or before Slack would complain. It is never sent a second time."""
        running = asyncio.create_task(self._intake.take(body), name="press")
        self._presses.add(running)
        running.add_done_callback(self._pressed)
        await asyncio.wait({running}, timeout=SOON)
        return await next()

    def _pressed(self, press: asyncio.Task[None]) -> None:
        self._presses.discard(press)
        if not press.cancelled() and (error := press.exception()) is not None:
            log.error("a pressed button failed (%s)", type(error).__name__, exc_info=error)

    async def _command(self, body: Mapping[str, Any], ack: AsyncAck, respond: AsyncRespond) -> None:
        """A slash command: acknowledged with its answer, or the answer follows."""
        running = asyncio.create_task(self._intake.command(body))
        done, _ = await asyncio.wait({running}, timeout=SOON)
        if done:
            said = running.result()
            await ack(**_spoken(said))
            return
        await ack()
        await respond(**_spoken(await running))

    async def _submitted(self, body: Mapping[str, Any], ack: AsyncAck) -> None:
        """A form: closed when it could be done, else shown again with what is wrong."""
        wrong = await self._intake.submitted(body)
        await (ack(response_action="errors", errors=wrong) if wrong else ack())

    async def _say(self, channel: str, user: str, said: Said, thread: str = "") -> None:
        """Say something of the bot's own: to one person alone, or to all."""
        message = {"channel": channel, "thread_ts": thread or None, **_spoken(said)}
        del message["response_type"]
        with slack_errors():
            if said.private:
                await self.client.chat_postEphemeral(user=user, **message)
            else:
                await self.client.chat_postMessage(**message)


def _spoken(said: Said) -> dict[str, Any]:
    text = spoken(said.text, said.private)
    return {
        "text": preview(text, PREVIEW),
        "blocks": [{"type": "markdown", "text": text}, *_below(said)],
        "response_type": "ephemeral" if said.private else "in_channel",
    }


def _below(said: Said) -> list[dict[str, Any]]:
    return [
        *([button(said.offer)] if said.offer else []),
        *([giving(said.shortcut)] if said.shortcut else []),
    ]


async def _acknowledge(ack: AsyncAck) -> None:
    await ack()


def _quiet(error: Exception) -> bool:
    """The trace of a mistake of ours is logged; a database or platform that is away needs none."""
    return not isinstance(error, OSError | DeliveryError) and type(error).__name__ != "StoreUnavailable"
