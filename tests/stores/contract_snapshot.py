"""What every journal promises of the state at its head."""

import msgspec
import trio

from mission_control.core.projection import FEED_KEPT, FEED_LENGTH
from mission_control.core.subscription import EVERYTHING, Filter
from mission_control.core.views import Snapshot
from mission_control.stores.journal import Journal
from tests.stores.asking import ids, message_texts
from tests.stores.samples import ALPHA, BETA, OTHER, activity, beat, chunk, final, status


class SnapshotContract:
    """The state at the head."""

    async def test_a_snapshot_is_the_fold_of_everything(self, journal: Journal) -> None:
        """Gateways, agents, open messages, finals and feed, at the cursor of the head."""
        await journal.append([status("s"), activity("t"), chunk("m", 0, "Hel"), chunk("m", 1, "lo"), final("n", "Bye")])
        snapshot = await journal.snapshot(EVERYTHING)
        assert snapshot.cursor == journal.bounds().cursor
        assert [(view.id, view.state, view.kind) for view in snapshot.gateways] == [("gw", "connected", "clawdbot")]
        assert [(view.id, view.counters.messages, view.counters.tools) for view in snapshot.agents] == [("alpha", 1, 1)]
        assert message_texts(snapshot) == {"n": "Bye", "m": "Hello"}
        assert {view.message_id: view.next_index for view in snapshot.messages}["m"] == 2
        assert ids(snapshot.feed) == ["t"]

    async def test_a_snapshot_does_not_change_afterwards(self, journal: Journal) -> None:
        """What was handed out stays as it was at its cursor."""
        await journal.append([chunk("m", 0), activity("r", "run.started"), beat("b", ephemeral=False)])
        snapshot = await journal.snapshot(EVERYTHING)
        frozen = msgspec.json.encode(snapshot)
        memory = await journal.memory(ALPHA, 5)
        remembered = msgspec.json.encode(memory)
        await journal.append([chunk("m", 1), activity("t"), final("m"), beat("c", at=9), status("s", "disconnected")])
        assert msgspec.json.encode(snapshot) == frozen
        assert msgspec.json.encode(memory) == remembered

    async def test_a_snapshot_is_exact_at_its_cursor_while_appends_go_on(self, journal: Journal) -> None:
        """Text and cursor of a snapshot belong together, whatever is being committed meanwhile."""
        seen: list[Snapshot] = []

        async def append() -> None:
            for batch in range(30):
                await journal.append([chunk("m", batch * 3 + index, "x") for index in range(3)])

        async def watch() -> None:
            while not seen or seen[-1].cursor.offset < 90:
                seen.append(await journal.snapshot(EVERYTHING))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(append)
            nursery.start_soon(watch)
        for snapshot in seen:
            assert sum(map(len, message_texts(snapshot).values())) == snapshot.cursor.offset

    async def test_a_snapshot_obeys_its_filter(self, journal: Journal) -> None:
        """Agents, their messages and activities, and gateways that the filter hides are not in it."""
        await journal.append([status("s"), status("s2", gateway="gw2")])
        await journal.append([chunk("m", 0), activity("t"), chunk("o", 0, of=OTHER), activity("u", of=OTHER)])
        mine = await journal.snapshot(Filter(gateways=frozenset({"gw"})))
        assert [view.id for view in mine.gateways] == ["gw"]
        assert [view.gateway for view in mine.agents] == ["gw"]
        assert (list(message_texts(mine)), ids(mine.feed)) == (["m"], ["t"])
        talk = await journal.snapshot(Filter(types=frozenset({"conversation.*"})))
        assert (sorted(message_texts(talk)), talk.feed) == (["m", "o"], [])

    async def test_a_quiet_agents_feed_is_not_drowned(self, journal: Journal) -> None:
        """However much others do, a filtered snapshot has the newest activities that its filter admits."""
        await journal.append([activity("q1", of=BETA), activity("q2", of=OTHER), activity("q3", of=BETA)])
        await journal.append([activity(f"t{number}") for number in range(FEED_KEPT + 10)])
        quiet = await journal.snapshot(Filter(agents=frozenset({"beta"})))
        assert ids(quiet.feed) == ["q1", "q3"]
        busy = await journal.snapshot(EVERYTHING)
        assert ids(busy.feed) == [f"t{number}" for number in range(FEED_KEPT + 10 - FEED_LENGTH, FEED_KEPT + 10)]

    async def test_memory_is_one_agents_state(self, journal: Journal) -> None:
        """The agent's view, its open messages, and as many of its newest finals as asked for, oldest first."""
        await journal.append([final(f"f{number}", timestamp=number) for number in range(70)])
        await journal.append([chunk("m", 0, "so "), chunk("m", 1, "far"), chunk("o", 0, of=OTHER), final("p", of=BETA)])
        memory = await journal.memory(ALPHA, 60)
        assert memory.view is not None
        assert memory.view.counters.messages == 70
        assert [(view.message_id, view.text, view.next_index) for view in memory.open] == [("m", "so far", 2)]
        assert [view.message_id for view in memory.recent] == [f"f{number}" for number in range(10, 70)]

    async def test_memory_of_an_unknown_agent_is_empty(self, journal: Journal) -> None:
        """An agent that the journal has never heard of has no view and no messages."""
        memory = await journal.memory(BETA, 10)
        assert (memory.view, list(memory.open), list(memory.recent)) == (None, [], [])
