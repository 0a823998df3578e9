"""Thousands of activities: few are in the document, and all come from the daemon as one scrolls, in journal order."""

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import feed_rows, open_live, wait_badge
from tests.dashboard.stage import Stage
from tests.e2e.journal import journal
from tests.e2e.proxy import CuttableNetwork

pytestmark = pytest.mark.e2e

ACTIVITIES = 2_400
"""More than a snapshot has (200), and than several pages more (500 each)."""
MOST_ROWS = 100

WATCH_ROWS = """
window.__rows = new Map();
window.__most = 0;
new MutationObserver(() => {
  const rows = document.querySelectorAll("[data-testid=feed-row]");
  window.__most = Math.max(window.__most, rows.length);
  for (const row of rows) window.__rows.set(+row.closest("li").dataset.index, +row.dataset.offset);
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
"""Notes which offset stood at which place, and how many rows there ever were at once."""

SCROLL = """() => {
  const box = document.querySelector("[data-lines]");
  const step = () => {
    box.scrollBy(0, 2 * box.clientHeight);
    const end = box.scrollTop + box.clientHeight >= box.scrollHeight - 1;
    if (end && box.textContent.includes("The beginning")) window.__arrived = true;
    else requestAnimationFrame(step);
  };
  step();
}"""


@pytest.fixture(scope="module", autouse=True)
def _activities(stage: Stage) -> None:
    agent = stage.agent("busy")
    kinds = [("tool.finished", "run.failed")[number % 3 == 0] for number in range(ACTIVITIES)]
    events = [agent.activity(kind, f"Activity {number}") for number, kind in enumerate(kinds)]
    stage.first.source.say(*events)


def scroll_to_the_beginning(page: Page) -> None:
    """In steps that are shorter than what is drawn at once, until the page says that nothing is older."""
    page.get_by_test_id("feed-row").first.wait_for()
    page.evaluate(SCROLL)
    page.wait_for_function("() => window.__arrived")


@pytest.mark.parametrize(
    ("query", "kinds"), [("", ("agent.added", "tool.finished", "run.failed")), ("?kind=run", ("run.failed",))]
)
def test_older_pages_are_loaded_in_journal_order_without_holes_or_repeats(
    stage: Stage, new_page: NewPage, query: str, kinds: tuple[str, ...]
) -> None:
    page = new_page()
    page.add_init_script(WATCH_ROWS)
    open_live(page, f"{stage.url}activity{query}")
    expect(
        page.get_by_text(f"Activity {ACTIVITIES - 1 if len(kinds) > 1 else ACTIVITIES - 3}", exact=True)
    ).to_be_visible()
    scroll_to_the_beginning(page)
    rows: list[list[int]] = page.evaluate("[...window.__rows].sort(([a], [b]) => a - b)")
    told = [event["offset"] for event in journal(stage.url) if event["payload"].get("kind") in kinds]
    assert [place for place, _ in rows] == list(range(len(told)))
    assert [offset for _, offset in rows] == told[::-1]
    assert page.evaluate("window.__most") < MOST_ROWS


def test_back_at_the_top_it_is_live_again(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}activity")
    rows = page.get_by_test_id("feed-row")
    expect(rows.first).to_be_visible()
    page.locator("[data-lines]").evaluate("box => box.scrollTo(0, 5_000)")
    pill = page.get_by_test_id("feed-waiting")
    stage.agent("late").does("run.started", "While away")
    expect(pill).to_have_text("2 new")
    pill.click()
    expect(rows.first).to_contain_text("While away")
    expect(pill).to_have_count(0)


def test_page_that_could_not_be_loaded_is_asked_for_again_once_the_link_is_back(
    stage: Stage, new_page: NewPage
) -> None:
    with CuttableNetwork(stage.url) as network:
        page = open_live(new_page(), f"{network.url}activity")
        page.get_by_test_id("feed-row").first.wait_for()
        network.cut()
        wait_badge(page, "reconnecting")
        page.evaluate(SCROLL)
        expect(page.get_by_text("The daemon does not answer.")).to_be_visible()
        network.restore()
        page.wait_for_function("() => window.__arrived")


def test_filter_finds_what_is_older_than_all_that_the_page_has(stage: Stage, new_page: NewPage) -> None:
    """A few lines, long ago: no scrolling is needed to see them, and a reload shows the same."""
    rare = stage.agent("rare").does("tool.finished", "Once").does("run.failed", "Twice")
    busy = stage.agent("busy-too")
    stage.first.source.say(*[busy.activity("tool.finished", f"Meanwhile {n}") for n in range(400)])
    page = open_live(new_page(), f"{stage.url}activity?agent={rare.key}")
    rows = feed_rows(page, rare.key)
    expect(rows).to_have_count(3)
    before = rows.all_inner_texts()
    page.reload()
    expect(rows).to_have_count(3)
    assert rows.all_inner_texts() == before
    page.get_by_test_id("family").filter(has_text="Trouble").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Twice")


def test_page_that_the_daemon_cannot_give_now_can_be_asked_for_again(stage: Stage, new_page: NewPage) -> None:
    page = new_page()
    page.route(
        "**/v1/feed?*", lambda route: route.fulfill(status=500, json={"code": "internal", "detail": "It broke."})
    )
    open_live(page, f"{stage.url}activity")
    page.get_by_test_id("feed-row").first.wait_for()
    page.evaluate(SCROLL)
    expect(page.get_by_text("It broke.")).to_be_visible()
    page.unroute("**/v1/feed?*")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_function("() => window.__arrived")
