"""Logging: one handler on standard error, as text for people or as JSON for machines, without secrets.

Messages hold what gateways and agents send, so what could forge another record or drive the terminal is escaped.
"""

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, TextIO

from mission_control.printable import one_line
from mission_control.settings import LogFormat, LogLevel, Secret, masked

_TALKATIVE: Final = ("httpcore", "httpx")
"""Libraries that log every request with its whole URL: only their warnings are let through."""


def setup(level: LogLevel, log_format: LogFormat, secrets: Iterable[Secret], stream: TextIO | None = None) -> None:
    """Send all log records of ``level`` and above to ``stream`` (standard error), with ``secrets`` masked."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    formatter = _JsonFormatter if log_format == "json" else _TextFormatter
    handler.setFormatter(formatter(secrets))
    handler.addFilter(lambda record: record.levelno >= logging.WARNING or not record.name.startswith(_TALKATIVE))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)


class _Formatter(logging.Formatter):
    """What both formats share: the time, and that secrets are masked in whatever comes out."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        return masked(self.line(record), self._secrets)

    def line(self, record: logging.LogRecord) -> str:
        raise NotImplementedError

    def trace(self, record: logging.LogRecord) -> str | None:
        return self.formatException(record.exc_info) if record.exc_info else None


class _TextFormatter(_Formatter):
    def line(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().isoformat(" ", "milliseconds")
        line = f"{time} {record.levelname.lower():7} {record.name}: {one_line(record.getMessage())}"
        trace = self.trace(record)
        return line if trace is None else "\n".join([line, *map(one_line, trace.split("\n"))])


class _JsonFormatter(_Formatter):
    def line(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        trace = self.trace(record)
        return json.dumps(fields if trace is None else {**fields, "exception": trace}, ensure_ascii=False)
