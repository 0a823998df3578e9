"""Which agents the fleet shows, and in which order: as the address says, so that a reload shows the same."""

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import open_live, wait_badge
from tests.dashboard.source import now
from tests.dashboard.stage import Stage

pytestmark = pytest.mark.e2e

GATEWAYS = ("factory", "depot")


@pytest.fixture(scope="module", autouse=True)
def _agents(stage: Stage) -> None:
    """In the order in which they were heard of, which is none of those below. Of depot's, delta was heard last."""
    factory, depot = stage.gateways.values()
    at = now() - 600_000
    factory.agent("charlie").does("tool.finished", "Went", at + 2_000).beats("online", "Well")
    depot.agent("delta").does("tool.finished", "Went", at + 4_000).beats("degraded", "Low on oil")
    factory.agent("alpha").does("tool.finished", "Went", at + 1_000).beats("offline", "Gone home")
    depot.agent("bravo").does("tool.finished", "Went", at + 3_000).beats("online", "Well")


def listed(page: Page, *names: str) -> None:
    """Wait until exactly these agents are listed, in this order."""
    rows = page.get_by_test_id("fleet").get_by_test_id("agent-row")
    expect(rows).to_have_count(len(names))
    expect(rows).to_contain_text(list(names))


def test_trouble_is_on_top_and_other_orders_can_be_chosen(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), stage.url)
    listed(page, "delta", "alpha", "bravo", "charlie")
    sort = page.get_by_label("Sort by")
    sort.select_option("name")
    listed(page, "alpha", "bravo", "charlie", "delta")
    sort.select_option("gateway")
    listed(page, "bravo", "delta", "alpha", "charlie")
    expect(page).to_have_url(f"{stage.url}?sort=gateway")
    page.reload()
    listed(page, "bravo", "delta", "alpha", "charlie")
    expect(sort).to_have_value("gateway")
    sort.select_option("trouble")
    expect(page).to_have_url(stage.url)


def test_by_last_seen_whoever_spoke_last_is_on_top(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}?sort=seen")
    rows = page.get_by_test_id("fleet").get_by_test_id("agent-row")
    expect(rows).to_have_count(4)
    seen = page.evaluate("fetch('/v1/agents').then((answer) => answer.json()).then(({ agents }) => agents)")
    newest = sorted(seen, key=lambda agent: (-agent["last_event_at"], agent["name"]))
    listed(page, *[agent["name"] for agent in newest])


def test_status_search_and_gateway_narrow_down_and_a_reload_shows_the_same(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}?sort=name")
    page.get_by_test_id("status-count").filter(has_text="Online").click()
    listed(page, "bravo", "charlie")
    page.get_by_label("Show the agents of").select_option("depot")
    listed(page, "bravo")
    page.get_by_test_id("status-count").filter(has_text="Online").click()
    listed(page, "bravo", "delta")
    page.get_by_label("Find an agent").fill("oil")
    listed(page, "delta")
    assert page.url == f"{stage.url}?sort=name&gateway=depot&q=oil"
    page.reload()
    wait_badge(page, "connected")
    listed(page, "delta")
    expect(page.get_by_label("Find an agent")).to_have_value("oil")
    expect(page.get_by_label("Show the agents of")).to_have_value("depot")
    expect(page.locator("#fleet + *")).to_have_text("1 of 4")


def test_when_nothing_matches_it_says_so_and_offers_to_clear_the_filter(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}?q=zulu&status=online&gateway=depot")
    expect(page.get_by_text("No agent matches")).to_be_visible()
    page.get_by_role("button", name="Clear the filter").click()
    listed(page, "delta", "alpha", "bravo", "charlie")
    expect(page).to_have_url(stage.url)


def test_pinned_agents_stay_on_top_also_after_a_reload(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}?sort=name")
    pin = page.get_by_role("button", name="Keep charlie on top")
    pin.click()
    listed(page, "charlie", "alpha", "bravo", "delta")
    page.reload()
    listed(page, "charlie", "alpha", "bravo", "delta")
    expect(pin).to_have_attribute("aria-pressed", "true")
    pin.click()
    listed(page, "alpha", "bravo", "charlie", "delta")
