"""The playground as a platform: its interface, its stream of changes, and what the bot gets to see of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.playground import Playground
from bot.chat import Author, Place, plain_text
from bot.ports import Adapter, Reception
from tests.fakes_playground import COMMANDS, PICTURE, ScriptedBot, Served, Visitor, now, serving, until


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as served:
        yield served


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def ada(served: Served, session: aiohttp.ClientSession) -> Visitor:
    return Visitor(session, served.url, "ada")


@pytest.fixture
def grace(served: Served, session: aiohttp.ClientSession) -> Visitor:
    return Visitor(session, served.url, "grace")


class Watch:
    """Collects what the stream of changes brings to one page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def next(self, kind: str, **wanted: Any) -> Any:
        """The next change of this kind whose thing has these values."""
        async with asyncio.timeout(5):
            while True:
                news = await self._socket.receive_json()
                thing = news.get(kind, news) if isinstance(news.get(kind), dict) else news
                if news["type"] == kind and all(thing.get(name) == value for name, value in wanted.items()):
                    return thing


@asynccontextmanager
async def watching(visitor: Visitor, since: int | None = None, world: str = "") -> AsyncIterator[Watch]:
    _, state = await visitor.call("GET", "/api/state")
    since = state["seq"] if since is None else since
    query = f"as={visitor.person}&world={world or state['world']}&since={since}"
    async with visitor.session.ws_connect(f"{visitor.url}/api/events?{query}") as socket:
        yield Watch(socket)


def test_it_is_an_adapter_and_the_scripted_bot_a_reception(tmp_path: Path) -> None:
    playground = Playground(data=tmp_path, http=("127.0.0.1", 0), commands=COMMANDS, clock=now)
    adapter: Adapter = playground
    reception: Reception = ScriptedBot()
    assert (adapter.platform, reception is not None) == ("playground", True)


async def test_it_says_where_it_is(served: Served) -> None:
    assert served.lines == [f"playground at {served.url}/"]


async def test_the_state_tells_who_and_what_is_there(ada: Visitor) -> None:
    _, state = await ada.call("GET", "/api/state")
    assert state["me"] == "ada"
    assert [channel["id"] for channel in state["channels"]] == ["dm-ada", "general", "random"]
    assert [person["name"] for person in state["people"]] == ["Rejoinder", "Ada", "Grace", "Lin"]
    assert [command["verb"] for command in state["commands"]] == [slash.verb for slash in COMMANDS]


async def test_a_mention_reaches_the_bot_and_its_answer_the_channel(served: Served, ada: Visitor) -> None:
    said = await ada.say("@Rejoinder, ask @Grace")
    await until(lambda: served.bot.answers)
    await served.bot.settled()
    (incoming,) = served.bot.incoming
    assert incoming.place == Place("playground", "local", "general")
    assert incoming.message == str(said["id"])
    assert incoming.author == Author("ada", "Ada")
    assert plain_text(incoming.content) == "ask @Grace"
    assert incoming.address == {"v": 1, "channel": "general", "thread": 0, "question": said["id"]}
    assert incoming.sent_at == datetime.fromisoformat(said["sent_at"])
    assert (incoming.mentioned, incoming.direct, incoming.revision, incoming.branched_at) == (
        True,
        False,
        "",
        None,
    )

    _, answer = await ada.messages()
    assert answer["text"] == "You said: ask @Grace"
    assert (answer["author"], answer["thread"], answer["open"]) == ("rejoinder", 0, False)
    assert answer["reply_to"] == {"id": said["id"], "author": "ada", "text": "@Rejoinder, ask @Grace"}


async def test_an_answer_opens_a_thread_where_admins_want_it_so(served: Served, ada: Visitor) -> None:
    served.bot.in_thread = True
    said = await ada.say("@Rejoinder in a thread, please")
    await until(lambda: served.bot.answers)
    await served.bot.settled()
    (incoming,) = served.bot.incoming
    assert incoming.place.thread == ""
    assert incoming.address["thread"] == said["id"]
    assert incoming.address["opens_thread"] == incoming.message
    (answer,) = await ada.messages(thread=said["id"])
    assert answer["text"] == "You said: in a thread, please"
    assert answer["reply_to"] is None


