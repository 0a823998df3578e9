"""Since when mail has been waiting, without a clock reading for each message.

Messages are numbered as they are accepted. A mark (number, time) says: that message was accepted then, and those behind
it not before. The first one after each receive is marked, unless an eighth of the queue has not come since the last
mark. So an age is never told too small, and too large by at most the time between two receives, or in which that eighth
was accepted.
"""

FINENESS = 8


class Ages:
    """due: the lowest number that is worth a mark"""

    __slots__ = ("_marks", "_since", "due")

    def __init__(self) -> None:
        self._since: float | None = None  # the time of the last mark that has left the queue
        self._marks: list[tuple[int, float]] = []
        self.due = 0

    def begin(self, now: float) -> None:
        """From now on a clock runs: what came before counts as accepted now."""
        if self._since is None:
            self._since = now

    def mark(self, oldest: int, number: int, now: float) -> None:
        """The message ``number`` is accepted now; the oldest in the queue is ``oldest``."""
        marks = self._marks
        while marks and marks[0][0] <= oldest:
            self._since = marks.pop(0)[1]
        marks.append((number, now))
        self.due = number + 1 + (number - oldest) // FINENESS

    def close_gap(self, number: int) -> None:
        """The message ``number`` has gone, and those behind it move up."""
        self.due -= 1
        for index, (first, time) in enumerate(self._marks):
            if first > number:
                self._marks[index] = (first - 1, time)

    def since(self, number: int) -> float | None:
        """When the message ``number`` was accepted, at the earliest; None when no clock ran then."""
        return next((time for first, time in reversed(self._marks) if first <= number), self._since)
