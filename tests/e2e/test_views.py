"""A run of a real agent, as each view shows it. What the views can do besides is in tests/dashboard."""

import pytest
from playwright.sync_api import expect

from tests.e2e.daemon import Daemons
from tests.e2e.gateway import RealGateway
from tests.e2e.model import Call, Gates, Model, Say, Turn
from tests.e2e.proxy import CuttableNetwork
from tests.e2e.screen import Look

pytestmark = pytest.mark.e2e

AGENT = "clawdbot/bravo"


def test_a_run_that_uses_a_tool_is_in_every_view(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """The fleet says what its agent does, the conversation shows the call in its place, the activity leads there, and a
    reload shows the same."""
    gates = Gates()
    looks = Turn(Say("Let me look."), Call("read", {"path": "no-such-winch.txt"}))
    model.teach("the winch", looks, Turn(Say("The winch"), gates.hold("told"), Say(" turns.")))
    daemon = daemons.start(gateway)
    screen, fleet, activity = (look(daemon, AGENT).open_live(view) for view in ("agents", "", "activity"))
    with gateway.operator() as person:
        person.chat_send("agent:bravo:winch", "How is the winch?")
        screen.wait_message("The winch", "streaming")
        fleet.wait_agent(AGENT, "online", "Writing")
        activity.wait_activity(AGENT, "tool.started")
        gates.open("told")
        screen.wait_message("The winch turns.", "complete")
        for view in (screen, activity):
            view.wait_activity(AGENT, "run.finished")
        fleet.wait_agent(AGENT, "online", "Idle")

    page = screen.tab.page
    call = page.locator("[data-testid=tool-call][data-tool=read]").last
    call.get_by_role("button").click()
    expect(call).to_contain_text("no-such-winch.txt")
    call.get_by_role("button").click()
    conversation = page.get_by_test_id("conversation")
    before = conversation.inner_text()
    places = [before.index(part) for part in ("How is the winch?", "Let me look.", "read", "The winch turns.")]
    assert places == sorted(places)
    complete = page.get_by_test_id("complete")
    expect(complete).to_have_attribute("data-gaps", "0")
    screen.reload()
    expect(conversation).to_have_text(conversation.text_content() or "")
    assert conversation.inner_text() == before

    row = activity.tab.page.locator(f'[data-testid=feed-row][data-kind="run.finished"][data-agent="{AGENT}"]').first
    row.get_by_role("button").click()
    row.get_by_test_id("feed-jump").click()
    expect(activity.tab.page.get_by_test_id("conversation")).to_contain_text("The winch turns.")
    assert [view.tab.complaints for view in (screen, fleet, activity)] == [[], [], []]


def test_what_is_looked_for_is_found(gateway: RealGateway, model: Model, daemons: Daemons, look: Look) -> None:
    """The fleet is searched, the activity filtered without a word to the stream, a message linked to; and the page says
    how current, how fast and how complete it is."""
    looks = Turn(Call("read", {"path": "no-such-buoy.txt"}))
    model.teach("the buoy", looks, Turn(Say("The buoy is lit.")))
    model.teach("the gull", Turn(Say("The gull sleeps.")))
    daemon = daemons.start(gateway)
    screen, fleet, activity = (look(daemon, AGENT).open_live(view) for view in ("agents", "", "activity"))
    with gateway.operator() as person:
        person.chat_send("agent:bravo:buoy", "How is the buoy?")
        lit = screen.wait_message("The buoy is lit.", "complete")
        for view in (fleet, activity):
            view.wait_activity(AGENT, "run.finished")

        page = fleet.tab.page
        rows = page.locator("[data-testid=agent-row]")
        tally = page.get_by_test_id("status-count").all_inner_texts()
        assert sum(int(text.split()[0]) for text in tally) == rows.count()
        page.keyboard.press("/")
        page.keyboard.type("bravo")
        expect(rows).to_have_count(1)
        assert "q=bravo" in page.url
        expect(page.get_by_test_id("latency")).to_contain_text("p95")
        expect(page.get_by_test_id("freshness")).to_have_text("Live")
        expect(page.get_by_test_id("complete")).to_have_attribute("data-gaps", "0")

        page = activity.tab.page
        lines = page.get_by_test_id("feed-row")
        page.get_by_label("Show the activity of").select_option(AGENT)
        page.locator("[data-testid=family][data-family=tool]").click()
        expect(lines.first).to_have_attribute("data-kind", "tool.failed")
        kinds = lines.evaluate_all("all => all.map(({ dataset }) => [dataset.agent, dataset.kind.split('.')[0]])")
        assert set(map(tuple, kinds)) == {(AGENT, "tool")}
        person.chat_send("agent:charlie:gull", "How is the gull?")
        fleet.wait_activity("clawdbot/charlie", "run.finished")
        expect(lines).to_have_count(len(kinds))
        page.get_by_label("Show the activity of").select_option("")
        page.locator("[data-testid=family][data-family=all]").click()
        expect(lines.first).to_have_attribute("data-agent", "clawdbot/charlie")
        offsets = [line.offset for line in activity.feed()]
        assert offsets == sorted(offsets, reverse=True)

    linked = look(daemon)
    linked.open(f"agents?id={AGENT}&message={lit.id}")
    linked.wait_badge("connected")
    expect(linked.tab.page.locator("[data-target=true]")).to_contain_text("The buoy is lit.")
    assert [view.tab.complaints for view in (screen, fleet, activity, linked)] == [[], [], [], []]


def test_a_lost_gateway_can_be_tried_at_once(gateway: RealGateway, daemons: Daemons, look: Look) -> None:
    """By itself the daemon would wait for minutes."""
    with CuttableNetwork(gateway.url, gateway.token) as network:
        daemon = daemons.start(network, "--set", "reconnect.first_s=300", "--set", "reconnect.ceiling_s=300")
        screen = look(daemon, AGENT).open_live()
        badge = screen.tab.page.get_by_test_id("connection-badge")
        network.cut()
        screen.wait_badge("reconnecting")
        expect(badge).to_contain_text("next try in")
        screen.wait_banner("stale-banner", "Its agents are shown as of")
        network.restore()
        screen.tab.page.get_by_test_id("try-gateway").click()
        screen.wait_badge("connected")
        expect(screen.tab.page.get_by_test_id("stale-banner")).to_have_count(0)
