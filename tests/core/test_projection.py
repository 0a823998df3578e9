"""The fold's rules, one test each."""

from typing import Any

import pytest
from msgspec import UNSET

from mission_control.core import projection as limits
from mission_control.core.events import (
    Activity,
    AgentKey,
    Chunk,
    Clocks,
    Draft,
    Final,
    Heartbeat,
    Payload,
    Status,
)
from mission_control.core.ledger import Ledger
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from mission_control.core.views import AgentView, MessageView, RunView, Snapshot, last_heard

ALPHA: AgentKey = ("gw", "alpha")
BETA: AgentKey = ("gw", "beta")


class Fold:
    """A projection that is fed payloads."""

    def __init__(self) -> None:
        self.ledger = Ledger("epoch")
        self._made = 0

    def add(self, *payloads: Payload, of: AgentKey = ALPHA, at: int = 1, ephemeral: bool = False) -> None:
        for payload in payloads:
            self._made += 1
            self.ledger.admit([Draft(str(self._made), at, *of, payload, ephemeral)], ())

    def snapshot(self, select: Filter = EVERYTHING) -> Snapshot:
        return self.ledger.projection.snapshot(Cursor("epoch", self.ledger.head), select)

    def agent(self, key: AgentKey = ALPHA) -> AgentView:
        return self.ledger.projection.agents[key]

    def messages(self, select: Filter = EVERYTHING) -> list[str]:
        return [view.message_id for view in self.snapshot(select).messages]


@pytest.fixture
def fold() -> Fold:
    return Fold()


def chunk(index: int, delta: str = "x", message: str = "m", session: str = "main") -> Chunk:
    return Chunk(message, "run", session, "assistant", index, delta, 0)


def final(message: str = "m", text: str = "text", **fields: Any) -> Final:
    return Final(message, "run", "main", "assistant", text, "complete", 0, **fields)


def run(kind: str, run_id: str = "r1", **fields: Any) -> Activity:
    return Activity(f"run.{kind}", kind, run_id=run_id, session="main", **fields)


def tool(kind: str, name: str = "read", run_id: str = "r1") -> Activity:
    return Activity(f"tool.{kind}", kind, run_id=run_id, tool=name)


def beat(at: int = 5) -> Heartbeat:
    return Heartbeat("online", "offline", "beating", Clocks(heartbeat_at=at))


def link(state: str, name: str = "gw", **fields: Any) -> Status:
    return Status("gateway", name, state, f"{name} {state}", **fields)


