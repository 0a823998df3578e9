"""What an operator should see at a moment of watching: the newest answer, what to compare it with, what happened."""

from typing import Final

from attrs import frozen

from mission_control.core.actor_views import ActorsView
from mission_control.inspection.figures import Since, since
from mission_control.inspection.wording import duration

NEWS_S: Final = 30.0
"""How long it is shown that the daemon was away or has restarted."""


@frozen
class Moment:
    """``past`` is what rates are taken from; without ``watching`` there are none. ``lost`` is why there is no newer
    answer. ``news`` is what happened to the daemon of late.
    """

    actors: ActorsView
    past: Since | None = None
    watching: bool = False
    lost: str = ""
    news: str = ""


class Watch:
    """Makes moments of answers and failures. ``at`` is this machine's time in seconds, from any beginning."""

    def __init__(self) -> None:
        self._newest: ActorsView | None = None
        self._past: Since | None = None
        self._lost_at: float | None = None
        self._news: tuple[float, str] | None = None

    def answered(self, actors: ActorsView, at: float) -> Moment:
        before = self._newest
        away = "" if self._lost_at is None else f"it was not reachable for {duration(at - self._lost_at)}"
        restarted = before is not None and before.instance != actors.instance
        if restarted or away:
            self._news = (at, ", and ".join(filter(None, (away, "the daemon has restarted" if restarted else ""))))
        self._past = since(before, actors)
        self._newest, self._lost_at = actors, None
        return Moment(actors, self._past, watching=True, news=self._current(at))

    def failed(self, why: str, at: float) -> Moment | None:
        """None when there never was an answer."""
        if self._lost_at is None:
            self._lost_at = at
        if self._newest is None:
            return None
        lost = f"no answer for {duration(at - self._lost_at)}: {why}"
        return Moment(self._newest, self._past, watching=True, lost=lost)

    def _current(self, at: float) -> str:
        if self._news is None:
            return ""
        since_when, text = self._news
        return text if at - since_when <= NEWS_S else ""
