"""What is fuzzed."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

from attrs import frozen

from tests.fuzz import client, gateways, planted, seeds, subscriber
from tests.fuzz.held import check_held
from tests.fuzz.script import Step, parsed, steps_of


class Follower(Protocol):
    """What an input is played to. Raises whatever the product raises, or AssertionError where that breaks its word."""

    def play(self, step: Step) -> None: ...

    def check(self) -> None:
        """No more comes: what must hold now, besides what was checked on the way."""

    @property
    def roots(self) -> Sequence[object]:
        """What holds the state that must stay bounded."""


@frozen
class Target:
    """``about`` is one line for people; ``words`` begin the lines of its inputs.

    ``extra`` names, with spaces between, what the seeds happen not to have.
    """

    about: str
    follow: Callable[[], Follower]
    seeds: Callable[[], Iterable[bytes]]
    words: Sequence[str]
    extra: str = ""

    def play(self, data: bytes) -> None:
        """Play an input; see :class:`Follower`."""
        follower = self.follow()
        for step in steps_of(data, self.words):
            follower.play(step)
        follower.check()
        check_held(*follower.roots)

    def vocabulary(self) -> list[str]:
        """The names and short texts that its seeds have."""
        found = set(self.extra.split())
        for seed in self.seeds():
            for step in parsed(seed, self.words):
                try:
                    _collect(json.loads(step.body), found)
                except ValueError:
                    continue
        return sorted(found)


def _collect(value: object, found: set[str]) -> None:
    if isinstance(value, str) and len(value) <= 40:
        found.add(value)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, found)
    elif isinstance(value, dict):
        found.update(value)
        for inner in value.values():
            _collect(inner, found)


TARGETS: Final[Mapping[str, Target]] = {
    "clawdbot": Target(
        "what a Clawdbot gateway says",
        partial(gateways.Connection, gateways.claw),
        partial(seeds.recordings, "clawdbot"),
        gateways.WORDS,
        "agentId compaction details durationMs error errorMessage everyMs expectedProtocol instanceId isError "
        "length model partialResult presence reason scopes shutdown stopReason thinking tickIntervalMs toolUse "
        "update uptimeMs usage",
    ),
    "openclaw": Target(
        "what an OpenClaw gateway says",
        partial(gateways.Connection, gateways.claw),
        partial(seeds.recordings, "openclaw"),
        gateways.WORDS,
        "NOT_PAIRED UNAVAILABLE aborted activeRunIds bootId declarationKey disposition fallbackStepFromFailureDetail "
        "fallback_step finishing hasMore heartbeat: idempotencyKey inFlightRun item itemId meta openclawAbort "
        "retryAfterMs retrying terminalReply visible",
    ),
    "envelope": Target(
        "what a source of our own envelope says",
        partial(gateways.Connection, gateways.envelope),
        seeds.envelope,
        gateways.WORDS,
        "boot duration_ms error message model op pong resume started_at usage welcome",
    ),
    "subscriber": Target(
        "what a subscriber says to the daemon",
        subscriber.Door,
        seeds.subscriber,
        subscriber.WORDS,
        "client cursor duplicates filter gaps id render_ms t ticket token",
    ),
    "client": Target(
        "what a daemon says to the Python client",
        client.Program,
        seeds.client,
        client.WORDS,
        "agent.added clocks counters detail missing_since name next_index stalled_since",
    ),
}

PLANTED: Final[Mapping[str, Target]] = {
    name: Target("a program with a defect", partial(program, defect), lambda: [planted.SEED], planted.WORDS)
    for name, program, defect in (
        ("planted-crash", planted.Planted, planted.crash),
        ("planted-hang", planted.Planted, planted.hang),
        ("planted-leak", planted.Hoarder, planted.sound),
    )
}
"""What is not fuzzed unless it is asked for by name: to see that there would be findings."""


def target_of(name: str) -> Target:
    return {**TARGETS, **PLANTED}[name]
