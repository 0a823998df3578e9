"""As many activities as one reader may hold: a hundred thousand."""

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import cursor, open_live, wait_until
from tests.dashboard.stage import Stage
from tests.dashboard.test_activity_long import MOST_ROWS, WATCH_ROWS

pytestmark = pytest.mark.e2e

HELD = 100_000
MORE = 1_000
"""Beyond what is held, so that the end of that is not the beginning."""
AT_ONCE = 1_000

LEAP = """() => {
  const box = document.querySelector("[data-lines]");
  const step = () => {
    box.scrollTop = box.scrollHeight;
    window.__arrived = box.textContent.includes("The newest 100,");
    requestAnimationFrame(step);
  };
  step();
}"""
"""From end to end of what is loaded, until the page says that it holds no more."""


def test_a_hundred_thousand_are_held_and_few_are_drawn(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("busy")
    for begin in range(0, HELD + MORE, AT_ONCE):
        said = [agent.activity("tool.finished", f"Activity {begin + n}") for n in range(AT_ONCE)]
        stage.first.source.say(*said)
    page = new_page()
    page.add_init_script(WATCH_ROWS)
    open_live(page, f"{stage.url}activity?agent={agent.key}")
    newest = page.get_by_text(f"Activity {HELD + MORE - 1}", exact=True)
    wait_until(page, newest.is_visible)
    head = cursor(page)
    page.evaluate(LEAP)
    last_is_drawn = "held => window.__arrived && [...window.__rows.keys()].some((place) => place >= held - 1)"
    page.wait_for_function(last_is_drawn, arg=HELD, timeout=60_000)
    rows: list[list[int]] = page.evaluate("[...window.__rows].sort(([a], [b]) => a - b)")
    assert all(offset == head - place for place, offset in rows)
    assert page.evaluate("window.__most") < MOST_ROWS
    expect(page.get_by_test_id("feed-waiting")).to_have_text("Paused")
