"""Faults between a gateway and its clients: each does what it says, to event frames alone, and as the seed decides."""

import json
from collections.abc import Iterator
from itertools import islice, pairwise

import pytest
from attrs import frozen

from mission_control.simulate.faults import (
    LONGEST_SWAP,
    NO_FAULTS,
    SWAP_SECONDS,
    FaultLine,
    Faults,
    FaultsError,
    outages,
)
from mission_control.simulate.fleet import Fleet

STEP = 0.01
COUNT = 400


@frozen
class Frame:
    """A WebSocket frame as it arrived, and when."""

    payload: bytes
    is_text: bool
    at: float

    @property
    def number(self) -> int | None:
        """That of the event frame it is; None when it is malformed or no event frame."""
        try:
            number: int = json.loads(self.payload)["seq"]
        except (ValueError, TypeError, KeyError):
            return None
        return number


def unframed(wire: bytes, at: float) -> Iterator[Frame]:
    """The frames in some bytes; all of these are shorter than 64 KiB."""
    while wire:
        size, begin = wire[1], 2
        if size == 126:
            size, begin = int.from_bytes(wire[2:4], "big"), 4
        yield Frame(wire[begin : begin + size], wire[0] == 0x81, at)
        wire = wire[begin + size :]


def event(number: int) -> bytes:
    return json.dumps({"type": "event", "payload": {"text": "naïve 🙂"}, "seq": number}, ensure_ascii=False).encode()


def line(faults: str, seed: int = 1) -> FaultLine[str]:
    return FaultLine(Faults.parse(faults), Fleet(seed=seed).random)


def through(faults: str, seed: int = 1, count: int = COUNT) -> list[Frame]:
    """Event frames 0, 1, 2 … sent every 10 ms over a line, as they arrive."""
    faulty, arrived = line(faults, seed), []
    for number in range(count):
        now = number * STEP
        while faulty.next_at < now:
            arrived += taken(faulty, faulty.next_at)
        faulty.say(event(number), "all", now)
        arrived += taken(faulty, now)
    while faulty.next_at < float("inf"):
        arrived += taken(faulty, faulty.next_at)
    return arrived


def taken(faulty: FaultLine[str], now: float) -> list[Frame]:
    return [frame for wire, to in faulty.take(now) if to == "all" for frame in unframed(wire, now)]


def numbers(frames: list[Frame]) -> list[int]:
    return [frame.number for frame in frames if frame.number is not None]


def test_a_line_without_faults_changes_nothing() -> None:
    """Every frame arrives when it is sent."""
    frames = through("")
    assert numbers(frames) == list(range(COUNT))
    assert [frame.at for frame in frames] == [number * STEP for number in range(COUNT)]


def test_dropped_frames_never_arrive() -> None:
    """About the share that was asked for is missing, and the others are as they were."""
    found = numbers(through("drop=0.1"))
    assert found == sorted(set(found))
    assert 0.05 < 1 - len(found) / COUNT < 0.15


def test_repeated_frames_arrive_twice() -> None:
    """The second right behind the first."""
    found = numbers(through("dup=0.1"))
    assert found == sorted(found)
    assert {found.count(number) for number in range(COUNT)} == {1, 2}
    assert 0.05 < len(found) / COUNT - 1 < 0.15


def test_swapped_frames_come_a_few_places_late() -> None:
    """None is lost, and none falls behind more than three that were sent after it."""
    found = numbers(through("reorder=0.1"))
    assert sorted(found) == list(range(COUNT))
    late = [sum(other > number for other in found[:place]) for place, number in enumerate(found)]
    assert set(late) == set(range(LONGEST_SWAP + 1))


def test_a_swapped_frame_that_nothing_follows_arrives_all_the_same() -> None:
    """After half a second."""
    faulty = line("reorder=1")
    faulty.say(event(0), "all", 1.0)
    assert taken(faulty, 1.0) == []
    assert faulty.next_at == 1.0 + SWAP_SECONDS
    assert numbers(taken(faulty, faulty.next_at)) == [0]


def test_delayed_frames_keep_their_order() -> None:
    """Each arrives within the delay, none before an earlier one."""
    frames = through("delay=50ms")
    assert numbers(frames) == list(range(COUNT))
    delays = [frame.at - number * STEP for number, frame in enumerate(frames)]
    assert min(delays) >= 0
    assert 0.03 < max(delays) <= 0.05 + 1e-9


def test_a_stall_holds_everything_back_and_then_lets_all_of_it_go() -> None:
    """Nothing arrives for just that long; nothing is lost."""
    frames = through("stall=500ms")
    assert numbers(frames) == list(range(COUNT))
    pauses = [after.at - before.at for before, after in pairwise(frames)]
    assert max(pauses) == pytest.approx(0.5, abs=2 * STEP)
    assert pauses.count(0.0) > 40


