"""Real agents, live in a real browser: words as they are spoken, tools, failures and aborted runs."""

from collections.abc import Sequence

import pytest

from scripts.gateway import CLAWDBOT, OPENCLAW
from tests.e2e.daemon import Daemons
from tests.e2e.gateway import RealGateway
from tests.e2e.history import Said, remembered, shown
from tests.e2e.model import Call, Cut, Gates, Model, Refuse, Say, Step, Turn
from tests.e2e.operator_client import Operator
from tests.e2e.screen import Look

pytestmark = pytest.mark.e2e

TIMETABLE = "The tide turns at noon, the pilot boards at two, and the last tug is home by five."
WORDS = TIMETABLE.split()
NAMES = ("alpha", "bravo", "charlie", "delta", "echo")


def word_by_word(words: Sequence[str], gates: Gates) -> list[Step]:
    """After every word the speaker waits for the gate of the word's number."""
    return [step for number, word in enumerate(words) for step in (Say(word), gates.hold(f"word {number}"), Say(" "))]


def say(operator: Operator, agent: str, text: str) -> str:
    return operator.chat_send(f"agent:{agent}:live", text)


def test_five_agents_at_once_are_seen_word_by_word(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """While five agents work at once, a page shows every word when it is spoken and before the answer is over; it
    tells how each run ended, and in the end it holds what the gateway's history holds, once each and in order."""
    gates = Gates()
    (gateway.workspace("bravo") / "log.txt").write_text("02:10 the buoy drifts\n")
    model.teach("the timetable", Turn(*word_by_word(WORDS, gates)))
    model.teach(
        "the log",
        Turn(Say("Let me look at the log."), gates.hold("tool"), Call("read", {"path": "log.txt"})),
        Turn(Say("It says that"), gates.hold("answer"), Say(" the buoy drifts.")),
    )
    model.teach("the forecast", Turn(Refuse(400, "the model has lost its voice")))
    model.teach("a long story", Turn(Say("Once upon a time"), gates.hold("never"), Say(" nothing happened.")))
    model.teach("the radio", Turn(Say("All stations, all sta"), gates.hold("cut"), Cut()))
    daemon = daemons.start(gateway)
    alpha, bravo, charlie, delta, echo = screens = [look(daemon, f"clawdbot/{name}").open_live() for name in NAMES]

    with gateway.operator() as person:
        person.wait_end(
            say(person, "delta", "Hello.")
        )  # a session remembers an aborted run's prompt if it is not its first
        say(person, "alpha", "Read me the timetable.")
        say(person, "bravo", "What does the log say?")
        say(person, "charlie", "What is the forecast?")
        story = say(person, "delta", "Tell me a long story.")
        say(person, "echo", "Turn on the radio.")

        bravo.wait_message("Let me look at the log.", "streaming")
        delta.wait_message("Once upon a time", "streaming")
        echo.wait_message("All stations, all sta", "streaming")
        charlie.wait_activity("clawdbot/charlie", "run.failed", "the model has lost its voice")
        charlie.wait_agent("clawdbot/charlie", "degraded", "the model has lost its voice")

        so_far = [" ".join(WORDS[:count]) for count in range(1, len(WORDS) + 1)]
        for number, text in enumerate(so_far):
            alpha.wait_message(text, "streaming")
            gates.open(f"word {number}")
        assert alpha.texts(alpha.wait_message(TIMETABLE, "complete").id) == so_far
        alpha.wait_activity("clawdbot/alpha", "run.finished")

        gates.open("tool")
        bravo.wait_message("Let me look at the log.", "complete")
        bravo.wait_activity("clawdbot/bravo", "tool.finished", "read")
        bravo.wait_message("It says that", "streaming")
        gates.open("answer")
        bravo.wait_message("It says that the buoy drifts.", "complete")
        bravo.wait_activity("clawdbot/bravo", "run.finished")

        person.chat_abort("agent:delta:live", story)
        aborted = delta.wait_message("Once upon a time", "aborted")
        delta.wait_activity("clawdbot/delta", "run.aborted")

        gates.open("cut")
        cut = echo.wait_message("All stations, all sta", "error")
        echo.wait_activity("clawdbot/echo", "run.failed", "terminated")
        echo.wait_agent("clawdbot/echo", "degraded")

        # Clawdbot forgets what was aborted; OpenClaw the first of two attempts at an answer.
        forgotten = aborted if gateway.package is CLAWDBOT else cut
        for screen, name in zip(screens, NAMES, strict=True):
            messages = [message for message in screen.messages() if message.id != forgotten.id]
            assert shown(messages) == remembered(person, name)
            assert len({message.id for message in messages}) == len(messages)
        assert Said("user", "Tell me a long story.") in shown(delta.messages())
        assert Said("user", "What is the forecast?") in shown(charlie.messages())

    for screen in screens:
        assert screen.tab.complaints == []
        assert {"duplicates": 0, "gaps": 0, "malformed": 0}.items() <= screen.diagnostics().items()


def test_markup_in_a_message_is_shown_and_not_obeyed(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """What looks like HTML is shown as it was written; a page that obeyed it would throw or complain."""
    obeyed = "throw Error('obeyed')"
    html = f'<img src=x onerror="{obeyed}"><script>{obeyed}</script>'
    text = f"{html} **bold**\n\n\U0001f702 e\u0301 \u202eabc"
    model.teach("markup", Turn(Say(text, pieces=tuple(text))))
    screen = look(daemons.start(gateway), "clawdbot/golf").open_live()
    with gateway.operator() as person:
        say(person, "golf", "Show me some markup.")
        screen.wait_message(f"{html} bold\n\U0001f702 e\u0301 \u202eabc", "complete")
        assert Said("assistant", text) in remembered(person, "golf")
    assert screen.tab.complaints == []


DIRECTIVES = {
    "one": ("[[", "reply", "_to", "_current", "]]", " Hello", " there."),
    "two": ("Look", " here", "\n", "MEDIA", ":", "/tmp", "/x.png", "\n", "and", " there."),
    "three": ("NO", "_RE", "PLY"),
    "four": ("This [[is", " no]]", " directive."),
}
"""What models say to the gateway itself, in tokens. Its stream then stops in the middle of them, for good."""


def test_directives_to_the_gateway_are_not_shown(
    gateway: RealGateway, model: Model, daemons: Daemons, look: Look
) -> None:
    """OpenClaw asks a model again that has answered with a directive alone; Clawdbot takes it for an answer."""
    for name, pieces in DIRECTIVES.items():
        model.teach(f"number {name}", Turn(Say("".join(pieces), pieces=pieces)))
    model.teach("did not produce a user-visible answer", Turn(Say("There is nothing to say.")))
    screen = look(daemons.start(gateway), "clawdbot/golf").open_live()
    with gateway.operator() as person:
        for name in DIRECTIVES:
            person.wait_end(say(person, "golf", f"Give me number {name}."))
        screen.wait_message("This [[is no]] directive.", "complete")
    conversation = shown(screen.messages())
    asked_again = [Said("assistant", "There is nothing to say.")] if gateway.package is OPENCLAW else []
    assert conversation[conversation.index(Said("user", "Give me number one.")) :] == [
        Said("user", "Give me number one."),
        Said("assistant", "Hello there."),
        Said("user", "Give me number two."),
        Said("assistant", "Look here\nand there."),
        Said("user", "Give me number three."),
        *asked_again,
        Said("user", "Give me number four."),
        Said("assistant", "This [[is no]] directive."),
    ]
