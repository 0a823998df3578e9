"""A page that the daemon does not take is a screen of its own, which says what to do."""

from pathlib import Path

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import wait_badge
from tests.dashboard.stage import Stage, staged

pytestmark = pytest.mark.e2e


def test_wrong_token_is_told_on_the_screen_that_asks_for_it(tmp_path: Path, new_page: NewPage) -> None:
    with staged(tmp_path / "locked", ("factory",), "--set", "auth.mode=token") as locked:
        page = new_page()
        page.goto(locked.url)
        form = page.get_by_test_id("sign-in")
        expect(form).to_contain_text("It stands in the daemon's data directory")
        expect(page.locator("#view")).to_have_count(0)
        expect(page).to_have_title("● Disconnected \N{EN DASH} Mission Control")
        page.get_by_label("Operator token").fill("not-the-token")
        page.get_by_role("button", name="Sign in").click()
        expect(form.get_by_role("alert")).to_contain_text("This is not the operator token.")
        expect(form.get_by_role("alert")).to_contain_text("Check that you copied the whole operator token.")
        page.get_by_label("Operator token").fill((locked.daemon.data / "operator-token").read_text().strip())
        page.get_by_role("button", name="Sign in").click()
        wait_badge(page, "connected")


def test_refused_origin_is_told_with_the_remedy_and_can_be_tried_again(stage: Stage, new_page: NewPage) -> None:
    page = new_page()
    refuse = True

    def serve(socket: WebSocketRoute) -> None:
        if refuse:
            socket.close(code=4403, reason="origin_not_allowed")
        else:
            socket.connect_to_server()

    page.route_web_socket("**/v1/stream", serve)
    page.goto(stage.url)
    refused = page.get_by_test_id("refused")
    expect(refused).to_contain_text("The daemon does not accept pages from this address.")
    expect(refused).to_contain_text("Open the address that the daemon printed at its start")
    expect(page.locator("#view")).to_have_count(0)
    expect(page).to_have_title("● Disconnected \N{EN DASH} Mission Control")
    refuse = False
    refused.get_by_role("button", name="Try again").click()
    wait_badge(page, "connected")
