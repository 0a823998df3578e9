"""The daemon's parts: the supervision tree as it lives."""

import re

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import open_live
from tests.dashboard.stage import Stage

pytestmark = pytest.mark.e2e


def test_supervision_tree_shows_every_actor_and_its_figures_move(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("counted").does("tool.finished", "Went")
    page = open_live(new_page(), f"{stage.url}system")
    actors = page.get_by_test_id("actor")
    expect(actors.first).to_have_attribute("data-state", "running")
    tree = page.evaluate("fetch('/v1/actors').then((answer) => answer.json()).then(({ tree }) => tree)")
    shown = actors.evaluate_all("all => all.map((one) => one.dataset.path)")
    assert tree["path"] == shown[0]
    assert {child["path"] for child in tree["children"]} <= set(shown)
    mine = page.locator(f"[data-testid=actor][data-path$='{agent.id}']")
    expect(mine).to_have_attribute("data-state", "running")
    expect(mine.locator("[data-label=restarts]")).to_have_text("0")
    mail = mine.locator("[data-label=mail]")
    before = mail.inner_text()
    agent.source.say(*[agent.activity("tool.progress", f"Step {step}") for step in range(500)])
    expect(mail).not_to_have_text(before)
    expect(mail).to_have_text(re.compile(r"peak \d\d"))


def test_tree_is_asked_for_while_it_is_seen_and_a_branch_can_be_closed(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}system")
    actors = page.get_by_test_id("actor")
    expect(actors.nth(1)).to_be_visible()
    with page.expect_response("**/v1/actors"), page.expect_response("**/v1/actors"):
        pass
    everything = actors.count()
    root = actors.first.get_by_role("button")
    root.click()
    expect(root).to_have_attribute("aria-expanded", "false")
    expect(actors).to_have_count(1)
    root.click()
    expect(actors).to_have_count(everything)
