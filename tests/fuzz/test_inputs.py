"""The inputs of fuzzing: that they begin with what was really said, and stay what a person can read."""

import random
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.events import decode_payload
from tests.fuzz import gateways
from tests.fuzz.mutator import Mutator
from tests.fuzz.script import MOST_STEPS, Step, joined, parsed, steps_of
from tests.fuzz.targets import TARGETS, Target


def played(data: bytes) -> set[str]:
    """The types and kinds of all that a gateway's input comes to."""
    connection = gateways.Connection(gateways.claw)
    for step in steps_of(data, gateways.WORDS):
        connection.play(step)
    connection.check()
    payloads = [decode_payload(event.type, event.payload) for event in connection.events]
    return {getattr(payload, "kind", None) or type(payload).__name__ for payload in payloads}


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_what_fuzzing_begins_with_is_played_without_a_finding(target: Target) -> None:
    """Each recorded connection and each golden session."""
    seeds = list(target.seeds())
    assert len(seeds) > 10
    for seed in seeds:
        target.play(seed)


@pytest.mark.parametrize("program", ["clawdbot", "openclaw"])
def test_recorded_connections_come_to_what_they_were(program: str) -> None:
    """Inputs that got no further than the handshake would find nothing."""
    kinds = set().union(*map(played, TARGETS[program].seeds()))
    assert kinds >= {"Chunk", "Final", "run.started", "run.finished", "run.failed", "run.aborted", "tool.failed"}
    assert kinds >= {"stream.repaired", "agent.added", "Heartbeat"}


@given(
    st.lists(st.tuples(st.sampled_from(gateways.WORDS), st.binary(max_size=20).filter(lambda body: b"\n" not in body)))
)
def test_an_input_reads_back_as_its_steps(steps: list[tuple[str, bytes]]) -> None:
    given_steps = [Step(*step) for step in steps] or [Step("frame", b"{}")]
    assert parsed(joined(given_steps), gateways.WORDS) == given_steps


@given(st.binary(max_size=500))
def test_any_bytes_are_an_input(data: bytes) -> None:
    for target in TARGETS.values():
        target.play(data)


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_changed_inputs_differ_and_stay_within_their_size(target: Target) -> None:
    """The same change for the same seed."""
    mutator = Mutator(target.words, target.vocabulary(), lambda data, most: data[:most])
    seed = next(iter(target.seeds()))
    changed = [mutator(seed, 20_000, number) for number in range(300)]
    assert all(len(one) <= 20_000 for one in changed)
    assert len(set(changed)) > 200
    assert changed == [mutator(seed, 20_000, number) for number in range(300)]


def test_said_again_means_of_others_and_later() -> None:
    """So that nothing is taken for a repetition."""
    told = b'frame {"runId":"r","ts":1000,"sequence":1}\nafter 500\nframe {"runId":"r","sequence":2}\nagain 2'
    bodies = [step.body for step in steps_of(told, gateways.WORDS) if step.word == "frame"]
    assert bodies[2:4] == [b'{"runId":"r~1","ts":1500,"sequence":3}', b'{"runId":"r~1","sequence":4}']
    assert bodies[4:] == [b'{"runId":"r~2","ts":2000,"sequence":5}', b'{"runId":"r~2","sequence":6}']


def test_no_input_is_merely_long() -> None:
    endless = b"frame {}\nagain 999999\nagain 999999\nagain 999999"
    assert len(steps_of(endless, gateways.WORDS)) <= MOST_STEPS
    rng = random.Random(1)
    mutator = Mutator(gateways.WORDS, ["a"], lambda data, most: data[:most])
    grown = endless
    for _ in islice(iter(int, 1), 200):
        grown = mutator(grown, 64_000, rng.getrandbits(32))
        assert len(steps_of(grown, gateways.WORDS)) <= MOST_STEPS
