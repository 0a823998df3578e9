"""Ways through the dashboard that its tests share."""

from playwright.sync_api import Locator, Page, expect


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
