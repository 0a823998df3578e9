"""What errors say to whoever reads them."""

import pytest

from runtime import AlreadySupervised, Inbox, Ref, RequestDropped, Supervisor
from runtime.failure import Failure
from runtime.testing import run, running


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
