"""Whether this machine can run a daemon: its Python, its SQLite, and the place for the data."""

import os
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from mission_control.config.problems import ConfigError
from mission_control.doctor.findings import Finding, refusals
from mission_control.operator_token import FILE_NAME, kept_token
from mission_control.settings import Settings
from mission_control.stores.sqlite_schema import WAL_KEPT_BYTES

LEAST_PYTHON: Final = (3, 11)
"""As in pyproject.toml."""
LEAST_FREE_BYTES: Final = 100 * 1024**2
"""With less, a busy hour may fill the disk."""

_ELSEWHERE: Final = "choose another place for the data with --data-dir"
_FEATURES: Final = "SELECT json_quote(type), row_number() OVER (ORDER BY name) FROM sqlite_schema"
"""What the journal needs that an old SQLite, or one that was built without it, does not have."""


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    text = ".".join(map(str, version))
    if version < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        return Finding("problem", "Python", text, f"install Mission Control with Python {least} or newer")
    return Finding("ok", "Python", text)


def sqlite(connection: sqlite3.Connection | None = None) -> Finding:
    """Tried with ``connection``, else with one of its own."""
    with closing(connection or sqlite3.connect(":memory:")) as tried:
        try:
            tried.execute(_FEATURES).fetchall()
        except sqlite3.Error as error:
            remedy = "use a Python whose SQLite is 3.38 or newer, or has the JSON functions built in"
            return Finding("problem", "SQLite", f"{sqlite3.sqlite_version} is not enough: {error}", remedy)
    return Finding("ok", "SQLite", sqlite3.sqlite_version)


def data_directory(path: Path) -> Finding:
    """A file is written in it and gone again. One that is not there is not made; the start does that."""
    check = "data directory"
    there = _nearest(path)
    if not there.is_dir():
        return Finding("problem", check, f"{there} is no directory", _ELSEWHERE)
    if there != path:
        if os.access(there, os.W_OK | os.X_OK):
            return Finding("ok", check, f"{path} is made at the first start")
        return Finding("problem", check, f"{path} cannot be made: {there} may not be written to", _ELSEWHERE)
    try:
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"\0")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Finding("problem", check, f"{path} cannot be written to ({error.strerror})", _ELSEWHERE)
    return Finding("ok", check, f"{path} can be written to")


def disk(settings: Settings) -> Finding:
    there = _nearest(settings.data_dir)
    try:
        used = sum(file.stat().st_size for file in settings.data_dir.glob("journal.sqlite3*"))
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Finding("warning", "disk", f"how much is free at {there} cannot be told ({error.strerror})")
    return space(free, used, settings.journal.max_bytes)


def space(free: int, used: int, most: int) -> Finding:
    """Whether the journal, which has ``used`` bytes, can grow to ``most`` as it is set to."""
    remedy = "free some space, or set journal.max_bytes lower"
    grows = max(0, most + WAL_KEPT_BYTES - used)
    text = f"{_gibibytes(free)} free, and the journal may grow by {_gibibytes(grows)}"
    if free < min(LEAST_FREE_BYTES, grows):
        return Finding("problem", "disk", text, remedy)
    if free < grows:
        return Finding("warning", "disk", text, remedy)
    return Finding("ok", "disk", text)


def operator_token(settings: Settings) -> list[Finding]:
    """Nothing when none is wanted."""
    check, file = "operator token", settings.data_dir / FILE_NAME
    if settings.auth.mode == "none":
        return []
    if settings.auth.token is not None:
        return [Finding("ok", check, "configured")]
    try:
        kept = kept_token(settings.data_dir)
    except ConfigError as error:
        return refusals(check, error)
    except OSError as error:
        remedy = "run this as the user that the daemon runs as"
        return [Finding("problem", check, f"{file}: {error.strerror or error}", remedy)]
    return [Finding("ok", check, f"kept in {file}" if kept is not None else "made at the first start")]


def _nearest(path: Path) -> Path:
    """The path itself, or what there is of the way to it."""
    return next(one for one in (path, *path.parents) if one.exists() or one == one.parent)


def _gibibytes(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
