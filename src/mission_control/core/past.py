"""The finals that are known of each session: what a history is compared with."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final as Constant

from attrs import define, field

from mission_control.core.matching import Known

FINALS_KEPT: Constant = 200
"""How many finals of a session are remembered; at least as many as a history tells of."""
SESSIONS_KEPT: Constant = 64


@define
class Past:
    """The newest finals of the sessions that were used last, oldest first.

    A session's past is *whole* when everything that the journal has of its newest :data:`FINALS_KEPT` finals is here;
    :meth:`recall` makes it so. Nothing may be concluded from a final's absence before that.
    """

    _finals: OrderedDict[str, list[Known]] = field(init=False, factory=OrderedDict)
    _prompts: dict[str, int] = field(init=False, factory=dict)
    _whole: set[str] = field(init=False, factory=set)
    _nothing_forgotten: bool = field(init=False, default=False)

    def begin(self, recent: Sequence[Known], *, everything: bool) -> None:
        """Start from the journal's newest finals, oldest first; ``everything`` when it has no others."""
        for known in recent:
            self.add(known)
        self._nothing_forgotten = everything

    def is_whole(self, session: str) -> bool:
        return self._nothing_forgotten or session in self._whole

    def recall(self, session: str, finals: Sequence[Known]) -> None:
        """Take in a session's newest finals from the journal, oldest first. What is here already stays as it is."""
        here = self._finals.get(session, [])
        ids = {known.message_id for known in here}
        merged = [*(known for known in finals if known.message_id not in ids), *here]
        self._finals[session] = sorted(merged, key=lambda known: known.began)
        self._whole.add(session)
        self._touch(session)

    def add(self, known: Known) -> None:
        """A session's newest final."""
        finals = self._finals.setdefault(known.session, [])
        finals.append(known)
        if len(finals) > FINALS_KEPT:
            del finals[0]
        self._touch(known.session)

    def of(self, session: str) -> list[Known]:
        return list(self._finals.get(session, ()))

    def prompted(self, session: str, at: int) -> None:
        """A history showed that the session was prompted then, in ms."""
        self._prompts[session] = max(at, self._prompts.get(session, at))

    def newest_prompt(self, session: str, until: int) -> int | None:
        """When the session was last prompted, if that is known and was not after ``until``, in ms."""
        at = self._prompts.get(session)
        return at if at is not None and at <= until else None

    def reaches_back_to(self, session: str) -> int | None:
        """When the oldest final began that is remembered, in ms; None when none was forgotten."""
        finals = self._finals.get(session, [])
        return finals[0].began if len(finals) >= FINALS_KEPT else None

    def _touch(self, session: str) -> None:
        self._finals.move_to_end(session)
        if len(self._finals) > SESSIONS_KEPT:
            if self._nothing_forgotten:
                self._whole.update(self._finals)
                self._nothing_forgotten = False
            forgotten, _ = self._finals.popitem(last=False)
            self._whole.discard(forgotten)
            self._prompts.pop(forgotten, None)
