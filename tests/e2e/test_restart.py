"""The gateway dies, is restarted, or can't be reached, in the middle of what its agents say."""

import pytest

from scripts.gateway import CLAWDBOT, OPENCLAW
from tests.e2e.daemon import Daemons
from tests.e2e.gateway import RealGateway
from tests.e2e.history import remembered, shown
from tests.e2e.journal import activities, assert_exact, journal, position, wait_caught_up
from tests.e2e.model import Cut, Gates, Model, Say, Turn
from tests.e2e.operator_client import Operator
from tests.e2e.proxy import CuttableNetwork
from tests.e2e.screen import Look, Screen

pytestmark = pytest.mark.e2e

PROMPTLY = ("--set", "reconnect.ceiling_s=0.5")
"""Reconnects without the long waits that spare a real gateway and only cost time here."""

SHUTDOWN_LIMIT_S = {CLAWDBOT: 4.0, OPENCLAW: 30.0}
"""Clawdbot waits 5 s for its clients to close their connections, and then gives up on an orderly end. OpenClaw ends in
its own time when its runs are over."""

BROKE_OFF = {CLAWDBOT: "terminated", OPENCLAW: "timed out"}
"""Why an answer broke off, as the gateways tell it."""


def say(operator: Operator, agent: str, text: str) -> str:
    return operator.chat_send(f"agent:{agent}:restart", text)


def assert_a_reload_changes_nothing(screen: Screen) -> None:
    screen.wait_idle()
    before = screen.messages(), screen.feed()
    screen.reload()
    assert (screen.messages(), screen.feed()) == before


