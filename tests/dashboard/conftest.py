"""A real browser for all tests of the dashboard, and a daemon with scripted sources for each file of them."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.page import PATIENCE_S
from tests.dashboard.stage import Stage, staged
from tests.e2e.browser import open_tab, running_browser

PATIENCE_MS = PATIENCE_S * 1000
LOST = ("net::ERR_", "WebSocket connection", "Failed to load resource")
"""What a browser itself logs of a connection that it does not get; whether it should have had one, the test says."""


class NewPage(Protocol):
    """Gives a tab in a profile of its own, not loaded yet; `options` are those of Playwright's `new_context`."""

    def __call__(self, width: int = 1280, height: int = 800, **options: Any) -> Page: ...


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """With the gateways that the module names in `GATEWAYS`, or one."""
    gateways = getattr(request.module, "GATEWAYS", ("factory",))
    with staged(tmp_path_factory.mktemp("stage"), gateways) as stage:
        yield stage


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """No page may log or throw an error."""
    tabs = []
    with ExitStack() as stack:

        def new_page(width: int = 1280, height: int = 800, **options: Any) -> Page:
            tab = stack.enter_context(open_tab(browser, width, height, **options))
            tab.page.set_default_timeout(PATIENCE_MS)
            tabs.append(tab)
            return tab.page

        yield new_page
    complaints = [line for tab in tabs for line in tab.complaints if not any(word in line for word in LOST)]
    assert complaints == []
