"""A page that the daemon does not take is a screen of its own, which says what to do."""

from pathlib import Path

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import wait_badge, wait_until
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


def test_the_form_stays_with_the_token_and_the_focus_while_it_is_tried(tmp_path: Path, new_page: NewPage) -> None:
    """The daemon takes its time, then refuses, then is gone, and then takes the token after all."""
    with staged(tmp_path / "slow", ("factory",), "--set", "auth.mode=token") as locked:
        token = (locked.daemon.data / "operator-token").read_text().strip()
        page = new_page()
        page.add_init_script("Math.random = () => 0.99")  # the page waits as long as it ever does
        held: list[WebSocketRoute] = []
        taken = False

        def serve(socket: WebSocketRoute) -> None:
            if taken:
                socket.connect_to_server()
            else:
                held.append(socket)

        page.route_web_socket("**/v1/stream", serve)
        page.goto(locked.url)
        form, field = page.get_by_test_id("sign-in"), page.get_by_label("Operator token")
        problem = form.get_by_role("alert")
        button = form.locator("button")
        field.fill(token)

        field.press("Enter")
        expect(button).to_have_text("Signing in \N{HORIZONTAL ELLIPSIS}")
        expect(button).to_have_attribute("aria-busy", "true")
        expect(field).to_be_focused()
        expect(page.locator("#view")).to_have_count(0)
        wait_until(page, lambda: len(held) == 1)
        held[0].close(code=4401, reason="unauthenticated")
        expect(problem).to_contain_text("The token was not accepted.")
        expect(button).to_have_text("Sign in")
        expect(button).to_have_attribute("aria-busy", "false")
        expect(field).to_have_value(token)

        button.click()
        expect(button).to_be_focused()
        wait_until(page, lambda: len(held) == 2)
        held[1].close(code=4401, reason="unauthenticated")
        expect(field).to_be_focused()

        field.press("Enter")
        wait_until(page, lambda: len(held) == 3)
        held[2].close(code=1012, reason="restarting")
        expect(problem).to_contain_text("The daemon is restarting.")
        expect(field).to_have_attribute("aria-invalid", "false")
        expect(field).to_have_value(token)
        expect(page.locator("#view")).to_have_count(0)

        taken = True
        field.press("Enter")
        wait_badge(page, "connected")
        expect(form).to_have_count(0)


def test_refused_origin_is_told_with_the_remedy_and_can_be_tried_again(stage: Stage, new_page: NewPage) -> None:
    page = new_page()
    refuse = True
    held: list[WebSocketRoute] = []

    def serve(socket: WebSocketRoute) -> None:
        if refuse:
            held.append(socket)
        else:
            socket.connect_to_server()

    page.route_web_socket("**/v1/stream", serve)
    page.goto(stage.url)
    wait_until(page, lambda: len(held) == 1)
    held[0].close(code=4403, reason="origin_not_allowed")
    refused = page.get_by_test_id("refused")
    expect(refused).to_contain_text("The daemon does not accept pages from this address.")
    expect(refused).to_contain_text("Open the address that the daemon printed at its start")
    expect(page.locator("#view")).to_have_count(0)
    expect(page).to_have_title("● Disconnected \N{EN DASH} Mission Control")
    button = refused.locator("button")
    button.click()
    wait_until(page, lambda: len(held) == 2)
    expect(button).to_have_text("Trying \N{HORIZONTAL ELLIPSIS}")
    expect(button).to_have_attribute("aria-busy", "true")
    held[1].close(code=4403, reason="origin_not_allowed")
    expect(button).to_have_text("Try again")
    expect(button).to_be_focused()
    refuse = False
    button.click()
    wait_badge(page, "connected")
