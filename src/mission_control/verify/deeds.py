"""Runs and tool calls of an account against those that there really were."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from attrs import Factory, define

from mission_control.truth import Run, Tool
from mission_control.verify.pairing import ANY_TIME, pair
from mission_control.verify.readings import SLACK_MS, Account, Deed
from mission_control.verify.verdict import Finding, FindingClass

_ENDS: Final = {
    "complete": ("run.finished",),
    "error": ("run.failed",),
    "aborted": ("run.aborted",),
    "lost": ("run.failed", "run.aborted"),
}
"""How the end of a run may be told, by its outcome."""
_ALL_ENDS: Final = frozenset(kind for kinds in _ENDS.values() for kind in kinds)
_ALL_TOOL_ENDS: Final = frozenset({"tool.finished", "tool.failed"})


@define
class _Deeds:
    where: str
    account: Account
    open_ends: Collection[str]
    by_run: defaultdict[str, list[Deed]] = Factory(lambda: defaultdict(list))
    by_call: defaultdict[str, list[Deed]] = Factory(lambda: defaultdict(list))
    nameless: list[Deed] = Factory(list)
    """Failures of which it is told that nobody knows whose they were."""

    def runs(self, run_id: str, attempts: Sequence[Run]) -> Iterator[Finding]:
        """A run's attempts have a start and an end each, at their times."""
        deeds = self.by_run.pop(run_id, [])
        starts = [(deed.at, deed) for deed in deeds if deed.kind == "run.started"]
        ends = [(deed.at, deed) for deed in deeds if deed.kind in _ALL_ENDS]
        attempts = sorted(attempts, key=lambda run: run.began)
        began = [(run.began, run.ended, run) for run in attempts]
        ended = [(run.ended, run.ended, run) for run in attempts]
        _, unmet, extra = pair(began, starts, (0, SLACK_MS, ANY_TIME))
        unseen = [run for run in unmet if not self._must_tell(run, attempts[0], is_met=attempts[0] not in unmet)]
        counted = sum(deed.failed_before for deed in deeds)
        missing = [run for run in unmet if run not in unseen]
        yield from (self._unmet(run, run.began, "start of run", place < counted) for place, run in enumerate(missing))
        yield from (self._extra(deed) for deed in extra)
        pairs, unmet, extra = _pair_ends(ended, ends)
        missing = [run for run in unmet if run not in unseen and run.run not in self.open_ends]
        yield from (self._unmet(run, run.ended, "end of run", place < counted) for place, run in enumerate(missing))
        yield from (self._extra(deed) for deed in extra)
        for run, deed in pairs:
            if deed.kind not in _ENDS[run.outcome]:
                what = f"run {run_id} of {run.session} is told as {deed.kind}; it was {run.outcome}"
                # It seemed to go on, until a gap said that its rest is not known.
                until = deed.at if any(gap.run == run_id for gap in self.account.gaps) else run.ended
                yield self._unless_declared("altered", run, run.began, until, what)

    def call(self, tool: Tool) -> Iterator[Finding]:
        """A call has a start, and an end that says whether it failed, if it came to one."""
        deeds = self.by_call.pop(tool.call, [])
        starts = [deed for deed in deeds if deed.kind == "tool.started"]
        ends = [deed for deed in deeds if deed.kind in _ALL_TOOL_ENDS]
        if not starts and self._watched(tool.began):
            yield self._unmet(tool, tool.began, f"start of {tool.tool} {tool.call} in run")
        if not ends and tool.failed is not None and self._watched(tool.ended):
            yield self._unmet(tool, tool.ended, f"end of {tool.tool} {tool.call} in run")
        yield from (self._extra(deed) for deed in [*starts[1:], *ends[1:]])
        kind = "tool.failed" if tool.failed else "tool.finished"
        if ends and tool.failed is not None and ends[0].kind != kind:
            what = f"{tool.tool} {tool.call} of {tool.session} is told as {ends[0].kind}; it was {kind}"
            yield self._unless_declared("altered", tool, tool.began, tool.ended, what)

    def unknown(self, runs: Sequence[Run]) -> Iterator[Finding]:
        """What is told of runs and calls that there never were."""
        left = [deed for deeds in (*self.by_run.values(), *self.by_call.values()) for deed in deeds]
        left += [deed for deed in self.nameless if not any(_may_be(deed, run) for run in runs)]
        for deed in left:
            what = f"{deed.kind} of run {deed.run}, which never was (offset {deed.offset})"
            yield Finding("altered", self.where, what, deed.at)

    def _must_tell(self, attempt: Run, first: Run, *, is_met: bool) -> bool:
        """Retries name neither their session nor their agent: they are somebody's only for a daemon that has heard the
        first attempt itself (``is_met``: that is told). Of that the start can be declared if it fell into an outage,
        but not from before the first connection."""
        if attempt is not first and any(first.began < start <= attempt.began for start in self.account.starts):
            return False
        if is_met:
            return True
        return self._watched(first.began) and (attempt is first or self.account.must_have_heard(first.began))

    def _watched(self, at: int) -> bool:
        return at >= self.account.watched_from

    def _unmet(self, record: Run | Tool, at: int, what: str, is_counted: bool = False) -> Finding:
        """``is_counted``: an attempt that the end of a later one counts among those that failed before it."""
        found: FindingClass = "declared" if is_counted else "lost"
        return self._unless_declared(found, record, at, at, f"{what} {record.run} of {record.session}")

    def _unless_declared(self, found: FindingClass, record: Run | Tool, since: int, until: int, what: str) -> Finding:
        declared = self.account.declared(record.session, record.run, since, until)
        if isinstance(record, Run):
            declared = declared or any(_may_be(deed, record) for deed in self.nameless)
            declared = declared or self.account.declared_unheard(record.session, record.run, record.ended)
        return Finding("declared" if declared else found, self.where, what, since)

    def _extra(self, deed: Deed) -> Finding:
        what = f"{deed.kind} of run {deed.run} is told again (offset {deed.offset})"
        return Finding("repeated", self.where, what, deed.at)


