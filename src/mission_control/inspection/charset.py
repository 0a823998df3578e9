"""The characters that a terminal's encoding can show, and text reduced to them."""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from mission_control.printable import one_line


@frozen
class Charset:
    """How the tree and the states are drawn. Every symbol is one cell wide.

    ``states`` has no entry for a state that only a newer daemon knows.
    """

    encoding: str
    tee: str
    elbow: str
    bar: str
    ellipsis: str
    none: str
    states: Mapping[str, str]

    def text(self, text: str) -> str:
        """Foreign text as one line that this encoding has and that drives no terminal."""
        return one_line(text).encode(self.encoding, "backslashreplace").decode(self.encoding)

    def state(self, state: str) -> str:
        return self.states.get(state, "?")


_UNICODE_STATES: Final = {
    "idle": "○",
    "starting": "◌",
    "running": "●",
    "restarting": "◐",
    "stopping": "◑",
    "stopped": "○",
    "gave_up": "✗",
}
_ASCII_STATES: Final = {
    "idle": "o",
    "starting": ".",
    "running": "*",
    "restarting": "~",
    "stopping": ">",
    "stopped": "o",
    "gave_up": "x",
}


def charset(encoding: str) -> Charset:
    """Line-drawing where ``encoding`` has it, ASCII elsewhere."""
    rich = Charset(encoding, "├─ ", "└─ ", "│  ", "…", "·", _UNICODE_STATES)
    try:
        "".join((rich.tee, rich.elbow, rich.bar, rich.ellipsis, rich.none, *rich.states.values())).encode(encoding)
    except UnicodeEncodeError:
        return Charset(encoding, "|- ", "`- ", "|  ", "~", "-", _ASCII_STATES)
    return rich
