"""Why to believe the page: how fast it is, how complete, and that a reload shows the same."""

import json
import re
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import cursor, message, open_live, wait_until
from tests.dashboard.source import now
from tests.dashboard.stage import Stage, staged
from tests.e2e.journal import Event, get

pytestmark = pytest.mark.e2e

WORDS = 20


def renders(stage: Stage) -> float:
    """How many events pages have told the daemon that they have shown."""
    with urllib.request.urlopen(f"{stage.url}metrics") as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.split()[-1] for line in lines if "client_renders_total" in line and line[0] != "#"))


def test_latency_is_measured_shown_and_reported_to_the_daemon(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("quick").says("before", "Ready.")
    page = new_page()
    page.clock.install()
    open_live(page, f"{stage.url}agents?id={agent.key}")
    expect(page.get_by_test_id("latency")).to_have_count(0)
    before = renders(stage)
    for word in range(WORDS):
        agent.writes("m", f"word {word} ")
    expect(message(page, agent.message_key("m"))).to_contain_text(f"word {WORDS - 1} ")
    meter = page.get_by_test_id("latency")
    expect(meter).to_be_visible()
    page.wait_for_function("(count) => window.__missionControl.latency().count === count", arg=WORDS)
    page.clock.run_for(1_000)
    p50, p95 = page.evaluate("(({ p50, p95 }) => [p50, p95].map(Math.round))(window.__missionControl.latency())")
    expect(meter).to_have_text(f"p50 {p50} ms, p95 {p95} ms")
    page.clock.run_for(11_000)  # it reports every 10 s
    wait_until(page, lambda: renders(stage) == before + WORDS)


def test_completeness_names_offset_epoch_and_gaps_and_opens_what_is_missing(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("whole").does("tool.finished", "Before")
    page = open_live(new_page(), stage.url)
    complete = page.get_by_test_id("complete")
    epoch = get(stage.url, "/v1/events?limit=1")["epoch"]
    expect(complete).to_have_attribute("data-gaps", "0")
    expect(complete).to_have_text(f"Complete to offset {cursor(page):,}, epoch {epoch[:8]}, 0 gaps")
    complete.click()
    dialog = page.get_by_test_id("gaps")
    expect(dialog).to_contain_text("Nothing. Every event that the gateways gave is in the journal")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()

    agent.source.skip(agent.id, 3)
    agent.does("tool.finished", "Behind the hole")
    expect(complete).to_contain_text("1 gap")
    complete.click()
    gap = dialog.get_by_test_id("gap")
    expect(gap).to_have_count(1)
    expect(gap).to_contain_text(agent.key)
    expect(gap).to_contain_text("events 2 to 4")


GAPS = "**/v1/feed?kind=stream.gap*"


def test_gaps_that_the_journal_has_no_more_are_counted_as_such(tmp_path: Path, new_page: NewPage) -> None:
    """Counters outlive retention; the list that it leaves is the answer here."""
    with staged(tmp_path / "forgetful") as stage:
        agent = stage.agent("holed").does("tool.finished", "First")
        for title in ("Second", "Third"):
            agent.source.skip(agent.id, 2)
            agent.does("tool.finished", title)
        page = open_live(new_page(), stage.url)
        complete, dialog = page.get_by_test_id("complete"), page.get_by_test_id("gaps")
        expect(complete).to_contain_text("2 gaps")
        answer = get(stage.url, "/v1/feed?kind=stream.gap")
        forgotten = dialog.get_by_test_id("forgotten-gaps")
        left: list[Event] = []
        page.route(GAPS, lambda route: route.fulfill(json={**answer, "events": left}))
        complete.click()
        expect(forgotten).to_have_text("2 gaps are older than what the journal keeps.")
        expect(dialog).not_to_contain_text("Nothing")
        page.keyboard.press("Escape")
        left += answer["events"][:1]
        complete.click()
        expect(forgotten).to_have_text("1 more gap is older than what the journal keeps.")
        expect(dialog.get_by_test_id("gap")).to_have_count(1)
        page.keyboard.press("Escape")
        page.unroute(GAPS)
        complete.click()
        expect(dialog.get_by_test_id("gap")).to_have_count(2)
        expect(forgotten).to_have_count(0)


def test_list_of_gaps_that_is_not_understood_is_never_taken_for_none(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), stage.url)
    page.route(GAPS, lambda route: route.fulfill(json={"surprise": True}))
    page.get_by_test_id("complete").click()
    dialog = page.get_by_test_id("gaps")
    expect(dialog.get_by_role("alert")).to_have_text("The daemon's answer was not understood.")
    expect(dialog).not_to_contain_text("Nothing")


def text_of(page: Page) -> str:
    """All that the page says but how fast it is, which is measured anew."""
    lines = re.sub(r"p50 \d+ ms, p95 \d+ ms", "", page.locator("body").inner_text()).splitlines()
    return "\n".join(line for line in lines if line.strip() != "")


def freeze(page: Page, at: int) -> None:
    """Let it always be this time (ms): for the page, and for the daemon as the page is told of its clock."""

    def serve(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def down(text: str | bytes) -> None:
            frame = json.loads(text)
            socket.send(json.dumps({**frame, "server_time": at}) if frame["op"] == "pong" else text)

        server.on_message(down)

    page.route_web_socket("**/v1/stream", serve)
    page.clock.set_fixed_time(at / 1_000)


@pytest.mark.parametrize("view", ["", "agents?id={}", "activity?agent={}"])
def test_reload_shows_exactly_what_was_there(stage: Stage, new_page: NewPage, view: str) -> None:
    """Live events, folded one by one, and a snapshot of them are the same page."""
    agent = stage.agent("lasting").begins("run")
    page = new_page()
    freeze(page, now() + 90_000)
    open_live(page, f"{stage.url}{view}".format(agent.key))
    agent.writes("m", "Half a ").calls("drill", "c", {"depth": 3}).says("n", "**Whole**", state="aborted")
    agent.returns("drill", "c", "none", took=12).writes("m", "message").beats("degraded", "Low on oil")
    wait_until(page, lambda: get(stage.url, f"/v1/agents/{agent.id}")["agent"]["status"] == "degraded")
    head = get(stage.url, "/v1/events?limit=1")["head"]
    expect(page.get_by_test_id("complete")).to_contain_text(f"offset {head:,}")
    before = text_of(page)
    assert agent.id in before
    page.reload()
    expect(page.get_by_test_id("complete")).to_contain_text(f"offset {head:,}")
    expect(page.get_by_text("Loading")).to_have_count(0)
    assert text_of(page) == before
