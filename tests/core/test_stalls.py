"""Runs that stand still: told once, told again when they go on, and never of a run that nobody could hear."""

from collections import defaultdict
from collections.abc import Callable

import pytest
from attrs import define, field
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from mission_control.core.events import Activity, AgentKey, Chunk, Draft, Event, Final, Payload, Status, decode_payload
from mission_control.core.ledger import Ledger
from mission_control.core.stalls import StallPolicy, Stalls
from mission_control.core.subscription import EVERYTHING, Cursor, Filter
from mission_control.core.views import RunView, Snapshot

ALPHA: AgentKey = ("gw", "alpha")
SKEW = 3_600_000
"""The source's clock is this much ahead of ours, in ms."""
SECOND = 1_000
POLICY = StallPolicy(after_ms=60 * SECOND, slow_after_ms=300 * SECOND, slow_tools=frozenset({"build"}))


@define
class Desk:
    """A journal and the watch that reads it. What is committed reaches the watch at once, unless it is ``deaf``."""

    now: int = 1_000_000
    deaf: bool = False
    heard: int = 0
    ledger: Ledger = field(factory=lambda: Ledger("epoch"))
    journal: list[Event] = field(factory=list)
    said: list[tuple[str, str]] = field(factory=list)
    watch: Stalls = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.watch = Stalls(POLICY)
        self.link("connected")

    def commit(self, *drafts: Draft) -> None:
        entries, _ = self.ledger.admit(drafts, [event.event_id for event in self.journal])
        for entry in entries:
            self.journal.append(entry.event)
            if isinstance(entry.payload, Activity) and entry.payload.kind in ("run.stalled", "run.resumed"):
                self.said.append((entry.payload.kind, str(entry.payload.run_id)))
        if entries and not self.deaf:
            self.hear()

    def hear(self) -> None:
        """Let the watch have whatever it has not had yet."""
        self.deaf = False
        while self.heard < len(self.journal):
            event = self.journal[self.heard]
            self.heard += 1
            self.commit(*self.watch.handle(event, self.now))

    def happens(self, payload: Payload, agent: AgentKey = ALPHA, after: int = 0) -> None:
        at = self.now + SKEW + after
        self.commit(Draft(f"event:{len(self.journal)}", at, *agent, payload))

    def link(self, state: str, gateway: str = "gw") -> None:
        self.commit(Draft(f"event:{len(self.journal)}", self.now, gateway, None, Status("gateway", gateway, state, "")))

    def run(self, kind: str, run_id: str = "r", agent: AgentKey = ALPHA) -> None:
        self.happens(Activity(f"run.{kind}", kind, run_id=run_id, session="main"), agent)

    def tool(self, kind: str, name: str = "exec", call: str = "c1") -> None:
        self.happens(Activity(f"tool.{kind}", kind, run_id="r", tool=name, detail={"call_id": call}))

    def text(self) -> None:
        self.happens(Chunk(f"m{len(self.journal)}", "r", "main", "assistant", 0, "x", 0))

    def wait(self, seconds: int) -> None:
        """Time passes, and the watch does what it does when something is due."""
        until = self.now + seconds * SECOND
        while (due := self.watch.due()) is not None and due <= until:
            self.now = max(self.now, due)
            asked = self.watch.doubtful(self.now)
            assert asked is not None
            self.commit(*self.watch.judge(self.snapshot(asked), self.now))
        self.now = until

    def snapshot(self, select: Filter = EVERYTHING) -> Snapshot:
        return self.ledger.projection.snapshot(Cursor("epoch", self.ledger.head), select)

    def restart(self) -> None:
        """A successor begins from the journal, and gets again what its predecessor had not acknowledged."""
        self.watch = Stalls(POLICY)
        self.commit(*self.watch.restore(self.snapshot(), self.now))
        self.heard = max(0, self.heard - 5)
        self.hear()

    def runs(self) -> dict[str, RunView]:
        return {run.run_id: run for agent in self.snapshot().agents for run in agent.runs}

    def newest(self) -> Activity:
        payload = decode_payload(self.journal[-1].type, self.journal[-1].payload)
        assert isinstance(payload, Activity)
        return payload


@pytest.fixture
def desk() -> Desk:
    return Desk()


