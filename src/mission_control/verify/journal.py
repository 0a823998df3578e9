"""A daemon's journal, read from its file, with the daemon running or not."""

from pathlib import Path
from typing import Final

from mission_control.core.events import Event
from mission_control.core.subscription import EVERYTHING
from mission_control.stores.sqlite_reader import Reader
from mission_control.verify.readings import Reading

_NAMES: Final = ("simulated.sqlite3", "journal.sqlite3")
_PAGE: Final = 10_000


class NoJournalError(Exception):
    """There is no one journal there; the text says what to give."""


def find_journal(path: Path) -> Path:
    """The journal's file: ``path`` itself, or the one in that data directory.

    Raises:
        NoJournalError: there is none, or more than one.
    """
    if path.is_file():
        return path
    found = [path / name for name in _NAMES if (path / name).is_file()]
    if len(found) > 1:
        raise NoJournalError(f"{path} has {' and '.join(_NAMES)}; give one of the two files")
    if not found:
        raise NoJournalError(f"no journal at {path}; give a daemon's data directory, or the journal's file")
    return found[0]


def read_journal(file: Path) -> Reading:
    """All that the journal has.

    Raises:
        JournalError: it cannot be read.
    """
    reader, events = Reader(file), list[Event]()
    try:
        page = reader.page(0, _PAGE, EVERYTHING)
        begins_after, after = page.trimmed_to, 0
        while page.events or page.scanned_to > after:
            events += page.events
            after = page.scanned_to
            page = reader.page(after, _PAGE, EVERYTHING)
    finally:
        reader.close()
    return Reading("journal", tuple(events), begins_after, page.bounds.floor)
