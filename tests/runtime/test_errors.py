"""What errors say to whoever reads them."""

import pytest
import trio
import trio.testing

from runtime import (
    ActorStopped,
    AlreadySupervised,
    Backoff,
    Inbox,
    Pool,
    Ref,
    RequestDropped,
    SameActorReturned,
    Supervisor,
    WaitsForItself,
)
from runtime.failure import Failure
from runtime.testing import Probe, run, running


@pytest.mark.parametrize(
    ("superseded", "how"), [(True, "was replaced by a newer one of its key"), (False, "had to make room for a newer")]
)
def test_a_request_that_was_taken_out_says_how_and_what_to_do(superseded: bool, how: str) -> None:
    """The asker did nothing wrong: the address was made so."""
    said = str(RequestDropped("a", superseded))
    assert said.startswith(f"the request to 'a' {how}")
    assert "Overflow.WAIT" in said


def test_an_error_whose_text_fails_is_recorded_all_the_same() -> None:
    """Recording a crash must not crash."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert Failure.of(Mute(), 1.0).message == "<its str raised RuntimeError>"


def test_a_tree_that_runs_twice_is_named() -> None:
    """Among many trees, the one meant must be found."""

    async def main() -> None:
        root = Supervisor("root", [])
        async with running(root):
            pass
        with pytest.raises(AlreadySupervised, match="'root'"):
            await root.run()

    run(main, seed=0)


def test_an_inbox_tells_what_its_address_tells() -> None:
    """The reader sees the depth that the senders see."""

    async def main() -> None:
        ref = Ref[int]("a")
        ref.tell(1)
        inbox = Inbox(ref)
        assert inbox.statistics().depth == 1
        inbox.peek_nowait(1)
        inbox.drop(1)
        assert inbox.statistics().handled == ref.statistics().handled == 1

    run(main, seed=0)


def test_an_actor_that_waits_for_itself_is_told_what_to_do() -> None:
    """The whole text: it is the only hint at a deadlock that did not happen."""
    assert str(WaitsForItself("a")) == (
        "'a' would wait for itself: nobody else gives its answers, makes room in its mailbox or ends it;"
        " call the method, tell, or return instead"
    )


def test_a_factory_that_repeats_itself_is_told_what_to_give() -> None:
    """The class will do, nearly always."""
    assert str(SameActorReturned("a")) == (
        "the factory of 'a' returned the same object twice: each incarnation needs a fresh one,"
        " so give the class, or a function that makes a new object"
    )


def test_who_has_stopped_is_named() -> None:
    """To its senders, to those who wait for its answer, and to whoever tries a dead letter again."""

    async def main() -> None:
        ref = Ref[object]("a")
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def asker() -> None:
                with pytest.raises(ActorStopped, match="'a' has stopped"):
                    await ref.ask(lambda reply: reply)

            await trio.testing.wait_all_tasks_blocked()
            ref._close_for_good()
        with pytest.raises(ActorStopped, match="'a' has stopped"):
            ref.tell(2)

    run(main, seed=0)


def test_a_letter_whose_addressee_has_gone_names_it() -> None:
    """A pool's actor that was removed since."""

    async def main() -> None:
        async def fail(message: int) -> None:
            raise ValueError

        pool = Pool[str, int]("pool", lambda key: Probe[int](key, fail).spec(backoff=Backoff(first=0)))
        async with running(pool):
            pool.ensure("a").tell(1)
            await trio.sleep(1)
            [letter] = pool.dead_letters()
            await pool.remove("a")
            with pytest.raises(ActorStopped, match="'a' has stopped"):
                pool.retry(letter.id)

    run(main, seed=0)
