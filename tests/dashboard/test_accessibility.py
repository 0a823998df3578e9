"""The dashboard for everyone: what axe-core finds, where the keyboard goes, and what is said to those who listen."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from scripts.paths import WEB
from tests.dashboard.conftest import NewPage
from tests.dashboard.page import open_live, wait_badge
from tests.dashboard.stage import Stage, staged
from tests.dashboard.voice import Voice
from tests.e2e.proxy import CuttableNetwork

pytestmark = pytest.mark.e2e

AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ("", "agents?id={}", "activity", "system")
SIZES = {"desktop": (1280, 800), "mobile": (360, 740)}
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def agent(stage: Stage) -> Voice:
    """Has something of everything."""
    agent = stage.agent("various").begins("run").calls("drill", "c1", {"depth": 3})
    agent.says("m1", "# Plan\n\n`inline` and [a link](http://elsewhere.example)\n\n```python\ndef f(): return 1\n```\n")
    agent.says("m2", "Half", state="aborted").says("m3", "", state="error", error="no credit").says(
        "m4", "?", role="user"
    )
    agent.returns("drill", "c1", "broken", took=5, failed=True).ends("run", "run.failed", "Run failed: no credit")
    agent.writes("m5", "Being written").beats("degraded", "Low on oil")
    stage.agent("gone").does("run.stalled", "Stalled").beats("offline", "Gone home")
    return agent


def grave(page: Page) -> list[Any]:
    """What axe-core finds that keeps somebody from using the page, with where it is."""
    page.evaluate(AXE.read_text())
    found: list[Any] = page.evaluate(
        """async (grave) => (await axe.run()).violations.filter(({ impact }) => grave.includes(impact))
          .map(({ id, nodes }) => [id, ...nodes.map(({ html, failureSummary }) => [html, failureSummary])])""",
        GRAVE,
    )
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_grave(
    stage: Stage, new_page: NewPage, agent: Voice, view: str, size: str, theme: Any
) -> None:
    """Live, with the help open, and without a connection."""
    with CuttableNetwork(stage.url) as network:
        page = new_page(*SIZES[size], color_scheme=theme, reduced_motion="reduce")
        open_live(page, f"{network.url}{view}".format(agent.key))
        expect(page.get_by_text("Loading")).to_have_count(0)
        assert grave(page) == []
        page.keyboard.press("?")
        expect(page.get_by_test_id("help")).to_be_visible()
        assert grave(page) == []
        page.keyboard.press("Escape")
        page.clock.install()
        network.cut()
        wait_badge(page, "reconnecting")
        page.clock.fast_forward(10_000)
        expect(page.get_by_test_id("stale-banner")).to_be_visible()
        assert grave(page) == []


def test_axe_finds_nothing_grave_in_the_list_of_gaps(stage: Stage, new_page: NewPage, agent: Voice) -> None:
    agent.source.skip(agent.id)
    agent.does("tool.finished", "Behind the hole")
    page = open_live(new_page(), stage.url)
    page.get_by_test_id("complete").click()
    expect(page.get_by_test_id("gap")).to_be_visible()
    assert grave(page) == []


def test_axe_finds_nothing_grave_in_what_is_open(stage: Stage, new_page: NewPage, agent: Voice) -> None:
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}")
    page.get_by_test_id("tool-call").first.get_by_role("button").click()
    page.get_by_test_id("feed-row").first.get_by_role("button").click()
    expect(page.get_by_test_id("feed-jump")).to_be_visible()
    assert grave(page) == []


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A daemon that wants its operator token."""
    with staged(tmp_path_factory.mktemp("locked"), ("factory",), "--set", "auth.mode=token") as stage:
        yield stage


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_grave_on_the_screens_without_a_view(
    locked: Stage, new_page: NewPage, size: str, theme: Any
) -> None:
    """The one that asks for the token, with and without its refusal, and the one for whom no token helps."""
    page = new_page(*SIZES[size], color_scheme=theme, reduced_motion="reduce")
    page.goto(locked.url)
    form = page.get_by_test_id("sign-in")
    expect(form).to_be_visible()
    assert grave(page) == []
    page.get_by_label("Operator token").fill("not-the-token")
    page.keyboard.press("Enter")
    expect(form.get_by_role("alert")).to_contain_text("This is not the operator token.")
    assert grave(page) == []
    page.route_web_socket("**/v1/stream", lambda socket: socket.close(code=4403, reason="origin_not_allowed"))
    page.get_by_label("Operator token").fill((locked.daemon.data / "operator-token").read_text().strip())
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("refused")).to_be_visible()
    assert grave(page) == []


@pytest.mark.parametrize("view", VIEWS)
def test_keyboard_comes_first_to_the_way_past_all_else_and_is_always_seen(
    stage: Stage, new_page: NewPage, agent: Voice, view: str
) -> None:
    page = open_live(new_page(), f"{stage.url}{view}".format(agent.key))
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the view")
    expect(skip).to_be_focused()
    expect(skip).to_be_visible()
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    for _ in range(12):
        assert page.evaluate(outline) != "none", page.evaluate("document.activeElement.outerHTML")
        page.keyboard.press("Tab")
    skip.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#view")).to_be_focused()


def test_changes_of_the_connection_are_told_politely(stage: Stage, new_page: NewPage) -> None:
    with CuttableNetwork(stage.url) as network:
        page = open_live(new_page(), network.url)
        said = page.get_by_role("status").filter(has_text="Connection: ")
        expect(said).to_have_text("Connection: Connected.")
        expect(said).to_have_attribute("aria-live", "polite")
        network.cut()
        expect(said).to_have_text("Connection: Reconnecting. The connection to the daemon was lost.")
        network.restore()
        expect(said).to_have_text("Connection: Connected.")
