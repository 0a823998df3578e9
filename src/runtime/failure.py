"""What is kept of an exception, and of a message, when the thing itself must not be kept."""

from types import TracebackType

import attrs

SUMMARY_LIMIT = 300


@attrs.frozen
class Failure:
    """An exception reduced to text, so that keeping it keeps no frames alive.

    where: "module:line in function"; time: when it ended an incarnation, ``trio.current_time()`` in seconds
    """

    type: str
    message: str
    where: str
    time: float

    @classmethod
    def of(cls, error: BaseException, time: float) -> "Failure":
        # A nursery wraps the one error that matters: name that one.
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        return cls(type(error).__qualname__, _text(error), _where(error.__traceback__), time)


def _text(error: BaseException) -> str:
    try:
        return str(error)[:SUMMARY_LIMIT]
    except Exception as another:
        return f"<its str raised {type(another).__qualname__}>"


def _where(traceback: TracebackType | None) -> str:
    if traceback is None:
        return ""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame = traceback.tb_frame
    return f"{frame.f_globals.get('__name__', '?')}:{traceback.tb_lineno} in {frame.f_code.co_qualname}"


def summarize(message: object) -> str:
    """The message's repr, at most 300 characters; a repr that raises must not cost the supervisor its life."""
    try:
        return repr(message)[:SUMMARY_LIMIT]
    except Exception as error:
        return f"<{type(message).__qualname__}: its repr raised {type(error).__qualname__}>"
