"""Before there is anything to show: the view's own shape while it loads, and words where nothing is."""

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import open_live, wait_badge, wait_until
from tests.dashboard.stage import Stage

pytestmark = pytest.mark.e2e

SKELETONS = {
    "": ["Loading agents", "Loading activity"],
    "agents": ["Loading agents", "Loading the conversation", "Loading activity"],
    "activity": ["Loading activity"],
    "system": ["Loading the actors"],
}


@pytest.mark.parametrize("view", SKELETONS)
def test_skeletons_stand_where_the_data_will_be(stage: Stage, new_page: NewPage, view: str) -> None:
    """The daemon's answer is held back; as soon as it is there, they are gone."""
    page = new_page()
    held: list[WebSocketRoute] = []

    def serve(socket: WebSocketRoute) -> None:
        if held:
            socket.connect_to_server()
        else:
            held.append(socket)

    page.route_web_socket("**/v1/stream", serve)
    page.goto(f"{stage.url}{view}")
    for label in SKELETONS[view]:
        expect(page.get_by_role("status").filter(has_text=label)).to_be_visible()
    expect(page.get_by_test_id("connection-badge")).to_have_attribute("data-state", "connecting")
    expect(page.get_by_text("No agents yet")).to_have_count(0)
    wait_until(page, lambda: held != [])
    held[0].close(code=1012)
    wait_badge(page, "connected")
    for label in SKELETONS[view]:
        expect(page.get_by_text(label)).to_have_count(0)


def test_daemon_without_agents_says_so_in_every_view(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), stage.url)
    expect(page.get_by_text("No agents yet")).to_be_visible()
    expect(page.get_by_text("Nothing has happened yet")).to_be_visible()
    page.goto(f"{stage.url}agents")
    expect(page.get_by_text("No agents yet")).to_be_visible()
    expect(page.get_by_text("Nothing to read yet")).to_be_visible()
    page.goto(f"{stage.url}agents?id=factory/nobody")
    expect(page.get_by_text("No agent factory/nobody")).to_be_visible()
    page.goto(f"{stage.url}activity")
    expect(page.get_by_text("Nothing has happened yet")).to_be_visible()
