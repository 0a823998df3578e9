"""The daemon's figures: those of its journal, its gateways and its sinks, and how old they are."""

import re
import socket
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.actors.webhooks import SECRET
from tests.dashboard.conftest import NewPage
from tests.dashboard.page import cursor, open_live, wait_badge, wait_until
from tests.dashboard.stage import Stage, staged
from tests.e2e.journal import get
from tests.e2e.proxy import CuttableNetwork

pytestmark = pytest.mark.e2e

ASKED_OF_THE_DAEMON = ("Journal", "Subscribers", "Sinks", "Supervision tree")
DRAWN = "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"


def panel(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def fact(page: Page, name: str) -> Locator:
    """What the journal's panel says under this name."""
    term = page.locator("dt", has_text=re.compile(f"^{name}$"))
    return page.get_by_test_id("journal").locator("dl > div").filter(has=term).locator("dd")


def size(number: float) -> str:
    units = iter(("B", "KiB", "MiB", "GiB"))
    unit = next(units)
    while number >= 1024:
        number, unit = number / 1024, next(units)
    return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"


def as_of(page: Page, title: str) -> Locator:
    return panel(page, title).get_by_test_id("as-of")


def test_journal_has_the_figures_that_the_daemon_gives(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}system")
    agent = stage.agent("writer")
    agent.source.say(*[agent.activity("tool.progress", f"Step {step}") for step in range(1_200)])
    wait_until(page, lambda: cursor(page) > 1_200)
    wait_until(page, lambda: bool(cursor(page) == get(stage.url, "/v1/system")["journal"]["head"]))
    expect(fact(page, "Newest offset")).to_have_text(f"{cursor(page):,}")
    journal = get(stage.url, "/v1/system")["journal"]
    expect(fact(page, "Kept in")).to_have_text("sqlite")
    expect(fact(page, "Events")).to_have_text(f"{journal['events']:,}")
    wait_until(
        page,
        lambda: fact(page, "Size").inner_text() == size(get(stage.url, "/v1/system")["journal"]["bytes"]),
    )
    expect(fact(page, "Retention")).to_have_text("7 d, 2,000,000 events, 2.0 GiB")
    expect(fact(page, "Waiting for commit")).to_have_text("0")


def test_charts_are_drawn_and_go_on(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("busy")
    page = open_live(new_page(), f"{stage.url}system")
    committed, commit = (page.get_by_test_id("chart").filter(has_text=title) for title in ("Committed", "Commit, p95"))
    rate = committed.locator("b")
    expect(rate).to_have_text("0/s")
    expect(commit.locator("b")).to_have_text(re.compile(r"^[\d.]+ ms$"))
    before = {}
    for chart in (committed, commit):
        expect(chart.locator("canvas")).to_have_count(1)
        assert chart.locator("canvas").evaluate(DRAWN)
        before[chart] = picture(chart)

    def is_fast() -> bool:
        agent.does("tool.progress", "Another step")
        return re.fullmatch(r"[1-9][\d,]*/s", rate.inner_text()) is not None

    wait_until(page, is_fast)
    for chart, earlier in before.items():
        wait_until(page, lambda chart=chart, earlier=earlier: picture(chart) != earlier)  # type: ignore[misc]
    expect(rate).to_have_text("0/s")


def picture(chart: Locator) -> str:
    return str(chart.locator("canvas").evaluate("(canvas) => canvas.toDataURL()"))


def test_gateway_in_trouble_has_its_attempt_and_its_reason(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}system")
    row = page.get_by_test_id("gateways").get_by_role("row", name="factory")
    link, detail = row.get_by_role("cell").nth(0), row.get_by_role("cell").nth(2)
    expect(link).to_have_text(re.compile(r"^Connected for \d+ \w+$"))
    try:
        stage.first.network.cut()
        expect(link).to_have_text(re.compile(r"^Reconnecting for \d+ s, attempt \d+$"))
        expect(detail).to_have_text(re.compile(r"\w+ \w+"))
    finally:
        stage.first.network.restore()
    expect(link).to_have_text(re.compile(r"^Connected for \d+ s$"))


def test_sink_whose_receiver_is_gone_is_seen_to_fail_and_to_wait(tmp_path: Path, new_page: NewPage) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and never listens: connections are refused
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        settings = {"url": f"{endpoint}/T0/private", "secret": SECRET, "types": "activity.event"}
        flags = [word for name, value in settings.items() for word in ("--set", f"actors.webhook.{name}={value}")]
        with staged(tmp_path / "sinking", ("factory",), *flags) as stage:
            page = open_live(new_page(), f"{stage.url}system")
            row = page.get_by_test_id("sinks").get_by_role("row", name="webhook")
            expect(row.get_by_role("rowheader")).to_have_text(f"webhook {endpoint}")
            delivered, given_up, waiting, _, state = row.get_by_role("cell").all()
            expect(state).to_have_text("delivers")
            agent = stage.agent("failing")
            for run in ("one", "two"):
                agent.begins(run).ends(run, "run.failed", "It failed")
            expect(waiting).to_have_text("2")
            expect(state).to_have_text(re.compile(r"^fails for \d+ s; last failure .+: no connection: "))
            expect(delivered).to_have_text("0")
            expect(given_up).to_have_text("0")


def test_daemon_without_a_sink_says_how_to_have_one(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}system")
    expect(panel(page, "Sinks")).to_contain_text("No sinks")


def test_storage_that_refuses_is_told_for_as_long_as_it_does(stage: Stage, new_page: NewPage) -> None:
    def refuse(route: Route) -> None:
        answer = route.fetch()
        state: dict[str, Any] = answer.json()
        state["journal"]["stalled_since"] = state["time"] - 5_000
        route.fulfill(response=answer, json=state)

    page = open_live(new_page(), f"{stage.url}system")
    refusal = page.get_by_test_id("journal").get_by_role("status")
    expect(fact(page, "Events")).to_be_visible()
    expect(refusal).to_have_count(0)
    page.route("**/v1/system", refuse)
    expect(refusal).to_have_text(
        re.compile(r"^Storage refuses what is to be committed, for \d+ s. Nothing is lost: it waits.$")
    )
    page.unroute("**/v1/system", refuse)
    expect(refusal).to_have_count(0)


def test_figures_that_cannot_be_asked_for_stay_with_their_age_and_the_problem(stage: Stage, new_page: NewPage) -> None:
    """The stream is up all the while: nothing else would tell."""
    page = open_live(new_page(), f"{stage.url}system")
    expect(page.get_by_test_id("journal")).to_have_attribute("data-stale", "false")
    offset = fact(page, "Newest offset").inner_text()
    actors = page.get_by_test_id("actor").count()
    for path in ("**/v1/system", "**/v1/actors"):
        page.route(path, lambda route: route.fulfill(status=500))
    for title in ASKED_OF_THE_DAEMON:
        expect(as_of(page, title)).to_have_text(re.compile(r"^As of \d+ s ago: The daemon answered with 500.$"))
    expect(page.get_by_test_id("journal")).to_have_attribute("data-stale", "true")
    expect(page.get_by_test_id("actor")).to_have_count(actors)
    expect(fact(page, "Newest offset")).to_have_text(offset)
    expect(as_of(page, "Gateways")).to_have_count(0)
    expect(page.locator("#view")).to_have_attribute("data-stale", "false")
    for path in ("**/v1/system", "**/v1/actors"):
        page.unroute(path)
    expect(page.get_by_test_id("as-of")).to_have_count(0)
    expect(page.get_by_test_id("journal")).to_have_attribute("data-stale", "false")


def test_answer_that_is_not_understood_is_told_and_takes_nothing_away(stage: Stage, new_page: NewPage) -> None:
    page = new_page()
    paths = ("**/v1/system", "**/v1/actors")
    for path in paths:
        page.route(path, lambda route: route.fulfill(json={"journal": {}, "tree": 3}))
    open_live(page, f"{stage.url}system")
    for title in ("Journal", "Supervision tree"):
        expect(panel(page, title)).to_contain_text("The daemon's answer was not understood.")
        expect(panel(page, title)).not_to_contain_text("Loading")
    for path in paths:
        page.unroute(path)
    expect(page.get_by_test_id("actor").first).to_be_visible()
    offset = fact(page, "Newest offset").inner_text()
    for path in paths:
        page.route(path, lambda route: route.fulfill(body="<html>"))
    for title in ASKED_OF_THE_DAEMON:
        expect(as_of(page, title)).to_have_text(
            re.compile(r"^As of \d+ s ago: The daemon's answer was not understood.$")
        )
    expect(fact(page, "Newest offset")).to_have_text(offset)
    expect(page.get_by_test_id("actor").first).to_be_visible()


def test_figures_have_their_age_while_the_page_is_cut_off(stage: Stage, new_page: NewPage) -> None:
    with CuttableNetwork(stage.url) as network:
        page = open_live(new_page(), f"{network.url}system")
        expect(page.get_by_test_id("actor").first).to_be_visible()
        expect(fact(page, "Events")).to_be_visible()
        network.cut()
        wait_badge(page, "reconnecting")
        for title in (*ASKED_OF_THE_DAEMON, "Gateways"):
            expect(as_of(page, title)).to_have_text(re.compile(r"^As of \d+ s ago: \w.+\.$"))
        network.restore()
        wait_badge(page, "connected")
        expect(page.get_by_test_id("as-of")).to_have_count(0)
