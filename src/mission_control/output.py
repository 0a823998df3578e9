"""What the commands print: results to standard output, what concerns the connection to standard error."""

import os
import sys
from collections.abc import Callable

from mission_control.printable import json_line, one_line


def write(line: str) -> None:
    """A line of the result at once, as it is but for characters that the output's encoding does not have."""
    _put(line.encode(sys.stdout.encoding, "backslashreplace"))


def write_json(document: bytes) -> None:
    """A line of JSON at once, in UTF-8 whatever the terminal's encoding (RFC 8259, section 8.1)."""
    _put(json_line(document).encode())


def _put(line: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


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
