"""The dead letters of a tree, with the messages themselves, so that they can be given another chance."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import count

import attrs
import trio

from runtime.child import Child
from runtime.errors import ActorStopped
from runtime.failure import Failure, summarize
from runtime.observe import DeadLetter, DeadLetterDiscarded, DeadLetterRetried, RuntimeEvent
from runtime.ref import Ref


class Place(ABC):
    """The supervisor or pool whose child a message has crashed."""

    @property
    @abstractmethod
    def path(self) -> str: ...

    @property
    @abstractmethod
    def parent(self) -> "Place | None": ...

    @abstractmethod
    def children(self) -> Sequence[Child]: ...

    @abstractmethod
    def observe(self, event: RuntimeEvent) -> None: ...


@attrs.frozen(eq=False)
class _Kept:
    letter: DeadLetter
    message: object
    place: Place
    name: str

    def is_below(self, place: Place) -> bool:
        above: Place | None = self.place
        while above is not None and above is not place:
            above = above.parent
        return above is not None

    def addressee(self) -> tuple[Child, Ref[object]]:
        """Who has that name there now. Raises ActorStopped."""
        for child in self.place.children():
            address = child.watched()
            if child.name == self.name and isinstance(address, Ref):
                return child, address
        raise ActorStopped(self.name)

    def tell_discarded(self, *, evicted: bool) -> None:
        self.place.observe(DeadLetterDiscarded(self.letter.path, trio.current_time(), self.letter, evicted))


class DeadLetters:
    """The newest 100 of a whole tree, oldest first."""

    LIMIT = 100

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}
        self._ids = count(1)

    def bury(self, place: Place, child: Child, message: object, failure: Failure) -> DeadLetter:
        letter = DeadLetter(next(self._ids), child.path, summarize(message), failure, trio.current_time())
        self._kept[letter.id] = _Kept(letter, message, place, child.name)
        if len(self._kept) > self.LIMIT:
            self._kept.pop(next(iter(self._kept))).tell_discarded(evicted=True)
        return letter

    def below(self, place: Place) -> tuple[DeadLetter, ...]:
        return tuple(kept.letter for kept in self._kept.values() if kept.is_below(place))

    def retry(self, letter_id: int, place: Place) -> None:
        kept = self._find(letter_id, place)
        child, address = kept.addressee()
        address.tell(kept.message)
        del self._kept[letter_id]
        child.emit(DeadLetterRetried(child.path, trio.current_time(), kept.letter))

    def discard(self, letter_id: int, place: Place) -> None:
        kept = self._find(letter_id, place)
        del self._kept[letter_id]
        kept.tell_discarded(evicted=False)

    def _find(self, letter_id: int, place: Place) -> _Kept:
        kept = self._kept.get(letter_id)
        if kept is None or not kept.is_below(place):
            raise LookupError(f"there is no dead letter {letter_id} below {place.path!r}: dead_letters() lists them")
        return kept
