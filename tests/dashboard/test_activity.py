"""The activity: newest on top, live, filtered by the address, at a standstill while somebody points at it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import feed_rows, message, open_live
from tests.dashboard.source import now
from tests.dashboard.stage import Stage

pytestmark = pytest.mark.e2e


def titles(page: Page, *expected: str) -> None:
    """Wait until the rows are exactly these, from the top."""
    rows = page.get_by_test_id("feed-row")
    expect(rows).to_have_count(len(expected))
    expect(rows).to_contain_text(list(expected))


def offsets(page: Page) -> list[int]:
    numbers: list[int] = page.get_by_test_id("feed-row").evaluate_all("all => all.map((row) => +row.dataset.offset)")
    return numbers


def test_newest_is_on_top_and_each_has_time_agent_kind_and_title(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("worker").does("run.started", "The first")
    page = open_live(new_page(), f"{stage.url}activity?agent={agent.key}")
    titles(page, "The first", "Agent added")
    agent.does("tool.failed", "The second", tool="drill")
    titles(page, "The second", "The first", "Agent added")
    second, first, _ = page.get_by_test_id("feed-row").all()
    expect(second).to_have_attribute("data-kind", "tool.failed")
    expect(second).to_contain_text(agent.id)
    expect(second.locator("time")).to_have_attribute("datetime", re.compile(r"\d{4}-\d\d-\d\dT"))
    icons = [row.locator("svg").inner_html() for row in (second, first)]
    assert icons[0] != icons[1]
    assert offsets(page) == sorted(offsets(page), reverse=True)


def test_filters_are_in_the_address_and_the_stream_does_not_notice_them(stage: Stage, new_page: NewPage) -> None:
    """One connection for all filters; what came while another one was set is there, in order and once."""
    page = new_page()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    one, two = stage.agent("one"), stage.agent("two")
    one.does("run.started", "one runs")
    two.does("tool.started", "two drills", tool="drill")
    open_live(page, f"{stage.url}activity")
    page.get_by_label("Show the activity of").select_option(one.key)
    expect(page).to_have_url(f"{stage.url}activity?agent={one.key}")
    titles(page, "one runs", "Agent added")
    two.does("run.failed", "two failed")
    one.does("tool.finished", "one drilled", tool="drill")
    titles(page, "one drilled", "one runs", "Agent added")
    page.get_by_role("button", name="Runs", exact=True).click()
    expect(page).to_have_url(f"{stage.url}activity?agent={one.key}&kind=run")
    titles(page, "one runs")
    page.reload()
    titles(page, "one runs")
    page.get_by_label("Show the activity of").select_option(two.key)
    titles(page, "two failed")
    page.get_by_role("button", name="Trouble", exact=True).click()
    titles(page, "two failed")
    page.get_by_role("button", name="All", exact=True).click()
    titles(page, "two failed", "two drills", "Agent added")
    assert len(sockets) == 2  # of the first load and of the reload
    figures = page.evaluate("(({ duplicates, gaps, malformed }) => [duplicates, gaps, malformed])(__missionControl)")
    assert figures == [0, 0, 0]


def test_when_nothing_matches_it_says_so_and_offers_to_clear_the_filter(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("quiet").does("run.started", "Something")
    page = open_live(new_page(), f"{stage.url}activity?agent={agent.key}&kind=trouble")
    expect(page.get_by_text("Nothing matches the filter")).to_be_visible()
    page.get_by_role("button", name="Clear the filter").click()
    expect(page).to_have_url(f"{stage.url}activity")
    expect(feed_rows(page, agent.key).first).to_contain_text("Something")


def test_pointing_at_it_holds_it_and_leaving_lets_go(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("pointed").does("run.started", "Before")
    page = open_live(new_page(), f"{stage.url}activity?agent={agent.key}")
    titles(page, "Before", "Agent added")
    page.get_by_test_id("feed-row").first.hover()
    pill = page.get_by_test_id("feed-waiting")
    expect(pill).to_have_text("Paused")
    agent.does("tool.progress", "During 1").does("tool.progress", "During 2")
    expect(pill).to_have_text("2 new")
    titles(page, "Before", "Agent added")
    page.mouse.move(2, 2)
    titles(page, "During 2", "During 1", "Before", "Agent added")
    expect(pill).to_have_count(0)


def test_details_open_and_lead_to_the_conversation(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("detailed")
    at = now() - 100_000
    agent.source.say(*[agent.final(f"m-{n}", f"Message {n}\n\n" + "Line.\n\n" * 5, at + n * 1_000) for n in range(40)])
    agent.does("run.started", "Look", at + 10_500, run_id="run-7", detail={"plan": "drill"}, duration_ms=250)
    page = open_live(new_page(), f"{stage.url}activity?agent={agent.key}&kind=run")
    row = page.get_by_test_id("feed-row")
    line = row.get_by_role("button")
    expect(row).not_to_contain_text("run-7")
    line.click()
    expect(line).to_have_attribute("aria-expanded", "true")
    for fact in (agent.key, "main", "run-7", "250 ms", '"plan": "drill"'):
        expect(row).to_contain_text(fact)
    row.get_by_test_id("feed-jump").click()
    expect(page).to_have_url(f"{stage.url}agents?id={agent.key}&at={at + 10_500}")
    expect(message(page, agent.message_key("m-10"))).to_be_in_viewport(ratio=1)
    expect(page.locator("[data-target=true]")).to_contain_text("Message 10")
