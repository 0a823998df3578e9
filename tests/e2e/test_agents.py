"""What becomes of agents on the page: they fail and recover, wait in line, come and go."""

import pytest

from scripts.gateway import CLAWDBOT, OPENCLAW
from tests.e2e.daemon import Daemons
from tests.e2e.gateway import RealGateway
from tests.e2e.history import Said, remembered, shown
from tests.e2e.journal import activities, assert_exact, journal
from tests.e2e.model import Call, Gates, Model, Refuse, Say, Turn
from tests.e2e.operator_client import Operator
from tests.e2e.screen import Look

pytestmark = pytest.mark.e2e


OUT_OF_ORDER = {CLAWDBOT: "the model is out of order", OPENCLAW: "HTTP 500"}
"""Why a model's attempt failed that is tried again, as the gateways tell it."""


def say(operator: Operator, agent: str, text: str) -> str:
    return operator.chat_send(f"agent:{agent}:agents", text)


def test_agent_that_failed_is_online_again_once_it_answers(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    model.teach("try it", Turn(Refuse(400, "the voice is lost")))
    model.teach("try again", Turn(Say("Now it works.")))
    screen = look(daemons.start(gateway), "clawdbot/charlie").open_live()
    with gateway.operator() as person:
        say(person, "charlie", "Please try it.")
        screen.wait_agent("clawdbot/charlie", "degraded", "the voice is lost")
        say(person, "charlie", "Please try again.")
        screen.wait_message("Now it works.", "complete")
        screen.wait_agent("clawdbot/charlie", "online")
        assert shown(screen.messages()) == remembered(person, "charlie")


def test_model_that_the_gateway_tries_again_is_seen_to_fail_and_to_recover(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """Clawdbot calls the failed attempt complete, and says nothing of the session or the end of the second one."""
    model.teach("the engine", Turn(Say("The engine runs."), failures=gateway.package.attempts))
    daemon = daemons.start(gateway)
    screen = look(daemon, "clawdbot/charlie").open_live()
    with gateway.operator() as person:
        say(person, "charlie", "Start the engine.")
        screen.wait_agent("clawdbot/charlie", "degraded", OUT_OF_ORDER[gateway.package])
        screen.wait_message("The engine runs.", "complete")
        screen.wait_agent("clawdbot/charlie", "online")
        assert shown(screen.messages()) == remembered(person, "charlie")
    events = journal(daemon.url)
    assert_exact(events)
    kinds = ("run.started", "run.failed", "run.finished")
    assert [len(activities(events, "charlie", kind)) for kind in kinds] == [2, 1, 1]


def test_tool_that_fails_is_shown_as_failed_and_the_agent_goes_on(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """A tool call without a word before it makes no empty message."""
    model.teach("the chart", Turn(Call("read", {"path": "no-such-chart.txt"})), Turn(Say("There is no chart.")))
    screen = look(daemons.start(gateway), "clawdbot/charlie").open_live()
    with gateway.operator() as person:
        say(person, "charlie", "Read the chart.")
        screen.wait_activity("clawdbot/charlie", "tool.failed", "read")
        screen.wait_message("There is no chart.", "complete")
        screen.wait_activity("clawdbot/charlie", "run.finished")
        assert shown(screen.messages()) == remembered(person, "charlie")
    assert all(message.text for message in screen.messages())


def test_message_to_a_busy_agent_waits_in_line(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """OpenClaw puts it into the run that goes on, or into the next one if that was about to end, and says nothing."""
    gates = Gates()
    model.teach("the first", Turn(Say("This is"), gates.hold("first"), Say(" the answer.")))
    model.teach("the second", Turn(Say("And this is another.")))
    screen = look(daemons.start(gateway), "clawdbot/charlie").open_live()
    with gateway.operator() as person:
        say(person, "charlie", "Here is the first question.")
        screen.wait_message("This is", "streaming")
        say(person, "charlie", "Here is the second question.")
        if gateway.package is CLAWDBOT:
            screen.wait_activity("clawdbot/charlie", "run.queued")
        gates.open("first")
        screen.wait_message("This is the answer.", "complete")
        screen.wait_message("And this is another.", "complete")
        conversation = remembered(person, "charlie")
        assert shown(screen.messages()) == conversation
        assert conversation[-4:] == [
            Said("user", "Here is the first question."),
            Said("assistant", "This is the answer."),
            Said("user", "Here is the second question."),
            Said("assistant", "And this is another."),
        ]


def test_agents_come_and_go(gateway: RealGateway, daemons: Daemons, look: Look) -> None:
    """An agent that the gateway's owner adds appears without a restart of anything, and is offline once removed."""
    screen = look(daemons.start(gateway)).open_live()
    with gateway.changed(agents=(*gateway.agents, "foxtrot")):
        screen.wait_activity("clawdbot/foxtrot", "agent.added")
        screen.wait_agent("clawdbot/foxtrot", "online")
    screen.wait_activity("clawdbot/foxtrot", "agent.removed")
    screen.wait_agent("clawdbot/foxtrot", "offline", "removed from the gateway")
    assert screen.tab.complaints == []
