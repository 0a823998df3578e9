"""The fleet says of each agent how it is, why, since when nothing was heard, and what it does."""

import re

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import agent_row, open_live
from tests.dashboard.source import now
from tests.dashboard.stage import Stage

pytestmark = pytest.mark.e2e

COLOUR = "mark => getComputedStyle(mark).color"
SHAPE = "mark => mark.firstElementChild.tagName"


def test_status_is_told_by_colour_shape_and_word(stage: Stage, new_page: NewPage) -> None:
    """No two states share any of the three, so that each alone tells them apart."""
    statuses = ("online", "degraded", "offline")
    agents = {status: stage.agent(status).beats(status, f"Because {status}") for status in statuses}
    page = open_live(new_page(), stage.url)
    looks = {}
    for status, agent in agents.items():
        row = agent_row(page, agent.key)
        expect(row).to_have_attribute("data-status", status)
        expect(row).to_contain_text(status.capitalize())
        expect(row).to_contain_text(f"Because {status}")
        mark = row.locator("svg")
        looks[status] = (mark.evaluate(COLOUR), mark.evaluate(SHAPE))
    assert len({colour for colour, _ in looks.values()}) == 3
    assert len({shape for _, shape in looks.values()}) == 3


def test_last_seen_ticks_by_itself(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("ticking")
    agent.does("tool.finished", "Long ago", at=now() - 30_000)
    page = new_page()
    page.clock.install()
    row = agent_row(open_live(page, stage.url), agent.key)
    expect(row).to_contain_text(re.compile(r"3\d s ago"))
    page.clock.fast_forward(60_000)
    expect(row).to_contain_text("1 min ago")
    page.clock.fast_forward(3_600_000)
    expect(row).to_contain_text("1 h ago")


def test_what_it_does_now_has_the_run_the_tool_and_how_long(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("busy").does("run.finished", "Before", run_id="before")
    page = open_live(new_page(), stage.url)
    row = agent_row(page, agent.key)
    expect(row).to_contain_text("Idle")
    agent.begins("run", at=now() - 65_000)
    expect(row).to_contain_text("Working for 1 min")
    agent.calls("search", "call", {"query": "valves"})
    expect(row).to_contain_text("Using search for 1 min")
    agent.returns("search", "call", "none", took=5)
    expect(row).to_contain_text("Working for 1 min")
    agent.ends("run")
    expect(row).to_contain_text("Idle")


def test_pace_is_a_line_and_a_number(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("paced").does("run.finished", "Before")
    page = open_live(new_page(), stage.url)
    item = page.get_by_role("listitem").filter(has=agent_row(page, agent.key))
    expect(item).to_contain_text("0 events/s")
    agent.source.say(*[agent.activity("tool.progress", f"Step {step}") for step in range(20)])
    expect(item).to_contain_text("2 events/s")
    line = item.get_by_role("img", name="2 events/s")
    heights = line.locator("polyline").get_attribute("points")
    assert heights is not None
    assert len({point.split(",")[1] for point in heights.split()}) > 1
