"""What the page says of its connections: how they stand, since when, what is tried next, and how old all else is."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import agent_row, cursor, message, open_live, pause_clock, wait_badge, wait_until
from tests.dashboard.stage import Stage, staged
from tests.e2e.journal import journal
from tests.e2e.proxy import CuttableNetwork

pytestmark = pytest.mark.e2e

SLOW_BACKOFF = "Math.random = () => 0.9"
"""Makes the page wait nearly as long as it ever does between attempts."""


def see_now(page: Page, stage: Stage) -> None:
    """Let an event come, so that the page is known to be current at the clock's present time."""
    before = cursor(page)
    stage.agent("proof").does("tool.finished", "Still here")
    wait_until(page, lambda: cursor(page) > before)


def test_own_link_has_attempt_countdown_and_a_way_to_try_now(stage: Stage, new_page: NewPage) -> None:
    with CuttableNetwork(stage.url) as network:
        page = new_page()
        page.add_init_script(SLOW_BACKOFF)
        open_live(page, network.url)
        network.cut()
        wait_badge(page, "reconnecting")
        badge = page.get_by_test_id("connection-badge")
        expect(badge).to_have_text(re.compile(r"Reconnecting\s*attempt [3-9], next try in \d+ s"))
        network.restore()
        page.get_by_role("button", name="Try now").click()
        wait_badge(page, "connected")
        expect(badge).to_have_text("Connected")
        expect(page.get_by_role("button", name="Try now")).to_have_count(0)


def test_link_to_a_gateway_has_attempt_countdown_and_a_way_to_try_now(tmp_path: Path, new_page: NewPage) -> None:
    """The daemon would wait for minutes."""
    waits = ("--set", "reconnect.first_s=300", "--set", "reconnect.ceiling_s=300")
    with staged(tmp_path / "patient", ("factory",), *waits) as stage:
        page = open_live(new_page(), stage.url)
        badge = page.get_by_test_id("connection-badge")
        button = page.get_by_test_id("try-gateway")
        expect(button).to_have_count(0)
        stage.first.network.cut()
        expect(badge).to_have_attribute("data-state", "reconnecting")
        expect(badge).to_have_text(re.compile(r"Reconnecting\s*gateway factory, attempt \d+, next try in \d+ \w+"))
        expect(page.get_by_test_id("gateway-state")).to_have_attribute("data-state", "reconnecting")
        stage.first.network.restore()
        button.click()
        wait_badge(page, "connected")
        expect(button).to_have_count(0)


def test_banner_comes_only_after_five_seconds_without_a_connection(stage: Stage, new_page: NewPage) -> None:
    """A blip is told by the badge alone."""
    with CuttableNetwork(stage.url) as network:
        page = new_page()
        page.add_init_script(SLOW_BACKOFF)
        page.clock.install()
        open_live(page, network.url)
        pause_clock(page)
        see_now(page, stage)
        with page.expect_event("console", lambda line: "WebSocket" in line.text):
            network.cut()
            page.clock.run_for(4_500)
        wait_badge(page, "reconnecting")
        banner = page.get_by_test_id("stale-banner")
        expect(banner).to_have_count(0)
        page.clock.run_for(1_500)
        expect(banner).to_have_attribute("data-scope", "page")
        expect(banner).to_contain_text(re.compile("It shows the state of [56] s ago."))
        network.restore()
        page.clock.resume()
        wait_badge(page, "connected")
        expect(banner).to_have_count(0)


