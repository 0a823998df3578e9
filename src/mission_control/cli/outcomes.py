"""How commands end: exit codes, and messages instead of tracebacks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

INTERRUPTED = 130
"""What shells report for a program that SIGINT ended: 128 + 2."""


class ConfigurationError(click.ClickException):
    """Settings that cannot be used."""

    exit_code = 2


@contextmanager
def told_as_usage() -> Iterator[None]:
    """Settings that cannot be used end the program with a message and exit code 2."""
    from mission_control.config import ConfigError

    try:
        yield
    except ConfigError as error:
        raise ConfigurationError(str(error)) from error


def attempt(call: Callable[[], int], explain: Callable[[BaseException], str | None]) -> int:
    """The exit code of ``call``; failures that ``explain`` knows become messages."""
    try:
        return call()
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Exception, BaseExceptionGroup) as error:
        if isinstance(error, BaseExceptionGroup) and error.subgroup(KeyboardInterrupt):
            return INTERRUPTED
        text = explain(error)
        if text is None:
            raise
        raise click.ClickException(text) from error
