"""What is drawn: everything that matters, in any terminal, and nothing that drives it."""

import unicodedata
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from mission_control.core.actor_views import ActorsView, FailureView, LetterView, NodeView
from mission_control.inspection.figures import since
from mission_control.inspection.watch import Moment
from tests.inspection.given import NOW, actor, actors, branch, drawn, failure, letter, line_of, plain

PARTS = (
    actor("subscribers", capacity=8192, handled=123_456, peak=41),
    actor(
        "persistence",
        "restarting",
        restarts=2,
        depth=812,
        oldest_age_s=0.04,
        waiting=2,
        dropped=3,
        last_failure=failure(),
    ),
    branch("extensions", branch("webhook", actor("webhook", refused=1, superseded=4), actor("feed", dead_lettered=1))),
    branch("edge", kind="service", uptime_s=90_061.0),
)


def test_the_whole_picture() -> None:
    """State, uptime, restarts, mail with its high water and age, work and failures, at one glance."""
    assert plain(actors(*PARTS, letters=(letter(1, seconds_ago=90),))).splitlines() == [
        "http://127.0.0.1:8700  up 2h 03m  1 dead letter  8 in the tree: 1 restarting, 7 running",
        "",
        "ACTOR               STATE       UPTIME  RESTARTS      MAIL  PEAK  OLDEST  HANDLED  BUSY  NOTE",
        "● root              running     2h 03m         0",
        "├─ ● subscribers    running     1m 40s         0    0/8192    41          123,456   25%",
        "├─ ◐ persistence    restarting                 2  812/1000     9    40ms        0   25%  "
        "OSError 12s ago, 2 senders wait, 3 dropped",
        "├─ ● extensions     running     1m 40s         0",
        "│  └─ ● webhook     running     1m 40s         0",
        "│     ├─ ● webhook  running     1m 40s         0    0/1000     9                0   25%  "
        "1 refused, 4 superseded",
        "│     └─ ● feed     running     1m 40s         0    0/1000     9                0   25%  1 dead letter",
        "└─ ● edge           running     1d 01h         0",
        "",
        "last failures",
        "  root/persistence  12s ago  at stores.sqlite:1 in append",
        "    OSError: disk full",
        "",
        "dead letters",
        "  3f9c2a-1  1m 30s ago  root/agents/alpha  ValueError: no such run",
        "  mission-control dead-letters shows, retries and discards them",
    ]


def test_watching_shows_rates_in_place_of_totals() -> None:
    """What is happening now, not since the start."""
    before = actors(actor("a", handled=100, busy_s=1.0), uptime_s=10.0)
    now = actors(actor("a", handled=350, busy_s=1.5), uptime_s=12.0)
    moment = Moment(now, since(before, now), watching=True)
    assert "HANDLED" not in plain(moment)
    assert line_of("a", moment)[-2:] == ["125", "25%"]
    assert line_of("a", Moment(now, watching=True))[-2] == "·"


# --- large pools ---


def pool(size: int, **worst: NodeView) -> NodeView:
    """A pool of ``size`` children that are well, but for those given by name."""
    children = [worst.get(f"n{place}") or actor(f"n{place}", handled=10) for place in range(size)]
    return branch("agents", *children, kind="pool")


def test_a_large_pool_is_summed_up_with_its_worst_children() -> None:
    """Of five thousand agents the few that need help are seen, and that the others are there."""
    worst = {
        "n7": actor("n7", "gave_up", restarts=10),
        "n4000": actor("n4000", "restarting"),
        "n300": actor("n300", depth=900, oldest_age_s=4.0),
        "n42": actor("n42", dead_lettered=1),
        "n17": actor("n17", restarts=3),
    }
    text = plain(actors(pool(5_000, **worst)))
    order = [text.index(f" {name} ") for name in ("n7", "n4000", "n300", "n42", "n17")]
    assert order == sorted(order)
    assert "all 5,000" in text
    assert "1 gave up, 1 restarting, 4,998 running" in text
    assert "4,995 more" in text
    assert len(text.splitlines()) < 20


