"""``actors``: one look, and watching over whatever happens to the daemon."""

import io
import json
from collections.abc import Callable, Sequence

import httpx
import pytest
import trio
from attrs import define, field
from rich.console import Console
from rich.live import Live

from mission_control.inspection.actors import follow
from mission_control.inspection.daemon import Answer, ProblemError, RefusedError, UnreachableError
from mission_control.inspection.screen import Screen
from mission_control.inspection.views import JsonView, LiveView, PlainView, View
from mission_control.inspection.watch import Moment
from tests.inspection import answering
from tests.inspection.answering import problem, scripted
from tests.inspection.given import URL, actor, actors

DOWN = httpx.ConnectError("refused")
WRONG_TOKEN = problem(401, "unauthenticated", "The token is wrong.")


@define
class Seen:
    """A view that remembers, and ends the watching after so many moments."""

    most: int
    moments: list[Moment] = field(factory=list)
    at: list[float] = field(factory=list)

    def answered(self, answer: Answer, moment: Moment) -> None:
        self.failed(moment)

    def failed(self, moment: Moment) -> None:
        self.moments.append(moment)
        self.at.append(trio.current_time())
        if len(self.moments) == self.most:
            raise KeyboardInterrupt


async def watched(answers: Sequence[answering.Answer], interval: float = 2.0) -> Seen:
    """What is seen of a daemon that gives these answers."""
    seen = Seen(len(answers))
    async with scripted(*answers) as daemon:
        with pytest.raises(KeyboardInterrupt):
            await follow(daemon, seen, interval)
    return seen


async def test_watching_goes_on_over_a_restart(autojump_clock: trio.testing.MockClock) -> None:
    """The daemon goes, is said to be gone, comes back, and is followed on: nobody has to start the command again."""
    before, after = actors(actor("a"), uptime_s=100.0), actors(actor("b"), instance="another", uptime_s=1.0)
    seen = await watched([before, DOWN, problem(500, "internal_error", "ill"), DOWN, after, after])
    assert [bool(moment.lost) for moment in seen.moments] == [False, True, True, True, False, False]
    assert seen.moments[3].actors == before
    assert seen.moments[3].lost == "no answer for 4s: refused"
    assert seen.moments[4].news == "it was not reachable for 6s, and the daemon has restarted"
    assert [moment.actors.tree.children[0].name for moment in seen.moments[4:]] == ["b", "b"]
    assert seen.at == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


@pytest.mark.parametrize(
    ("answer", "error"),
    [(DOWN, UnreachableError), (WRONG_TOKEN, RefusedError), (problem(500, "internal_error", "ill"), ProblemError)],
)
async def test_a_daemon_that_was_never_there_ends_the_command(answer: answering.Answer, error: type[Exception]) -> None:
    """A wrong URL is an error, not a wait without end."""
    async with scripted(answer) as daemon:
        with pytest.raises(error):
            await follow(daemon, Seen(1), 1.0)


async def test_a_token_that_is_wrong_from_now_on_ends_the_watching(autojump_clock: trio.testing.MockClock) -> None:
    """Asking again with the same token would never succeed."""
    async with scripted(actors(), WRONG_TOKEN) as daemon:
        with pytest.raises(RefusedError, match="--token-file"):
            await follow(daemon, Seen(9), 1.0)


# --- how it is shown ---


async def shown(view: View, *answers: answering.Answer, stop: Callable[[], None]) -> None:
    """Show these in virtual time, then end."""

    async def end() -> None:
        await trio.sleep(len(answers) - 0.5)
        nursery.cancel_scope.cancel()

    async with scripted(*answers) as daemon, trio.open_nursery() as nursery:
        nursery.start_soon(end)
        await follow(daemon, view, 1.0)
    stop()


def nothing() -> None:
    pass


async def test_in_a_pipe_each_look_is_printed_and_each_outage_told_once(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a program reads holds looks alone, whole and plain; what happened to the daemon is beside it, once."""
    screen = Screen(Console(file=io.StringIO(), width=20))
    view = PlainView(url=URL, screen=screen, everything=False)
    after = actors(actor("b" * 100), instance="another")
    await shown(view, actors(actor("a")), DOWN, DOWN, DOWN, after, after, stop=nothing)
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "-- no answer for 0ms: refused; trying again",
        "-- it was not reachable for 3s, and the daemon has restarted",
    ]
    assert out.count("● root") == 3
    assert f"└─ ● {'b' * 100}" in out
    assert "\x1b" not in out
    assert "no answer" not in out


async def test_json_is_one_line_for_each_look(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Programs read what the daemon said, as it said it, and nothing in it drives a terminal."""
    strange = actors(actor("a\x9b31m\u202e\u2028\x07"))
    await shown(JsonView(), strange, DOWN, strange, stop=nothing)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert [json.loads(line)["tree"]["children"][0]["name"] for line in lines] == ["a\x9b31m\u202e\u2028\x07"] * 2
    assert out.replace("\n", "").isprintable()
    assert "trying again" in err


async def test_a_terminal_is_redrawn_in_place(autojump_clock: trio.testing.MockClock) -> None:
    """Each picture takes the place of the one before; the last one stays when the watching ends."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100, height=12, color_system=None, _environ={})
    screen = Screen(console)
    many = actors(*(actor(f"actor-{n}") for n in range(30)))
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        view = LiveView(URL, screen, live, everything=False)
        await shown(view, many, DOWN, many, stop=nothing)
    drawn = text.getvalue()
    assert drawn.count("● root") >= 3
    assert drawn.count("this is what it said last") == 1
    first, second, *_ = drawn.split("http://127.0.0.1:8700")[1:]
    assert first.count("\n") <= 12
    assert first.count("\x1b[1A") >= first.count("\n")  # back up over all that was drawn
    assert "too low" in second
