"""What every journal promises of sources that number their own events: how far each was followed, exactly."""

import pytest

from mission_control.core.liveness import Statement
from mission_control.core.positions import Position
from mission_control.stores.journal import Journal, Retention
from tests.stores.asking import everything, ids, retain
from tests.stores.samples import ALPHA, BETA, OTHER, FakeClock, activity, beat, chunk, final

WHOLE = Position(7, "boot", 2, ((2, 3), (5, 5)), (("run", "run.finished"),), Statement("degraded", "hot"))


class PositionsContract:
    """Positions, and what the journal knows."""

    async def test_a_position_is_committed_with_its_events(self, journal: Journal) -> None:
        """It comes back whole, for its agent alone and for all agents of its gateway."""
        await journal.append([chunk("m", 0), chunk("n", 0, of=OTHER)], {ALPHA: WHOLE, OTHER: Position(1)})
        assert await journal.positions("gw") == {"alpha": WHOLE}
        assert await journal.positions("gw2") == {"alpha": Position(1)}
        assert await journal.positions("gw3") == {}
        assert (await journal.memory(ALPHA, 1)).position == WHOLE
        assert (await journal.memory(BETA, 1)).position is None

    async def test_the_last_position_counts(self, journal: Journal) -> None:
        """A position replaces the one before it, even by a lower number: a source may have started over."""
        await journal.append([activity("a")], {ALPHA: Position(9), BETA: Position(4)})
        await journal.append([activity("b")], {ALPHA: Position(1, life=2)})
        assert await journal.positions("gw") == {"alpha": Position(1, life=2), "beta": Position(4)}

    async def test_a_position_moves_without_an_event_too(self, journal: Journal) -> None:
        """What leaves no event behind, such as a repetition or a mere beat, was heard all the same."""
        await journal.append([activity("a")], {ALPHA: Position(1)})
        for number, drafts in enumerate(([], [activity("a")], [beat("b")]), start=2):
            commit = await journal.append(drafts, {ALPHA: Position(number)})
            assert (commit.after, commit.head) == (1, 1)
            assert await journal.positions("gw") == {"alpha": Position(number)}

    async def test_a_failed_append_moves_nothing(self, journal: Journal) -> None:
        """Events and positions are committed together or not at all."""
        await journal.append([], {ALPHA: Position(1)})
        with pytest.raises(UnicodeEncodeError):
            await journal.append([chunk("m", 0, "\ud800")], {ALPHA: Position(2)})
        assert await journal.positions("gw") == {"alpha": Position(1)}

    async def test_retention_leaves_positions_alone(self, journal: Journal, clock: FakeClock) -> None:
        """A source is followed from where it was left, however little is kept of it."""
        await journal.append([activity("a"), final("m")], {ALPHA: Position(2)})
        await retain(journal, Retention(max_events=0), clock.at)
        assert await everything(journal) == []
        assert await journal.positions("gw") == {"alpha": Position(2)}

    async def test_it_knows_what_it_would_leave_out(self, journal: Journal, clock: FakeClock) -> None:
        """Stored events, and whatever comes of a message that has ended, even when its chunks are compacted away."""
        await journal.append([chunk("m", 0), final("m"), chunk("n", 0), activity("a")])
        await retain(journal, Retention(compact_after_s=0), clock.at)
        asked = [chunk("m", 0), chunk("m", 7), chunk("n", 0), chunk("n", 1), activity("a"), activity("b"), final("n")]
        known = await journal.known(asked)
        assert known == {"m#0", "m#7", "n#0", "a"}
        assert known.isdisjoint(ids(await journal.append(asked)))