def test_a_healthy_pool_keeps_its_order_from_look_to_look() -> None:
    """Rows do not jump about only because the traffic moved."""
    busy = {f"n{place}": actor(f"n{place}", handled=place, peak=place) for place in range(50)}
    names = [
        [line.split()[2:4] for line in plain(actors(one)).splitlines() if "● n" in line]
        for one in (pool(50), pool(50, **busy))
    ]
    assert names[0] == names[1]
    assert len(names[0]) == 5


def test_a_small_pool_and_everything_are_listed() -> None:
    assert "more" not in plain(actors(pool(8)))
    text = plain(actors(pool(5_000)), everything=True)
    assert sum(1 for line in text.splitlines() if "● n" in line) == 5_000


def test_everything_is_every_failure_and_every_letter_too() -> None:
    parts = [actor(f"a{n}", last_failure=failure(f"E{n}")) for n in range(6)]
    told = actors(*parts, letters=tuple(letter(n) for n in range(6)))
    few, all_of_them = plain(told), plain(told, everything=True)
    assert few.count("disk full") == few.count("no such run") == 3
    assert "(the newest 3 of 6)" in few
    assert all_of_them.count("disk full") == all_of_them.count("no such run") == 6


def test_the_newest_come_first() -> None:
    """The last thing that went wrong is the first to be read."""
    old, new = actor("old", last_failure=failure("Old", seconds_ago=60)), actor("new", last_failure=failure("New"))
    text = plain(actors(old, new, letters=(letter(1), letter(2))))
    assert text.index("New: ") < text.index("Old: ")
    assert text.index("3f9c2a-2") < text.index("3f9c2a-1")


# --- any terminal ---


