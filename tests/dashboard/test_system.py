"""The daemon's parts: the supervision tree as it lives, and who follows the stream."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.fragile.fragile import FATAL, POISON
from tests.dashboard.page import open_live
from tests.dashboard.stage import Stage, staged

pytestmark = pytest.mark.e2e

PLUGIN = {
    "METADATA": "Metadata-Version: 2.1\nName: fragile\nVersion: 1\n",
    "entry_points.txt": "[mission_control.actors]\nfragile = fragile:actor_type\n",
}
"""What an installer writes of a package beside it, by which its actor type is found."""


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


@contextmanager
def with_fragile(directory: Path) -> Iterator[Stage]:
    """A stage whose daemon has the fragile actor type too."""
    package = directory / "fragile-1.dist-info"
    package.mkdir()
    for name, text in PLUGIN.items():
        (package / name).write_text(text)
    path = f"{Path(__file__).with_name('fragile')}:{directory}"
    with staged(directory / "data", variables={"PYTHONPATH": path}) as stage:
        yield stage


def test_actor_that_fails_is_seen_to_be_restarted_with_what_went_wrong(tmp_path: Path, new_page: NewPage) -> None:
    with with_fragile(tmp_path) as stage:
        page = open_live(new_page(), f"{stage.url}system")
        actor = page.locator("[data-testid=actor][data-path='root/extensions/fragile/fragile']")
        expect(actor).to_have_attribute("data-state", "running")
        expect(actor.locator("[data-label=restarts]")).to_have_text("0")
        stage.agent("bearer").does("tool.finished", FATAL)
        expect(actor.locator("[data-label=restarts]")).to_have_text("1")
        expect(actor).to_contain_text("ValueError: cannot bear it")
        expect(actor).to_have_attribute("data-state", "running")


def test_dead_letters_are_counted_with_the_command_that_is_for_them(tmp_path: Path, new_page: NewPage) -> None:
    with with_fragile(tmp_path) as stage:
        page = open_live(new_page(), f"{stage.url}system")
        letters = page.get_by_test_id("dead-letters")
        expect(page.get_by_test_id("actor").first).to_be_visible()
        expect(letters).to_have_count(0)
        agent = stage.agent("bearer").does("tool.finished", POISON)
        expect(letters).to_have_text("1 dead letter: mission-control dead-letters shows, retries and discards them.")
        agent.does("tool.finished", POISON)
        expect(letters).to_contain_text("2 dead letters")


def test_subscribers_are_named(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}system")
    expect(page.get_by_test_id("subscribers").get_by_role("rowheader").first).to_contain_text(
        re.compile(r"mission-control-dashboard \d+\.\d+\.\d+")
    )
