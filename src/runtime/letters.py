"""The dead letters of a tree, with the messages themselves, so that they can be given another chance."""

from collections.abc import Iterator
from itertools import count
from typing import Generic, TypeVar

import attrs

from runtime.observe import DeadLetter

H = TypeVar("H")


@attrs.frozen(eq=False)
class Kept(Generic[H]):
    """host: whose child ``name`` it is that the message has crashed."""

    letter: DeadLetter
    message: object
    host: H
    name: str


class DeadLetters(Generic[H]):
    """The newest 100 of a whole tree, oldest first."""

    LIMIT = 100

    def __init__(self) -> None:
        self._kept: dict[int, Kept[H]] = {}
        self._ids = count(1)

    def next_id(self) -> int:
        return next(self._ids)

    def add(self, kept: Kept[H]) -> Kept[H] | None:
        """Returns the one that had to go for it."""
        self._kept[kept.letter.id] = kept
        return None if len(self._kept) <= self.LIMIT else self.remove(next(iter(self._kept)))

    def get(self, letter_id: int) -> Kept[H] | None:
        return self._kept.get(letter_id)

    def remove(self, letter_id: int) -> Kept[H]:
        return self._kept.pop(letter_id)

    def __iter__(self) -> Iterator[Kept[H]]:
        return iter(tuple(self._kept.values()))
