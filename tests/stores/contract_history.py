"""What every journal promises of reading what was journaled."""

import pytest

from mission_control.core.events import AgentKey, Event
from mission_control.core.subscription import EVERYTHING, Bounds, Filter
from mission_control.stores.journal import Journal
from tests.stores.asking import everything, ids
from tests.stores.samples import ALPHA, BETA, OTHER, activity, beat, chunk, final, status

ALL: frozenset[str] = frozenset()
TOOLS = frozenset({"tool.started"})


class HistoryContract:
    """Reading what was journaled."""

    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    @pytest.mark.parametrize(
        "select",
        [
            EVERYTHING,
            Filter(agents=frozenset({"alpha"})),
            Filter(gateways=frozenset({"gw2"})),
            Filter(types=frozenset({"conversation.*"})),
            Filter(types=frozenset({"heartbeat", "system.status"})),
            Filter(agents=frozenset({"beta"}), types=frozenset({"conversation.chunk"}), gateways=frozenset({"gw"})),
            Filter(agents=frozenset({"nobody"})),
        ],
    )
    async def test_reading_gives_what_the_filter_admits(self, journal: Journal, select: Filter, limit: int) -> None:
        """Page after page, exactly the admitted events come, once, in order."""
        commit = await journal.append(
            [
                status("s"),
                chunk("m", 0),
                chunk("n", 0, of=BETA),
                activity("t", of=BETA),
                chunk("o", 0, of=OTHER),
                final("m"),
                beat("b", ephemeral=False),
                status("s2", gateway="gw2"),
                final("n", of=BETA),
            ]
        )
        admitted = [event for event in commit.events if select.admits(event.type, event.gateway, event.agent_id)]
        assert await everything(journal, select, limit=limit) == admitted

    async def test_reading_at_the_head_is_empty(self, journal: Journal) -> None:
        """At or beyond the head there is nothing, and the position never goes back."""
        await journal.append([chunk("m", 0)])
        assert (await journal.read(1, 10, EVERYTHING)).scanned_to == 1
        beyond = await journal.read(5, 10, EVERYTHING)
        assert (list(beyond.events), beyond.scanned_to) == ([], 5)
        assert beyond.bounds == Bounds(journal.bounds().epoch, 0, 1)

    async def test_a_conversation_comes_newest_first_in_pages(self, journal: Journal) -> None:
        """Finals of one agent, with the time when each began; an open message is not among them."""
        await journal.append([chunk("a", 0, timestamp=111), chunk("b", 0), final("a", "A"), final("x", of=BETA)])
        await journal.append([final("c", "C", session="side", timestamp=222), final("d", "D", state="error")])
        page = await journal.conversation(ALPHA, session=None, before=None, limit=2)
        assert [(view.message_id, view.state) for view in page] == [("d", "error"), ("c", "complete")]
        rest = await journal.conversation(ALPHA, session=None, before=page[-1].offset, limit=10)
        assert [(view.message_id, view.timestamp, view.text) for view in rest] == [("a", 111, "A")]
        side = await journal.conversation(ALPHA, session="side", before=None, limit=10)
        assert [(view.message_id, view.timestamp) for view in side] == [("c", 222)]
        assert list(await journal.conversation(OTHER, session=None, before=None, limit=10)) == []
        assert list(await journal.conversation(ALPHA, session=None, before=0, limit=10)) == []

    async def test_the_feed_comes_newest_first_in_pages(self, journal: Journal) -> None:
        """Activities by agent, by kind, by both, and before an offset; nothing else is among them."""
        await journal.append([activity("a1"), chunk("m", 0), activity("a2", "run.started"), activity("b1", of=BETA)])
        await journal.append([activity("a3"), activity("o1", of=OTHER), status("s"), beat("b", ephemeral=False)])
        assert ids([*await journal.feed(key=None, kinds=ALL, before=None, limit=3)]) == ["o1", "a3", "b1"]
        assert ids([*await journal.feed(key=None, kinds=ALL, before=4, limit=3)]) == ["a2", "a1"]
        assert ids([*await journal.feed(key=ALPHA, kinds=ALL, before=None, limit=9)]) == ["a3", "a2", "a1"]
        tools = await journal.feed(key=None, kinds=TOOLS, before=None, limit=9)
        assert ids([*tools]) == ["o1", "a3", "b1", "a1"]
        assert ids([*await journal.feed(key=ALPHA, kinds=TOOLS, before=5, limit=9)]) == ["a1"]
        assert list(await journal.feed(key=("gw", "nobody"), kinds=ALL, before=None, limit=9)) == []

    @pytest.mark.parametrize(
        ("kinds", "expected"),
        [
            ({"run.failed", "tool.started"}, ["b1", "a7", "a2"]),
            ({"run.*"}, ["a7", "b2", "a3"]),
            ({"run.*", "run.failed"}, ["a7", "b2", "a3"]),
            ({"run.*", "tool.*", "note"}, ["b1", "a8", "a7", "b2", "a3", "a2"]),
            ({"tool.call.*"}, ["a8"]),
            ({"run.failed", "nothing.*", "no.such"}, ["a7"]),
            ({"nothing.*"}, []),
            ({"run"}, ["a4"]),
        ],
    )
    async def test_the_feed_can_be_of_several_kinds(
        self, journal: Journal, kinds: set[str], expected: list[str]
    ) -> None:
        """Single kinds and whole families, together in one order, each activity once; a page at a time, by agent, too.
        A family is neither its own name nor what merely begins like it."""
        kept = [
            ("a2", "tool.started", ALPHA),
            ("a3", "run.started", ALPHA),
            ("a4", "run", ALPHA),
            ("a5", "runner.failed", ALPHA),
            ("a6", "run-time.failed", ALPHA),
            ("b2", "run.finished", BETA),
            ("a7", "run.failed", ALPHA),
            ("a8", "tool.call.failed", ALPHA),
            ("b1", "tool.started", BETA),
        ]
        await journal.append([activity("a1", "stream.gap"), chunk("m", 0)])
        await journal.append([activity(name, kind, of=of) for name, kind, of in kept])
        agents: dict[str, AgentKey | None] = {"": None, "a": ALPHA, "b": BETA}
        for prefix, key in agents.items():
            wanted = [name for name in expected if name.startswith(prefix)]
            for limit in (1, 2, 9):
                assert await _feed(journal, key, frozenset(kinds), limit) == wanted


async def _feed(journal: Journal, key: AgentKey | None, kinds: frozenset[str], limit: int) -> list[str]:
    """The names of all activities of these kinds, page by page."""
    found: list[Event] = []
    while page := await journal.feed(key=key, kinds=kinds, before=found[-1].offset if found else None, limit=limit):
        found += page
    return ids(found)
