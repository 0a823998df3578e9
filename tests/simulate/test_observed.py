"""The simulated gateway as the daemon sees it: through the dialect and the agents' state machines, without I/O."""

from collections import Counter
from collections.abc import Iterator

import pytest

from mission_control.core.agent import AgentCore
from mission_control.core.events import Activity, Chunk, Draft, Final
from mission_control.gateways.claw import ClawDialect, Credentials
from mission_control.gateways.dialect import Broadcast, Deliver, Established, Order, Refused, Send
from mission_control.simulate.desk import GatewayDesk
from mission_control.simulate.fleet import Fleet
from mission_control.simulate.gateway import Gateway
from mission_control.simulate.schedule import Schedule
from tests.simulate.stage import START

TOKEN = "open sesame"


class Observer:
    """A dialect and its agents on a simulated gateway that answers at once."""

    def __init__(self, fleet: Fleet) -> None:
        self.gateway = Gateway(fleet, START)
        self.dialect = ClawDialect("g", Credentials("me", "1", TOKEN))
        self.drafts: list[Draft] = []
        self.established = False
        self._desk = GatewayDesk(self.gateway, TOKEN)
        self._agents: dict[str, AgentCore] = {}
        self._schedule = Schedule(fleet, self.gateway.actors)

    def watch(self, seconds: float, *, after: float = 0) -> None:
        """Let the simulation run for ``seconds``, and connect when it is ``after`` seconds old."""
        for _ in self._frames(after):
            pass
        now = START + round(after * 1000)
        self._obey(self.dialect.opened(now), now)
        for frame in self._desk.greet(now):
            self._obey(self.dialect.receive(frame, now), now)
        for frame, now in self._frames(seconds):
            due = self.dialect.due(now)
            if due is not None and due <= now:
                self._obey(self.dialect.tick(now), now)
            self._obey(self.dialect.receive(frame, now), now)

    def _frames(self, until: float) -> Iterator[tuple[bytes, int]]:
        """What the gateway says up to a time, each with the time at which it does."""
        while self._schedule.next_at <= until:
            at = self._schedule.next_at
            now = START + round(at * 1000)
            for agent_id, action in self._schedule.take(until=at):
                for frame in self.gateway.act(agent_id, action, now):
                    yield frame, now

    def _obey(self, orders: list[Order], now: int) -> None:
        for order in orders:
            match order:
                case Send(text):
                    for frame in self._desk.receive(text, now).frames:
                        self._obey(self.dialect.receive(frame, now), now)
                case Deliver(agent_id, signal):
                    if agent_id not in self._agents:
                        self._agents[agent_id] = AgentCore(("g", agent_id))
                    self.drafts += self._agents[agent_id].handle(signal, now)
                case Broadcast(signal):
                    for agent in self._agents.values():
                        self.drafts += agent.handle(signal, now)
                case Established():
                    self.established = True
                case Refused():
                    raise AssertionError(order)


@pytest.mark.parametrize("after", [0, 61.5, 100, 200, 300, 333])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_observed_is_what_the_gateway_remembers(seed: int, after: float) -> None:
    """Every message of every history has one final with its text, and no final was never said.

    Also when the daemon comes in the middle of runs that began before it.
    """
    observer = Observer(Fleet(agents=5, seed=seed))
    observer.watch(900, after=after)
    statistics = observer.dialect.statistics()
    assert observer.established
    assert (statistics.unknown_frames, statistics.malformed_frames) == (0, 0)
    finals = [draft.payload for draft in observer.drafts if isinstance(draft.payload, Final)]
    for session in observer.gateway.sessions():
        remembered = Counter(
            (entry["role"], text)
            for entry in session.history(1000)
            if entry["role"] != "toolResult"
            for text in ["".join(part.get("text", "") for part in entry["content"])]
            if text
        )
        observed = Counter(
            (final.role, final.text)
            for final in finals
            if final.session == session.key and final.text and final.state in ("complete", "error")
        )
        assert observed == remembered


def test_a_load_is_observed_chunk_by_chunk() -> None:
    """Every piece that a load's agents say becomes one chunk, and every message is complete."""
    observer = Observer(Fleet(agents=10, rate=20, seed=1))
    observer.watch(30)
    counts = Counter(type(draft.payload) for draft in observer.drafts if not draft.ephemeral)
    said = Counter(draft.payload.kind for draft in observer.drafts if isinstance(draft.payload, Activity))
    assert counts[Chunk] + said["run.started"] + said["run.finished"] == pytest.approx(10 * 20 * 30, rel=0.03)
    states = Counter(draft.payload.state for draft in observer.drafts if isinstance(draft.payload, Final))
    assert set(states) == {"complete"}