async def test_a_thread_is_a_branch_at_the_time_of_its_root(
    served: Served, ada: Visitor, grace: Visitor
) -> None:
    root = await ada.say("root")
    await grace.say("@Rejoinder in here", thread=root["id"])
    await until(lambda: served.bot.answers)
    await served.bot.settled()
    incoming = served.bot.incoming[-1]
    assert incoming.place == Place("playground", "local", "general", str(root["id"]))
    assert incoming.branched_at == datetime.fromisoformat(root["sent_at"])
    assert incoming.author == Author("grace", "Grace", admin=True)

    assert [message["text"] for message in await ada.messages()] == ["root"]
    (top,) = await ada.messages()
    assert (top["replies"], top["repliers"], top["unread"]) == (2, ["grace", "rejoinder"], True)
    replies = await ada.messages(thread=root["id"])
    assert [message["author"] for message in replies] == ["grace", "rejoinder"]


async def test_a_direct_conversation_needs_no_mention_and_is_nobody_elses(
    served: Served, ada: Visitor, grace: Visitor
) -> None:
    await ada.say("hello", channel="dm-ada")
    await until(lambda: served.bot.answers)
    await served.bot.settled()
    assert served.bot.incoming[0].direct
    assert [message["text"] for message in await ada.messages("dm-ada")] == ["hello", "You said: hello"]
    assert (await grace.call("GET", "/api/messages", channel="dm-ada"))[0] == 404
    status, _ = await grace.call("POST", "/api/messages", channel="dm-ada", text="hi", nonce="nonce-nonce")
    assert status == 404


async def test_an_edit_comes_with_a_revision_that_sorts_after_the_last(served: Served, ada: Visitor) -> None:
    said = await ada.say("@Rejoinder one")
    for text in ("@Rejoinder two", "@Rejoinder three"):
        status, edited = await ada.call("PATCH", f"/api/messages/{said['id']}", text=text)
        assert (status, edited["edited"]) == (200, True)
    await until(lambda: len(served.bot.edits) == 2)
    await served.bot.settled()
    revisions = ["", *(edit.revision for edit in served.bot.edits)]
    assert revisions == sorted(set(revisions))
    assert [plain_text(edit.content) for edit in served.bot.edits] == ["two", "three"]
    assert [message["text"] for message in await ada.messages()] == ["@Rejoinder three", "You said: three"]


async def test_a_deleted_question_takes_its_answer_with_it(served: Served, ada: Visitor) -> None:
    said = await ada.say("@Rejoinder one")
    await until(lambda: served.bot.answers)
    await served.bot.settled()
    await ada.call("DELETE", f"/api/messages/{said['id']}")
    await until(lambda: served.bot.gone)
    assert served.bot.gone == [(Place("playground", "local", "general"), str(said["id"]))]
    await until(lambda: not served.playground.world.messages)


async def test_nobody_edits_or_deletes_what_another_said(ada: Visitor, grace: Visitor) -> None:
    said = await grace.say("mine")
    assert (await ada.call("PATCH", f"/api/messages/{said['id']}", text="yours"))[0] == 403
    assert (await ada.call("DELETE", f"/api/messages/{said['id']}"))[0] == 403
    assert [message["text"] for message in await ada.messages()] == ["mine"]


async def test_sending_twice_is_saying_once(served: Served, ada: Visitor) -> None:
    first = await ada.say("hi", nonce="the-same-nonce")
    again = await ada.say("hi", nonce="the-same-nonce")
    assert again["id"] == first["id"]
    await ada.say("bye")
    await until(lambda: len(served.bot.incoming) == 2)


async def test_a_private_answer_is_seen_by_the_asker_alone(
    served: Served, ada: Visitor, grace: Visitor
) -> None:
    status, _ = await ada.call(
        "POST", "/api/commands", channel="general", verb="usage", argument="all", key="key-key-1"
    )
    assert status == 200
    (invocation,) = served.bot.invocations
    assert (invocation.key, invocation.verb, invocation.argument) == (
        "playground:ada:key-key-1",
        "usage",
        "all",
    )
    assert invocation.place == Place("playground", "local", "general")
    (notice,) = await ada.messages()
    assert (notice["private"], notice["about"]) == (True, "/usage all")
    assert await grace.messages() == []
    assert (await grace.call("DELETE", f"/api/messages/{notice['id']}"))[0] == 404
    assert (await ada.call("DELETE", f"/api/messages/{notice['id']}"))[0] == 200
    assert served.bot.gone == []


async def test_a_public_answer_is_seen_by_all(ada: Visitor, grace: Visitor) -> None:
    await ada.call("POST", "/api/commands", channel="general", verb="reset", key="key-key-1")
    (said,) = await grace.messages()
    assert (said["private"], said["about"]) == (False, "/reset")