class TestQuietRuns:
    def test_a_run_that_stands_still_is_told_of_once(self, desk: Desk) -> None:
        """At the moment when it was quiet for as long as the policy says, and never again for the same silence."""
        desk.run("started")
        desk.wait(59)
        assert desk.said == []
        desk.wait(1)
        assert desk.said == [("run.stalled", "r")]
        desk.wait(10_000)
        assert desk.said == [("run.stalled", "r")]

    def test_what_it_says_of_a_stall(self, desk: Desk) -> None:
        """Which tool, for how long, since when by the clock of the source; the event itself has our time."""
        desk.run("started")
        desk.wait(10)
        began = desk.now + SKEW
        desk.tool("started")
        desk.wait(60)
        told = desk.newest()
        assert (told.title, told.tool) == ("Tool exec has made no progress for 60 s", "exec")
        assert (told.run_id, told.session) == ("r", "main")
        assert told.detail == {"seconds": 60, "last_progress_at": began}
        assert desk.journal[-1].timestamp == desk.now
        assert desk.journal[-1].event_id == f"gw:alpha:r:{began}:stalled"

    def test_what_it_says_when_the_run_goes_on(self, desk: Desk) -> None:
        """How long it stood still, by the clock of the source."""
        desk.run("started")
        began = desk.now + SKEW
        desk.wait(150)
        desk.text()
        told = desk.newest()
        assert desk.said == [("run.stalled", "r"), ("run.resumed", "r")]
        assert (told.title, told.duration_ms) == ("Run went on after 2 min without progress", 150 * SECOND)
        assert told.detail == {"seconds": 150, "last_progress_at": began}
        assert desk.journal[-1].event_id == f"gw:alpha:r:{began}:resumed"

    def test_it_can_stall_again(self, desk: Desk) -> None:
        """Each silence is an occurrence of its own."""
        desk.run("started")
        for _ in range(3):
            desk.wait(61)
            desk.tool("progress")
        assert desk.said == [("run.stalled", "r"), ("run.resumed", "r")] * 3

    @pytest.mark.parametrize("end", ["finished", "failed", "aborted"])
    def test_a_stalled_run_that_ends_is_over(self, desk: Desk, end: str) -> None:
        """Nothing more is said of it, and nothing of it is kept."""
        desk.run("started")
        desk.wait(61)
        desk.run(end)
        desk.wait(1_000)
        assert desk.said == [("run.stalled", "r")]
        desk.run("started")
        desk.run(end)
        assert desk.watch.due() is None

    def test_a_retry_is_progress(self, desk: Desk) -> None:
        desk.run("started")
        desk.wait(61)
        desk.run("started")
        desk.wait(59)
        assert desk.said == [("run.stalled", "r"), ("run.resumed", "r")]

    def test_runs_of_other_agents_and_gateways_are_apart(self, desk: Desk) -> None:
        """The same run id elsewhere is another run."""
        desk.link("connected", "other")
        desk.run("started")
        desk.run("started", agent=("other", "alpha"))
        desk.run("started", agent=("gw", "beta"))
        desk.wait(30)
        desk.text()
        desk.wait(31)
        stalled = [(event.gateway, event.agent_id) for event in desk.journal if event.event_id.endswith(":stalled")]
        assert sorted(stalled) == [("gw", "beta"), ("other", "alpha")]


class TestProgress:
    def test_everything_that_moves_a_run_counts(self, desk: Desk) -> None:
        desk.run("started")
        steps: tuple[Callable[[], None], ...] = (
            lambda: desk.tool("started"),
            lambda: desk.tool("progress"),
            lambda: desk.tool("finished"),
            lambda: desk.tool("failed"),
            desk.text,
            lambda: desk.happens(Final("m", "r", "main", "assistant", "x", "complete", 0)),
            lambda: desk.happens(Activity("session.compaction", "compacting", run_id="r")),
        )
        for step in steps:
            desk.wait(40)
            step()
        desk.wait(59)
        assert desk.said == []

    def test_what_is_said_about_a_run_does_not_move_it(self, desk: Desk) -> None:
        """A declared gap, another run's words and another part's state."""
        desk.run("started")
        desk.wait(40)
        desk.happens(Activity("stream.gap", "gap", run_id="r"))
        desk.happens(Activity("tool.progress", "other", run_id="r2", tool="exec"))
        desk.happens(Activity("agent.added", "added"))
        desk.commit(Draft("crash", desk.now, "daemon", None, Status("actor", "gw", "crashed", "")))
        desk.wait(20)
        assert desk.said == [("run.stalled", "r")]

    def test_slow_tools_have_longer(self, desk: Desk) -> None:
        """While one is at work, also beside others; without it the usual time counts again."""
        desk.run("started")
        desk.tool("started", "build", "c1")
        desk.tool("started", "exec", "c2")
        desk.wait(299)
        assert desk.said == []
        desk.wait(1)
        assert desk.newest().title == "Tools build, exec have made no progress for 5 min"
        desk.tool("finished", "build", "c1")
        desk.wait(60)
        assert desk.newest().title == "Tool exec has made no progress for 60 s"

    def test_a_restored_slow_tool_ends_with_its_result(self, desk: Desk) -> None:
        """A snapshot names the tool at work but not its call."""
        desk.run("started")
        desk.tool("started", "build", "c1")
        desk.restart()
        desk.wait(200)
        assert desk.said == []
        desk.tool("finished", "build", "c1")
        desk.wait(60)
        assert desk.newest().title == "Run has made no progress for 60 s"


