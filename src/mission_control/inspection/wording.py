"""Numbers and durations as people read them in a narrow column."""

from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def duration(seconds: float) -> str:
    """The two coarsest units: ``3d 04h``, ``2h 03m``, ``5m 09s``, ``12s``, ``40ms``."""
    if seconds < 0.9995:
        return f"{round(max(0.0, seconds) * 1000)}ms"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR:02}h"


def ago(now: int, then: int) -> str:
    """How long ago ``then`` was; both in ms. A clock that was set back gives 0."""
    elapsed = now - then
    return "just now" if elapsed < 1000 else f"{duration(elapsed / 1000)} ago"


def number(count: int) -> str:
    return f"{count:,}"


def rate(per_second: float) -> str:
    """Three digits where that matters: ``0.04``, ``3.2``, ``118``, ``12,300``."""
    if per_second >= 100:
        return f"{per_second:,.0f}"
    return f"{per_second:.1f}" if per_second >= 1 or per_second == 0 else f"{per_second:.2f}"


def percent(fraction: float) -> str:
    """``<1%`` rather than a zero for what is busy at times."""
    if 0 < fraction < 0.01:
        return "<1%"
    return f"{min(1.0, fraction):.0%}"


def several(count: int, one: str, many: str) -> str:
    return f"1 {one}" if count == 1 else f"{number(count)} {many}"
