"""The one writer: group commit, order, and honesty while storage refuses."""

from collections.abc import Mapping, Sequence

import trio

from actors.outbox import Outbox
from actors.persistence import Append, Barrier, JournalHealth, PersistenceActor, PersistenceMessage
from actors.subscribers import Announce, Committed, SubscriberMessage
from mission_control.core.events import AgentKey, Draft
from mission_control.core.ledger import Commit
from mission_control.core.positions import Position
from mission_control.stores.journal import JournalUnavailableError
from mission_control.stores.memory import MemoryJournal
from runtime import Inbox, Ref
from tests.actors.drafts import note


class RefusingJournal(MemoryJournal):
    """Refuses while ``full`` is set, as a full disk does."""

    def __init__(self) -> None:
        super().__init__(lambda: 1_000)
        self.full = False
        self.batches: list[int] = []

    async def append(self, drafts: Sequence[Draft], positions: Mapping[AgentKey, Position] | None = None) -> Commit:
        if self.full:
            await trio.lowlevel.checkpoint()
            raise JournalUnavailableError("no space left on the disk")
        self.batches.append(len(drafts))
        return await super().append(drafts, positions)


class Bench:
    def __init__(self) -> None:
        self.journal = RefusingJournal()
        self.health = JournalHealth()
        self.persistence: Ref[PersistenceMessage] = Ref("persistence", capacity=1_000)
        self.registry: Ref[SubscriberMessage] = Ref("subscribers", capacity=1_000)
        self.actor = PersistenceActor(self.journal, self.registry, self.health, lambda: 5_000)

    def stalled(self) -> str | None:
        return self.health.stalled

    def notice(self) -> str | None:
        """The code of the newest word."""
        return None if self.health.notice is None else self.health.notice.code

    def handed_on(self) -> list[SubscriberMessage]:
        return list(Inbox(self.registry).peek_nowait(1_000))

    def offsets(self) -> list[int | None]:
        commits = (message.commit for message in self.handed_on() if isinstance(message, Committed))
        return [event.offset for commit in commits for event in commit.events]


async def test_order_is_kept_and_batches_are_grouped(autojump_clock: trio.testing.MockClock) -> None:
    bench = Bench()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.actor.run, Inbox(bench.persistence))
        for serial in range(100):
            bench.persistence.tell(Append([note(serial)]))
        await bench.persistence.ask(Barrier)
        nursery.cancel_scope.cancel()
    assert bench.offsets() == list(range(1, 101))
    assert len(bench.journal.batches) <= 2


async def test_a_single_event_is_committed_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """After a pause, nothing waits for company."""
    bench = Bench()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.actor.run, Inbox(bench.persistence))
        await trio.sleep(1)
        before = trio.current_time()
        bench.persistence.tell(Append([note(1)]))
        await bench.persistence.ask(Barrier)
        assert trio.current_time() == before
        nursery.cancel_scope.cancel()


async def test_refusing_storage_is_told_at_once_and_nothing_is_lost(autojump_clock: trio.testing.MockClock) -> None:
    """Everyone hears of it, the batch is kept and tried again, and the recovery is told, too."""
    bench = Bench()
    bench.journal.full = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.actor.run, Inbox(bench.persistence))
        bench.persistence.tell(Append([note(1)]))
        await trio.sleep(0.05)
        assert bench.stalled() == "no space left on the disk"
        assert bench.health.since == 5_000
        told = [bench.notice()]
        bench.persistence.tell(Append([note(2)]))
        await trio.sleep(60)
        bench.journal.full = False
        await bench.persistence.ask(Barrier)
        nursery.cancel_scope.cancel()
    told.append(bench.notice())
    assert bench.stalled() is None
    assert bench.offsets() == [1, 2]
    assert told == ["persistence_stalled", "persistence_recovered"]
    assert [message for message in bench.handed_on() if isinstance(message, Announce)] == [Announce(), Announce()]


async def test_a_batch_whose_commit_was_not_handed_on_is_neither_lost_nor_repeated(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Killed between commit and hand-over, its successor says how far the journal is; the rest is the registry's."""
    bench = Bench()
    bench.persistence.tell(Append([note(1), note(2)]))
    await bench.journal.append([note(1), note(2)])  # what the one who died had committed
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.actor.run, Inbox(bench.persistence))
        await bench.persistence.ask(Barrier)
        nursery.cancel_scope.cancel()
    first, again = [message.commit for message in bench.handed_on() if isinstance(message, Committed)]
    assert (first.head, len(first.events)) == (2, 0)
    assert (again.head, len(again.events), again.duplicates) == (2, 0, 2)


def test_an_outbox_never_gives_part_of_a_stream() -> None:
    """Over its bound everything pending goes at once, and nothing is taken until the reader knows."""
    box = Outbox(10)
    assert box.put_nowait("12345")
    assert not box.put_nowait("1234567")
    assert not box.put_nowait("1")
    assert box.statistics().bytes == 0
