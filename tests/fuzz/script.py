"""What an input is: lines of a word and what comes with it, so that a person can read, write and cut them.

::

    at 1795444458002                 the time is that, in ms
    frame {"type":"event", …}        this text comes
    after 300                        so many ms pass
    again 20                         all that again so many times, each time with other names and later

Which other words there are is the target's business. A line that begins with no word at all is a frame.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from attrs import evolve, frozen

MOST_STEPS: Final = 300
"""What follows is left out, so that no input is merely long."""
MOST_MS: Final = 120_000
"""No step lets more time pass."""
START_MS: Final = 1_795_444_458_000
"""When an input begins that does not say so: about when the recordings were made."""
LATEST_MS: Final = 4_102_444_800_000
"""No input is later than the year 2100: our own clock is not what is tried here."""

_NAMES: Final = re.compile(
    rb'"(?:runId|run_id|sessionKey|session|key|toolCallId|event_id|message_id|boot|id)"\s*:\s*"(?:[^"\\\n]|\\.)*(?=")'
)
_TIMES: Final = re.compile(rb'("(?:ts|timestamp|updatedAt|started_at)"\s*:\s*)([0-9]{1,15})(?![0-9.eE])')
_NUMBERS: Final = re.compile(rb'("sequence"\s*:\s*)([0-9]{1,9})(?![0-9.eE])')


@frozen
class Step:
    word: str
    body: bytes = b""

    @property
    def number(self) -> int:
        """The body as a number that is not negative; 0 when it is none."""
        return int(self.body) if self.body.isdigit() and len(self.body) < 16 else 0

    @property
    def line(self) -> bytes:
        return self.word.encode() + b" " + self.body


def joined(steps: Iterable[Step]) -> bytes:
    return b"\n".join(step.line for step in steps)


def parsed(data: bytes, words: Collection[str]) -> list[Step]:
    """The lines of an input."""
    known = {word.encode(): word for word in words}
    steps: list[Step] = []
    for line in data.split(b"\n", MOST_STEPS)[:MOST_STEPS]:
        word, _, body = line.partition(b" ")
        steps.append(Step(known[word], body) if word in known else Step("frame", line))
    return steps


def steps_of(data: bytes, words: Collection[str]) -> list[Step]:
    """The steps of an input, with all repetitions written out."""
    out: list[Step] = []
    for step in parsed(data, words):
        if step.word != "again":
            out.append(step)
            continue
        turn = [one for one in out if one.word != "at"]
        for lap in range(1, min(step.number, MOST_STEPS) + 1):
            if not turn or len(out) >= MOST_STEPS:
                break
            out += [Step("lose"), *renewed(turn, lap, lap * duration(turn))]
    return out[:MOST_STEPS]


def duration(steps: Iterable[Step]) -> int:
    """How much time they let pass, in ms."""
    return sum(min(step.number, MOST_MS) for step in steps if step.word == "after")


def renewed(turn: Sequence[Step], lap: int, later: int) -> list[Step]:
    """The same steps ``later``, in ms, about runs, sessions, messages and events of other names."""
    further = lap * max((int(found[2]) for step in turn for found in _NUMBERS.finditer(step.body)), default=0)

    def body(old: bytes) -> bytes:
        new = _NAMES.sub(lambda found: found[0] + b"~%d" % lap, old)
        new = _TIMES.sub(lambda found: found[1] + b"%d" % (int(found[2]) + later), new)
        return _NUMBERS.sub(lambda found: found[1] + b"%d" % (int(found[2]) + further), new)

    return [step if step.word == "after" else evolve(step, body=body(step.body)) for step in turn]
