"""One daemon to a journal: an advisory lock on a file beside it, which ends with the process however that ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mission_control.stores.journal import JournalUnavailableError
from mission_control.stores.sqlite_errors import translated


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold ``path`` with ``.lock`` appended for as long as the block lasts. The file holds the owner's process id.

    Raises:
        JournalUnavailableError: another process holds it, or the file cannot be made.
    """
    beside = path.with_name(f"{path.name}.lock")
    with translated(path):
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, path)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"%d\n" % os.getpid())
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        raise JournalUnavailableError(
            f"The journal {path} is in use by another Mission Control (process {owner}). "
            "Stop that one, or give this one another data directory."
        ) from None
