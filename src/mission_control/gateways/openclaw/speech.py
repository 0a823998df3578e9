"""Which message of its run a text belongs to. The gateway names messages when they stream, and nowhere else."""

from collections.abc import Sequence
from typing import Final as Constant

from attrs import define, field

from mission_control.gateways.openclaw.content import BREAK

RUNS_KEPT: Constant = 1_024


@define
class _Said:
    """``before``: the run's messages before the present one, ``text``, which is called ``item``."""

    before: list[str]
    item: str | None
    text: str


@define
class Speech:
    """What the runs that are under way have said, as far as it was heard. The texts of a run are told one by one while
    they stream, and all as one when it is joined or aborted."""

    _runs: dict[str, _Said] = field(init=False, factory=dict)

    def begins(self, run_id: str, item: str | None, text: str) -> bool:
        """Take in a text that streamed. Whether it is the beginning of another message than the one before it."""
        said = self._runs.get(run_id)
        if said is None or said.item is None or item == said.item:
            before = [] if said is None else said.before
            self._keep(run_id, _Said(before, item, text))
            return False
        self._keep(run_id, _Said([*said.before, said.text], item, text))
        return True

    def join(self, run_id: str, before: Sequence[str], whole: str) -> str | None:
        """A run is met that has said ``whole``, of which ``before`` is stored. Gives what it is saying, if anything."""
        text = _rest(before, whole)
        self._keep(run_id, _Said(list(before), None, text or ""))
        return text

    def present(self, run_id: str, whole: str) -> str | None:
        """What a run was saying when it had said ``whole``; None if that cannot be told."""
        said = self._runs.get(run_id)
        text = None if said is None else _rest(said.before, whole)
        return text if said is not None and text is not None and text.startswith(said.text) else None

    def end(self, run_id: str) -> None:
        self._runs.pop(run_id, None)

    def _keep(self, run_id: str, said: _Said) -> None:
        self._runs[run_id] = said
        if len(self._runs) > RUNS_KEPT:
            del self._runs[next(iter(self._runs))]


def _rest(before: Sequence[str], whole: str) -> str | None:
    """The last of the messages that ``whole`` is made of, without those before it."""
    told = "".join(text + BREAK for text in before)
    return whole[len(told) :] or None if whole.startswith(told) else None