def compare_deeds(
    runs: Sequence[Run], tools: Sequence[Tool], account: Account, where: str, open_ends: Collection[str] = ()
) -> Iterator[Finding]:
    """What an account has of the true runs and tool calls. ``open_ends``: the runs of whose ends nobody could know."""
    deeds = _Deeds(where, account, open_ends)
    for deed in account.deeds:
        if deed.kind == "run.failed" and deed.run is None:
            deeds.nameless.append(deed)
        elif deed.kind == "run.started" or deed.kind in _ALL_ENDS:
            deeds.by_run[deed.run or ""].append(deed)
        elif deed.kind == "tool.started" or deed.kind in _ALL_TOOL_ENDS:
            deeds.by_call[deed.call or ""].append(deed)
    attempts: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        attempts[run.run].append(run)
    for run_id, each in attempts.items():
        yield from deeds.runs(run_id, each)
    for tool in tools:
        yield from deeds.call(tool)
    yield from deeds.unknown(runs)


def _pair_ends(
    ended: Sequence[tuple[float, float, Run]], ends: Sequence[tuple[float, Deed]]
) -> tuple[list[tuple[Run, Deed]], list[Run], list[Deed]]:
    """Ends of attempts with those that are told: at their times and as they were, else at their times, else at any."""
    pairs: list[tuple[Run, Deed]] = []
    for kind in sorted(_ALL_ENDS):
        alike = [span for span in ended if kind in _ENDS[span[2].outcome]]
        found, _, _ = pair(alike, [(at, deed) for at, deed in ends if deed.kind == kind], (SLACK_MS,))
        pairs += found
        ended = [span for span in ended if all(span[2] is not run for run, _ in found)]
        ends = [each for each in ends if all(each[1] is not deed for _, deed in found)]
    others, unmet, extra = pair(ended, ends, (SLACK_MS, ANY_TIME))
    return [*pairs, *others], unmet, extra


def _may_be(deed: Deed, run: Run) -> bool:
    """Whether a failure without a name may be that of a run."""
    there = deed.session == run.session and run.outcome == "error"
    return there and run.began - SLACK_MS <= deed.at <= run.ended + SLACK_MS
