"""What a source says again: the last message of a run, and messages that its history has told of already."""

from typing import Final as Constant

from attrs import define, field

from mission_control.core.matching import Known, continues, same_text
from mission_control.core.past import Past

RUNS_KEPT: Constant = 200
"""Of how many runs the last message is remembered, since a source may repeat it after the run's end."""


@define
class _Echo:
    """A run that streams what is known from history; ``seen`` is how far it has come.

    ``known`` is the message, where no stream had told of it before.
    """

    text: str
    seen: str
    known: Known | None = None


@define
class Echoes:
    """Recognises them. ``not_before`` (ms): the time before which a run cannot have said anything, if that is known."""

    past: Past
    _echo: dict[str, _Echo] = field(init=False, factory=dict)
    _last_text: dict[str, str] = field(init=False, factory=dict)

    def note_last(self, run_id: str, text: str) -> None:
        """Remember a run's last message: its source may repeat it after the run's end."""
        self._last_text.pop(run_id, None)
        self._last_text[run_id] = text
        while len(self._last_text) > RUNS_KEPT:
            del self._last_text[next(iter(self._last_text))]

    def is_told(self, run_id: str, session: str, text: str, not_before: int | None) -> bool:
        """Whether this text is the last message that we have: of this run, or of its session from history alone."""
        last = self._last_text.get(run_id)
        if last is not None and same_text(last, text):
            return True
        for known in reversed(self.past.of(session)):
            if known.could_stream(not_before) and same_text(known.text, text):
                known.claimed = True
                return True
        return False

    def begins(self, run_id: str, session: str, text: str, at: int, not_before: int | None) -> bool:
        """Whether a message that a history told of in full is only now streamed: it was under way at that time."""
        for known in reversed(self.past.of(session)):
            if known.could_stream(not_before) and known.was_said_at(at) and known.text.startswith(text):
                known.claimed = True
                self._echo[run_id] = _Echo(known.text, text, known)
                return True
        return False

    def expect(self, run_id: str, seen: str, text: str) -> None:
        """A history has completed what the run was writing; the stream has told ``seen`` of it, and more may come."""
        self._echo[run_id] = _Echo(text, seen)

    def goes_on(self, run_id: str, text: str, delta: str) -> bool:
        """Whether this is more of a message that a history has told of already."""
        echo = self._echo.get(run_id)
        if echo is None:
            return False
        if continues(echo.seen, text, delta):
            if echo.text.startswith(text.rstrip()):
                echo.seen = text
                return True
            if echo.known is not None:
                echo.known.claimed = False  # it was another message, which began with the same words
        del self._echo[run_id]
        return False

    def end(self, run_id: str) -> str | None:
        """The run says nothing more of its message; gives the whole text, if that was an echo."""
        echo = self._echo.pop(run_id, None)
        return None if echo is None else echo.text
