"""What was asked of a gateway, by method: since the start, and within the last hour."""

from collections import Counter
from collections.abc import Mapping
from typing import Final as Constant

from attrs import define, field

MINUTE_MS: Constant = 60_000
HOUR_MINUTES: Constant = 60


@define
class Asked:
    """Times in ms. The hour is of whole minutes, of which the present one is the last: 59 to 60 of them.

    A clock that is set back hides what was asked after the time that it is now, until that comes again: the hour shows
    too little then, and never too much.
    """

    totals: Counter[str] = field(init=False, factory=Counter)
    _minutes: dict[int, tuple[int, Counter[str]]] = field(init=False, factory=dict)
    """The minutes of the last hour by their place on the clock's face, each with its number since the epoch."""

    def note(self, method: str, now: int) -> None:
        minute = now // MINUTE_MS
        place = minute % HOUR_MINUTES
        if place not in self._minutes or self._minutes[place][0] != minute:
            self._minutes[place] = minute, Counter()
        self._minutes[place][1][method] += 1
        self.totals[method] += 1

    def within_hour(self, now: int) -> Mapping[str, int]:
        """How often each method was asked in the last hour; those that were not are left out."""
        minute = now // MINUTE_MS
        asked: Counter[str] = Counter()
        for number, counts in self._minutes.values():
            if minute - HOUR_MINUTES < number <= minute:
                asked.update(counts)
        return asked
