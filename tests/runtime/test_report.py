"""After a stop: what was late, what is stuck, and what nobody has handled."""

import trio
import trio.testing

from runtime import ActorSpec, Pool, Ref, ServiceSpec, StopReport, Supervisor
from runtime.testing import Probe, running
from tests.runtime.stubborn import Stubborn, Stuck

CLEAN = StopReport((), (), {})


async def test_a_stop_in_order_leaves_a_clean_report(autojump_clock: trio.testing.MockClock) -> None:
    """Before, meanwhile and afterwards; restarts and kills are nothing that a stop could not do."""
    probe = Probe[int]("a")
    root = Supervisor("root", [probe.spec()])
    assert root.report() == CLEAN
    async with running(root):
        root.kill("a")
        await trio.sleep(10)
        probe.ref.tell(1)
        assert root.report() == CLEAN
    assert root.report() == CLEAN
    assert root.report().clean


async def test_a_report_names_what_did_not_end_in_order(autojump_clock: trio.testing.MockClock) -> None:
    """At all depths, by path: who had to be cancelled, who did not even end then, and whose mail is lost."""

    async def slow() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(2.5)

    deaf, stuck, never = Ref[int]("deaf"), Ref[int]("stuck"), Ref[int]("never")
    pool = Pool[str, int]("pool", lambda key: ActorSpec(Ref(key), Stubborn, grace=1))
    nested = Supervisor("nested", [ActorSpec(deaf, Stubborn, grace=1), ServiceSpec("slow", slow, grace=2)])
    root = Supervisor("root", [nested, pool, ActorSpec(stuck, Stuck, grace=1)])
    async with running(root):
        for ref, count in ((deaf, 3), (stuck, 1), (pool.ensure("p"), 2), (pool.ensure("q"), 0)):
            for number in range(count):
                ref.tell(number)
        root.stop()
        await trio.sleep(30)
        assert root.report() == StopReport(
            late=("root/nested/deaf", "root/nested/slow", "root/pool/p", "root/pool/q"),
            stuck=("root/stuck",),
            undelivered={"root/nested/deaf": 3, "root/pool/p": 2},
        )
        assert nested.report() == StopReport(("root/nested/deaf", "root/nested/slow"), (), {"root/nested/deaf": 3})
    report = root.report()
    assert (report.stuck, report.undelivered["root/stuck"], report.clean) == (("root/stuck",), 1, False)
    assert never.statistics().depth == 0


async def test_mail_to_one_that_never_ran_is_lost_and_counted(autojump_clock: trio.testing.MockClock) -> None:
    """A stop that comes before the start hides nothing."""
    probe = Probe[int]("a")
    root = Supervisor("root", [Supervisor("nested", [probe.spec()])])
    for number in range(3):
        probe.ref.tell(number)
    root.stop()
    await root.run()
    assert root.report() == StopReport((), (), {"root/nested/a": 3})


async def test_a_cancelled_run_leaves_a_report_too(autojump_clock: trio.testing.MockClock) -> None:
    """No grace was given, so nobody was late; but the mail is lost."""
    probe = Probe[int]("a")
    root = Supervisor("root", [probe.spec()])
    probe.ref.tell(1)
    with trio.CancelScope() as scope:
        scope.cancel()
        await root.run()
    assert root.report() == StopReport((), (), {"root/a": 1})


async def test_a_supervisor_is_not_late_because_its_child_was(autojump_clock: trio.testing.MockClock) -> None:
    """It used all the time it had to end its children, and then it ended."""
    pool = Pool[str, int]("pool", lambda key: ActorSpec(Ref(key), Stubborn, grace=10), grace=2)
    pool.ensure("p")
    nested = Supervisor("nested", [ActorSpec(Ref[int]("a"), Stubborn, grace=10)], grace=3)
    root = Supervisor("root", [nested, pool], grace=20)
    async with running(root):
        pass
    assert root.report().late == ("root/nested/a", "root/pool/p")
    assert trio.current_time() == 5
