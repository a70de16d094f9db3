"""A browser for the playground's page: started once a module, a fresh profile for each visit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page, Response, Route, async_playwright, expect

from tests.fakes_playground import Served

expect.set_options(timeout=15_000)  # two test workers and a browser share two cores
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@asynccontextmanager
async def launched(chromium: str) -> AsyncIterator[Browser]:
    """The system's Chromium; Playwright's own is never downloaded."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()


@asynccontextmanager
async def visiting(browser: Browser, served: Served, path: str = "/", **options: Any) -> AsyncIterator[Page]:
    """A page of a browser that knows nothing yet. What the page complains about fails the test, and so does whatever it
    wants from elsewhere."""
    options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options}
    context = await browser.new_context(**options)
    complaints: list[str] = []

    async def keep_out(route: Route) -> None:
        complaints.append(f"asked for {route.request.url}")
        await route.abort()

    await context.route(lambda url: not url.startswith(served.url), keep_out)
    page = await context.new_page()
    page.on("console", lambda message: complaints.extend(complaint(message)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", lambda response: complaints.extend(missing(response)))
    await page.goto(served.url + path)
    await expect(page.locator("#title")).not_to_be_empty()
    await expect(page.locator("#input")).to_be_enabled()  # before, what is typed goes nowhere
    try:
        yield page
    finally:
        await context.close()
    assert not complaints


def complaint(message: ConsoleMessage) -> list[str]:
    """An error told in the console, unless it is only the browser's note that a call was refused."""
    noted = message.text.startswith("Failed to load resource")
    return [message.text] if message.type in ("error", "warning") and not noted else []


def missing(response: Response) -> list[str]:
    """A file that is not there. What the interface refuses, the tests look at themselves."""
    path = urlsplit(response.url).path
    return (
        [f"{response.status} for {path}"] if response.status >= 400 and not path.startswith("/api/") else []
    )


async def write(page: Page, text: str, box: str = "#input") -> None:
    await page.fill(box, text)
    if await page.locator(".options:visible").count():
        await page.keyboard.press("Escape")
    await page.press(box, "Enter")
    await expect(page.locator(box)).to_have_value("")


async def speak_as(page: Page, name: str) -> None:
    await page.click("#me")
    await page.get_by_role("menuitemradio", name=name).click()
    await expect(page.locator("#me")).to_contain_text(name)