class TestLostConnections:
    def test_nothing_is_stalled_behind_a_lost_connection(self, desk: Desk) -> None:
        """Nobody knows what it does there; with the next connection its time begins anew."""
        desk.run("started")
        desk.wait(50)
        desk.link("reconnecting")
        assert desk.watch.due() is None
        desk.wait(600)
        desk.link("connected")
        desk.wait(59)
        assert desk.said == []
        desk.wait(1)
        assert desk.said == [("run.stalled", "r")]

    def test_a_stall_outlasts_a_lost_connection(self, desk: Desk) -> None:
        """It is not told twice, and its end is told by what is heard first."""
        desk.run("started")
        desk.wait(61)
        desk.link("reconnecting")
        desk.wait(600)
        desk.link("connected")
        desk.wait(600)
        assert desk.said == [("run.stalled", "r")]
        desk.text()
        assert desk.said[1:] == [("run.resumed", "r")]

    def test_each_gateway_has_its_own_connection(self, desk: Desk) -> None:
        desk.link("connected", "other")
        desk.run("started")
        desk.wait(1)
        desk.link("reconnecting", "other")
        desk.link("connected", "other")
        desk.wait(59)
        assert desk.said == [("run.stalled", "r")]

    def test_a_connection_that_is_confirmed_is_not_a_new_one(self, desk: Desk) -> None:
        desk.run("started")
        desk.wait(30)
        desk.link("connected")
        desk.wait(30)
        assert desk.said == [("run.stalled", "r")]


class TestDoubt:
    """The journal may know what has not arrived yet."""

    def test_a_run_that_moved_on_unheard_is_not_stalled(self, desk: Desk) -> None:
        desk.run("started")
        desk.wait(30)
        desk.deaf = True
        desk.text()
        desk.wait(31)
        assert desk.said == []
        desk.hear()
        desk.wait(60)
        assert desk.said == [("run.stalled", "r")]

    def test_a_run_that_ended_unheard_is_not_stalled(self, desk: Desk) -> None:
        desk.run("started")
        desk.deaf = True
        desk.run("finished")
        desk.wait(61)
        desk.hear()
        assert desk.said == []

    def test_a_connection_that_was_lost_unheard_makes_nothing_stall(self, desk: Desk) -> None:
        desk.run("started")
        desk.deaf = True
        desk.link("reconnecting")
        desk.wait(61)
        desk.hear()
        assert desk.said == []

    def test_it_asks_only_for_those_in_doubt(self, desk: Desk) -> None:
        desk.run("started")
        desk.run("started", "r2", ("gw", "beta"))
        desk.wait(30)
        desk.text()
        desk.now += 30 * SECOND
        asked = desk.watch.doubtful(desk.now)
        assert asked is not None
        assert asked.agents == {"beta"}
        assert asked.gateways == {"gw"}
        snapshot = desk.snapshot(asked)
        assert [agent.id for agent in snapshot.agents] == ["beta"]
        assert (snapshot.messages, snapshot.feed) == ([], [])


