"""What every event says, whichever it is: when, where, and why."""

import trio
import trio.testing

from runtime import (
    AutoShutdown,
    Backoff,
    ChildSpec,
    Crashed,
    DeadLetterDiscarded,
    DeadLettered,
    DeadLetterRetried,
    Escalated,
    GaveUp,
    Intensity,
    MailboxHighWater,
    Pool,
    Restart,
    Restarting,
    RuntimeEvent,
    ServiceSpec,
    ShuttingDown,
    Started,
    Stopped,
    StoppedLate,
    Supervisor,
    WatcherFailed,
)
from runtime.testing import Events, Probe, running

AT_ONCE = Backoff(first=0)


def failing(name: str) -> Probe[int]:
    """Crashes on each negative message."""

    async def fail(message: int) -> None:
        if message < 0:
            raise ValueError(message)

    return Probe(name, fail, capacity=5)


def broken(event: RuntimeEvent) -> None:
    """A watcher with a defect, which shows at the first crash."""
    if isinstance(event, Crashed):
        raise KeyError(event.path)


class Eventful:
    """A tree in which everything happens, each thing at a time of its own; ``told``: the events, and when they came."""

    def __init__(self) -> None:
        self.told: list[tuple[RuntimeEvent, float]] = []
        self.events = Events()
        self.done = trio.Event()
        self.actor = failing("actor")
        self.nested = failing("nested actor")
        self.pool = Pool[str, int]("pool", lambda key: failing(key).spec(backoff=AT_ONCE), intensity=Intensity(1))
        children: list[ChildSpec] = [
            ServiceSpec("late", self._be_late, grace=1),
            self.actor.spec(backoff=AT_ONCE),
            Supervisor("nested", [self.nested.spec()], intensity=Intensity(0), backoff=AT_ONCE),
            self.pool,
            ServiceSpec("work", self.done.wait, Restart.TRANSIENT, significant=True),
        ]
        self.root = Supervisor(
            "root",
            children,
            intensity=Intensity.unlimited(),
            auto_shutdown=AutoShutdown.ANY,
            observer=self._observe,
        )

    def _observe(self, event: RuntimeEvent) -> None:
        self.events(event)
        self.told.append((event, trio.current_time()))

    async def _be_late(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1.5)

    async def live(self) -> "Eventful":
        await trio.sleep(1)
        async with running(self.root):
            await trio.sleep(1)
            with self.actor.ref.watch(broken):
                self.actor.ref.tell(-1)
                await trio.sleep(1)
            self.root.retry(self.root.dead_letters()[0].id)
            await trio.sleep(1)
            self.root.discard(self.root.dead_letters()[0].id)
            await trio.sleep(1)
            for number in range(4):
                self.actor.ref.tell(number)
            await trio.sleep(1)
            self.nested.ref.tell(-1)
            await trio.sleep(1)
            self.pool.ensure("k").tell(-1)
            await trio.sleep(1)
            self.done.set()
            await self.root.wait_stopped()
        return self


async def test_every_event_carries_the_time_at_which_it_happens(autojump_clock: trio.testing.MockClock) -> None:
    """Seconds of trio's clock: without them nobody can put the events of two trees, or a log, into an order."""
    eventful = await Eventful().live()
    assert {type(event) for event, _ in eventful.told} == {
        Crashed,
        DeadLetterDiscarded,
        DeadLettered,
        DeadLetterRetried,
        Escalated,
        GaveUp,
        MailboxHighWater,
        Restarting,
        ShuttingDown,
        Started,
        Stopped,
        StoppedLate,
        WatcherFailed,
    }
    assert [event.time for event, _ in eventful.told] == [now for _, now in eventful.told]


async def test_a_failure_has_the_time_of_its_event(autojump_clock: trio.testing.MockClock) -> None:
    """Of a crash, and of a watcher's error."""
    events = (await Eventful().live()).events
    failures: list[Crashed | WatcherFailed] = [*events.of(Crashed), *events.of(WatcherFailed)]
    assert [event.failure.time for event in failures] == [event.time for event in failures]
    assert [event.failure.type for event in events.of(WatcherFailed)] == ["KeyError"] * 2


async def test_a_crash_names_its_incarnation(autojump_clock: trio.testing.MockClock) -> None:
    """Twice for the first try of the message, and twice for the second."""
    eventful = await Eventful().live()
    crashes = eventful.events.of(Crashed, "root/actor")
    assert [event.incarnation for event in crashes] == [1, 2, 3, 4]


async def test_a_restart_in_a_pool_is_nobody_elses_fault(autojump_clock: trio.testing.MockClock) -> None:
    """Children of a pool share no fate."""
    eventful = await Eventful().live()
    assert [event.because for event in eventful.events.of(Restarting, "root/pool/k")] == ["root/pool/k"]
