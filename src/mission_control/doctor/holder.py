"""Which program listens at a port of this machine, as far as Linux tells this user (proc(5))."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LISTENS: Final = "0A"
_TABLES: Final = ("net/tcp", "net/tcp6")


def holder(port: int, proc: Path = Path("/proc")) -> str | None:
    """Its name and process id; None when that is not known: it is another user's, or this is not Linux."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    for descriptor in proc.glob("[0-9]*/fd/*") if sockets else ():
        try:
            if str(descriptor.readlink()) in sockets:
                process = descriptor.parts[-3]
                return f"{(proc / process / 'comm').read_text().strip()} (process {process})"
        except OSError:
            continue  # the process has ended meanwhile, or is another user's
    return None


def _inodes(port: int, proc: Path) -> Iterator[str]:
    """The sockets that listen at the port."""
    for table in _TABLES:
        try:
            rows = (proc / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            _, local, _, state, *rest = row.split()
            if state == _LISTENS and int(local.rpartition(":")[2], 16) == port:
                yield rest[5]
