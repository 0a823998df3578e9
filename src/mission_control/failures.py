"""Failures at run time that an operator can mend, in the operator's words."""

import errno
import socket
from collections.abc import Iterator

from mission_control.plugins import UnusableActorTypeError
from mission_control.settings import Address, Settings
from mission_control.stores.journal import JournalError
from runtime import RestartIntensityExceeded

_BUSY = (
    "{listen} is in use, perhaps by another Mission Control; stop that program, or listen elsewhere:"
    " --listen 127.0.0.1:8701 (port 0 takes any free one)"
)
_FORBIDDEN = "this user may not listen at {listen}; choose a port above 1023: --listen 127.0.0.1:8700"
_FOREIGN = "{listen} is no address of this machine; choose one that is: --listen 127.0.0.1:8700"


def explain(error: BaseException, settings: Settings) -> str | None:
    """What went wrong and what to do about it, or None when that is not known: then it is a fault of the program."""
    texts = [_explain_one(leaf, settings) for leaf in _leaves(error)]
    known = [text for text in texts if text is not None]
    return "\n".join(dict.fromkeys(known)) if len(known) == len(texts) else None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _explain_one(error: BaseException, settings: Settings) -> str | None:
    if isinstance(error, RestartIntensityExceeded):
        return f"gave up: {error}; the log says why; start again, and report it if it stays so"
    if isinstance(error, JournalError | UnusableActorTypeError):
        return str(error)
    if not isinstance(error, OSError):
        return None
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}; choose another place for the data with --data-dir"
    return unusable_address(error, settings.listen)


def unusable_address(error: OSError, listen: Address) -> str | None:
    """Why nothing can listen there and what to do about it, or None when that is not known."""
    if isinstance(error, socket.gaierror):
        return _FOREIGN.format(listen=listen)
    texts = {errno.EADDRINUSE: _BUSY, errno.EACCES: _FORBIDDEN, errno.EADDRNOTAVAIL: _FOREIGN}
    template = texts.get(error.errno or 0)
    return None if template is None else template.format(listen=listen)
