"""Secrets that are in files of their own."""

from pathlib import Path
from typing import Any

from mission_control.config.formats import secret
from mission_control.config.merge import Merged
from mission_control.config.problems import Problem, UnacceptableError
from mission_control.config.schema import KeyPath
from mission_control.settings import Secret

_UNREAD = Secret("unread")
"""Stands for a secret whose file cannot be read, which is told already, so that nobody also says that it is missing."""


def read_secret_files(merged: Merged) -> None:
    """Put each secret whose file is named in its place; what cannot be read is a problem."""
    for path in list(merged.sources):
        secret_path = merged.schema.secret_of(path)
        if secret_path is None:
            continue
        table = _table(merged.tree, path)
        file = table.get(path[-1])
        if isinstance(file, str) and file:
            table[secret_path[-1]] = _read(Path(file), path, merged)


def _table(tree: Any, path: KeyPath) -> Any:
    for part in path[:-1]:
        tree = tree[part]
    return tree


def _read(file: Path, path: KeyPath, merged: Merged) -> Secret:
    try:
        return secret(file.read_text(encoding="utf-8").strip())
    except OSError as error:
        found = f"{file}: {error.strerror or error}"
    except UnicodeDecodeError:
        found = f"{file}: not text"
    except ValueError as error:
        found = f"{file}: {(error.found if isinstance(error, UnacceptableError) else None) or 'empty'}"
    allowed = "a readable file with the secret alone in it"
    merged.problems.append(Problem(str(merged.source_of(path)), found, allowed))
    return _UNREAD
