"""The Slack emulator against the real SDKs: slack-bolt apps over Socket Mode and over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.emulators.slack import Channel, ManualClock, SlackEmulator, User

Json = dict[str, Any]


class Bot:
    """A small real Bolt app: answers mentions in a thread, and notes what it was told."""

    def __init__(self, slack: SlackEmulator) -> None:
        self.events: list[Json] = []
        self.retries: list[str] = []
        self.late: dict[str, float] = {}  # event type to seconds of delay, used once
        self.gate = asyncio.Event()  # while it is not set, nothing is acknowledged
        self.gate.set()
        self._slack = slack
        client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
        self.app = AsyncApp(token=slack.bot_token, signing_secret=slack.signing_secret, client=client)
        self.app.middleware(self._before)
        self.app.event("app_mention")(self._answer)
        self.app.event("message")(self._note)
        self.app.command("/rejoinder")(self._command)
        self.app.action("stop")(self._press)

    async def _before(self, req: Any, body: Json, next: Callable[[], Awaitable[None]]) -> None:
        event = body.get("event") or body
        kind = str(event.get("type") or event.get("command"))
        if req.headers.get("x-slack-retry-num", ["0"]) != ["0"]:
            self.retries.append(
                f"{req.headers['x-slack-retry-num'][0]} {req.headers['x-slack-retry-reason'][0]}"
            )
        self.events.append(event)
        self._slack.core.changes.notify()
        await self.gate.wait()
        await asyncio.sleep(self.late.pop(kind, 0.0))
        await next()

    async def _answer(self, event: Json, client: AsyncWebClient) -> None:
        thread = event.get("thread_ts") or event["ts"]
        await client.chat_postMessage(channel=event["channel"], thread_ts=thread, text="at your service")

    async def _note(self) -> None:
        pass

    async def _command(self, ack: Any, respond: Any, command: Json) -> None:
        await ack("one moment")
        await respond(f"you said {command['text']}")

    async def _press(self, ack: Any, action: Json, respond: Any) -> None:
        await ack()
        await respond(text=f"stopped {action['value']}", replace_original=True)

    def kinds(self) -> list[str]:
        return [str(event.get("type")) for event in self.events]


@asynccontextmanager
async def over_sockets(
    bot: Bot, slack: SlackEmulator, connections: int = 1, ping: float = 10.0
) -> AsyncIterator[None]:
    handlers = [
        AsyncSocketModeHandler(bot.app, slack.app_token, ping_interval=ping) for _ in range(connections)
    ]
    for handler in handlers:
        await handler.connect_async()  # type: ignore[no-untyped-call]  # bolt leaves it untyped
    await slack.connected(connections)
    try:
        yield
    finally:
        for handler in handlers:
            await handler.close_async()  # type: ignore[no-untyped-call]  # likewise


@asynccontextmanager
async def over_http(bot: Bot, slack: SlackEmulator, servers: int = 1) -> AsyncIterator[None]:
    runners = []
    urls = []
    for _ in range(servers):
        runner = web.AppRunner(bot.app.web_app(path="/slack/events"), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
        runners.append(runner)
    slack.request_urls = urls
    try:
        yield
    finally:
        for runner in runners:
            await runner.cleanup()


TRANSPORTS = pytest.mark.parametrize("transport", [over_sockets, over_http], ids=["sockets", "http"])
Transport = Callable[[Bot, SlackEmulator], Any]


@pytest.fixture
async def slack() -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator(retry_delays=(0.0, 0.05, 0.1)) as emulator:
        yield emulator


@pytest.fixture
def alice(slack: SlackEmulator) -> User:
    return slack.add_user("alice", locale="de-DE")


@pytest.fixture
def general(slack: SlackEmulator, alice: User) -> Channel:
    return slack.add_channel("general", members=[alice])


@TRANSPORTS
async def test_mention_is_answered_in_its_thread(
    transport: Transport, slack: SlackEmulator, alice: User, general: Channel
) -> None:
    bot = Bot(slack)
    async with transport(bot, slack):
        question = await slack.say(alice, general, "a <b> & c, see https://x.io/?a=1&b=2", mention_bot=True)
        await slack.wait_for(lambda: slack.bot_messages(general))
        answer = slack.messages(general, thread=question)[-1]
        assert (answer.shown, answer.thread_ts) == ("at your service", question.ts)
        heard = next(event for event in bot.events if event["type"] == "app_mention")
        link = "<https://x.io/?a=1&amp;b=2>"
        assert heard["text"] == f"{slack.team.bot.mention} a &lt;b&gt; &amp; c, see {link}"
        await slack.wait_for(lambda: all(delivery.acknowledged for delivery in slack.deliveries))


@pytest.mark.parametrize(
    ("twins", "expected"),
    [
        ("mention_first", ["app_mention", "message"]),
        ("message_first", ["message", "app_mention"]),
        ("only_mention", ["app_mention"]),
        ("only_message", ["message"]),
    ],
)
async def test_twin_events_come_in_the_order_asked_for(
    slack: SlackEmulator, alice: User, general: Channel, twins: Any, expected: list[str]
) -> None:
    bot = Bot(slack)
    slack.twins = twins
    async with over_sockets(bot, slack):
        await slack.say(alice, general, "hello", mention_bot=True)
        await slack.wait_for(lambda: slack.deliveries and all(d.acknowledged for d in slack.deliveries))
        assert bot.kinds()[: len(expected)] == expected
        ids = [delivery.payload["event_id"] for delivery in slack.deliveries]
        assert len(set(ids)) == len(ids)
        assert {event["ts"] for event in bot.events[: len(expected)]} == {slack.messages(general)[0].ts}


async def test_twins_together_are_both_on_their_way_before_either_is_acknowledged(
    slack: SlackEmulator, alice: User, general: Channel
) -> None:
    bot = Bot(slack)
    slack.twins = "together"
    bot.gate.clear()
    async with over_sockets(bot, slack):
        await slack.say(alice, general, "hello", mention_bot=True)
        await slack.wait_for(lambda: len(bot.events) == 2)
        assert not any(delivery.attempts for delivery in slack.deliveries)
        bot.gate.set()


@TRANSPORTS
async def test_event_not_acknowledged_in_time_comes_again_with_retry_headers(
    transport: Transport, slack: SlackEmulator, alice: User, general: Channel
) -> None:
    bot = Bot(slack)
    bot.late = {"message": 1.5}
    slack.office.ack_timeout = 0.5
    async with transport(bot, slack):
        await slack.say(alice, general, "slow")
        delivery = slack.deliveries[0]
        await slack.wait_for(lambda: delivery.acknowledged)
        reason = "http_timeout" if slack.request_url else "timeout"
        assert bot.retries == [f"1 {reason}"]
        assert [event["ts"] for event in bot.events] == [slack.messages(general)[0].ts] * 2
        assert [attempt.outcome.acknowledged for attempt in delivery.attempts] == [False, True]


@pytest.mark.parametrize(
    ("url", "reason"),
    [("{}/nowhere", "http_error"), ("http://127.0.0.1:1/slack/events", "connection_failed")],
)
async def test_failed_delivery_is_retried_three_times_and_then_given_up(
    slack: SlackEmulator, alice: User, general: Channel, url: str, reason: str
) -> None:
    bot = Bot(slack)
    async with over_http(bot, slack):
        slack.request_url = url.format(slack.request_url)
        await slack.say(alice, general, "lost")
        delivery = slack.deliveries[0]
        await slack.wait_for(lambda: delivery.finished)
        reasons = [(attempt.retry_num, attempt.retry_reason) for attempt in delivery.attempts]
        assert reasons == [(0, ""), (1, reason), (2, reason), (3, reason)]
        assert not delivery.acknowledged


async def test_app_can_ask_for_no_retry(slack: SlackEmulator, alice: User, general: Channel) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    app = web.Application()
    app.router.add_post("/slack/events", refuse)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    await slack.say(alice, general, "no")
    await slack.wait_for(lambda: slack.deliveries[0].finished)
    assert len(slack.deliveries[0].attempts) == 1
    await runner.cleanup()


async def test_ticket_opens_one_connection_and_ten_are_the_most(slack: SlackEmulator) -> None:
    client = AsyncWebClient(base_url=slack.api_url)
    urls = [(await client.apps_connections_open(app_token=slack.app_token))["url"] for _ in range(11)]
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(url) for url in urls]
        first = [await socket.receive_json() for socket in sockets]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(urls[0])
    assert [hello["type"] for hello in first] == ["hello"] * 10 + ["disconnect"]
    assert [hello["num_connections"] for hello in first[:10]] == list(range(1, 11))
    assert first[10]["reason"] == "too_many_websockets"


async def test_event_without_a_connection_is_delivered_once_there_is_one(
    slack: SlackEmulator, alice: User, general: Channel
) -> None:
    slack.office.retry_delays, slack.office.ack_timeout = (0.0, 0.5, 2.0), 0.5
    await slack.say(alice, general, "anyone?")
    bot = Bot(slack)
    async with over_sockets(bot, slack):
        await slack.wait_for(lambda: slack.deliveries[0].acknowledged)
        assert slack.deliveries[0].attempts[0].outcome.via == "no connection"
        assert bot.retries


async def test_dying_socket_loses_the_acknowledgement_and_the_bot_reconnects(
    slack: SlackEmulator, alice: User, general: Channel
) -> None:
    bot = Bot(slack)
    bot.gate.clear()
    slack.office.retry_delays = (2.0, 2.0)
    async with over_sockets(bot, slack, ping=1.0):
        await slack.say(alice, general, "hello")
        await slack.wait_for(lambda: bot.events)
        await slack.drop_connections()
        bot.gate.set()
        await slack.wait_for(lambda: slack.deliveries[0].acknowledged)
        assert slack.deliveries[0].attempts[0].outcome.via.endswith("died")
        assert len(slack.calls("apps.connections.open")) == 2


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_disconnect_message_makes_the_bot_take_a_new_connection(
    slack: SlackEmulator, alice: User, general: Channel, reason: str
) -> None:
    bot = Bot(slack)
    async with over_sockets(bot, slack):
        await slack.send_disconnect(reason)
        assert len(slack.core.hub.live()) == (1 if reason == "warning" else 0)
        await slack.wait_for(lambda: slack.core.hub.opened == 2)
        await slack.connected(1)
        await slack.say(alice, general, "still there?")
        await slack.wait_for(lambda: slack.deliveries[0].acknowledged)


async def test_connections_share_the_load(slack: SlackEmulator, alice: User, general: Channel) -> None:
    bot = Bot(slack)
    async with over_sockets(bot, slack, connections=2):
        for number in range(4):
            await slack.say(alice, general, f"number {number}")
        await slack.wait_for(lambda: all(delivery.acknowledged for delivery in slack.deliveries))
        carriers = [delivery.attempts[0].outcome.via for delivery in slack.deliveries]
        assert sorted(carriers) == ["socket-1", "socket-1", "socket-2", "socket-2"]
        assert len(bot.events) == 4


async def test_request_urls_are_used_in_turn(slack: SlackEmulator, alice: User, general: Channel) -> None:
    bot = Bot(slack)
    async with over_http(bot, slack, servers=2):
        for number in range(4):
            await slack.say(alice, general, f"number {number}")
        await slack.wait_for(lambda: all(delivery.acknowledged for delivery in slack.deliveries))
        carriers = [delivery.attempts[0].outcome.via for delivery in slack.deliveries]
        assert sorted(carriers) == sorted(slack.request_urls * 2)


async def test_redelivery_by_hand_carries_the_same_event(
    slack: SlackEmulator, alice: User, general: Channel
) -> None:
    bot = Bot(slack)
    async with over_http(bot, slack):
        await slack.say(alice, general, "once")
        await slack.wait_for(lambda: slack.deliveries[0].acknowledged)
        attempt = await slack.redeliver_last("message")
        assert attempt.outcome.acknowledged
        assert bot.retries == ["1 http_timeout"]
        assert bot.events[0] == bot.events[1]


@TRANSPORTS
async def test_slash_command_is_acknowledged_and_answered_at_its_response_url(
    transport: Transport, slack: SlackEmulator, alice: User, general: Channel
) -> None:
    bot = Bot(slack)
    async with transport(bot, slack):
        typed = await slack.slash(alice, general, "/rejoinder", "tell @alice")
        assert typed.acknowledged_in is not None
        assert typed.acknowledged_in < slack.office.ack_timeout
        await slack.wait_for(lambda: len(typed.ephemerals) == 2)
        assert sorted(m.shown for m in typed.ephemerals) == ["one moment", "you said tell @alice"]
        assert all(message.ephemeral_to is alice for message in typed.ephemerals)
        assert typed.delivery is not None
        assert typed.delivery.payload["text"] == f"tell <@{alice.id}|alice>"


async def test_late_command_fails_for_the_user_and_comes_again(
    slack: SlackEmulator, alice: User, general: Channel
) -> None:
    slack.office.retry_delays, slack.office.ack_timeout = (0.0,), 0.5
    bot = Bot(slack)
    bot.late = {"/rejoinder": 1.5}
    async with over_http(bot, slack):
        typed = await slack.slash(alice, general, "/rejoinder", "hi")
        assert typed.acknowledged_in is None
        delivery = slack.deliveries[-1]
        await slack.wait_for(lambda: delivery.finished)
        assert [attempt.outcome.acknowledged for attempt in delivery.attempts] == [False, True]
        assert typed.ack_body == {"text": "one moment"}
        slack.office.retry_commands = False
        bot.late = {"/rejoinder": 1.5}
        lost = await slack.slash(alice, general, "/rejoinder", "hi")
        assert lost.acknowledged_in is None
        assert lost.delivery is not None
        assert len(lost.delivery.attempts) == 1


@TRANSPORTS
async def test_button_is_pressed_and_replaces_its_message(
    transport: Transport, slack: SlackEmulator, alice: User, general: Channel
) -> None:
    bot = Bot(slack)
    button = {
        "type": "button",
        "action_id": "stop",
        "value": "7",
        "text": {"type": "plain_text", "text": "Stop"},
    }
    async with transport(bot, slack):
        blocks = [{"type": "actions", "elements": [button]}]
        posted = await bot.app.client.chat_postMessage(channel=general.id, text="working", blocks=blocks)
        message = slack.message(posted["ts"])
        pressed = await slack.press(alice, message, "stop")
        assert pressed.acknowledged_in is not None
        await slack.wait_for(lambda: message.shown == "stopped 7")
        assert message.actions == {}
        with pytest.raises(LookupError):
            await slack.press(alice, message, "stop")


async def test_response_url_ends_after_five_posts_and_after_half_an_hour() -> None:
    clock = ManualClock()
    async with SlackEmulator(clock=clock, ack_timeout=0.01, retry_delays=()) as slack:
        alice = slack.add_user("alice")
        room = slack.add_channel("general")
        first = await slack.slash(alice, room, "/rejoinder")
        second = await slack.slash(alice, room, "/rejoinder")
        async with aiohttp.ClientSession() as session:

            async def post(url: str, **payload: Any) -> int:
                async with session.post(url, json={"text": "hi", **payload}) as response:
                    return response.status

            assert [await post(first.response_url) for _ in range(6)] == [200] * 5 + [404]
            assert await post(second.response_url, response_type="in_channel") == 200
            clock.advance(1801)
            assert await post(second.response_url) == 404
        assert len(first.ephemerals) == 5
        assert [message.shown for message in slack.bot_messages(room) if not message.ephemeral_to] == ["hi"]


async def test_url_verification_and_forged_requests(slack: SlackEmulator) -> None:
    bot = Bot(slack)
    async with over_http(bot, slack):
        assert await slack.verify_url()
        event = {"type": "event_callback", "event": {"type": "message"}}
        assert await slack.send_signed(event) == 200
        assert await slack.send_signed(event, signature="v0=wrong") == 401
        assert await slack.send_signed(event, age=301) == 401
        assert await slack.send_signed(event, age=-301) == 401
