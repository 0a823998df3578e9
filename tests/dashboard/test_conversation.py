"""A conversation as it is written: chunks as they come, how each message ended, tools where they were used."""

import re

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import message, open_live
from tests.dashboard.source import now
from tests.dashboard.stage import Stage

pytestmark = pytest.mark.e2e


def test_message_grows_under_a_streaming_mark_and_is_marked_when_complete(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("writer").writes("m", "The valve ")
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}")
    shown = message(page, agent.message_key("m"))
    text = shown.get_by_test_id("message-text")
    expect(shown).to_have_attribute("data-state", "streaming")
    expect(shown).to_contain_text("Streaming")
    expect(text).to_have_text("The valve ")
    agent.writes("m", "is ")
    expect(text).to_have_text("The valve is ")
    agent.writes("m", "open.")
    expect(text).to_have_text("The valve is open.")
    expect(shown).to_have_attribute("data-state", "streaming")
    agent.says("m", "The valve is open.")
    expect(shown).to_have_attribute("data-state", "complete")
    expect(shown).to_contain_text("Complete")
    expect(shown).not_to_contain_text("Streaming")


@pytest.mark.parametrize(
    ("state", "word", "explanation"),
    [
        ("aborted", "Aborted", "someone or something stopped this message before its end"),
        ("error", "Failed", "Failed: out of tokens"),
        ("interrupted", "Interrupted", "the connection to the gateway broke"),
    ],
)
def test_message_that_did_not_come_to_its_end_says_so(
    stage: Stage, new_page: NewPage, state: str, word: str, explanation: str
) -> None:
    agent = stage.agent("cut-short").writes("m", "Half of")
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}")
    shown = message(page, agent.message_key("m"))
    expect(shown).to_have_attribute("data-state", "streaming")
    agent.says("m", "Half of", state=state, error="out of tokens")
    expect(shown).to_have_attribute("data-state", state)
    expect(shown.locator("svg + *, svg").first).to_be_visible()
    expect(shown).to_contain_text(word)
    expect(shown).to_contain_text(explanation)
    expect(shown.get_by_test_id("message-text")).to_have_text("Half of")


def test_failed_run_stands_in_the_conversation(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("failing").says("m", "I will try.").begins("run")
    agent.ends("run", "run.failed", "Run failed: no credit")
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}")
    expect(page.get_by_test_id("note")).to_contain_text("Run failed: no credit")


def test_tool_call_stands_where_it_happened_and_opens_to_arguments_result_and_duration(
    stage: Stage, new_page: NewPage
) -> None:
    agent = stage.agent("user-of-tools")
    at = now() - 60_000
    agent.says("before", "I look.", at)
    agent.calls("read_file", "c1", {"path": "/etc/valves", "depth": 3}, at + 1_000)
    agent.returns("read_file", "c1", {"content": [{"type": "text", "text": "open: 7"}]}, 1_500, at + 2_500)
    agent.says("after", "I saw.", at + 5_000)
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}")
    items = page.get_by_test_id("conversation").locator("> li")
    expect(items).to_contain_text(["I look.", "read_file", "I saw."])
    call = page.get_by_test_id("tool-call")
    expect(call).to_have_attribute("data-state", "finished")
    expect(call).to_contain_text("done in 1.5 s")
    line = call.get_by_role("button")
    expect(line).to_have_attribute("aria-expanded", "false")
    expect(call).not_to_contain_text("depth")
    line.click()
    expect(line).to_have_attribute("aria-expanded", "true")
    expect(call).to_contain_text('"depth": 3')
    expect(call).to_contain_text("open: 7")
    line.click()
    expect(call).not_to_contain_text("depth")


def test_tool_call_is_live_from_its_start_to_its_failure(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("live-tools").says("m", "I drill.").begins("run")
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}")
    agent.calls("drill", "c1", {"depth": 3}, now() - 5_000)
    call = page.get_by_test_id("tool-call")
    expect(call).to_have_attribute("data-state", "running")
    expect(call).to_contain_text(re.compile(r"running for \d+ s"))
    agent.returns("drill", "c1", "the bit broke", took=5_000, failed=True)
    expect(call).to_have_attribute("data-state", "failed")
    call.get_by_role("button").click()
    expect(call).to_contain_text("the bit broke")