def test_truncated_frames_are_malformed() -> None:
    """They are a beginning of what was sent, in whole characters, and no JSON."""
    frames = through("truncate=0.1")
    assert len(frames) == COUNT
    broken = [(number, frame) for number, frame in enumerate(frames) if frame.number is None]
    assert 0.05 < len(broken) / COUNT < 0.15
    for number, frame in broken:
        assert event(number).startswith(frame.payload)
        assert frame.payload.decode()
        assert frame.is_text


def test_garbage_comes_between_frames() -> None:
    """Text and binary frames that nobody sent; what was sent arrives as it was."""
    frames = through("garbage=0.1")
    assert numbers(frames) == list(range(COUNT))
    garbage = [frame for frame in frames if frame.number is None]
    assert 0.05 < len(garbage) / COUNT < 0.15
    assert {frame.is_text for frame in garbage} == {True, False}
    assert all(frame.payload.decode() for frame in garbage if frame.is_text)


def test_answers_are_never_harmed() -> None:
    """Whatever happens to event frames, what a client asked for arrives once and whole."""
    faulty = line("drop=1,dup=1,reorder=1,truncate=1,garbage=1")
    answers = [f'{{"type":"res","seq":{number}}}'.encode() for number in range(20)]
    for answer in answers:
        faulty.say(event(1000), "others", 0.0)
        faulty.answer(answer, "all", 0.0)
    assert [frame.payload for frame in taken(faulty, 10.0)] == answers


def test_an_answer_does_not_overtake_what_was_said_before_it() -> None:
    """A slow line is slow for all."""
    faulty = line("delay=10s")
    faulty.say(event(0), "all", 0.0)
    faulty.answer(event(1), "all", 0.0)
    assert taken(faulty, 0.0) == []
    assert numbers(taken(faulty, 10.0)) == [0, 1]


def test_after_it_settled_nothing_is_harmed() -> None:
    """What is under way arrives, and what follows is sent as it is."""
    faulty = line("reorder=1,delay=1s,stall=1s,dup=1")
    faulty.say(event(0), "all", 0.0)
    faulty.settle()
    assert [number for wire, _ in faulty.arrive() for number in numbers(list(unframed(wire, 0)))] == [0, 0]
    faulty.say(event(1), "all", 5.0)
    assert numbers(taken(faulty, 5.0)) == [1]


ALL = "drop=0.05,dup=0.05,reorder=0.05,truncate=0.05,garbage=0.05,delay=30ms,stall=200ms"


def test_equal_seeds_do_the_same_and_others_do_not() -> None:
    """To the byte and the moment."""
    assert through(ALL, seed=7) == through(ALL, seed=7)
    assert through(ALL, seed=7) != through(ALL, seed=8)


def test_each_kind_of_fault_has_a_chance_of_its_own() -> None:
    """Which frames are lost does not depend on what else goes wrong."""
    lost = set(range(COUNT)) - set(numbers(through("drop=0.1")))
    assert lost == set(range(COUNT)) - set(numbers(through("drop=0.1,dup=0.3,reorder=0.2,garbage=0.2,delay=20ms")))


def test_outages_come_about_as_often_as_asked_half_of_them_abrupt() -> None:
    """Between half and one and a half of the time, by the seed."""
    some = list(islice(outages(10, Fleet(seed=3).random("x")), 200))
    assert some == list(islice(outages(10, Fleet(seed=3).random("x")), 200))
    assert all(5 <= outage.wait <= 15 for outage in some)
    assert 80 < sum(outage.abrupt for outage in some) < 120


def test_faults_are_written_as_they_are_read() -> None:
    """What is in the head of a truth can be given again."""
    text = "drop=0.01,delay=50ms,stall=1.5s,disconnect=5s,restart=1m"
    assert str(Faults.parse(text)) == text
    assert Faults.parse(" dup = 1 , drop=0 ") == Faults(dup=1.0)
    assert not Faults.parse("")
    assert not NO_FAULTS
    assert Faults.parse("delay=1ms")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("drip=0.1", "no such fault: drip; there are drop,"),
        ("drop=1.5", "a share of all event frames from 0 to 1, such as drop=0.01"),
        ("drop=often", "such as drop=0.01"),
        ("drop", "such as drop=0.01"),
        ("drop=nan", "such as drop=0.01"),
        ("drop=0.1,drop=0.2", "drop twice"),
        ("delay=fast", "a duration, such as delay=5s"),
        ("delay=-1s", "a duration, such as delay=5s"),
        ("restart=1ms", "a duration of at least 500ms, such as restart=5s"),
    ],
)
def test_faults_that_cannot_be_had_are_refused_with_the_remedy(text: str, told: str) -> None:
    """Whoever mistypes one learns what there is."""
    with pytest.raises(FaultsError, match=told.replace("(", r"\(")):
        Faults.parse(text)
