"""The harness itself: what the other end-to-end tests take for granted."""

import pytest

from tests.e2e.browser import Tab
from tests.e2e.gateway import RealGateway
from tests.e2e.model import Model, Say, Turn

pytestmark = pytest.mark.e2e


def test_streamed_answer_reaches_a_reader_and_the_history(gateway: RealGateway, model: Model) -> None:
    """A reader sees an answer grow word by word, and the gateway's history holds exactly the text it ended with."""
    model.teach("introduce yourself", Turn(Say("I am alpha and I watch the harbour.")))
    with gateway.operator() as person, gateway.operator(scopes=("operator.read",)) as reader:
        run_id = person.chat_send("agent:alpha:harness", "Please introduce yourself.")
        end = reader.wait_end(run_id)
        texts = [event["data"]["text"] for event in reader.events("agent", run_id) if event["stream"] == "assistant"]
        history = reader.chat_history("agent:alpha:harness")

    assert texts[0] == "I"
    assert texts[-1] == "I am alpha and I watch the harbour."
    assert end["message"]["content"] == [{"type": "text", "text": texts[-1]}]
    assert [message["role"] for message in history] == ["user", "assistant"]
    assert history[1]["content"] == [{"type": "text", "text": texts[-1]}]


def test_browser_runs_scripts_and_reports_their_errors(tab: Tab) -> None:
    """A page's own errors don't pass unnoticed."""
    tab.page.set_content("<p id=text></p><script>text.textContent = 'seen'; missing()</script>")

    assert tab.page.text_content("#text") == "seen"
    assert tab.complaints == ["missing is not defined"]


def test_browser_reports_what_a_policy_forbids(tab: Tab) -> None:
    """A page that breaks its own Content-Security-Policy doesn't pass unnoticed either."""
    policy = """<meta http-equiv="Content-Security-Policy" content="style-src 'none'">"""
    tab.page.set_content(f"{policy}<p style='color: red'>plain</p>")

    assert len(tab.complaints) == 1
    assert "Content Security Policy" in tab.complaints[0]