async def test_files_of_a_command_are_for_the_asker_alone(ada: Visitor, grace: Visitor) -> None:
    await ada.call(
        "POST", "/api/commands", channel="general", verb="usage", argument="as files", key="key-key-1"
    )
    _, page = await ada.call("GET", "/api/messages?as=ada&channel=general")
    words, table, picture = page["messages"]
    assert (words["text"], words["file"]) == ("Here they are.", None)
    assert table["file"] == {"name": "d-as.csv", "type": "text/csv", "size": 7}
    assert picture["private"] and picture["file"]["size"] == len(PICTURE)
    url = f"{ada.url}/api/messages/{picture['id']}/file"
    async with ada.session.get(f"{url}?as=ada") as answer:
        assert (answer.content_type, await answer.read()) == ("image/png", PICTURE)
        assert answer.headers["Content-Disposition"] == 'attachment; filename="p.png"'
    async with ada.session.get(f"{ada.url}/api/messages/{table['id']}/file?as=ada") as answer:
        assert await answer.text() == "día,1\n"
    async with ada.session.get(f"{url}?as=grace") as answer:
        assert answer.status == 404
    assert not (await grace.call("GET", "/api/messages?as=grace&channel=general"))[1]["messages"]


async def test_a_command_that_is_sent_twice_is_answered_once(ada: Visitor) -> None:
    for _ in range(2):
        await ada.call("POST", "/api/commands", channel="general", verb="help", key="key-key-1")
    assert len(await ada.messages()) == 1


async def test_there_are_only_the_commands_of_the_table(served: Served, ada: Visitor) -> None:
    status, answer = await ada.call(
        "POST", "/api/commands", channel="general", verb="destroy", key="key-key-1"
    )
    assert (status, answer["message"]) == (404, "There is no command /destroy.")
    assert served.bot.invocations == []


async def test_an_empty_mention_is_answered_privately(served: Served, ada: Visitor, grace: Visitor) -> None:
    said = await ada.say("@Rejoinder")
    await until(lambda: len(served.playground.world.messages) == 2)
    _, notice = await ada.messages()
    assert (notice["private"], notice["reply_to"]["id"]) == (True, said["id"])
    assert len(await grace.messages()) == 1