def _driving(text: str) -> str:
    """The characters in ``text`` that are more than text to a terminal."""
    return "".join(one for one in text if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") or one == "\u202e")


@pytest.mark.parametrize("width", [10, 30, 40, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """A line that wraps would break the tree and the redrawing."""
    big = pool(5_000, n3=actor("n3", "gave_up", last_failure=failure(message="x" * 300), restarts=12_345))
    for line in drawn(actors(*PARTS, big, letters=(letter(1, "y" * 300),)), width=width):
        assert line.cell_len <= width


def test_the_narrower_the_fewer_columns_and_names_go_last() -> None:
    """On any screen one sees who is in which state; on 80 columns also the state's name, the mail and what is wrong."""
    headings = {
        width: plain(actors(*PARTS), width=width).splitlines()[2].split() for width in (200, 110, 80, 60, 40, 20)
    }
    everything = ["ACTOR", "STATE", "UPTIME", "RESTARTS", "MAIL", "PEAK", "OLDEST", "HANDLED", "BUSY", "NOTE"]
    assert headings[200] == everything
    assert {"ACTOR", "STATE", "MAIL", "NOTE"} <= set(headings[80])
    assert headings[40][:1] == headings[20][:1] == ["ACTOR"]
    counts = [len(headings[width]) for width in (200, 110, 80, 60, 40, 20)]
    assert counts == sorted(counts, reverse=True)
    for width in (80, 40, 20):
        assert "◐ persis" in plain(actors(*PARTS), width=width)


@pytest.mark.parametrize("height", [3, 6, 12, 20, 30])
def test_no_picture_is_higher_than_the_terminal(height: int) -> None:
    """What scrolls away cannot be redrawn. The summary and the tree's top stay; that something is hidden is said."""
    told = actors(*PARTS, pool(50), letters=tuple(letter(n) for n in range(5)))
    lines = drawn(told, width=100, height=height)
    assert len(lines) <= max(height, 6)
    text = "\n".join(line.plain for line in lines)
    assert "5 dead letters" in text
    assert "● root" in text
    if height < 20:
        assert "too low" in text


def test_a_terminal_that_is_high_enough_shows_all() -> None:
    told = actors(*PARTS, letters=(letter(1),))
    assert plain(told, width=100, height=60) == plain(told, width=100)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "iso8859-5"])
def test_without_utf_8_the_tree_is_drawn_in_ascii(encoding: str) -> None:
    """An old terminal gets a tree that it can show, not question marks or a crash."""
    told = actors(actor("größe"), actor("b", "gave_up"), branch("c", actor("日本")))
    text = plain(told, encoding=encoding, width=60)
    text.encode(encoding)
    assert "|- x b" in text
    assert "`- * c" in text
    assert "   `- * \\u65e5\\u672c" in text
    assert ("größe" if encoding in ("latin-1", "cp1252") else "gr\\xf6\\xdfe") in text


@pytest.mark.parametrize("evil", ["a\x1b[2Jb", "a\rb", "a\nb", "a\x9bb", "a\u202eb", "a\u2028b", "a\x07b", "\ud800"])
def test_nothing_from_outside_drives_the_terminal(evil: str) -> None:
    """Names come from gateways, messages and exceptions from anywhere: none of them moves the cursor or hides text."""
    bad = FailureView(evil, evil, evil, NOW)
    node = actor("x", evil, name=evil, path=evil, last_failure=bad)
    told = actors(node, letters=(LetterView(evil, evil, evil, bad, NOW),))
    moment = Moment(told, lost=evil)
    for line in (*drawn(told), *drawn(moment)):
        assert not _driving(line.plain)


def test_wide_characters_do_not_break_the_columns() -> None:
    """Each column begins in the same cell of every line."""
    lines = drawn(actors(actor("日本語"), actor("plain")), width=80)
    tree = [line for line in lines if "running" in line.plain and "●" in line.plain]
    assert len({line[: line.plain.index("running")].cell_len for line in tree}) == 1


def test_a_pipe_gets_everything_in_full() -> None:
    """What is searched with grep is not cut off."""
    told = actors(actor("a" * 200, last_failure=failure(message="m" * 300)))
    text = plain(told)
    assert "a" * 200 in text
    assert "m" * 300 in text


def test_what_is_not_current_looks_different() -> None:
    """While there is no answer, the last one is shown faintly, below a line that says so."""
    told = actors(actor("a"))
    lines = drawn(Moment(told, watching=True, lost="no answer for 3s: refused"))
    assert lines[1].plain == "no answer for 3s: refused; this is what it said last"
    assert all("dim" in {str(span.style) for span in line.spans} for line in lines[3:] if line.plain)


def test_states_of_a_newer_daemon_are_shown_as_they_are() -> None:
    """A word that is not known here is no reason to fail, and reason enough to be seen."""
    text = plain(
        actors(branch("agents", *(actor(f"n{n}") for n in range(20)), actor("n99", "hibernating"), kind="pool"))
    )
    assert "? n99" in text
    assert "hibernating" in text


# --- anything at all ---

NAMES = st.text(min_size=1, max_size=30)
STATES = st.sampled_from(["idle", "starting", "running", "restarting", "stopping", "stopped", "gave_up", "strange"])
FAILURES = st.none() | st.builds(FailureView, NAMES, NAMES, NAMES, st.integers(0, 2 * NOW))


def _actors(**changes: Any) -> st.SearchStrategy[NodeView]:
    return st.builds(
        lambda name, state, depth, restarts, failed: actor(
            name, state, depth=depth, restarts=restarts, last_failure=failed, **changes
        ),
        NAMES,
        STATES,
        st.integers(0, 10**9),
        st.integers(0, 10**6),
        FAILURES,
    )


TREES = st.recursive(
    _actors(),
    lambda below: st.builds(
        lambda name, kind, children: branch(name, *children, kind=kind),
        NAMES,
        st.sampled_from(["supervisor", "pool"]),
        st.lists(below, max_size=12),
    ),
    max_leaves=40,
)


@given(
    st.lists(TREES, max_size=5),
    st.none() | st.integers(1, 160),
    st.none() | st.integers(1, 60),
    st.sampled_from(["utf-8", "ascii", "latin-1", "cp437"]),
    st.booleans(),
)
def test_any_tree_fits_any_terminal(
    parts: list[NodeView], width: int | None, height: int | None, encoding: str, everything: bool
) -> None:
    """Whatever the daemon says, the lines have the room that there is and characters that the terminal has."""
    told: ActorsView = evolve(actors(*parts), dead_letters=(letter(1),))
    lines = drawn(Moment(told, watching=True), width=width, height=height, encoding=encoding, everything=everything)
    assert height is None or len(lines) <= max(height, 6)
    for line in lines:
        assert width is None or line.cell_len <= width
        line.plain.encode(encoding)
        assert not _driving(line.plain)
