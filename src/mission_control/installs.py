"""A Clawdbot install as it lies on disk: its configuration file and the ``.env`` beside it.

The format is that program's own: JSON5, where ``${NAME}`` in a text stands for an environment variable and ``$${NAME}``
for the text ``${NAME}``. Only what is asked for is resolved, so that a missing variable elsewhere in the file does no
harm. ``$include`` is not followed.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import json5
from attrs import frozen

_VARIABLE: Final = re.compile(r"\$?\$\{([A-Z_][A-Z0-9_]*)\}", re.ASCII)
_DOTENV_LINE: Final = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", re.ASCII)


class InstallError(Exception):
    """An install's file cannot be used; the text is one line that says what is wrong."""


@frozen
class Config:
    """An install's configuration. ``environ`` resolves the variables in it."""

    document: Mapping[str, Any]
    environ: Mapping[str, str]

    def value(self, *path: str) -> Any:
        """What stands at ``path``, or None.

        Raises:
            InstallError: it refers to an environment variable that is not set.
        """
        node: Any = self.document
        for part in path:
            node = node.get(part) if isinstance(node, dict) else None
        return self._resolved(node, path) if isinstance(node, str) else node

    @property
    def is_split(self) -> bool:
        """Whether parts of it lie in other files, which are not read."""
        gateway = self.document.get("gateway")
        return "$include" in self.document or (isinstance(gateway, dict) and "$include" in gateway)

    def _resolved(self, text: str, path: tuple[str, ...]) -> str:
        def replace(match: re.Match[str]) -> str:
            if match[0].startswith("$$"):
                return match[0][1:]
            if not self.environ.get(match[1]):
                raise InstallError(f"{'.'.join(path)} refers to the environment variable {match[1]}, which is not set")
            return self.environ[match[1]]

        return _VARIABLE.sub(replace, text)


def read_config(file: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in ``file``.

    Raises:
        InstallError: it cannot be read, or is no JSON5 object.
    """
    try:
        document = _parse(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InstallError(error.strerror or str(error)) from error
    except ValueError as error:
        raise InstallError(f"not JSON5: {_first_line(error)}") from error
    if not isinstance(document, dict):
        raise InstallError("not a JSON5 object")
    return Config(document, environ)


def read_dotenv(file: Path) -> dict[str, str]:
    """The ``NAME=value`` lines of a ``.env`` file; empty when there is none that can be read."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    matches = [match for line in lines if (match := _DOTENV_LINE.fullmatch(line))]
    return {match[1]: _unquoted(match[2]) for match in matches}


def _parse(text: str) -> Any:
    # The program itself writes plain JSON, which the standard library reads a thousand times faster.
    try:
        return json.loads(text)
    except ValueError:
        return json5.loads(text)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return re.split(r"\s#", value, maxsplit=1)[0].rstrip()