class TestMessages:
    def test_chunks_add_up_to_an_open_message(self, fold: Fold) -> None:
        """Its text is its deltas joined, its time that of its first chunk, its offset that of its newest."""
        fold.add(chunk(0, "Hel"), at=10)
        fold.add(chunk(1, "lo"), at=20)
        (view,) = fold.snapshot().messages
        assert view == MessageView(
            "m", "alpha", "gw", "run", "main", "assistant", "streaming", "Hello", 10, offset=2, next_index=2
        )

    def test_a_final_replaces_the_open_message(self, fold: Fold) -> None:
        """Text and state are the final's, the time stays that of the first chunk, and the message counts once."""
        fold.add(chunk(0, "Hel"), at=10)
        fold.add(final(text="Hello", error="cut"), at=20)
        (view,) = fold.snapshot().messages
        assert view == MessageView(
            "m", "alpha", "gw", "run", "main", "assistant", "complete", "Hello", 10, offset=2, error="cut"
        )
        assert view.next_index is UNSET
        assert fold.agent().counters.messages == 1

    @pytest.mark.parametrize(("started_at", "began"), [(UNSET, 20), (15, 15)])
    def test_a_message_without_chunks_began_when_its_final_says(self, fold: Fold, started_at: Any, began: int) -> None:
        """``started_at`` is the beginning when there is one, else the event's own time."""
        fold.add(final(started_at=started_at), at=20)
        assert [view.timestamp for view in fold.snapshot().messages] == [began]

    def test_an_agent_keeps_its_newest_finals(self, fold: Fold, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of each agent at most so many, whatever the others do; open messages do not count."""
        monkeypatch.setattr(limits, "FINALS_PER_AGENT", 2)
        fold.add(final("b1"), of=BETA)
        fold.add(chunk(0, message="open"), final("a1"), final("a2"), final("a3"))
        assert fold.messages() == ["b1", "a2", "a3", "open"]

    def test_all_finals_together_have_a_size(self, fold: Fold, monkeypatch: pytest.MonkeyPatch) -> None:
        """Over the limit in bytes the oldest of all go first, but never the newest; where that led is remembered."""
        monkeypatch.setattr(limits, "FINALS_BYTES", 10)
        fold.add(final("b1", "é"), of=BETA)
        fold.add(final("a1", "12345678"))
        assert (fold.messages(), fold.ledger.projection.finals_after) == (["b1", "a1"], 0)
        fold.add(final("a2", "12"), of=ALPHA)
        assert (fold.messages(), fold.ledger.projection.finals_after) == (["a1", "a2"], 1)
        fold.add(final("huge", "x" * 100), of=BETA)
        assert (fold.messages(), fold.ledger.projection.finals_after) == (["huge"], 3)
        fold.add(final("a3", "123"))
        assert fold.messages() == ["a3"]

    def test_forgetting_follows_storage(self, fold: Fold) -> None:
        """Finals and activities up to an offset go; open messages stay; and what is left still obeys its limits."""
        fold.add(chunk(0, message="open"), final("a1"), run("started"), final("a2"), run("finished"))
        fold.ledger.projection.forget(3)
        snapshot = fold.snapshot()
        assert [view.message_id for view in snapshot.messages] == ["a2", "open"]
        assert [event.offset for event in snapshot.feed] == [5]
        fold.ledger.projection.forget(100)
        fold.add(final("a3"))
        assert fold.messages() == ["a3", "open"]


class TestAgents:
    def test_runs_open_and_end(self, fold: Fold) -> None:
        """The newest open run is ``run``; an end closes the run it names; a failed one is counted."""
        fold.add(run("started", "r1"), at=10)
        fold.add(run("started", "r2"), at=20)
        assert fold.agent().run == RunView("r2", "main", 20)
        fold.add(run("failed", "r2"))
        assert fold.agent().run == RunView("r1", "main", 10)
        fold.add(run("aborted", "r1"), run("finished", "r7"))
        view = fold.agent()
        assert (view.run, view.runs) == (None, [])
        assert (view.counters.runs, view.counters.failures) == (2, 1)

    def test_a_retried_run_is_one_run(self, fold: Fold) -> None:
        """A run that starts again under the same id is open once, from its newest start."""
        fold.add(run("started"), at=10)
        fold.add(run("started"), at=20)
        assert fold.agent().runs == [RunView("r1", "main", 20)]

    def test_a_run_shows_the_tool_that_it_uses(self, fold: Fold) -> None:
        """From start to end, in the run that the event names."""
        fold.add(run("started", "r1"), run("started", "r2"), tool("started"))
        assert [one.tool for one in fold.agent().runs] == ["read", None]
        fold.add(tool("finished"))
        assert [one.tool for one in fold.agent().runs] == [None, None]
        assert fold.agent().counters.tools == 1

    def test_a_run_shows_when_it_last_moved_on(self, fold: Fold) -> None:
        """Its start, its tools and its messages are progress; what else is said of it, or of another run, is not."""
        fold.add(run("started"), at=10)
        assert fold.agent().runs == [RunView("r1", "main", 10, progress_at=10)]
        others = (run("finished", "r7"), tool("progress", run_id="r7"), final())
        told = (Activity("stream.gap", "gap", run_id="r1"), run("stalled"), run("resumed"))
        fold.add(*others, *told, at=15)
        assert fold.agent().runs[0].progress_at == 10
        parts: tuple[Payload, ...] = (
            Chunk("m", "r1", "main", "assistant", 0, "x", 0),
            Final("m", "r1", "main", "assistant", "x", "complete", 1),
        )
        noted = Activity("session.compaction", "compacting", run_id="r1")
        for at, payload in enumerate((tool("started"), tool("progress"), tool("finished"), noted, *parts), start=20):
            fold.add(payload, at=at)
            assert fold.agent().runs[0].progress_at == at

    def test_a_run_shows_that_it_stands_still(self, fold: Fold) -> None:
        """From ``run.stalled`` to ``run.resumed``: since its progress then, whatever it does in between."""
        fold.add(run("started"), at=10)
        fold.add(run("stalled"), run("stalled", "r7"), at=70)
        assert fold.agent().runs == [RunView("r1", "main", 10, stalled_since=10)]
        fold.add(tool("started"), at=80)
        assert fold.agent().runs == [RunView("r1", "main", 10, "read", progress_at=80, stalled_since=10)]
        fold.add(run("resumed"), at=81)
        assert fold.agent().runs == [RunView("r1", "main", 10, "read", progress_at=80)]

    def test_a_loaded_run_is_still_followed(self, fold: Fold) -> None:
        """After a restart the newest run and the list of runs are the same thing again."""
        fold.add(run("started"))
        copy = fold.snapshot().agents[0]
        fold.ledger.projection.put_agent(copy)
        fold.add(tool("started"))
        newest = fold.agent().run
        assert newest is not None
        assert newest.tool == "read"

    def test_sessions_are_in_order_of_their_last_use(self, fold: Fold, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each once, the newest last, and the oldest go when there are too many."""
        monkeypatch.setattr(limits, "SESSIONS_PER_AGENT", 2)
        fold.add(*(chunk(0, message=name, session=name) for name in ("s1", "s2", "s1")))
        assert fold.agent().sessions == ["s2", "s1"]
        fold.add(chunk(0, message="s3", session="s3"))
        assert fold.agent().sessions == ["s1", "s3"]

    def test_being_listed_and_named(self, fold: Fold) -> None:
        """``agent.added`` lists an agent and may name it; ``agent.removed`` unlists it and keeps the rest."""
        fold.add(Activity("agent.added", "added", detail={"name": "Alpha"}))
        assert (fold.agent().listed, fold.agent().name) == (True, "Alpha")
        fold.add(Activity("agent.removed", "removed"))
        assert (fold.agent().listed, fold.agent().name) == (False, "Alpha")

    def test_gaps_are_counted(self, fold: Fold) -> None:
        """Each ``stream.gap`` shows in the counters."""
        fold.add(Activity("stream.gap", "gap"), Activity("stream.gap", "gap"))
        assert fold.agent().counters.gaps == 2

    def test_a_beat_sets_status_and_clocks(self, fold: Fold) -> None:
        """Also when it is ephemeral; but it is no sign that the agent did anything."""
        fold.add(beat(), ephemeral=True)
        view = fold.agent()
        assert (view.status, view.reason, view.clocks.heartbeat_at) == ("online", "beating", 5)
        assert view.last_event_at is None

    def test_time_does_not_go_back(self, fold: Fold) -> None:
        """An event that tells of the past, such as a repaired message, leaves the newest sign of life as it is."""
        fold.add(chunk(0), at=100)
        fold.add(final("old"), at=50)
        fold.add(chunk(1), at=60)
        assert fold.agent().last_event_at == 100

    def test_other_ephemeral_events_leave_no_trace(self, fold: Fold) -> None:
        """What cannot be shown again is not shown in a snapshot at all."""
        fold.add(tool("progress"), ephemeral=True)
        snapshot = fold.snapshot()
        assert (snapshot.agents, snapshot.feed) == ([], [])


class TestGateways:
    def test_a_link_has_its_state_and_since_when(self, fold: Fold) -> None:
        """``since`` moves only with the state; what the newest event does not say of attempts is over."""
        gone: AgentKey = ("gw", None)
        fold.add(link("reconnecting", kind="clawdbot", attempt=3, retry_at=99, last_event_at=7), of=gone, at=10)
        fold.add(link("reconnecting", attempt=4, retry_at=120), of=gone, at=20)
        (view,) = fold.snapshot().gateways
        assert (view.state, view.since, view.kind, view.attempt, view.retry_at) == (
            "reconnecting",
            10,
            "clawdbot",
            4,
            120,
        )
        fold.add(link("connected"), of=gone, at=30)
        (view,) = fold.snapshot().gateways
        assert (view.state, view.since, view.attempt, view.retry_at, view.last_event_at) == (
            "connected",
            30,
            0,
            None,
            7,
        )

    def test_other_components_are_no_gateways(self, fold: Fold) -> None:
        """The state of the journal or of an actor is an event, and nothing of a snapshot."""
        fold.add(Status("persistence", "journal", "stalled", "disk full"), of=("", None))
        snapshot = fold.snapshot()
        assert (snapshot.gateways, snapshot.agents) == ([], [])


class TestFeed:
    def test_the_feed_is_the_newest_activities(self, fold: Fold, monkeypatch: pytest.MonkeyPatch) -> None:
        """Oldest first, at most so many, and only what the filter admits."""
        monkeypatch.setattr(limits, "FEED_LENGTH", 2)
        fold.add(run("started"), of=BETA)
        fold.add(run("started"), run("finished"), chunk(0), run("failed"))
        assert [event.offset for event in fold.snapshot().feed] == [3, 5]
        assert [event.offset for event in fold.snapshot(Filter(agents=frozenset({"beta"}))).feed] == [1]
        assert fold.snapshot(Filter(types=frozenset({"heartbeat"}))).feed == []

    def test_it_knows_when_something_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Beyond what is kept, storage has to be asked."""
        monkeypatch.setattr(limits, "FEED_KEPT", 2)
        fold = Fold()
        fold.add(run("started"))
        assert fold.ledger.projection.feed_is_whole
        fold.add(run("finished"), run("started"))
        assert not fold.ledger.projection.feed_is_whole


@pytest.mark.parametrize(
    ("types", "messages"),
    [
        ({"conversation.*"}, ["done", "open"]),
        ({"conversation.final"}, ["done", "open"]),
        ({"conversation.chunk"}, ["open"]),
        ({"activity.event"}, []),
    ],
)
def test_messages_follow_the_types_that_a_filter_admits(fold: Fold, types: set[str], messages: list[str]) -> None:
    """Whoever sees chunks starts with the open messages, whoever sees finals with both."""
    fold.add(chunk(0, message="open"), final("done"))
    assert fold.messages(Filter(types=frozenset(types))) == messages


def test_when_a_gateway_was_last_heard(fold: Fold) -> None:
    """What is told of its agents while it is not connected was not heard from it."""
    assert last_heard(fold.snapshot()) is None
    fold.add(link("connected", last_event_at=5), at=6)
    assert last_heard(fold.snapshot()) == 5
    fold.add(Activity("run.started", "r", run_id="r", session="s"), at=100)
    assert last_heard(fold.snapshot()) == 100
    fold.add(link("reconnecting", last_event_at=105), at=120)
    fold.add(Activity("stream.gap", "r", run_id="r", session="s"), at=135)
    assert last_heard(fold.snapshot()) == 105
