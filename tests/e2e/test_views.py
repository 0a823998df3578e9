"""A run of a real agent, as each view shows it. What the views can do besides is in tests/dashboard."""

import pytest
from playwright.sync_api import expect

from tests.e2e.daemon import Daemons
from tests.e2e.gateway import RealGateway
from tests.e2e.model import Call, Gates, Model, Say, Turn
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
