"""A real Chromium, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field
from playwright.sync_api import Browser, Page, sync_playwright

from scripts import chromium

FLAGS = [
    "--no-sandbox",  # the sandbox doesn't start for root, nor in most containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@define
class Tab:
    """A page in a profile of its own. `complaints` are the errors that it logged or threw."""

    page: Page
    complaints: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console", lambda message: self.complaints.append(message.text) if message.type == "error" else None
        )


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser with a fresh profile, closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.ensure(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_tab(browser: Browser, width: int = 1280, height: int = 800, **options: Any) -> Iterator[Tab]:
    """A new tab that shares nothing (cookies, storage, cache) with the others; `options` are those of its context."""
    with browser.new_context(viewport={"width": width, "height": height}, **options) as context:
        yield Tab(context.new_page())
