"""``mission-control verify``: read, compare, and say what came of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import trio
from attrs import evolve, frozen

from mission_control.client import RefusedError
from mission_control.inspection import daemon as inspection
from mission_control.output import write, write_json
from mission_control.printable import one_line
from mission_control.stores.journal import JournalError
from mission_control.target import Target
from mission_control.truth import Envelope, Message, Run, Tool, Truth, TruthError, read_truth
from mission_control.verify.compare import compare
from mission_control.verify.daemon import read_conversations, read_history, read_stream
from mission_control.verify.journal import NoJournalError, find_journal, read_journal
from mission_control.verify.readings import Conversations, Reading
from mission_control.verify.verdict import CLASSES, Verdict

_EXAMPLES: Final = 5


@frozen
class Sources:
    """Where to look: a journal's file or its directory, a running daemon, or both."""

    truth: Path
    journal: Path | None
    daemon: Target | None


def run_verify(sources: Sources, *, as_json: bool) -> int:
    """Print the verdict; gives 0 when nothing is lost, repeated, reordered or altered, else 1.

    Raises:
        OSError, TruthError, NoJournalError, JournalError: a file cannot be read.
        DaemonError, RefusedError, trio.TooSlowError: the daemon does not answer, or not all.
    """
    truth = read_truth(sources.truth)
    readings, conversations = read(sources)
    verdict = compare(truth, readings, conversations)
    if as_json:
        write_json(msgspec.json.encode(_document(verdict, readings)))
    else:
        for line in _lines(truth, readings, verdict):
            write(one_line(line))
    return 0 if verdict.is_clean else 1


def read(sources: Sources) -> tuple[list[Reading], Conversations | None]:
    """The readings, the journal's first, and the conversations if there is a daemon."""
    file = None if sources.journal is None else find_journal(sources.journal)
    readings: list[Reading] = []
    conversations = None
    if sources.daemon is not None:
        history, stream, conversations = trio.run(_read_daemon, sources.daemon)
        readings += [history, stream]
    if file is not None:
        journal = read_journal(file)
        readings = [journal, *(evolve(each, compacted_to=journal.compacted_to) for each in readings)]
    return readings, conversations


async def _read_daemon(target: Target) -> tuple[Reading, Reading, Conversations]:
    async with inspection.connected(target) as daemon:
        history, head = await read_history(daemon)
        return history, await read_stream(target, head), await read_conversations(daemon)


def explain(error: BaseException, sources: Sources) -> str | None:
    """A failure of :func:`run_verify` with its remedy, or None when it is a fault of the program."""
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return explain(error.exceptions[0], sources)
    if isinstance(error, TruthError | NoJournalError | JournalError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    assert sources.daemon is not None or not isinstance(error, trio.TooSlowError | RefusedError)
    if isinstance(error, trio.TooSlowError):
        return "the daemon's stream did not come to its end in time; is it very busy?"
    if isinstance(error, RefusedError):
        return one_line(str(error))
    return None if sources.daemon is None else inspection.explain(error, sources.daemon)


def _lines(truth: Truth, readings: list[Reading], verdict: Verdict) -> Iterator[str]:
    header = truth.header
    what = f"{header.agents} agents, {header.profile}, faults {header.faults or 'none'}"
    numbers = ", ".join(
        f"{len(found)} {name}"
        for name, kind in (("messages", Message), ("runs", Run), ("tool calls", Tool), ("envelopes", Envelope))
        if (found := truth.of(kind))
    )
    yield f"truth      seed {header.seed}: {what}; {numbers or 'nothing happened'}"
    for reading in readings:
        since = f" after offset {reading.begins_after}" if reading.begins_after else ""
        yield f"{reading.name:<10} {len(reading.events)} events{since}"
    for each in CLASSES:
        yield f"{each:<10} {verdict.counts[each]}"
        findings = [finding for finding in verdict.findings if finding.found == each]
        yield from (f"           {finding}" for finding in findings[:_EXAMPLES])
        if len(findings) > _EXAMPLES:
            yield f"           … and {len(findings) - _EXAMPLES} more (--json has all)"


def _document(verdict: Verdict, readings: list[Reading]) -> dict[str, Any]:
    return {
        "clean": verdict.is_clean,
        "counts": verdict.counts,
        "read": {reading.name: len(reading.events) for reading in readings},
        "findings": [
            {"class": each.found, "where": each.where, "at": each.at, "what": each.what} for each in verdict.findings
        ],
    }
