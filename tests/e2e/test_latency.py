"""How long it takes from the gateway's emission of a word to the painted page. The figures are printed, not judged:
they are the machine's as much as ours."""

from collections.abc import Callable

import pytest

from scripts.gateway import CLAWDBOT, OPENCLAW
from tests.e2e.daemon import Daemons
from tests.e2e.gateway import RealGateway
from tests.e2e.journal import journal
from tests.e2e.model import Model, Say, Turn
from tests.e2e.screen import Look

pytestmark = pytest.mark.e2e

SPEAKERS = ("alpha", "bravo", "charlie")
WORDS = 150
PACE_S = 0.02
"""Between two words of one agent: 50 tokens a second, as models do."""
PARTS = {CLAWDBOT: WORDS, OPENCLAW: WORDS // 10}
"""In how many parts the text comes at least: Clawdbot tells each word, OpenClaw what there is every 75 ms."""


def test_every_word_is_measured_from_the_gateway_to_the_painted_page(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look, measured: Callable[[str], None]
) -> None:
    """What the page measured is what was streamed to it, no more and no less."""
    text = " ".join(f"word-{number}" for number in range(WORDS))
    model.teach("warm up", Turn(Say("Ready.")))
    model.teach("speak", Turn(Say(text, every=PACE_S)))
    daemon = daemons.start(gateway)
    with gateway.operator() as person:
        for name in SPEAKERS:  # a session that has begun tells what users say at once
            person.wait_end(person.chat_send(f"agent:{name}:latency", "Please warm up."))
        screen = look(daemon, "clawdbot/alpha").open_live()
        begun = screen.cursor()
        runs = [person.chat_send(f"agent:{name}:latency", "Please speak.") for name in SPEAKERS]
        for run in runs:
            person.wait_end(run)
    screen.wait_message(text, "complete")
    for name in SPEAKERS:
        screen.wait_activity(f"clawdbot/{name}", "run.finished")

    events = [event for event in journal(daemon.url) if event["offset"] > begun]
    spoken = [event for event in events if event["type"].startswith("conversation.")]
    assert len(spoken) >= len(SPEAKERS) * PARTS[gateway.package]
    figures = screen.wait_measured(len(spoken))
    assert (figures["duplicates"], figures["gaps"], figures["malformed"]) == (0, 0, 0)
    assert 0 < figures["p50"] <= figures["p95"] <= figures["p99"] <= figures["max"]
    measured(
        f"{gateway.package.name} to painted page, {figures['count']} events of {len(SPEAKERS)} agents:"
        f" p50 {figures['p50']:.0f} ms, p95 {figures['p95']:.0f} ms, p99 {figures['p99']:.0f} ms"
    )
