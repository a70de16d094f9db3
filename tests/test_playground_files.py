"""Files in the playground: over its interface, and in a real browser by keyboard, by dropping and by pasting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import FilePayload, Page, expect

from adapters.playground.uploads import MOST_BYTES
from bot.chat import File, Text
from bot.errors import Unreadable, Why
from tests.fakes_playground import Served, Visitor, serving, until
from tests.files_rig import a_picture
from tests.playground_rig import launched, visiting, write
from tests.test_playground_access import is_sound

TEXT = FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"some notes")


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as served:
        yield served


@pytest.fixture
async def ada(served: Served) -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession() as session:
        yield Visitor(session, served.url)


def kept(tmp_path: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in (tmp_path / "playground-files").glob("*"))


async def test_a_file_is_said_with_its_message_and_can_be_fetched(served: Served, ada: Visitor) -> None:
    number = await ada.upload("../no/tes\n.txt", b"some notes", "text/plain")
    said = await ada.say("@Rejoinder read", files=[number])
    assert said["attached"] == [{"id": number, "name": "tes .txt", "size": 10, "picture": False}]
    await until(lambda: len(served.bot.incoming) == 1)
    words, file = served.bot.incoming[0].content
    assert words == Text("read")
    assert file == File("tes .txt", "text/plain", 10, {"id": number})
    assert (await served.playground.fetch(file, 1_000, 5)).data == b"some notes"
    with pytest.raises(Unreadable) as refused:
        await served.playground.fetch(file, 9, 5)
    assert refused.value.why is Why.TOO_LARGE
    for stranger in ("../playground.jsonl", "0" * 24):
        with pytest.raises(Unreadable) as refused:
            await served.playground.fetch(File("x", "", 1, {"id": stranger}), 1_000, 5)
        assert refused.value.why is Why.GONE


async def test_a_file_is_saved_by_those_who_see_it_and_never_shown_as_a_page(
    served: Served, ada: Visitor
) -> None:
    number = await ada.upload("día.html", b"<script>1</script>", "text/html")
    said = await ada.say("look", "dm-ada", files=[number])
    path = f"{served.url}/api/messages/{said['id']}/attached/{number}"
    async with ada.session.get(path, params={"as": "ada"}) as response:
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''d%C3%ADa.html"
        assert await response.read() == b"<script>1</script>"
    async with ada.session.get(path, params={"as": "grace"}) as response:
        assert response.status == 404


async def test_what_is_no_upload_is_refused(served: Served, ada: Visitor, tmp_path: Path) -> None:
    async with ada.session.post(f"{served.url}/api/files?as=ada&name=x", json={}) as response:
        assert response.status == 415
    assert "empty" in await ada.upload("x.txt", b"", status=400)
    number = await ada.upload("x.txt", b"mine")
    grace = Visitor(ada.session, served.url, "grace")
    for person, files in ((grace, [number]), (ada, ["0" * 24]), (ada, [number] * 11)):
        values = {"channel": "general", "text": "", "files": files, "nonce": "nonce-nonce"}
        status, answer = await person.call("POST", "/api/messages", **values)
        assert status in (400, 409), answer
    await grace.call("DELETE", f"/api/files/{number}")
    assert kept(tmp_path) == [b"mine"]
    await ada.call("DELETE", f"/api/files/{number}")
    assert kept(tmp_path) == []


async def test_too_large_a_file_is_refused_while_it_comes(ada: Visitor, tmp_path: Path) -> None:
    assert "at most 25 MB" in await ada.upload("big", bytes(MOST_BYTES + 1), status=413)
    assert kept(tmp_path) == []


async def test_files_go_with_their_message_and_outlive_a_restart_with_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as first, aiohttp.ClientSession() as session:
        ada = Visitor(session, first.url)
        gone, stays = [await ada.upload("a.txt", word) for word in (b"gone", b"stays")]
        await ada.upload("b.txt", b"never said")
        said = await ada.say("", files=[gone])
        await ada.say("words", files=[stays])
        status, _ = await ada.call("DELETE", f"/api/messages/{said['id']}")
        assert status == 200
        assert kept(tmp_path) == [b"never said", b"stays"]
    async with serving(tmp_path) as second, aiohttp.ClientSession() as session:
        assert kept(tmp_path) == [b"stays"]
        status, page = await Visitor(session, second.url).call("GET", "/api/messages", channel="general")
        assert status == 200
        assert [file["name"] for file in page["messages"][0]["attached"]] == ["a.txt"]


@pytest.fixture
async def page(served: Served, chromium: str) -> AsyncIterator[Page]:
    async with launched(chromium) as browser, visiting(browser, served) as page:
        yield page


async def test_files_are_attached_by_keyboard_taken_back_and_sent(page: Page, served: Served) -> None:
    picture = FilePayload(name="plan.png", mimeType="image/png", buffer=a_picture(60, 40))
    async with page.expect_file_chooser() as choosing:
        await page.focus("#conversation .composer [aria-label='Attach files']")
        await page.keyboard.press("Enter")
    await (await choosing.value).set_files([TEXT, picture])
    tray = page.get_by_role("list", name="Files to send").first
    await expect(tray.locator("li.ready")).to_have_count(2)
    await is_sound(page)
    await page.focus("[aria-label='Remove notes.txt']")
    await page.keyboard.press("Enter")
    await expect(tray.locator("li")).to_have_count(1)
    await expect(page.locator("[aria-label='Remove plan.png']")).to_be_focused()
    await page.press("#input", "Enter")  # a file without words
    message = page.locator("#conversation .message")
    await expect(message.get_by_alt_text("plan.png")).to_be_visible()
    await expect(tray).to_be_hidden()
    await is_sound(page)
    await until(lambda: len(served.bot.incoming) == 1)
    assert [part.name for part in served.bot.incoming[0].content if isinstance(part, File)] == ["plan.png"]


async def test_files_are_dropped_and_pasted(page: Page, served: Served) -> None:
    for event, name, target in (("drop", "dropped.txt", "#conversation"), ("paste", "pasted.txt", "#input")):
        await page.evaluate(
            """([event, name, target]) => {
                const carried = new DataTransfer();
                carried.items.add(new File(["words"], name, { type: "text/plain" }));
                const about = { bubbles: true, cancelable: true };
                const made = event === "drop"
                    ? new DragEvent("drop", { ...about, dataTransfer: carried })
                    : new ClipboardEvent("paste", { ...about, clipboardData: carried });
                document.querySelector(target).dispatchEvent(made);
            }""",
            [event, name, target],
        )
    await expect(page.locator("#conversation .tray li.ready")).to_have_count(2)
    await write(page, "both of them")
    links = page.locator("#conversation .message a.chip")
    await expect(links.nth(0)).to_contain_text("dropped.txt")
    await expect(links.nth(1)).to_contain_text("pasted.txt")


async def test_a_file_that_did_not_get_through_is_said_to_be_and_the_words_stay(page: Page) -> None:
    await page.route("**/api/files?*", lambda route: route.abort())
    await page.set_input_files("#conversation input[type=file]", [TEXT])
    await expect(page.locator("#conversation .tray li.failed")).to_have_count(1)
    await is_sound(page)
    await page.fill("#input", "with a file")
    await page.press("#input", "Enter")
    await expect(page.locator(".toast")).to_contain_text("did not get through")
    await expect(page.locator("#input")).to_have_value("with a file")
    await page.click("[aria-label='Remove notes.txt']")
    await write(page, "without")
    await expect(page.locator("#conversation .message")).to_have_count(1)
