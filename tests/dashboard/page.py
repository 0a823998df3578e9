"""Ways through the dashboard that its tests share."""

import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

PATIENCE_S = 20.0


def open_live(page: Page, url: str) -> Page:
    """Load the page and wait until all links are connected."""
    page.goto(url)
    wait_badge(page, "connected")
    return page


def wait_badge(page: Page, state: str) -> None:
    expect(page.get_by_test_id("connection-badge")).to_have_attribute("data-state", state)


def agent_row(page: Page, key: str) -> Locator:
    """An agent's line: in the fleet, or beside a conversation."""
    return page.locator(f'[data-testid=agent-row][data-agent="{key}"]')


def message(page: Page, key: str) -> Locator:
    return page.locator(f'[data-testid=message][data-message-id="{key}"]')


def feed_rows(page: Page, agent: str) -> Locator:
    """The activity of one agent."""
    return page.locator(f'[data-testid=feed-row][data-agent="{agent}"]')


def cursor(page: Page) -> int:
    """The offset of the journal up to which the page has everything."""
    offset: int = page.evaluate("window.__missionControl.cursor().offset")
    return offset


def wait_until(page: Page, condition: Callable[[], bool]) -> None:
    """Ask until it is so: for what Playwright cannot wait for, whose waiting stands still with a page's clock."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never became so"
        page.evaluate("0")  # a round trip, in which the browser's own events are taken in as well


def pause_clock(page: Page) -> None:
    """From now on the page's time passes only when the test lets it: `page.clock.run_for`, or `resume`."""
    page.clock.pause_at(page.evaluate("Date.now()") / 1_000 + 1)
