"""``dead-letters``: all are shown in full, and what cannot be done with one does not keep the others."""

import json

import httpx
import pytest

from mission_control.core.events import encode
from mission_control.inspection import dead_letters
from mission_control.inspection.daemon import UnreachableError
from mission_control.inspection.dead_letters import Action, listed, settled
from mission_control.inspection.screen import Screen
from tests.inspection.answering import ids, problem, scripted
from tests.inspection.given import actors, letter

LETTERS = (letter(1, "first"), letter(2, "second\x1b[2J"))


def gone(number: int) -> httpx.Response:
    return httpx.Response(200, content=encode(LETTERS[number - 1]))


async def test_letters_are_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    """Id, age, actor, exception, where it was raised, and the message: enough to decide without the log."""
    async with scripted(actors(letters=LETTERS)) as daemon:
        assert await listed(daemon, Screen(), as_json=False) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "  3f9c2a-1  1m 00s ago  root/agents/alpha  ValueError: no such run",
        "    raised at stores.sqlite:1 in append",
        "    first",
        "  3f9c2a-2  1m 00s ago  root/agents/alpha  ValueError: no such run",
        "    raised at stores.sqlite:1 in append",
        "    second\\x1b[2J",
    ]
    assert err == ""


async def test_letters_as_json_are_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    async with scripted(actors(letters=LETTERS)) as daemon:
        assert await listed(daemon, Screen(), as_json=True) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["3f9c2a-1", "3f9c2a-2"]


@pytest.mark.parametrize("as_json", [False, True])
async def test_none_is_said_beside_the_result(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """A script that counts lines counts none; a person is not left wondering."""
    async with scripted(actors()) as daemon:
        assert await listed(daemon, Screen(), as_json=as_json) == 0
        assert await settled(daemon, "retry", ()) == 0
    assert capsys.readouterr() == ("", f"-- {dead_letters.NONE}\n" * 2)


@pytest.mark.parametrize(
    ("action", "requests", "said"),
    [
        ("retry", ["POST /v1/dead-letters/{}/retry"], "back in the mailbox of root/agents/alpha"),
        ("discard", ["DELETE /v1/dead-letters/{}"], "discarded, for root/agents/alpha: first"),
    ],
)
async def test_the_named_letters_are_settled(
    action: Action, requests: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was done with which message is printed, so that a discarded one has a last trace."""
    asked: list[httpx.Request] = []
    async with scripted(gone(1), gone(2), asked=asked) as daemon:
        assert await settled(daemon, action, ["3f9c2a-1", "3f9c2a-2"]) == 0
    assert ids(asked) == [one.format(f"3f9c2a-{number}") for number in (1, 2) for one in requests]
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"3f9c2a-1: {said}"
    assert second.startswith("3f9c2a-2: ")
    assert "\x1b" not in second


async def test_all_are_those_that_there_are() -> None:
    """They are asked for first, by their ids: none that comes meanwhile is touched unseen."""
    asked: list[httpx.Request] = []
    async with scripted(actors(letters=LETTERS), gone(1), gone(2), asked=asked) as daemon:
        assert await settled(daemon, "discard", ()) == 0
    assert ids(asked) == [
        "GET /v1/actors",
        "DELETE /v1/dead-letters/3f9c2a-1",
        "DELETE /v1/dead-letters/3f9c2a-2",
    ]


async def test_one_that_cannot_be_settled_does_not_keep_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    """Each is told with its reason, the rest is done, and a script sees that not all was."""
    full = problem(503, "mailbox_full", "root/agents/alpha takes no more mail now; try again later.")
    async with scripted(full, gone(2)) as daemon:
        assert await settled(daemon, "retry", ["3f9c2a-1", "3f9c2a-2"]) == 1
    out, err = capsys.readouterr()
    assert out == "3f9c2a-2: back in the mailbox of root/agents/alpha\n"
    assert err == "-- 3f9c2a-1: root/agents/alpha takes no more mail now; try again later.\n"


async def test_a_daemon_that_is_gone_ends_it_at_once() -> None:
    """There is no use in trying the others, and nothing is said to be done that was not."""
    asked: list[httpx.Request] = []
    async with scripted(httpx.ConnectError("refused"), asked=asked) as daemon:
        with pytest.raises(UnreachableError):
            await settled(daemon, "retry", ["a-1", "a-2"])
    assert len(asked) == 1
