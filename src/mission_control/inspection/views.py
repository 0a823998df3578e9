"""How ``mission-control actors`` shows one moment, or one after the other."""

from datetime import datetime
from typing import Protocol

from attrs import define, field
from rich.console import Group
from rich.live import Live

from mission_control.inspection.daemon import Answer
from mission_control.inspection.picture import picture
from mission_control.inspection.screen import Screen
from mission_control.inspection.watch import Moment
from mission_control.output import tell, write, write_json


class View(Protocol):
    """``failed``: there is no answer; the moment has the newest there was."""

    def answered(self, answer: Answer, moment: Moment) -> None: ...
    def failed(self, moment: Moment) -> None: ...


@define
class LiveView:
    """Draws anew where it drew before."""

    _url: str
    _screen: Screen
    _live: Live
    _everything: bool

    def answered(self, answer: Answer, moment: Moment) -> None:
        self._draw(moment)

    def failed(self, moment: Moment) -> None:
        self._draw(moment)

    def _draw(self, moment: Moment) -> None:
        lines = picture(moment, self._url, self._screen.frame(low=True), everything=self._everything)
        for line in lines:
            line.no_wrap = True
        self._live.update(Group(*lines), refresh=True)


@define
class Told:
    """Tells what happens to the daemon, each thing once, beside what is printed."""

    _news: str = field(default="", init=False)
    _lost: bool = field(default=False, init=False)

    def answered(self, answer: Answer, moment: Moment) -> None:
        if moment.news and moment.news != self._news:
            tell(moment.news)
        self._news, self._lost = moment.news, False

    def failed(self, moment: Moment) -> None:
        if not self._lost:
            tell(f"{moment.lost}; trying again")
        self._lost = True


@define
class PlainView(Told):
    """Prints the whole each time; while watching, under the time of day."""

    _url: str = field(kw_only=True)
    _screen: Screen = field(kw_only=True)
    _everything: bool = field(kw_only=True)

    def answered(self, answer: Answer, moment: Moment) -> None:
        super().answered(answer, moment)
        if moment.watching:
            write(f"-- {datetime.now():%H:%M:%S}")
        self._screen.show(picture(moment, self._url, self._screen.frame(), everything=self._everything))


class JsonView(Told):
    """Prints each answer as one line."""

    def answered(self, answer: Answer, moment: Moment) -> None:
        super().answered(answer, moment)
        write_json(answer.body)
