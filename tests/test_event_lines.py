"""Events as lines: the gist of each, and nothing that could deceive who reads them."""

import unicodedata
from datetime import UTC

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.core import events
from mission_control.event_lines import line
from mission_control.printable import one_line


def event(payload: events.Payload, agent_id: str | None = "alpha") -> events.Event:
    return events.Event(
        event_id="e",
        timestamp=1_700_000_000_123,
        agent_id=agent_id,
        type=events.TYPE_OF[type(payload)],
        payload=msgspec.Raw(events.encode(payload)),
        sequence=1,
        gateway="office",
        offset=1,
    )


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (events.Chunk("m", "r", "s", "assistant", 0, "Hello\n", 0), "assistant …           Hello\\n"),
        (events.Final("m", "r", "s", "assistant", "Hello", "error", 1), "assistant error       Hello"),
        (events.Activity("tool.started", "Reads a file"), "tool.started          Reads a file"),
        (events.Heartbeat("offline", "online", "gateway lost", events.Clocks()), "offline               gateway lost"),
    ],
)
def test_a_line_says_when_who_and_what(payload: events.Payload, expected: str) -> None:
    """Each type of event shows what people look for."""
    assert line(event(payload), UTC).plain == f"22:13:20.123  alpha           {expected}"


@pytest.mark.parametrize(
    ("kind", "colour"),
    [("run.failed", "red"), ("tool.failed", "red"), ("run.stalled", "yellow"), ("run.resumed", "cyan")],
)
def test_trouble_stands_out(kind: str, colour: str) -> None:
    """What failed and what stands still have colours of their own."""
    spans = line(event(events.Activity(kind, "title")), UTC).spans
    assert colour in [span.style for span in spans]


def test_an_event_of_no_agent_names_the_gateway() -> None:
    """The state of a connection is told like everything else."""
    status = events.Status("gateway", "office", "reconnecting", "lost; trying again")
    assert line(event(status, None), UTC).plain.split()[1:4] == ["office", "gateway", "reconnecting"]


@pytest.mark.parametrize("timestamp", [-1, 0, 2**63 - 1, -(2**63)])
def test_any_timestamp_is_shown(timestamp: int) -> None:
    """A source with a broken clock does not end the command."""
    shown = attrs.evolve(event(events.Activity("tool.started", "Reads")), timestamp=timestamp)
    assert line(shown, UTC).plain.endswith("Reads")


@given(text=st.text())
def test_a_line_stays_one_line_whatever_agents_say(text: str) -> None:
    """No text moves the cursor, rings, colours, runs backwards or pretends to be another event."""
    plain = one_line(text)
    assert len(plain.splitlines()) <= 1
    assert not [character for character in plain if unicodedata.category(character) in ("Cc", "Zl", "Zp")]
    assert not [mark for mark in plain if unicodedata.bidirectional(mark) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI")]


@given(text=st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    """Letters of every script, punctuation and emoji are not garbled."""
    assert one_line(text) == text
