"""When a saturated loop lets the journal's threads have the interpreter."""

from attrs import define, field

from mission_control.stores.sqlite_giveway import EVERY_S, PAUSE_S, GiveWay


@define
class Time:
    """A clock in seconds that only pausing moves."""

    at: float = 0.0
    pauses: list[float] = field(factory=list)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += seconds


def test_it_gives_way_only_while_needed() -> None:
    """Only a loop with tasks waiting gives way, only to a pending call, and only so often."""
    time = Time()
    give_way = GiveWay(lambda: time.at, time.pause)
    time.at += 2 * EVERY_S
    give_way.before_io_wait(0.0)
    assert time.pauses == []
    with give_way:
        give_way.before_io_wait(1.0)
        assert time.pauses == []
        for _ in range(3):
            give_way.before_io_wait(0.0)
        assert time.pauses == [PAUSE_S]
        time.at += EVERY_S
        give_way.before_io_wait(0.0)
        assert time.pauses == [PAUSE_S, PAUSE_S]
    time.at += EVERY_S
    give_way.before_io_wait(0.0)
    assert time.pauses == [PAUSE_S, PAUSE_S]
