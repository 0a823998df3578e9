"""The token that operators show to the daemon: the configured one, or one that is made once and kept."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from mission_control.config.formats import secret
from mission_control.config.problems import ConfigError, Problem, UnacceptableError
from mission_control.settings import Secret, Settings

FILE_NAME: Final = "operator-token"
_OTHERS: Final = 0o077


def ensure_operator_token(settings: Settings) -> Settings:
    """The settings with ``auth.token`` set if a token is wanted, and ``auth.token_file`` if it is kept in a file.

    Without a configured token that is the one in the data directory, made on first use with mode 0600. Idempotent.

    Raises:
        ConfigError: the kept token cannot be used, or none can be kept; says how to mend it.
    """
    if settings.auth.mode == "none" or settings.auth.token is not None:
        return settings
    file = settings.data_dir / FILE_NAME
    return attrs.evolve(settings, auth=attrs.evolve(settings.auth, token=ensure_token(file), token_file=file))


def ensure_token(file: Path) -> Secret:
    """The token in a file, made with mode 0600 if there is none.

    Raises:
        ConfigError: it cannot be used, or none can be kept; says how to mend it.
    """
    try:
        return _kept(file) or _make(file)
    except OSError as error:
        raise _unusable(file, error.strerror or str(error), "a file that this user can read and write") from error


def kept_token(data_dir: Path) -> Secret | None:
    """The token that was made earlier; None when there is none.

    Raises:
        OSError: it cannot be read.
        ConfigError: others may have read it, or the file holds no token.
    """
    return _kept(data_dir / FILE_NAME)


def _kept(file: Path) -> Secret | None:
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    if mode & _OTHERS:
        remedy = f"permissions 0600; delete the file to get a new token, or run: chmod 600 {file}"
        raise _unusable(file, f"permissions {mode & 0o777:04o}, so others may know the token", remedy)
    try:
        return secret(text)
    except UnacceptableError as error:
        raise _unusable(file, error.found or "nothing", "one token alone; delete the file to get a new one") from None


def _make(file: Path) -> Secret:
    """A new token in ``file``, complete or not at all; another process that was faster wins."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as stream:
            stream.write(token + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    return _kept(file) or Secret(token)


def _unusable(file: Path, found: str, allowed: str) -> ConfigError:
    return ConfigError([Problem(str(file), found, allowed)])
