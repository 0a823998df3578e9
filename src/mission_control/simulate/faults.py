"""What can go wrong between a gateway and its clients, as a layer of its own: frames in, deliveries out when due.

A :class:`FaultLine` has no clock, no socket and no chance of its own: each kind of fault draws from a source of
chance of its own, once for every event frame, so that equal seeds do the same to the same frames, whichever other
faults there are. Whole outages are not its business, only when they happen (:func:`outages`).

Event frames alone are lost, repeated, swapped, cut or mixed with garbage. An answer is never harmed, and does not
overtake what was said before it: delays and stalls hold back everything, as a slow network does.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator
from math import inf
from typing import Final, Generic, Self, TypeVar

from attrs import asdict, define, field, fields, frozen

from mission_control.config.units import SECONDS_IN, quantity, show_duration
from mission_control.simulate.framing import binary_frame, text_frame

Chance = Callable[[str], random.Random]
"""Gives the source of chance for a purpose."""

LONGEST_SWAP: Final = 3
"""A swapped frame comes after at most this many later ones."""
SWAP_SECONDS: Final = 0.5
"""…or after this time, if nothing follows it."""
STALL_EVERY: Final = 5
"""A stall comes about every so many times its length."""

_SHARES: Final = ("drop", "dup", "reorder", "truncate", "garbage")
_DURATIONS: Final = ("delay", "disconnect", "restart", "stall")
_SHORTEST: Final = {"disconnect": 0.5, "restart": 0.5}

To = TypeVar("To")


class FaultsError(ValueError):
    """Faults that cannot be had; the text says what can."""


@frozen
class Faults:
    """The share of event frames that are harmed, 0 to 1, and durations in seconds; 0 is never.

    delay: the longest; disconnect, restart: about how often; stall: how long each lasts.
    """

    drop: float = 0.0
    dup: float = 0.0
    reorder: float = 0.0
    truncate: float = 0.0
    garbage: float = 0.0
    delay: float = 0.0
    stall: float = 0.0
    disconnect: float = 0.0
    restart: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``drop=0.01,delay=50ms,restart=20s``.

        Raises:
            FaultsError: unknown, repeated or impossible.
        """
        found: dict[str, float] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = (piece.strip() for piece in part.partition("="))
            if name not in _SHARES + _DURATIONS:
                raise FaultsError(f"no such fault: {name}; there are {', '.join(_SHARES + _DURATIONS)}")
            if name in found:
                raise FaultsError(f"{name} twice; give it once")
            found[name] = _share(name, value) if name in _SHARES else _duration(name, value)
        return cls(**found)

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def __str__(self) -> str:
        parts = ((each.name, getattr(self, each.name)) for each in fields(type(self)))
        return ",".join(
            f"{name}={show_duration(value) if name in _DURATIONS else f'{value:g}'}" for name, value in parts if value
        )


NO_FAULTS: Final = Faults()


@frozen
class Outage:
    """``wait`` and ``down`` in seconds; an ``abrupt`` one comes without a word."""

    wait: float
    abrupt: bool
    down: float


def outages(every: float, rng: random.Random) -> Iterator[Outage]:
    """About one in ``every`` seconds, half of them abrupt; ``wait`` is the time since the end of the one before."""
    while True:
        yield Outage(every * rng.uniform(0.5, 1.5), rng.random() < 0.5, rng.uniform(0.3, 1.5))


@define
class _Held(Generic[To]):
    wire: bytes
    to: To
    behind: int
    until: float


