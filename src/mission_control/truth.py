"""The ground truth of a simulation: what really happened, whatever was delivered of it (docs/chaos.md).

A file of JSON, one object a line: a :class:`Header`, then records in order of time. Times are ms since the epoch.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec
from attrs import frozen

FORMAT: Final = "mission-control-truth"
VERSION: Final = 1

MessageState: TypeAlias = Literal["complete", "aborted", "error", "lost"]
Outcome: TypeAlias = Literal["complete", "aborted", "error", "lost"]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What was simulated. ``faults`` is as the command line has it, empty when there were none."""

    format: str = FORMAT
    version: int = VERSION
    dialect: str = "clawdbot"
    seed: int
    agents: int
    profile: str
    rate: float | None = None
    faults: str = ""
    started_at: int
    ended_at: int


class Message(msgspec.Struct, frozen=True, tag_field="kind", tag="message"):
    """Something that was said. ``began`` is the time that the gateway's history gives it.

    ``text`` of a message that was aborted, or ``lost`` with the gateway, is what was said of it so far; no history has
    that. A user's message is ``lost`` when the gateway never stored it.
    """

    agent: str
    session: str
    run: str
    role: Literal["user", "assistant"]
    text: str
    state: MessageState
    began: int
    ended: int


class Run(msgspec.Struct, frozen=True, tag_field="kind", tag="run"):
    """One attempt at a run: a retry has the same ``run`` again."""

    agent: str
    session: str
    run: str
    began: int
    ended: int
    outcome: Outcome


class Tool(msgspec.Struct, frozen=True, tag_field="kind", tag="tool"):
    """One call of a tool. ``failed`` is null when it never came to its end."""

    agent: str
    session: str
    run: str
    call: str
    tool: str
    began: int
    ended: int
    failed: bool | None


class Cut(msgspec.Struct, frozen=True, tag_field="kind", tag="cut"):
    """All connections were cut: ``abrupt``, without a word, or ``closed`` with a close frame."""

    at: int
    how: Literal["abrupt", "closed"]


class Restart(msgspec.Struct, frozen=True, tag_field="kind", tag="restart"):
    """The gateway's process was away: it ended ``abrupt`` or ``announced``, and its runs with it."""

    at: int
    until: int
    how: Literal["abrupt", "announced"]


class Envelope(msgspec.Struct, frozen=True, tag_field="kind", tag="envelope"):
    """An envelope as its source numbered it."""

    agent: str
    sequence: int
    event_id: str
    type: str
    timestamp: int
    payload: dict[str, Any]


Record: TypeAlias = Message | Run | Tool | Cut | Restart | Envelope


@frozen
class Truth:
    """A header and its records."""

    header: Header
    records: tuple[Record, ...]

    def of(self, *kinds: type[Record]) -> tuple[Any, ...]:
        """The records of some kinds."""
        return tuple(record for record in self.records if isinstance(record, kinds))


class TruthError(Exception):
    """A file holds no truth that can be read; the text says where and why."""


_encode: Final = msgspec.json.Encoder().encode
_headers: Final = msgspec.json.Decoder(Header)
_records: Final[msgspec.json.Decoder[Record]] = msgspec.json.Decoder(Record)


def write_truth(path: Path, header: Header, records: Iterable[Record]) -> None:
    """Write the file, complete and on disk, or not at all.

    Raises:
        OSError: it cannot be written.
    """
    draft = path.with_name(f"{path.name}.part")
    with draft.open("wb") as stream:
        stream.write(_encode(header) + b"\n")
        for record in sorted(records, key=_time):
            stream.write(_encode(record) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def read_truth(path: Path) -> Truth:
    """
    Raises:
        OSError: the file cannot be read.
        TruthError: it is no truth, or a newer version's.
    """
    with path.open("rb") as stream:
        lines = stream.read().splitlines()
    if not lines:
        raise TruthError(f"{path} is empty: the simulation writes it when it ends")
    try:
        header = _headers.decode(lines[0])
    except msgspec.DecodeError as error:
        raise TruthError(f"{path} holds no ground truth: {error}") from None
    if (header.format, header.version) != (FORMAT, VERSION):
        found = f"{header.format} {header.version}"
        raise TruthError(f"{path} is {found}, and this command reads {FORMAT} {VERSION}: use the one that wrote it")
    return Truth(header, tuple(_decoded(path, number, line) for number, line in enumerate(lines[1:], start=2)))


def _decoded(path: Path, number: int, line: bytes) -> Record:
    try:
        return _records.decode(line)
    except msgspec.DecodeError as error:
        raise TruthError(f"{path}, line {number}: {error}") from None


def _time(record: Record) -> int:
    match record:
        case Message() | Run() | Tool():
            return record.began
        case Cut() | Restart():
            return record.at
        case Envelope():
            return record.timestamp
