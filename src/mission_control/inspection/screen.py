"""Where lines go: a terminal, or a pipe."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from mission_control.inspection.charset import Charset, charset
from mission_control.inspection.picture import Frame
from mission_control.output import write


class Screen:
    """Standard output. Lines are coloured and cut to the width of a terminal, plain and whole in a pipe."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self.charset: Charset = charset(self.console.encoding)

    @property
    def redraws(self) -> bool:
        """Whether what was shown can be taken back."""
        return self.console.is_terminal and not self.console.is_dumb_terminal

    def frame(self, *, low: bool = False) -> Frame:
        """The room that there is now; with ``low`` only what is seen without scrolling."""
        if not self.console.is_terminal:
            return Frame(self.charset)
        width, height = self.console.size
        return Frame(self.charset, width, height - 1 if low else None)

    def show(self, lines: Iterable[Text]) -> None:
        for line in lines:
            if self.console.is_terminal:
                self.console.print(line, no_wrap=True, overflow="ignore", crop=False)
            else:
                write(line.plain)
