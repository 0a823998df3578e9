"""Durations and sizes as people write them."""

import re
from collections.abc import Mapping
from typing import Final

SECONDS_IN: Final[Mapping[str, float]] = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
BYTES_IN: Final[Mapping[str, float]] = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
}

_QUANTITY = re.compile(r"\s*(-?\d+(?:_\d+)*(?:\.\d+)?)\s*([A-Za-z]*)\s*", re.ASCII)


def quantity(text: str, units: Mapping[str, float]) -> float:
    """``text`` as a number, times what its unit stands for if it has one.

    Raises:
        ValueError: no number, or a unit that is not among ``units`` (upper and lower case are one).
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    number, unit = match.groups()
    if not unit:
        return float(number)
    factors = {name.lower(): factor for name, factor in units.items()}
    if unit.lower() not in factors:
        raise ValueError(text)
    return float(number) * factors[unit.lower()]


def show_duration(seconds: float) -> str:
    """The shortest exact way to write a duration: ``7d``, ``250ms``, ``1.5s``."""
    if seconds == 0:
        return "0s"
    for unit in ("w", "d", "h", "m", "s") if seconds >= 1 else ("ms",):
        count = seconds / SECONDS_IN[unit]
        # Weeks only read better than days from two on.
        if count == int(count) and not (unit == "w" and count < 2):
            return f"{int(count)}{unit}"
    return f"{seconds:.12g}s" if seconds >= 1 else f"{seconds * 1000:.12g}ms"


def show_bytes(count: int) -> str:
    """The shortest exact way to write a size: ``2GiB``, ``1500B``."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if count and count % BYTES_IN[unit] == 0:
            return f"{int(count // BYTES_IN[unit])}{unit}"
    return f"{count}B"
