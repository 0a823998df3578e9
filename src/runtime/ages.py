"""Since when mail has been waiting, without a clock reading for each message.

Messages are numbered as they are accepted. A mark (number, time) says: messages from this number on were accepted at
this time or later. The first message of an empty mailbox is marked exactly; more marks are made as a reader comes for
mail, when enough has been accepted since the last one. So a message's age is never told too small, and too large by at
most the time between two receives, or in which an eighth of the queue was accepted.
"""

Mark = tuple[int, float]

FINENESS = 8


class Ages:
    """due: with how many messages accepted in all the next mark is worth making"""

    __slots__ = ("_marks", "due")

    def __init__(self) -> None:
        self._marks: list[Mark] = []
        self.due = 0

    def begin(self, number: int, now: float) -> None:
        """The message ``number`` is accepted now, and is the only one."""
        self._marks = [(number, now)]
        self.due = number + 2

    def mark(self, oldest: int, number: int, now: float) -> None:
        """The next message to be accepted will be ``number``; the oldest of the queue is ``oldest``."""
        marks = self._marks
        while len(marks) > 1 and marks[1][0] <= oldest:
            del marks[0]
        marks.append((number, now))
        self.due = number + 1 + (number - oldest) // FINENESS

    def close_gap(self, number: int) -> None:
        """The message ``number`` has gone, and those behind it move up."""
        self._marks = [(first - 1, time) if first > number else (first, time) for first, time in self._marks]
        self.due -= 1

    def since(self, number: int) -> float | None:
        """When the message ``number`` was accepted, at the earliest; None when no clock ran then."""
        times = [time for first, time in self._marks if first <= number]
        return times[-1] if times else None