def test_gateway_killed_in_the_middle_of_a_run(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """The badge says so, what was cut off is marked and declared lost once, and after the restart agents are live
    again, without a trace of anything twice. OpenClaw tells the agent to go on, in another run."""
    gates = Gates()
    model.teach("good morning", Turn(Say("Good morning.")))
    model.teach("the passengers", Turn(Say("On board are"), gates.hold("never"), Say(" forty.")))
    model.teach("interrupted by a gateway restart", Turn(Say("There were forty passengers.")))
    model.teach("the cargo", Turn(Say("We carry"), gates.hold("cargo"), Say(" tea.")))
    daemon = daemons.start(gateway, *PROMPTLY)
    screen = look(daemon, "clawdbot/alpha").open_live()
    with gateway.operator() as person:
        say(person, "alpha", "And a good morning to you.")
        screen.wait_message("Good morning.", "complete")
        say(person, "alpha", "List the passengers.")
        screen.wait_message("On board are", "streaming")

        gateway.kill()
        screen.wait_badge("reconnecting")
        screen.wait_banner("stale-banner", "Gateway clawdbot is reconnecting")
        screen.wait_agent("clawdbot/alpha", "degraded", "the connection to its gateway was lost")

    gateway.start()
    screen.wait_badge("connected")
    cut = screen.wait_message("On board are", "interrupted")
    screen.wait_activity("clawdbot/alpha", "stream.gap", "the rest of its message is lost")
    screen.wait_activity("clawdbot/alpha", "run.failed", "the gateway restarted")
    if gateway.package is OPENCLAW:
        screen.wait_message("There were forty passengers.", "complete")
    with gateway.operator() as person:
        say(person, "alpha", "List the cargo.")
        screen.wait_message("We carry", "streaming")
        gates.open("cargo")
        screen.wait_message("We carry tea.", "complete")
        screen.wait_agent("clawdbot/alpha", "online")
        screen.wait_activity("clawdbot/alpha", "run.finished")

        messages = screen.messages()
        assert shown([message for message in messages if message != cut]) == remembered(person, "alpha")
    assert screen.badges() == ["connecting", "connected", "reconnecting", "connected"]
    assert len({message.id for message in messages}) == len(messages)
    events = journal(daemon.url)
    assert_exact(events)
    assert len(activities(events, "alpha", "stream.gap")) == 1
    assert_a_reload_changes_nothing(screen)
    assert screen.tab.complaints == []


def test_connection_lost_while_the_gateway_goes_on(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """What was said meanwhile is made up for: an answer that ended, one that broke off, one that went on, one that was
    not heard of at all, and one that began and goes on. Each message is there once and whole, on a page that was open
    all the time, too."""
    gates = Gates()
    model.teach("the weather", Turn(Say("It blows"), gates.hold("weather"), Say(" from the west.")))
    model.teach(
        "the traffic", Turn(Say("Six ships"), gates.hold("traffic"), Say(" wait"), gates.hold("more"), Say("."))
    )
    model.teach("the time", Turn(Say("It is noon.")))
    model.teach("the horn", Turn(Say("The horn"), gates.hold("horn"), Say(" is"), Cut()))
    model.teach("the tide", Turn(Say("The tide"), gates.hold("tide"), Say(" is in.")))
    with CuttableNetwork(gateway.url, gateway.token) as network, gateway.operator() as person:
        daemon = daemons.start(network, *PROMPTLY)
        names = ("alpha", "bravo", "charlie", "delta", "echo")
        screens = {name: look(daemon, f"clawdbot/{name}").open_live() for name in names}
        ends = say(person, "alpha", "How is the weather?")
        goes_on = say(person, "bravo", "How is the traffic?")
        breaks_off = say(person, "echo", "How is the horn?")
        screens["echo"].wait_message("The horn", "streaming")
        screens["alpha"].wait_message("It blows", "streaming")
        screens["bravo"].wait_message("Six ships", "streaming")

        before = position(daemon.url)
        network.cut()
        screens["alpha"].wait_badge("reconnecting")
        gates.open("weather")
        person.wait_end(ends)
        gates.open("horn")
        person.wait_end(breaks_off)
        person.wait_end(say(person, "charlie", "What is the time?"))
        gates.open("traffic")
        person.wait_text("Six ships wait")
        begins = say(person, "delta", "Tell me of the tide.")
        person.wait_text("The tide")
        network.restore()

        screens["alpha"].wait_badge("connected")
        screens["alpha"].wait_message("It blows from the west.", "complete")
        screens["alpha"].wait_activity("clawdbot/alpha", "run.finished")
        screens["echo"].wait_message("The horn is", "error")
        screens["echo"].wait_agent("clawdbot/echo", "degraded", BROKE_OFF[gateway.package])
        screens["charlie"].wait_message("It is noon.", "complete")
        wait_caught_up(daemon.url, before)
        gates.open("more")
        screens["bravo"].wait_message("Six ships wait.", "complete")
        screens["bravo"].wait_activity("clawdbot/bravo", "run.finished")
        gates.open("tide")
        screens["delta"].wait_message("The tide is in.", "complete")
        screens["delta"].wait_activity("clawdbot/delta", "run.finished")
        for run in (goes_on, begins):
            person.wait_end(run)

        for name, screen in screens.items():
            assert shown(screen.messages()) == remembered(person, name)
            assert_a_reload_changes_nothing(screen)
            assert screen.tab.complaints == []
    events = journal(daemon.url)
    assert_exact(events)
    gaps = {name: len(activities(events, name, "stream.gap")) for name in screens}
    assert gaps == {"alpha": 0, "bravo": 0, "charlie": 1, "delta": 0, "echo": 0}, "only charlie's run was not heard of"


def test_gateway_stopped_in_order_does_not_have_to_wait_for_us(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """A service manager that stops the gateway (SIGTERM) finds it gone in time, and the page says why it is away.
    Clawdbot remembers nothing of a session that had only begun; what was seen of it stays. OpenClaw waits for its
    runs."""
    gates = Gates()
    model.teach("the crew", Turn(Say("The crew are"), gates.hold("ends"), Say(" ashore.")))
    daemon = daemons.start(gateway, *PROMPTLY)
    screen = look(daemon, "clawdbot/echo").open_live()
    with gateway.operator() as person:
        person.chat_send("agent:echo:stopped", "Where are the crew?")
        screen.wait_message("The crew are", "streaming")
        gateway.begin_to_stop()
        if gateway.package is OPENCLAW:
            gates.open("ends")
            screen.wait_message("The crew are ashore.", "complete")
        assert gateway.program.wait_ended(SHUTDOWN_LIMIT_S[gateway.package]) == 0
    gateway.start()
    screen.wait_badge("connected")
    messages = screen.messages()
    if gateway.package is CLAWDBOT:
        cut = screen.wait_message("The crew are", "interrupted")
        screen.wait_activity("clawdbot/echo", "stream.gap")
        messages = [message for message in screen.messages() if message != cut]
    with gateway.operator() as person:
        assert shown(messages) == remembered(person, "echo")
    statuses = [event["payload"] for event in journal(daemon.url) if event["type"] == "system.status"]
    lost = next(status for status in statuses if status["state"] == "reconnecting")
    assert "gateway stopping" in lost["detail"]


@pytest.mark.parametrize("gateway", [CLAWDBOT], ids=lambda package: package.name, indirect=True)
def test_gateway_that_restarts_within_its_process_takes_its_runs_along(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """After a change of its configuration (SIGUSR1) the answer that was being given goes on, whole. OpenClaw rereads
    its configuration without a restart."""
    gates = Gates()
    model.teach("the harbour", Turn(Say("The harbour"), gates.hold("restarted"), Say(" is quiet.")))
    daemon = daemons.start(gateway, *PROMPTLY)
    screen = look(daemon, "clawdbot/bravo").open_live()
    with gateway.operator() as person:
        say(person, "bravo", "How is the harbour?")
        screen.wait_message("The harbour", "streaming")
        seen = len(gateway.program.log)
        gateway.reload()
    screen.wait_badge("connected")
    assert not [line for line in gateway.program.log[seen:] if "timed out" in line]
    gates.open("restarted")
    screen.wait_message("The harbour is quiet.", "complete")
    screen.wait_activity("clawdbot/bravo", "run.finished")
    with gateway.operator() as person:
        assert shown(screen.messages()) == remembered(person, "bravo")
    assert "reconnecting" in screen.badges()
    assert_exact(journal(daemon.url))
    assert_a_reload_changes_nothing(screen)