class TestRestarts:
    def test_a_stall_is_not_told_again(self, desk: Desk) -> None:
        desk.run("started")
        desk.wait(61)
        desk.restart()
        desk.wait(600)
        assert desk.said == [("run.stalled", "r")]
        desk.text()
        assert desk.said[1:] == [("run.resumed", "r")]
        assert desk.newest().duration_ms == 661 * SECOND

    def test_what_its_predecessor_had_no_time_to_say_is_said(self, desk: Desk) -> None:
        """The run went on, and the watch died before it could tell."""
        desk.run("started")
        desk.wait(61)
        desk.deaf = True
        desk.text()
        desk.restart()
        assert desk.said == [("run.stalled", "r"), ("run.resumed", "r")]
        assert desk.newest().duration_ms == 61 * SECOND

    def test_a_stalled_run_that_ended_meanwhile_is_over(self, desk: Desk) -> None:
        desk.run("started")
        desk.wait(61)
        desk.deaf = True
        desk.run("finished")
        desk.restart()
        desk.wait(600)
        assert desk.said == [("run.stalled", "r")]

    def test_an_open_run_is_still_watched(self, desk: Desk) -> None:
        """Its time begins anew: how long it was quiet before is in the source's clock only."""
        desk.run("started")
        desk.wait(40)
        desk.restart()
        desk.wait(59)
        assert desk.said == []
        desk.wait(1)
        assert desk.said == [("run.stalled", "r")]

    def test_nothing_is_stalled_before_the_gateway_is_heard(self, desk: Desk) -> None:
        """After a restart of the daemon."""
        desk.run("started")
        desk.link("disconnected")
        desk.restart()
        desk.wait(600)
        assert desk.said == []


STEPS = st.one_of(
    st.tuples(st.just("run"), st.sampled_from(["started", "finished", "failed"]), st.sampled_from(["r", "r2"])),
    st.tuples(st.just("progress"), st.sampled_from(["r", "r2"])),
    st.tuples(st.just("wait"), st.integers(1, 90)),
    st.tuples(st.just("link"), st.sampled_from(["connected", "reconnecting"])),
    st.tuples(st.just("deaf")),
    st.tuples(st.just("hear")),
    st.tuples(st.just("restart")),
)


# What is said once the watch hears again, of a run that is over by then.
@example([("run", "started", "r"), ("deaf",), ("wait", 60), ("run", "started", "r"), ("run", "finished", "r")])
# The progress came in the same millisecond as the start, and reached the watch after it had judged by it.
@example([("run", "started", "r"), ("deaf",), ("progress", "r"), ("wait", 60)])
@example([("run", "started", "r"), ("deaf",), ("progress", "r"), ("wait", 60), ("run", "finished", "r")])
# A stalled run began again, and the watch died before it could say so.
@example([("run", "started", "r"), ("deaf",), ("wait", 60), ("run", "started", "r"), ("restart",)])
@given(st.lists(STEPS, max_size=40))
def test_any_history_is_told_right(steps: list[tuple[str, ...]]) -> None:
    """Whatever happens, and however often the watch dies: of each run stalls and resumptions alternate; a stall is
    told only after as much silence as the policy says, heard throughout; and at rest every open run that is silent
    is stalled, and no other."""
    desk = Desk()
    silent_since: dict[str, int] = {}
    heard_since: int | None = desk.now
    stalls: dict[str, list[str]] = defaultdict(list)
    went_on: set[str] = set()  # stalled runs of which it is to be said, if need be after they ended
    checked = 0

    def move(run_id: str) -> None:
        silent_since[run_id] = desk.now
        if stalls[run_id][-1:] == ["run.stalled"]:
            went_on.add(run_id)

    for step in [*steps, ("hear",), ("link", "connected"), ("wait", 61)]:
        match step:
            case ("run", str(kind), str(run_id)):
                desk.run(kind, run_id)
                if kind == "started":
                    move(run_id)
                else:
                    stalls[run_id] = []
            case ("progress", str(run_id)):
                desk.happens(Activity("tool.progress", "", run_id=run_id, tool="exec"))
                move(run_id)
            case ("link", str(state)):
                desk.link(state)
                if state != "connected":
                    heard_since = None
                elif heard_since is None:
                    heard_since = desk.now
            case ("wait", int(seconds)):
                desk.wait(seconds)
            case ("deaf",):
                desk.deaf = True
            case ("hear",):
                desk.hear()
            case ("restart",):
                desk.restart()
        for kind, run_id in desk.said[checked:]:
            assert stalls[run_id][-1:] != [kind]
            assert kind == "run.stalled" or stalls[run_id] or run_id in went_on
            went_on.discard(run_id)
            stalls[run_id].append(kind)
            if kind == "run.stalled":
                told = next(event for event in reversed(desk.journal) if event.event_id.endswith(":stalled"))
                assert heard_since is not None
                assert told.timestamp - max(heard_since, silent_since[run_id]) >= POLICY.after_ms
        checked = len(desk.said)
    assert all(run.stalled_since is not UNSET for run in desk.runs().values())
