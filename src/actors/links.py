"""Whether each gateway can be heard: written by its connection actor, read by agents' actors when they start."""

from collections.abc import Callable

from attrs import define

from mission_control.gateways.dialect import DialectStatistics


def _nothing_yet() -> DialectStatistics:
    return DialectStatistics(0, 0, 0)


@define
class LinkState:
    """The link to one gateway. Outlives incarnations on both sides.

    ``reason`` says why it is down; ``changed_at`` in ms. ``reconnects`` counts connections after the first.
    """

    up: bool = False
    reason: str = "not connected to its gateway yet"
    changed_at: int = 0
    reconnects: int = 0
    warnings: tuple[str, ...] = ()
    statistics: Callable[[], DialectStatistics] = _nothing_yet