def test_everything_is_marked_old_with_its_age_while_cut_off(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("seen").does("tool.finished", "Went")
    with CuttableNetwork(stage.url) as network:
        page = new_page()
        page.clock.install()
        open_live(page, network.url)
        expect(page.locator("#view")).to_have_attribute("data-stale", "false")
        expect(page.get_by_test_id("freshness")).to_have_text("Live")
        network.cut()
        expect(page.locator("#view")).to_have_attribute("data-stale", "true")
        page.clock.fast_forward(60_000)
        expect(page.get_by_test_id("freshness")).to_have_text("As of 1 min ago")
        expect(page.get_by_test_id("gateway-state")).to_contain_text("was connected")
        expect(page.get_by_test_id("gateway-state")).to_have_attribute("data-current", "false")
        expect(page.get_by_test_id("stale-banner")).to_contain_text("It shows the state of 1 min ago.")
        expect(agent_row(page, agent.key)).to_be_visible()


def test_agents_of_a_lost_gateway_are_marked_old(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("far").does("tool.finished", "Went")
    page = open_live(new_page(), stage.url)
    expect(agent_row(page, agent.key)).to_have_attribute("data-stale", "false")
    try:
        stage.first.network.cut()
        expect(agent_row(page, agent.key)).to_have_attribute("data-stale", "true")
        banner = page.get_by_test_id("stale-banner")
        expect(banner).to_have_attribute("data-gateway", "factory")
        expect(banner).to_contain_text(re.compile(r"Its agents are shown as of \d+ s ago"))
    finally:
        stage.first.network.restore()
    expect(agent_row(page, agent.key)).to_have_attribute("data-stale", "false")


def test_it_comes_back_by_itself_without_loss_or_repetition(stage: Stage, new_page: NewPage) -> None:
    """What was said meanwhile is there, in the middle of the message that was being written."""
    agent = stage.agent("going-on").writes("m", "One, ")
    with CuttableNetwork(stage.url) as network:
        page = open_live(new_page(), f"{network.url}agents?id={agent.key}")
        text = message(page, agent.message_key("m")).get_by_test_id("message-text")
        expect(text).to_have_text("One, ")
        for number in ("two, ", "three, "):
            network.cut()
            wait_badge(page, "reconnecting")
            agent.writes("m", number)
            network.restore()
            wait_badge(page, "connected")
        agent.writes("m", "four.")
        expect(text).to_have_text("One, two, three, four.")
        figures = page.evaluate(
            "(({ duplicates, gaps, malformed }) => [duplicates, gaps, malformed])(__missionControl)"
        )
        assert figures == [0, 0, 0]


@pytest.mark.parametrize(
    "event",
    [
        "window.dispatchEvent(new Event('online'))",
        "window.dispatchEvent(new Event('offline'))",
        "window.dispatchEvent(new Event('pageshow'))",
        "document.dispatchEvent(new Event('visibilitychange'))",
    ],
)
def test_what_may_have_cut_the_connection_leads_to_a_check_at_once(stage: Stage, new_page: NewPage, event: str) -> None:
    """It asks, and when nothing is answered for 3 s, it connects anew; the usual silence would be 20 s."""
    page = new_page()
    sent: list[str] = []
    sockets = 0
    mute = False

    def serve(socket: WebSocketRoute) -> None:
        nonlocal sockets
        sockets += 1
        server = socket.connect_to_server()

        def upwards(text: str | bytes) -> None:
            sent.append(str(text))
            server.send(text)

        socket.on_message(upwards)
        server.on_message(lambda text: None if mute else socket.send(text))

    page.route_web_socket("**/v1/stream", serve)
    page.clock.install()
    open_live(page, stage.url)
    mute = True
    pause_clock(page)
    sent.clear()
    page.evaluate(event)
    wait_until(page, lambda: any('"ping"' in text for text in sent))
    page.clock.run_for(2_500)
    wait_badge(page, "connected")
    mute = False
    page.clock.run_for(1_000)
    wait_badge(page, "reconnecting")
    page.clock.resume()
    wait_badge(page, "connected")
    assert sockets == 2


def test_while_waiting_a_sign_of_a_network_leads_to_an_attempt_at_once(stage: Stage, new_page: NewPage) -> None:
    """Time stands still meanwhile, so that it is not its turn."""
    with CuttableNetwork(stage.url) as network:
        page = new_page()
        page.add_init_script(SLOW_BACKOFF)
        page.clock.install()
        open_live(page, network.url)
        pause_clock(page)
        network.cut()
        badge = page.get_by_test_id("connection-badge")

        def waits() -> bool:
            page.clock.run_for(20)  # for what is painted
            return "next try in" in badge.inner_text()

        wait_until(page, waits)
        network.restore()
        with page.expect_websocket():
            page.evaluate("window.dispatchEvent(new Event('online'))")
        page.clock.resume()
        wait_badge(page, "connected")


def test_page_that_still_takes_in_what_it_missed_does_not_pass_for_current(stage: Stage, new_page: NewPage) -> None:
    page = new_page()
    page.add_init_script(SLOW_BACKOFF)
    sockets: list[WebSocketRoute] = []
    held: list[str | bytes] = []
    holding = False

    def pass_on(message: str | bytes) -> None:
        if holding and json.loads(message)["op"] == "events":
            held.append(message)
        else:
            sockets[-1].send(message)

    def serve(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server().on_message(pass_on)

    page.route_web_socket("**/v1/stream", serve)
    agent = stage.agent("backlog").does("tool.finished", "Before")
    open_live(page, f"{stage.url}activity?agent={agent.key}")
    expect(page.get_by_text("Before")).to_be_visible()
    sockets[-1].close(code=1012)
    wait_badge(page, "reconnecting")
    agent.does("tool.finished", "Missed")
    wait_until(page, lambda: any(event["payload"].get("title") == "Missed" for event in journal(stage.url)))
    holding = True
    page.get_by_role("button", name="Try now").click()
    badge = page.get_by_test_id("connection-badge")
    expect(badge).to_contain_text("catching up")
    expect(badge).to_have_attribute("data-state", "reconnecting")
    expect(page.get_by_test_id("freshness")).to_contain_text("As of")
    holding = False
    for frame in held:
        sockets[-1].send(frame)
    wait_badge(page, "connected")
    expect(page.get_by_text("Missed")).to_be_visible()
    expect(page.get_by_test_id("freshness")).to_have_text("Live")
