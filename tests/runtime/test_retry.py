"""Dead letters have another chance: none is lost by trying."""

import pytest
import trio
import trio.testing

from runtime import (
    ActorCrashed,
    ActorSpec,
    ActorStopped,
    Backoff,
    ChildSpec,
    DeadLettered,
    DeadLetterRetried,
    Inbox,
    Intensity,
    MailboxFull,
    Overflow,
    Pool,
    Ref,
    Reply,
    ServiceSpec,
    State,
    Supervisor,
)
from runtime.testing import Probe, find, running
from tests.runtime.clinic import AT_ONCE, PLENTY, Clinic, bury


async def test_a_letter_that_is_retried_is_new_mail(autojump_clock: trio.testing.MockClock) -> None:
    """It is handled once more, after what was there before it; the letter is gone, and it is said."""
    clinic = Clinic()
    probe = clinic.probe("a")
    root = Supervisor("root", [probe.spec(backoff=AT_ONCE)], observer=clinic.events)
    async with running(root):
        clinic.sick.add("x")
        await bury(probe.ref, "x")
        [letter] = root.dead_letters()
        assert (letter.path, letter.message, letter.failure.message, letter.time) == ("root/a", "'x'", "x", 0)
        clinic.sick.clear()
        probe.ref.tell("before")
        root.retry(letter.id)
        probe.ref.tell("after")
        assert root.dead_letters() == ()
        await trio.sleep(1)
        assert probe.handled == ["before", "x", "after"]
        assert clinic.events.of(DeadLetterRetried) == [DeadLetterRetried("root/a", 1.0, letter)]
        with pytest.raises(LookupError, match=rf"no dead letter {letter.id} below 'root': dead_letters\(\) lists them"):
            root.retry(letter.id)


async def test_a_letter_that_is_still_deadly_becomes_another_one(autojump_clock: trio.testing.MockClock) -> None:
    """With an id of its own, so that nobody mistakes one for the other."""
    clinic = Clinic()
    probe = clinic.probe("a")
    root = Supervisor("root", [probe.spec(backoff=AT_ONCE)], intensity=PLENTY, observer=clinic.events)
    async with running(root):
        clinic.sick.add("x")
        await bury(probe.ref, "x")
        [first] = root.dead_letters()
        root.retry(first.id)
        await trio.sleep(1)
        [second] = root.dead_letters()
        assert second.id != first.id
        assert second.message == first.message
        assert probe.ref.statistics().dead_lettered == 2
        assert [event.letter for event in clinic.events.of(DeadLettered)] == [first, second]


async def test_a_letter_goes_to_its_own_actor(autojump_clock: trio.testing.MockClock) -> None:
    """Not to a sibling, nor to a service or a supervisor of that place."""
    clinic = Clinic()
    first, second, third = (clinic.probe(name) for name in "abc")
    specs: list[ChildSpec] = [
        Supervisor("nested", []),
        ServiceSpec("service", trio.sleep_forever),
        *(probe.spec(backoff=AT_ONCE) for probe in (first, second, third)),
    ]
    root = Supervisor("root", specs)
    async with running(root):
        clinic.sick.add("x")
        await bury(second.ref, "x")
        clinic.sick.clear()
        root.retry(root.dead_letters()[0].id)
        await trio.sleep(1)
        assert [probe.handled for probe in (first, second, third)] == [[], ["x"], []]


async def test_a_full_mailbox_keeps_the_letter(autojump_clock: trio.testing.MockClock) -> None:
    """Whoever retries is told, and tries again when there is room."""
    clinic = Clinic()
    gate = trio.Event()
    handled: list[object] = []

    class Slow:
        async def run(self, inbox: Inbox[object]) -> None:
            async for message in inbox:
                if message in clinic.sick:
                    raise ValueError
                if message == "wait":
                    await gate.wait()
                handled.append(message)

    ref = Ref[object]("a", capacity=2)
    root = Supervisor("root", [ActorSpec(ref, Slow, backoff=AT_ONCE)], observer=clinic.events)
    async with running(root):
        clinic.sick.add("x")
        await bury(ref, "x")
        [letter] = root.dead_letters()
        clinic.sick.clear()
        ref.tell("wait")
        ref.tell("more")
        with pytest.raises(MailboxFull):
            root.retry(letter.id)
        assert root.dead_letters() == (letter,)
        assert clinic.events.of(DeadLetterRetried) == []
        gate.set()
        await trio.sleep(1)
        root.retry(letter.id)
        await trio.sleep(1)
        assert handled == ["wait", "more", "x"]


