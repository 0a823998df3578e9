"""What one agent really did, as records of the ground truth, each written when it is over."""

from collections.abc import Callable
from typing import TypeAlias

from attrs import define, field

from mission_control.truth import Message, MessageState, Outcome, Record, Run, Tool

Witness: TypeAlias = Callable[[Record], None]
"""Takes each record of the truth."""


def unwitnessed(record: Record) -> None:
    """Nobody wants to know the truth."""


@define
class Chronicle:
    """Times are in ms. A user's message is known to be stored or lost only later: see ``simulate/sessions.py``."""

    agent: str
    witness: Witness
    _unstored: list[Message] = field(init=False, factory=list)

    def asked(self, session: str, run: str, prompt: str, at: int) -> None:
        self._unstored.append(Message(self.agent, session, run, "user", prompt, "complete", at, at))

    def stored(self) -> None:
        """What users said so far is in the history."""
        for message in self._unstored:
            self.witness(message)
        self._unstored.clear()

    def forgotten(self) -> None:
        """What users said and is not stored never will be."""
        for prompt in self._unstored:
            self.witness(Message(self.agent, prompt.session, prompt.run, "user", prompt.text, "lost", *_span(prompt)))
        self._unstored.clear()

    def said(self, session: str, run: str, text: str, state: MessageState, began: int, ended: int) -> None:
        """The end of an assistant's message; one without a text is none."""
        if text:
            self.witness(Message(self.agent, session, run, "assistant", text, state, began, ended))

    def called(
        self, session: str, run: str, call: str, tool: str, began: int, ended: int, *, failed: bool | None
    ) -> None:
        self.witness(Tool(self.agent, session, run, call, tool, began, ended, failed))

    def ran(self, session: str, run: str, began: int, ended: int, outcome: Outcome) -> None:
        self.witness(Run(self.agent, session, run, began, ended, outcome))


def _span(message: Message) -> tuple[int, int]:
    return message.began, message.ended
