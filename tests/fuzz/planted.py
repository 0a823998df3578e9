"""Programs with a defect each, to see that it is found: ``test_fuzz.py``."""

from collections.abc import Callable
from typing import Final

from mission_control.client.decode import Pong, decode_frame
from tests.fuzz.script import Step

WORDS: Final = ("frame", "lose", "after", "again")
SEED: Final = b'frame {"op":"pong","t":1,"server_time":1}\nframe {"op":"error","code":"c","message":"m"}'


class Planted:
    """A client of the daemon's. ``defect`` happens at a time that it was not made for."""

    def __init__(self, defect: Callable[[], None]) -> None:
        self._defect = defect
        self._notes: list[str] = []

    def play(self, step: Step) -> None:
        frame = decode_frame(step.body).frame
        if isinstance(frame, Pong) and frame.t > 2**40:
            self._defect()

    def check(self) -> None:
        """There is nothing more to see."""

    @property
    def roots(self) -> list[object]:
        return [self]


class Hoarder(Planted):
    """Forgets nothing that it was told."""

    def play(self, step: Step) -> None:
        self._notes.append(step.word)


def crash() -> None:
    raise ValueError("planted")


def hang() -> None:
    while True:
        pass


def sound() -> None:
    """No defect."""