async def test_an_actor_that_stops_keeps_the_letter(autojump_clock: trio.testing.MockClock) -> None:
    """From the moment it drains; the letter outlives the tree."""
    clinic = Clinic()

    async def slowly(message: object) -> None:
        if message in clinic.sick:
            raise ValueError
        await trio.sleep(2)

    probe = Probe[object]("a", slowly)
    root = Supervisor("root", [probe.spec(backoff=AT_ONCE)])
    async with running(root):
        clinic.sick.add("x")
        await bury(probe.ref, "x")
        [letter] = root.dead_letters()
        probe.ref.tell("last")
        root.stop()
        await trio.sleep(1)
        assert find(root.tree(), "root/a").state is State.STOPPING
        with pytest.raises(ActorStopped):
            root.retry(letter.id)
    with pytest.raises(ActorStopped):
        root.retry(letter.id)
    assert root.dead_letters() == (letter,)


async def test_a_letter_waits_for_its_actor_to_restart(autojump_clock: trio.testing.MockClock) -> None:
    """Between two incarnations the mailbox takes it as it takes all mail."""
    clinic = Clinic()
    probe = clinic.probe("a")
    root = Supervisor("root", [probe.spec(backoff=Backoff(first=60, ceiling=60))], observer=clinic.events)
    async with running(root):
        clinic.sick.add("x")
        probe.ref.tell("x")
        await clinic.events.wait_for(DeadLettered, "root/a")
        await trio.testing.wait_all_tasks_blocked()
        clinic.sick.clear()
        assert find(root.tree(), "root/a").state is State.RESTARTING
        root.retry(root.dead_letters()[0].id)
        await trio.sleep(200)
        assert probe.handled == ["x"]


@pytest.mark.parametrize("end", ["gives up", "is removed", "is leaving"])
async def test_a_letter_goes_to_who_has_the_name_now(end: str, autojump_clock: trio.testing.MockClock) -> None:
    """A pool's fresh actor of that key gets it; while there is none, it is kept."""
    clinic = Clinic()
    probes: list[Probe[object]] = []

    def spec_for(key: str) -> ActorSpec[object]:
        async def examine(message: object) -> None:
            if message in clinic.sick:
                raise ValueError
            if message == "wait":
                await trio.sleep_forever()

        probes.append(Probe(key, examine))
        return probes[-1].spec(backoff=AT_ONCE, grace=5)

    pool = Pool[str, object]("pool", spec_for, intensity=Intensity(restarts=2))
    root = Supervisor("root", [pool])
    async with running(root), trio.open_nursery() as nursery:
        clinic.sick.add("x")
        await bury(pool.ensure("a"), "x")
        [letter] = root.dead_letters()
        clinic.sick.clear()
        match end:
            case "gives up":
                root.kill("root/pool/a")
            case "is removed":
                await pool.remove("a")
            case "is leaving":
                pool.ensure("a").tell("wait")
                nursery.start_soon(pool.remove, "a")
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(ActorStopped):
            root.retry(letter.id)
        assert root.dead_letters() == (letter,)
        pool.ensure("a")
        root.retry(letter.id)
        await trio.sleep(10)
        assert [probe.handled for probe in probes][1:] == [["x"]]
        assert root.dead_letters() == ()


async def test_the_answer_to_a_retried_request_goes_nowhere(autojump_clock: trio.testing.MockClock) -> None:
    """Its asker was told of the crash long ago; the actor does not notice."""
    answered: list[bool] = []
    sick = True

    class Answers:
        async def run(self, inbox: Inbox[Reply[int]]) -> None:
            async for reply in inbox:
                if sick:
                    raise ValueError
                reply.set(7)
                answered.append(True)

    ref = Ref[Reply[int]]("a")
    root = Supervisor("root", [ActorSpec(ref, Answers, backoff=AT_ONCE)])
    async with running(root):
        with pytest.raises(ActorCrashed):
            await ref.ask(lambda reply: reply)
        sick = False
        root.retry(root.dead_letters()[0].id)
        await trio.sleep(1)
        assert answered == [True]


async def test_a_retry_obeys_the_overflow_policy(autojump_clock: trio.testing.MockClock) -> None:
    """Where the oldest gives way to what is new, it gives way to a letter, too."""
    clinic = Clinic()
    handled: list[object] = []
    gate = trio.Event()

    class Slow:
        async def run(self, inbox: Inbox[object]) -> None:
            async for message in inbox:
                if message in clinic.sick:
                    raise ValueError
                if message == "wait":
                    await gate.wait()
                handled.append(message)

    ref = Ref[object]("a", capacity=1, overflow=Overflow.DROP_OLDEST)
    root = Supervisor("root", [ActorSpec(ref, Slow, backoff=AT_ONCE)])
    async with running(root):
        clinic.sick.add("x")
        await bury(ref, "x")
        clinic.sick.clear()
        ref.tell("wait")
        await trio.sleep(1)
        ref.tell("old")
        root.retry(root.dead_letters()[0].id)
        gate.set()
        await trio.sleep(1)
        assert handled == ["wait", "x"]
