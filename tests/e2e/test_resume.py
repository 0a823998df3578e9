"""Whoever comes late, or was away, sees what all the others see: pages, and the daemon itself."""

import pytest

from scripts.gateway import CLAWDBOT, OPENCLAW
from tests.e2e.daemon import Daemons
from tests.e2e.gateway import RealGateway
from tests.e2e.history import remembered, shown
from tests.e2e.journal import activities, assert_exact, journal, position, wait_caught_up
from tests.e2e.model import Call, Cut, Gates, Model, Say, Turn
from tests.e2e.operator_client import Operator
from tests.e2e.proxy import CuttableNetwork
from tests.e2e.screen import Look

pytestmark = pytest.mark.e2e


BROKE_OFF = {CLAWDBOT: "terminated", OPENCLAW: "timed out"}
"""Why an answer broke off, as the gateways tell it."""


def say(operator: Operator, text: str) -> str:
    return operator.chat_send("agent:delta:resume", text)


def test_page_opened_in_the_middle_of_a_message_shows_it_from_its_beginning(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    gates = Gates()
    model.teach("the anchor", Turn(Say("The anchor"), gates.hold("late"), Say(" holds")))
    daemon = daemons.start(gateway)
    first = look(daemon, "clawdbot/delta").open_live()
    with gateway.operator() as person:
        say(person, "Is the anchor down?")
        first.wait_message("The anchor", "streaming")
        late = look(daemon, "clawdbot/delta").open_live()
        late.wait_message("The anchor", "streaming")
        first.reload()
        first.wait_message("The anchor", "streaming")
        gates.open("late")
        for screen in (first, late):
            screen.wait_message("The anchor holds", "complete")
            screen.wait_activity("clawdbot/delta", "run.finished")
            assert shown(screen.messages()) == remembered(person, "delta")
            assert screen.tab.complaints == []
    assert late.messages() == first.messages()
    assert late.feed() == first.feed()


def test_page_that_was_cut_off_goes_on_where_it_was(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """It says that it is not current, comes back by itself, and misses and repeats nothing."""
    gates = Gates()
    model.teach("the rope", Turn(Say("The rope"), gates.hold("cut"), Say(" is"), gates.hold("back"), Say(" new.")))
    daemon = daemons.start(gateway)
    with CuttableNetwork(daemon.url) as network, gateway.operator() as person:
        near = look(daemon, "clawdbot/delta").open_live()
        far = look(network, "clawdbot/delta").open_live()
        say(person, "How is the rope?")
        far.wait_message("The rope", "streaming")

        network.cut()
        far.wait_badge("reconnecting")
        far.wait_banner("stale-banner", "This page is not current.")
        gates.open("cut")
        near.wait_message("The rope is", "streaming")
        network.restore()
        far.wait_message("The rope is", "streaming")
        assert far.badges() == ["connecting", "connected", "reconnecting", "connected"]

        gates.open("back")
        for screen in (near, far):
            screen.wait_message("The rope is new.", "complete")
            screen.wait_activity("clawdbot/delta", "run.finished")
        assert far.messages() == near.messages()
        assert far.feed() == near.feed()
        diagnostics = far.diagnostics()
        assert (diagnostics["duplicates"], diagnostics["gaps"], diagnostics["malformed"]) == (0, 0, 0)


def test_daemon_killed_while_an_agent_speaks(gateway: RealGateway, model: Model, daemons: Daemons, look: Look) -> None:
    """An open page comes back by itself. The message is there once and whole, whether the agent went on speaking or
    had ended before the daemon was back. Neither leaves a gap: nothing is missing."""
    gates = Gates()
    model.teach("the sails", Turn(Say("The sails"), gates.hold("ends"), Say(" are dry.")))
    ropes = (Say("The mast"), gates.hold("goes on"), Say(" is"), gates.hold("ends, too"), Say(" up."))
    model.teach("the mast", Turn(*ropes))
    daemon = daemons.start(gateway)
    screen = look(daemon, "clawdbot/delta").open_live()
    with gateway.operator() as person:
        ends = say(person, "How are the sails?")
        screen.wait_message("The sails", "streaming")
        daemon.kill()
        gates.open("ends")
        person.wait_end(ends)
        daemon.start()
        screen.wait_message("The sails are dry.", "complete")
        screen.wait_activity("clawdbot/delta", "run.finished")

        say(person, "How is the mast?")
        screen.wait_message("The mast", "streaming")
        killed = position(daemon.url)
        daemon.kill()
        gates.open("goes on")
        daemon.start()
        wait_caught_up(daemon.url, killed)
        gates.open("ends, too")
        screen.wait_message("The mast is up.", "complete")
        screen.wait_activity("clawdbot/delta", "run.finished")

        assert shown(screen.messages()) == remembered(person, "delta")
    events = journal(daemon.url)
    assert_exact(events)
    assert activities(events, "delta", "stream.gap") == []
    assert screen.diagnostics()["gaps"] == 0
    screen.wait_idle()
    before = screen.messages(), screen.feed()
    screen.reload()
    assert (screen.messages(), screen.feed()) == before


def test_daemon_started_while_an_agent_speaks(gateway: RealGateway, model: Model, daemons: Daemons, look: Look) -> None:
    """What was said before it knew of the agent is there, too, and nothing is there twice."""
    gates = Gates()
    model.teach("the cook", Turn(Say("The cook"), gates.hold("started"), Say(" is asleep.")))
    with gateway.operator() as person:
        say(person, "Where is the cook?")
        person.wait_text("The cook")
        daemon = daemons.start(gateway)
        screen = look(daemon, "clawdbot/delta").open_live()
        screen.wait_agent("clawdbot/delta", "online")
        gates.open("started")
        screen.wait_message("The cook is asleep.", "complete")
        screen.wait_activity("clawdbot/delta", "run.finished")
        assert shown(screen.messages()) == remembered(person, "delta")
    assert_exact(journal(daemon.url))


def test_run_that_was_met_late_survives_further_losses(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """It began while the connection was down, so when is not known. Neither a second outage nor a restart of the daemon
    makes its answer another one, or ends it because the question before was answered."""
    gates = Gates()
    before = (Say("The keel"), gates.hold("met"), Say(" is"), gates.hold("cut again"))
    after = (Say(" quite"), gates.hold("restarted"), Say(" straight."))
    model.teach("good evening", Turn(Say("Good evening.")))
    model.teach("the keel", Turn(*before, *after))
    with CuttableNetwork(gateway.url, gateway.token) as network, gateway.operator() as person:
        daemon = daemons.start(network, "--set", "reconnect.ceiling_s=0.5")
        screen = look(daemon, "clawdbot/delta").open_live()
        say(person, "And a good evening to you.")
        screen.wait_message("Good evening.", "complete")

        network.cut()
        screen.wait_badge("reconnecting")
        ends = say(person, "How is the keel?")
        person.wait_text("The keel")
        network.restore()
        screen.wait_badge("connected")
        gates.open("met")
        screen.wait_message("The keel is", "streaming")

        met = position(daemon.url)
        network.cut()
        screen.wait_badge("reconnecting")
        network.restore()
        wait_caught_up(daemon.url, met)
        gates.open("cut again")
        screen.wait_message("The keel is quite", "streaming")
        screen.wait_agent("clawdbot/delta", "online", "its gateway is live")

        daemon.kill()
        gates.open("restarted")
        person.wait_end(ends)
        daemon.start()
        screen.wait_message("The keel is quite straight.", "complete")
        screen.wait_agent("clawdbot/delta", "online", "its gateway is live")
        assert shown(screen.messages()) == remembered(person, "delta")
    assert_exact(journal(daemon.url))


def test_answer_that_broke_off_is_known_although_the_next_question_was_asked_since(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """All of it while the connection was down: the first run has failed with all that it said, the second goes on."""
    gates = Gates()
    model.teach("the pump", Turn(Say("The pump"), gates.hold("breaks"), Say(" leaks"), Cut()))
    look_at_it = Turn(Say("Let me look."), Call("read", {"path": "no-such-bilge.txt"}))
    model.teach("the bilge", look_at_it, Turn(Say("The bilge"), gates.hold("goes on"), Say(" is dry.")))
    with CuttableNetwork(gateway.url, gateway.token) as network, gateway.operator() as person:
        daemon = daemons.start(network, "--set", "reconnect.ceiling_s=0.5")
        screen = look(daemon, "clawdbot/delta").open_live()
        breaks = say(person, "How is the pump?")
        screen.wait_message("The pump", "streaming")
        network.cut()
        screen.wait_badge("reconnecting")
        gates.open("breaks")
        person.wait_end(breaks)
        say(person, "How is the bilge?")
        person.wait_text("The bilge")
        network.restore()

        screen.wait_message("The pump leaks", "error")
        screen.wait_activity("clawdbot/delta", "run.failed", BROKE_OFF[gateway.package])
        gates.open("goes on")
        screen.wait_message("The bilge is dry.", "complete")
        screen.wait_activity("clawdbot/delta", "run.finished")
        assert shown(screen.messages()) == remembered(person, "delta")
    events = journal(daemon.url)
    assert_exact(events)
    assert activities(events, "delta", "stream.gap") == []


def test_message_that_ended_unheard_is_whole_although_a_tool_follows_it(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """The repair's history is read while the model is silent, before the tool: the message is not stored yet."""
    gates = Gates()
    says = (Say("The chain"), gates.hold("unheard"), Say(" is rusty."), gates.hold("calls"))
    model.teach("the chain", Turn(*says, Call("read", {"path": "no-such-chain.txt"})), Turn(Say("All of it is.")))
    with CuttableNetwork(gateway.url, gateway.token) as network, gateway.operator() as person:
        daemon = daemons.start(network, "--set", "reconnect.ceiling_s=0.5")
        screen = look(daemon, "clawdbot/delta").open_live()
        say(person, "How is the chain?")
        screen.wait_message("The chain", "streaming")
        cut = position(daemon.url)
        network.cut()
        screen.wait_badge("reconnecting")
        gates.open("unheard")
        person.wait_text("The chain is rusty.")
        network.restore()
        wait_caught_up(daemon.url, cut)
        gates.open("calls")

        screen.wait_message("The chain is rusty.", "complete")
        screen.wait_message("All of it is.", "complete")
        screen.wait_activity("clawdbot/delta", "run.finished")
        assert shown(screen.messages()) == remembered(person, "delta")
    assert_exact(journal(daemon.url))


def test_retry_of_a_run_that_failed_before_the_daemon_was_killed_speaks_for_its_own_agent(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """Clawdbot's retries say neither whose they are nor of which session."""
    model.teach("the radar", Turn(Say("The radar turns."), failures=gateway.package.attempts))
    daemon = daemons.start(gateway)
    screen = look(daemon, "clawdbot/delta").open_live()
    with gateway.operator() as person:
        run = say(person, "How is the radar?")
        screen.wait_activity("clawdbot/delta", "run.failed")
        daemon.kill()
        daemon.start()
        screen.wait_message("The radar turns.", "complete")
        assert shown(screen.messages()) == remembered(person, "delta")
    events = journal(daemon.url)
    assert_exact(events)
    assert {event["agent_id"] for event in events if event["payload"].get("run_id") == run} == {"delta"}