async def test_stop_is_pressed_by_the_asker(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    gate = asyncio.Event()
    bot = ScriptedBot(lambda _: ["Half of ", gate, "the answer"])
    async with serving(tmp_path, bot) as served:
        ada, grace = Visitor(session, served.url), Visitor(session, served.url, "grace")
        await ada.say("@Rejoinder go")
        world = served.playground.world
        await until(lambda: any("stop:0||" in message.buttons for message in world.messages.values()))
        _, answer = await ada.messages()
        press = {"message": answer["id"], "button": "stop:0"}
        await grace.call("POST", "/api/buttons", **press, key="key-key-1")
        assert (await grace.messages())[-1]["text"] == "Only the person who asked can do that."
        assert (await ada.call("POST", "/api/buttons", **press, key="key-key-2"))[0] == 200
        _, stopped = await ada.messages()
        assert (stopped["text"].strip(), stopped["open"]) == ("Half of", False)
        assert stopped["buttons"] == [{"id": "retry:0", "name": "retry", "mark": "", "chosen": False}]
        status, refusal = await ada.call("POST", "/api/buttons", **press, key="key-key-3")
        assert (status, refusal["error"]) == (409, "no_such_button")
        gate.set()
        await ada.call("POST", "/api/buttons", message=answer["id"], button="retry:0", key="key-key-4")
        await bot.settled()
        assert (await ada.messages())[1]["text"] == "Half of the answer"


async def test_what_the_bot_cannot_take_now_is_kept_in_order_until_it_can(
    served: Served, ada: Visitor
) -> None:
    served.bot.broken = True
    said = await ada.say("@Rejoinder one")
    await ada.call("PATCH", f"/api/messages/{said['id']}", text="@Rejoinder two")
    await ada.say("three")
    status, answer = await ada.call("POST", "/api/commands", channel="general", verb="help", key="key-key-1")
    assert (status, answer["error"]) == (503, "unavailable")
    assert (served.bot.incoming, served.bot.edits) == ([], [])
    served.bot.broken = False
    await until(lambda: not served.playground.world.pending)
    assert [incoming.text for incoming in served.bot.incoming] == ["one", "three"]
    assert [edit.text for edit in served.bot.edits] == ["two"]


async def test_what_was_said_while_the_bot_was_stopping_is_answered_after_the_restart(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async with serving(tmp_path) as served:
        await served.playground.stop()
        ada = Visitor(session, served.url)
        await ada.say("@Rejoinder still there?")
        status, _ = await ada.call("POST", "/api/commands", channel="general", verb="help", key="key-key-1")
        assert status == 503
        assert served.bot.incoming == []
    async with serving(tmp_path) as served:
        await until(lambda: served.bot.answers)
        await served.bot.settled()
        texts = [message["text"] for message in await Visitor(session, served.url).messages()]
        assert texts == ["@Rejoinder still there?", "You said: still there?"]


async def test_one_event_that_the_bot_fails_over_does_not_hold_up_the_next(
    served: Served, ada: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    def script(text: str) -> list[str]:
        if text == "secret words":
            raise RuntimeError("a fault of the bot")
        return ["fine"]

    served.bot.script = script
    await ada.say("@Rejoinder secret words")
    await ada.say("@Rejoinder other")
    await until(lambda: served.bot.answers)
    assert "a fault of the bot" in caplog.text
    assert "secret words" not in caplog.text


async def test_a_whisper_is_for_the_asker_beside_the_answer(
    served: Served, ada: Visitor, grace: Visitor
) -> None:
    await ada.say("@Rejoinder one")
    await until(lambda: served.bot.answers)
    await served.bot.settled()
    (answering,) = served.bot.answers.values()
    assert await served.playground.whisper(answering.turn, "Your budget is nearly used up.")
    assert (await ada.messages())[-1]["text"] == "Your budget is nearly used up."
    assert len(await grace.messages()) == 2


async def test_pages_follow_what_happens(served: Served, ada: Visitor, grace: Visitor) -> None:
    async with watching(grace) as watch:
        said = await ada.say("hi @Grace")
        seen = await watch.next("message", id=said["id"])
        assert '<span class="mention">@Grace</span>' in seen["html"]
        await ada.call("PATCH", f"/api/messages/{said['id']}", text="hi all")
        assert (await watch.next("message", id=said["id"]))["edited"]
        await ada.call("POST", "/api/channels", name="plans", topic="next")
        assert (await watch.next("channel", name="plans"))["topic"] == "next"
        await ada.call("POST", "/api/people", name="Katherine", admin=True, language="en")
        assert (await watch.next("person", name="Katherine"))["admin"]
        await ada.call("DELETE", f"/api/messages/{said['id']}")
        assert (await watch.next("gone"))["id"] == said["id"]
        await grace.call("POST", "/api/read", channel="random", message=1)
        assert await watch.next("read", place="random")


async def test_a_page_sees_the_bot_typing_and_its_answer_growing(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    gate = asyncio.Event()
    bot = ScriptedBot(lambda _: ["One", gate, " and two"])
    async with serving(tmp_path, bot) as served:
        ada = Visitor(session, served.url)
        async with watching(ada) as watch:
            await ada.say("@Rejoinder count")
            assert (await watch.next("typing"))["channel"] == "general"
            growing = await watch.next("message", author="rejoinder")
            assert (growing["text"], growing["open"], growing["buttons"][0]["id"]) == ("One", True, "stop:0")
            gate.set()
            final = await watch.next("message", author="rejoinder", open=False)
            assert final["text"] == "One and two"
            assert final["buttons"] == []


async def test_nothing_private_is_streamed_to_others(served: Served, ada: Visitor, grace: Visitor) -> None:
    async with watching(grace) as watch:
        await ada.say("secret", channel="dm-ada")
        await ada.call("POST", "/api/commands", channel="general", verb="usage", key="key-key-1")
        await until(lambda: len(served.playground.world.messages) == 3)
        await ada.say("public")
        assert (await watch.next("message"))["text"] == "public"


async def test_a_page_that_was_away_misses_nothing(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    async with serving(tmp_path) as served:
        ada = Visitor(session, served.url)
        doomed, edited = await ada.say("doomed"), await ada.say("one")
        await until(lambda: not served.playground.world.pending)
        _, state = await ada.call("GET", "/api/state")
    async with serving(tmp_path) as served:
        ada = Visitor(session, served.url)
        await ada.call("DELETE", f"/api/messages/{doomed['id']}")
        await ada.call("PATCH", f"/api/messages/{edited['id']}", text="two")
        await ada.say("three", nonce="another-nonce")
        async with watching(ada, since=state["seq"]) as watch:
            assert (await watch.next("gone"))["id"] == doomed["id"]
            assert (await watch.next("message"))["text"] == "two"
            assert (await watch.next("message"))["text"] == "three"


@pytest.mark.parametrize(("world", "since"), [("another", 0), ("", 10_000)])
async def test_a_page_of_another_world_starts_over(ada: Visitor, world: str, since: int) -> None:
    async with watching(ada, since=since, world=world) as watch:
        await watch.next("reset")


async def test_a_page_that_is_so_far_behind_that_deletions_would_be_missing_starts_over(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async with serving(tmp_path) as served:
        ada = Visitor(session, served.url)
        said = await ada.say("doomed")
        await ada.call("DELETE", f"/api/messages/{said['id']}")
    for _ in range(2):
        async with serving(tmp_path):
            pass
    async with serving(tmp_path) as served, watching(Visitor(session, served.url), since=1) as watch:
        await watch.next("reset")


async def test_reading_is_remembered(served: Served, ada: Visitor, grace: Visitor) -> None:
    for number in range(3):
        await ada.say(f"message {number}", channel="random")
    _, state = await grace.call("GET", "/api/state")
    assert {channel["id"]: channel["unread"] for channel in state["channels"]}["random"] == 3
    second = (await grace.messages("random"))[1]["id"]
    await grace.call("POST", "/api/read", channel="random", message=second)
    _, state = await grace.call("GET", "/api/state")
    assert {channel["id"]: channel["unread"] for channel in state["channels"]}["random"] == 1


async def test_older_messages_come_page_by_page(served: Served, ada: Visitor) -> None:
    for number in range(130):
        await ada.say(str(number))
    texts: list[str] = []
    before, more = 0, True
    while more:
        _, page = await ada.call("GET", "/api/messages", channel="general", before=before)
        texts = [message["text"] for message in page["messages"]] + texts
        before, more = page["messages"][0]["id"], page["more"]
    assert texts == [str(number) for number in range(130)]


@pytest.mark.parametrize(
    ("path", "values", "status"),
    [
        ("/api/messages", {"channel": "nowhere", "text": "x", "nonce": "nonce-nonce"}, 404),
        ("/api/messages", {"channel": "general", "text": " ", "nonce": "nonce-nonce"}, 400),
        ("/api/messages", {"channel": "general", "text": "x"}, 400),
        ("/api/messages", {"channel": "general", "text": 7, "nonce": "nonce-nonce"}, 400),
        ("/api/messages", {"channel": "general", "text": "x", "nonce": "nonce-nonce", "thread": "x"}, 400),
        ("/api/messages", {"channel": "general", "text": "x", "nonce": "nonce-nonce", "thread": -1}, 400),
        (
            "/api/messages",
            {"as": "rejoinder", "channel": "general", "text": "x", "nonce": "nonce-nonce"},
            404,
        ),
        ("/api/messages", {"as": "", "channel": "general", "text": "x", "nonce": "nonce-nonce"}, 404),
        ("/api/people", {"name": "Ada"}, 409),
        ("/api/people", {"name": "Eve", "language": "<b>"}, 400),
        ("/api/channels", {"name": "general"}, 409),
        ("/api/buttons", {"message": 99, "button": "stop", "key": "key-key-1"}, 404),
    ],
)
async def test_what_makes_no_sense_is_refused_in_plain_words(
    ada: Visitor, path: str, values: dict[str, Any], status: int
) -> None:
    answered, body = await ada.call("POST", path, **values)
    assert answered == status
    assert body["error"]
    assert body["message"].endswith(".")


async def test_other_parts_can_live_on_the_same_server(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(text="all is well")

    playground = Playground(data=tmp_path, http=("127.0.0.1", 0), commands=COMMANDS, clock=now)
    playground.bind(ScriptedBot())
    playground.extend(lambda app: app.add_routes([web.get("/metrics", metrics)]))
    connected = asyncio.Event()
    running = asyncio.create_task(playground.run(lambda _: connected.set()))
    await connected.wait()
    url = f"http://127.0.0.1:{playground.address[1]}/metrics"
    async with session.get(url) as response:
        assert (response.status, await response.text()) == (200, "all is well")
    async with session.get(url, headers={"Host": "evil.example"}) as response:
        assert response.status == 403
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await playground.aclose()
