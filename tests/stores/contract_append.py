"""What every journal promises of appending."""

import pytest

from mission_control.core.events import Chunk, decode_payload
from mission_control.core.subscription import EVERYTHING
from mission_control.stores.journal import Journal
from tests.stores.asking import everything, ids
from tests.stores.samples import BETA, OTHER, activity, beat, chunk, final, status


class AppendContract:
    """Offsets, sequences, and each event once."""

    async def test_offsets_and_sequences_have_no_holes(self, journal: Journal) -> None:
        """Offsets count the journal, sequences each agent, and all statuses share one sequence."""
        first = await journal.append([chunk("m", 0), chunk("n", 0, of=BETA), status("s1"), chunk("m", 1)])
        second = await journal.append([status("s2", gateway="gw2"), activity("t", of=OTHER), chunk("n", 1, of=BETA)])
        events = [*first.events, *second.events]
        assert [event.offset for event in events] == [1, 2, 3, 4, 5, 6, 7]
        assert [event.sequence for event in events] == [1, 1, 1, 2, 2, 1, 2]
        assert (first.after, first.head, second.after, second.head) == (0, 4, 4, 7)
        assert await everything(journal) == events

    async def test_an_event_id_is_taken_once(self, journal: Journal) -> None:
        """A repeated event is left out and counted, within a batch and across batches, and numbers skip nothing."""
        first = await journal.append([chunk("m", 0), chunk("m", 0), chunk("m", 1)])
        second = await journal.append([chunk("m", 1), chunk("m", 2), chunk("m", 0), chunk("m", 2)])
        assert (ids(first), first.duplicates) == (["m#0", "m#1"], 1)
        assert (ids(second), second.duplicates) == (["m#2"], 3)
        assert [event.offset for event in second.events] == [3]

    async def test_a_message_ends_once(self, journal: Journal) -> None:
        """After a message's final, more chunks or finals of it are duplicates whatever their event ids."""
        late = [chunk("m", 7, event_id="late"), final("m", event_id="again")]
        same_batch = await journal.append([chunk("m", 0), final("m"), *late])
        later = await journal.append([*late, chunk("n", 0)])
        assert (ids(same_batch), same_batch.duplicates) == (["m#0", "m#final"], 2)
        assert (ids(later), later.duplicates) == (["n#0"], 2)

    async def test_a_batch_without_news_changes_nothing(self, journal: Journal) -> None:
        """Appending nothing, or only duplicates, leaves the head where it is."""
        await journal.append([chunk("m", 0)])
        for drafts in ([], [chunk("m", 0)]):
            commit = await journal.append(drafts)
            assert (commit.after, commit.head, list(commit.events)) == (1, 1, [])
        assert journal.bounds().head == 1

    async def test_ephemeral_events_pass_through(self, journal: Journal) -> None:
        """An ephemeral event keeps its place in the commit, carries the last sequence, and is not stored."""
        commit = await journal.append([chunk("m", 0), beat("b1", at=77), chunk("m", 1)])
        assert [(event.offset, event.sequence) for event in commit.events] == [(1, 1), (None, 1), (2, 2)]
        assert ids(await everything(journal)) == ["m#0", "m#1"]
        again = await journal.append([beat("b1", at=99)])
        assert (again.after, again.head, again.duplicates, ids(again)) == (2, 2, 0, ["b1"])
        (agent,) = (await journal.snapshot(EVERYTHING)).agents
        assert (agent.status, agent.clocks.transport_at) == ("online", 99)

    async def test_a_payload_without_json_costs_its_batch_only(self, journal: Journal) -> None:
        """A batch that cannot be encoded raises, leaves nothing behind, and the next one is taken."""
        await journal.append([chunk("m", 0)])
        before = await journal.snapshot(EVERYTHING)
        with pytest.raises(UnicodeEncodeError):
            await journal.append([chunk("m", 1), chunk("m", 2, "\ud800")])
        assert await journal.snapshot(EVERYTHING) == before
        assert (await journal.append([chunk("m", 1)])).head == 2

    async def test_text_comes_back_as_it_was(self, journal: Journal) -> None:
        """Quotes, control characters, astral characters and NUL survive, in payloads and in ids."""
        strange = 'a"b\\c\x00d\n\u2028é😀</script>'
        commit = await journal.append([chunk(strange, 0, strange, of=(strange, strange), session=strange)])
        (stored,) = await everything(journal)
        assert stored == commit.events[0]
        payload = decode_payload(stored.type, stored.payload)
        assert isinstance(payload, Chunk)
        assert (stored.event_id, payload.delta, stored.key) == (f"{strange}#0", strange, (strange, strange))
        assert (await journal.append([chunk(strange, 0, of=(strange, strange))])).duplicates == 1
        assert (await journal.append([chunk('a"b\\c', 0)])).duplicates == 0

    async def test_a_large_batch_is_one_commit(self, journal: Journal) -> None:
        """A batch of any size is taken whole."""
        drafts = [chunk("m", index) for index in range(1_500)]
        commit = await journal.append([*drafts, *drafts])
        assert (commit.head, commit.duplicates) == (1_500, 1_500)
        assert [event.offset for event in await everything(journal, limit=400)] == list(range(1, 1_501))
