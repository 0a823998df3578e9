"""On a phone: nothing is wider than the screen, what matters most is on top, and a conversation can be read."""

import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import agent_row, message, open_live
from tests.dashboard.stage import Stage
from tests.dashboard.voice import Voice

pytestmark = pytest.mark.e2e

WIDTH, HEIGHT = 360, 740
LONG = "An-identifier-that-goes-on-and-on-" * 10


@pytest.fixture(scope="module")
def agent(stage: Stage) -> Voice:
    """All that it says is wider than a phone, and of another day, so that its times are at their longest."""
    before = int(time.time() - 2 * 24 * 3_600) * 1_000
    agent = stage.agent("a-rather-long-name-for-an-agent-that-does-not-fit").beats("degraded", f"Because of {LONG}")
    agent.says("m", f"{LONG}\n\n```python\n{LONG}\n```\n\n| {' | '.join('abcdefgh' * 2)} |\n|{'---|' * 16}\n", before)
    agent.calls("a_tool_with_a_long_name_indeed", "c", {"path": LONG}, before)
    agent.does("run.failed", f"Failed at {LONG}", before)
    stage.agent("other").says("m", "Hello.")
    return agent


def phone(new_page: NewPage) -> Page:
    return new_page(WIDTH, HEIGHT, has_touch=True, is_mobile=True, device_scale_factor=2)


def top_of(element: Locator) -> float:
    box = element.bounding_box()
    assert box is not None
    return box["y"]


@pytest.mark.parametrize("view", ["", "agents?id={}", "activity", "system"])
def test_no_view_is_wider_than_the_screen(stage: Stage, new_page: NewPage, agent: Voice, view: str) -> None:
    page = phone(new_page)
    open_live(page, f"{stage.url}{view}".format(agent.key))
    expect(page.get_by_text("Loading")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") == WIDTH
    assert page.evaluate("visualViewport.width") == WIDTH
    wider = page.evaluate(
        """width => [...document.querySelectorAll(`
            header, nav, main, footer, section, h2, article > *, time, [data-testid=tool-call] span`)]
          .filter((one) => one.getBoundingClientRect().right > width + 1).map((one) => one.outerHTML.slice(0, 200))""",
        WIDTH,
    )
    assert wider == []


def test_connection_comes_first_then_agents_then_activity(stage: Stage, new_page: NewPage, agent: Voice) -> None:
    page = open_live(phone(new_page), stage.url)
    badge = page.get_by_test_id("connection-badge")
    expect(agent_row(page, agent.key)).to_be_in_viewport()
    assert top_of(badge) < top_of(page.locator("#fleet")) < top_of(page.locator("#feed"))
    expect(badge).to_be_in_viewport(ratio=1)
    page.locator("#feed").scroll_into_view_if_needed()
    expect(badge).to_be_in_viewport(ratio=1)


def test_every_view_is_under_the_thumb(stage: Stage, new_page: NewPage, agent: Voice) -> None:
    page = open_live(phone(new_page), stage.url)
    for name, path in (("Agents", "agents"), ("Activity", "activity"), ("System", "system")):
        link = page.get_by_role("navigation").get_by_role("link", name=name)
        assert top_of(link) > HEIGHT - 100
        link.tap()
        page.wait_for_url(f"{stage.url}{path}**")


def test_conversation_is_read_and_another_agent_chosen(stage: Stage, new_page: NewPage, agent: Voice) -> None:
    page = open_live(phone(new_page), f"{stage.url}agents?id={agent.key}")
    expect(message(page, agent.message_key("m"))).to_be_visible()
    other = page.get_by_label("Show the conversation of").get_by_role("option").filter(has_text="other")
    key = other.get_attribute("value")
    page.get_by_label("Show the conversation of").select_option(key)
    expect(page).to_have_url(f"{stage.url}agents?id={key}")
    expect(message(page, f"{key}/m")).to_be_in_viewport()
    expect(page.get_by_role("heading", name="other")).to_be_in_viewport()
    page.go_back()
    expect(message(page, agent.message_key("m"))).to_be_visible()
