"""A thousand agents: what is in sight is in the document, and all of them can be reached."""

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import agent_row, open_live
from tests.dashboard.stage import Stage

pytestmark = pytest.mark.e2e

AGENTS = 1_000
MOST_ROWS = 60
"""What fits on the screen below, and some around it."""


@pytest.fixture(scope="module", autouse=True)
def _agents(stage: Stage) -> None:
    agents = [stage.first.agent(f"agent-{number:04}") for number in range(AGENTS)]
    stage.first.source.say(*[agent.activity("run.finished", "Went") for agent in agents])


def test_only_the_rows_in_sight_are_in_the_document_and_scrolling_reaches_the_last(
    stage: Stage, new_page: NewPage
) -> None:
    page = open_live(new_page(), f"{stage.url}?sort=name")
    expect(page.locator("#fleet + *")).to_have_text(str(AGENTS))
    rows = page.get_by_test_id("fleet").get_by_test_id("agent-row")
    expect(agent_row(page, "factory/agent-0000")).to_be_in_viewport()
    assert rows.count() < MOST_ROWS
    page.get_by_test_id("fleet").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    last = agent_row(page, f"factory/agent-{AGENTS - 1:04}")
    expect(last).to_be_in_viewport(ratio=1)
    expect(agent_row(page, "factory/agent-0000")).to_have_count(0)
    assert rows.count() < MOST_ROWS


def test_keyboard_walks_on_beyond_what_is_drawn(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}?sort=name")
    expect(agent_row(page, "factory/agent-0000")).to_be_visible()
    for _ in range(MOST_ROWS + 1):
        page.keyboard.press("j")
    expect(agent_row(page, f"factory/agent-{MOST_ROWS:04}")).to_be_focused()


def test_one_of_a_thousand_is_found_by_name(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), stage.url)
    page.get_by_label("Find an agent").fill("agent-0777")
    rows = page.get_by_test_id("fleet").get_by_test_id("agent-row")
    expect(rows).to_have_count(1)
    rows.click()
    expect(page).to_have_url(f"{stage.url}agents?id=factory/agent-0777")
