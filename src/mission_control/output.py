"""What the commands print: results to standard output, what concerns the connection to standard error."""

import os
import sys
from collections.abc import Callable

from mission_control.printable import one_line


def write(line: str) -> None:
    """A line of the result, as it is, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def tell(text: str) -> None:
    """A line that is not the result."""
    sys.stderr.write(f"-- {one_line(text)}\n")
    sys.stderr.flush()


def until_the_reader_has_enough(command: Callable[[], int]) -> int:
    """The exit code of ``command``; 0 when whoever reads our output ended first (head, a pager)."""
    try:
        return command()
    except BrokenPipeError:
        # Nothing may be written to it again, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
