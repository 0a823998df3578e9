"""The user's home directory and what lies where in it (XDG Base Directory Specification; macOS has its own places)."""

from collections.abc import Mapping
from pathlib import Path


def home_of(environ: Mapping[str, str]) -> Path:
    """The user's home directory."""
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()


def expand_home(path: str, home: Path) -> Path:
    """``~`` and ``~/…`` resolved against ``home``; any other path as it is."""
    return home / path[1:].lstrip("/") if path == "~" or path.startswith("~/") else Path(path)


def default_config_dir(environ: Mapping[str, str]) -> Path:
    """Where the user's own configuration file lies."""
    return Path(environ.get("XDG_CONFIG_HOME") or home_of(environ) / ".config") / "mission-control"


def default_data_dir(environ: Mapping[str, str], platform: str) -> Path:
    """Where the journal lies unless told otherwise. ``platform`` is as in :data:`sys.platform`."""
    if platform == "darwin":
        return home_of(environ) / "Library" / "Application Support" / "mission-control"
    return Path(environ.get("XDG_DATA_HOME") or home_of(environ) / ".local" / "share") / "mission-control"