@define
class FaultLine(Generic[To]):
    """``to`` is whom a frame is for, and comes out with it. Every ``now`` is in seconds, and never goes back."""

    faults: Faults
    chance: Chance
    _dice: dict[str, random.Random] = field(init=False)
    _due: deque[tuple[float, bytes, To]] = field(init=False, factory=deque)
    _held: list[_Held[To]] = field(init=False, factory=list)
    _last_due: float = field(init=False, default=0.0)
    _stalls: Iterator[tuple[float, float]] = field(init=False)
    _stall: tuple[float, float] = field(init=False, default=(inf, inf))

    def __attrs_post_init__(self) -> None:
        self._dice = {name: self.chance(f"faults/{name}") for name in (*_SHARES, "delay")}
        if self.faults.stall:
            self._stalls = _stalls(self.faults.stall, self.chance("faults/stall"))
            self._stall = next(self._stalls)

    @property
    def next_at(self) -> float:
        """When something is due that :meth:`take` has not given yet."""
        first = self._due[0][0] if self._due else inf
        return min([first, *[held.until for held in self._held]])

    def say(self, frame: bytes, to: To, now: float) -> None:
        """An event frame (JSON) sets out."""
        hit = {name: self._dice[name].random() < getattr(self.faults, name) for name in _SHARES}
        late = self._dice["delay"].uniform(0, self.faults.delay) if self.faults.delay else 0.0
        if hit["garbage"]:
            self._send(self._garbage(), to, now)
        if hit["truncate"]:
            frame = self._cut(frame)
        for held in self._held:
            held.behind -= 1
        wire = text_frame(frame) * (2 if hit["dup"] else 1)
        if hit["reorder"] and not hit["drop"]:
            behind = self._dice["reorder"].randint(1, LONGEST_SWAP)
            self._held.append(_Held(wire, to, behind, now + SWAP_SECONDS))
        elif not hit["drop"]:
            self._send(wire, to, now + late)
        self._release(now)

    def answer(self, frame: bytes, to: To, now: float) -> None:
        """A frame that is for one client alone sets out."""
        self._send(text_frame(frame), to, now)

    def take(self, now: float) -> Iterator[tuple[bytes, To]]:
        """What is due by ``now``, in order: whole WebSocket frames, and whom they are for."""
        for held in self._held:
            if held.until <= now:
                held.behind = 0
        self._release(now)
        while self._due and self._due[0][0] <= now:
            _, wire, to = self._due.popleft()
            yield wire, to

    def arrive(self) -> list[tuple[bytes, To]]:
        """All that is under way, whenever it is due."""
        under_way = [(wire, to) for _, wire, to in self._due] + [(held.wire, held.to) for held in self._held]
        self.lose()
        return under_way

    def lose(self) -> None:
        """Nothing of what is under way arrives."""
        self._due.clear()
        self._held.clear()
        self._last_due = 0.0

    def settle(self) -> None:
        """Nothing is harmed from now on."""
        self.faults = NO_FAULTS
        self._stall = (inf, inf)

    def _release(self, now: float) -> None:
        for held in [held for held in self._held if held.behind <= 0]:
            self._held.remove(held)
            self._send(held.wire, held.to, now)

    def _send(self, wire: bytes, to: To, at: float) -> None:
        self._last_due = at = self._after_stalls(max(at, self._last_due))
        self._due.append((at, wire, to))

    def _after_stalls(self, at: float) -> float:
        while self._stall[1] <= at:
            self._stall = next(self._stalls)
        return self._stall[1] if self._stall[0] <= at else at

    def _cut(self, frame: bytes) -> bytes:
        """A beginning of the frame, of whole characters: no longer JSON, still UTF-8."""
        size = max(1, int(len(frame) * self._dice["truncate"].random()))
        return frame[: min(size, len(frame) - 1)].decode(errors="ignore").encode()

    def _garbage(self) -> bytes:
        rng = self._dice["garbage"]
        if rng.random() < 0.5:
            return binary_frame(rng.randbytes(rng.randint(1, 200)))
        noise = "".join(chr(rng.choice((rng.randint(32, 126), rng.randint(0xA1, 0x24F)))) for _ in range(80))
        return text_frame(noise[: rng.randint(1, 80)].encode())


def _stalls(length: float, rng: random.Random) -> Iterator[tuple[float, float]]:
    """From when to when nothing is sent."""
    end = 0.0
    while True:
        begin = end + STALL_EVERY * length * rng.uniform(0.5, 1.5)
        end = begin + length
        yield begin, end


def _share(name: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise FaultsError(f"{name}={text}: a share of all event frames from 0 to 1, such as {name}=0.01")
    return share


def _duration(name: str, text: str) -> float:
    try:
        seconds = quantity(text, SECONDS_IN)
    except ValueError:
        seconds = -1.0
    shortest = _SHORTEST.get(name, 0.0)
    if not shortest <= seconds < inf:
        least = f" of at least {show_duration(shortest)}" if shortest else ""
        raise FaultsError(f"{name}={text}: a duration{least}, such as {name}=5s")
    return seconds
