"""SQLite's errors in the journal's terms, each with what an operator can do about it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mission_control.stores.journal import JournalCorruptError, JournalError, JournalUnavailableError

_CORRUPT: Final = {
    sqlite3.SQLITE_CORRUPT: "It is damaged: restore it from a backup, or move it away to begin a new journal.",
    sqlite3.SQLITE_CONSTRAINT: "It contradicts itself: restore it from a backup, or move it away to begin a new one.",
    sqlite3.SQLITE_NOTADB: "It is not a database: choose another data directory, or move that file away.",
}
_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "The disk is full: free some space. Writing is tried again by itself.",
    sqlite3.SQLITE_IOERR: "Reading or writing the disk failed: check the disk and the system's log.",
    sqlite3.SQLITE_BUSY: "Another program holds the file locked: close it.",
    sqlite3.SQLITE_LOCKED: "Another program holds the file locked: close it.",
    sqlite3.SQLITE_READONLY: "The file cannot be written: check the permissions of the file and of its directory.",
    sqlite3.SQLITE_PERM: "Access was refused: check the permissions of the file and of its directory.",
    sqlite3.SQLITE_CANTOPEN: "The file cannot be opened: check that its directory exists and may be written to.",
}
_PRIMARY_CODE: Final = 0xFF
"""An extended result code carries its primary code in the low byte (https://www.sqlite.org/rescode.html)."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise what SQLite or the file system raises inside as a :class:`JournalError` about ``path``."""
    try:
        yield
    except sqlite3.Error as error:
        raise journal_error(path, error) from error
    except OSError as error:
        raise JournalUnavailableError(
            f"The journal {path} cannot be opened ({error.strerror}). Check that its directory exists and that it "
            "belongs to the user that the daemon runs as."
        ) from error


def journal_error(path: Path, error: sqlite3.Error) -> JournalError:
    """The journal's error for one of SQLite's, with the remedy in its text."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    if code in _CORRUPT:
        return JournalCorruptError(f"The journal {path} cannot be read ({error}). {_CORRUPT[code]}")
    return JournalUnavailableError(f"The journal {path} failed ({error}). {_REMEDIES.get(code, '')}".rstrip())
