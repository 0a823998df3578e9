"""The dashboard's benchmark: it reckons, judges and says rightly. What it measures depends on the machine."""

from typing import Any

import pytest

from benchmarks.dashboard import VIEWS, parse
from benchmarks.visit import LINES, Visit, details, table
from benchmarks.visitor import Scripts

MIB = 1024 * 1024
EXACT: dict[str, Any] = {"duplicates": 0, "gaps": 0, "malformed": 0, "offset": 12_345, "head": 12_345, "complaints": []}


def visit(**changes: Any) -> Visit:
    found: dict[str, Any] = {
        "intervals": [10.0, 20.0, 30.0, 40.0],
        "long": [(100.0, 60.0), (900.0, 101.0)],
        "slow": [(60.0, {"layout": 40.0, "a script": 20.0}), (101.0, {"a script": 90.0, "next to nothing": 0.5})],
        "latency": [(5, 20, 30, 40), (7, 99, 120, 130), (6, 30, 40, 50)],
        "received": [8.0, 9.0, 30.0],
        "events": 40_000,
        "weights": [(0, 10 * MIB, 300, 100), (60, 40 * MIB, 310, 100), (120, 45 * MIB, 305, 100)],
        "paints": [300.0, 900.0, 400.0],
        "named": [100_000, 80_500],
        "later": [20_000],
        "cpu_s": {"renderer": 6.0},
        "browser": "Chromium 1",
    }
    return Visit(**{**EXACT, **found, **changes})


EMPTY = visit(
    intervals=[], long=[], slow=[], latency=[], received=[], events=0, weights=[], paints=[], named=[], later=[]
)


def test_what_was_exact_has_nothing_to_complain_of() -> None:
    assert list(visit().failures()) == []


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        pytest.param({"duplicates": 2}, "2 duplicates", id="twice"),
        pytest.param({"gaps": 1}, "1 gaps", id="missing"),
        pytest.param({"malformed": 3}, "3 malformed", id="not understood"),
        pytest.param(
            {"offset": 12_344}, "the page came to offset 12,344, and the journal's head is 12,345", id="behind"
        ),
        pytest.param(
            {"offset": 12_346}, "the page came to offset 12,346, and the journal's head is 12,345", id="ahead"
        ),
        pytest.param({"latency": []}, "nothing was painted", id="blank"),
        pytest.param({"complaints": ["no such thing"]}, "the page complained: no such thing", id="an error"),
    ],
)
def test_what_must_not_be_is_a_failure(changes: dict[str, Any], failure: str) -> None:
    assert list(visit(**changes).failures()) == [failure]


def test_a_slow_page_is_no_failure() -> None:
    """Figures of time and size are the machine's too: they are marked, and do not fail."""
    slow = visit(latency=[(1_000, 2_000, 3_000, 4_000)], long=[(1.0, 5_000.0)], intervals=[500.0], paints=[9_000.0])
    assert list(slow.failures()) == []


def test_figures() -> None:
    one = visit()
    assert one.frames_per_second() == 40
    assert one.slow_frames() == 25
    assert one.tasks_over(50) == 2
    assert one.tasks_over(100) == 1
    assert one.longest_task() == 101
    assert [one.paint(which) for which in range(3)] == [6, 30, 40]
    assert one.worst_p95() == 99
    assert [one.in_page(share) for share in (0.5, 0.95, 0.01)] == [9, 30, 8]
    assert one.page_cpu() == 150
    assert one.heaps() == [10, 40, 45]
    assert one.javascript() == 180.5
    assert one.blame() == [("a script", 110.0), ("layout", 40.0)]


@pytest.mark.parametrize(
    ("weights", "drift"),
    [
        pytest.param([(0, 10), (60, 40), (120, 45), (180, 38)], 5, id="grows"),
        pytest.param([(0, 10), (60, 40), (120, 41), (180, 28)], -12, id="shrinks"),
        pytest.param([(0, 10), (60, 40)], None, id="only the first minute"),
        pytest.param([(0, 10), (10, 12), (20, 14)], None, id="too short to say"),
    ],
)
def test_the_heap_is_judged_from_the_first_minute_on(weights: list[tuple[int, int]], drift: int | None) -> None:
    assert visit(weights=[(at, mib * MIB, 0, 0) for at, mib in weights]).drift() == drift


def test_views_stand_side_by_side_beside_what_they_should_be() -> None:
    heading, *lines = table({"fleet": visit(), "agents": EMPTY})
    assert heading.split() == ["should", "be", "fleet", "agents"]
    assert len(lines) == len(LINES)
    cells = {line[:32].strip(): line[32:].split() for line in lines}
    assert cells["event to paint, p50 (ms)"] == ["6", "-"]
    assert cells["event to paint, p95 (ms)"] == ["<", "100", "30", "-"]
    assert cells["tasks over 100 ms"] == ["none", "1!", "0"]
    assert cells["frames a second"] == [">=", "50", "40.0!", "-"]
    assert cells["since the first minute (MiB)"] == ["within", "10", "+5.0", "-"]
    assert cells["first paint (ms)"] == ["<", "1,000", "400", "-"]
    assert cells["JavaScript at first load (kB)"] == ["<", "250", "180", "0"]


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        pytest.param({"latency": [(1, 99.9, 200, 300)]}, False, id="in time"),
        pytest.param({"latency": [(1, 100, 200, 300)]}, True, id="late"),
    ],
)
def test_what_is_not_as_it_should_be_is_marked(changes: dict[str, Any], missed: bool) -> None:
    marked = [line for line in LINES if line.name == "event to paint, p95 (ms)"]
    assert marked[0].cell(visit(**changes)).endswith("!") is missed


def test_details_say_where_the_time_went() -> None:
    text = "\n".join(details("fleet", visit(), 120))
    assert "heap 10.0, 40.0, 45.0 MiB, every 60 s" in text
    assert "renderer 5% of a core" in text
    assert "2 frames of 50 ms or more: a script 110 ms, layout 40 ms" in text
    assert "0 duplicates, 0 gaps, 0 malformed; at offset 12,345 of 12,345" in text


def test_details_of_a_page_that_showed_nothing() -> None:
    assert list(details("fleet", EMPTY, 10))


def test_the_plan() -> None:
    plan = parse([])
    assert (plan.agents, plan.rate, plan.seconds, list(plan.views), plan.every) == (200, 20, 300, list(VIEWS), 60)
    assert list(parse(["--view", "agents"]).views) == ["agents"]
    assert parse(["--seconds", "30"]).every == 10


def asked(number: str, url: str, initiator: str) -> dict[str, Any]:
    return {"requestId": number, "request": {"url": url}, "initiator": {"type": initiator}}


def test_scripts_are_weighed_as_they_were_transferred_by_who_asked_for_them() -> None:
    scripts = Scripts()
    for event in (
        asked("1", "http://host/_next/static/a.js", "parser"),
        asked("2", "http://host/_next/static/b.js?dpl=1", "script"),
        asked("3", "http://host/_next/static/c.css", "parser"),
        asked("4", "http://host/_next/static/d.js", "parser"),
    ):
        scripts.asked(event)
    for number, size in (("2", 20), ("1", 100), ("3", 9), ("4", 7)):
        scripts.came({"requestId": number, "encodedDataLength": size})
    assert (scripts.named, scripts.later) == ([100, 7], [20])
