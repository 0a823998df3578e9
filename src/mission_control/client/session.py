"""One subscription to the daemon, without I/O: frames and the passing of time in, actions out.

It owns the cursor, the hello and what follows it, the order and uniqueness of events, liveness and reconnection, and
the view that the events come to. It reads no clock and no source of chance: every input carries ``now`` in ms, from
wherever it is counted, and chance is handed in. :mod:`mission_control.client.driver` carries the actions out;
``web/lib/session.ts`` is the same machine in TypeScript, and golden scripts bind the two.

::

    idle ─start─► opening ─opened─► greeting ─welcome─► loading ──snapshot──► live
                   ▲    │              │      ╰───────► catching_up ──head──► │
                   │    ╰──────────────┴──closed, silence──╮                  │
                   ╰───────── backoff ─────────────── waiting ◄──closed, silence, gap

    final close code or another version ─► stopped

A new filter is asked for on the connection that is there, one at a time and the newest last. Until the daemon has
answered, the old one counts: a connection that is lost meanwhile is taken up with it, so that nothing of it is missed.
"""

from collections.abc import Callable
from typing import Any, Final

from attrs import asdict

from mission_control import __version__
from mission_control.client.decode import (
    EventsFrame,
    Frame,
    Pong,
    SnapshotFrame,
    Unknown,
    Welcome,
    decode_frame,
)
from mission_control.client.states import (
    FINAL_CODES,
    WITH_SOCKET,
    Action,
    Backoff,
    Batch,
    Changed,
    Deliver,
    Jump,
    Link,
    Noticed,
    Problem,
    RefusedError,
    Send,
    newest_words,
)
from mission_control.client.view import View
from mission_control.core.events import Event, LinkStateName, encode
from mission_control.core.frames import PROTOCOL, ErrorFrame, Notice
from mission_control.core.subscription import Cursor, Filter

DEFAULT_PING_INTERVAL_MS: Final = 10_000
"""Until the daemon has told its own."""
STABLE_MS: Final = 5_000
"""How long a connection must have held before its loss counts as a first failure again."""

SILENT: Final = Problem("silent", "nothing was heard from the daemon")
GAP: Final = Problem("gap", "a part of the stream is missing; loading a fresh copy")
VERSION: Final = Problem("version", "the daemon speaks another version of the protocol; use the client of its version")


class Session:
    """The state, open to read, and its inputs. Each input gives what is to be done, in order."""

    def __init__(
        self, *, token: str | None, select: Filter, cursor: Cursor | None, backoff: Backoff, chance: Callable[[], float]
    ) -> None:
        self.link: Link = "idle"
        self.attempt = 0
        """Failed attempts since the link last held."""
        self.retry_at: int | None = None
        self.problem: Problem | None = None
        self.refused: RefusedError | None = None
        """Why the session is stopped."""
        self.cursor = cursor
        """What a hello resumes at."""
        self.select = select
        """The filter of what is delivered."""
        self.view = View()
        self.notices: list[Notice] = []
        """The newest word on each subject, since the last welcome."""
        self.duplicates = 0
        self.gaps = 0
        self.malformed = 0
        self.fresh_at: int | None = None
        """When what was delivered was last known to be current: its age counts from here."""
        self._token = token
        self._wanted = select
        self._asked: tuple[int, Filter] | None = None
        self._serial = 0
        self._reached = cursor
        self._backoff = backoff
        self._chance = chance
        self._head = 0
        self._said: ErrorFrame | None = None
        self._was_live = False
        self._live_since: int | None = None
        self._heard_at = 0
        self._paused = False
        self._ping_interval_ms = float(DEFAULT_PING_INTERVAL_MS)
        self._ping_at = 0.0
        self._actions: list[Action] = []

    @property
    def state(self) -> LinkStateName:
        """What the link is to someone who looks at what it brought."""
        if self.link == "live":
            return "connected"
        if self.link == "stopped":
            return "disconnected"
        return "reconnecting" if self.attempt > 0 or self._was_live else "connecting"

    @property
    def has_socket(self) -> bool:
        return self.link in WITH_SOCKET

    @property
    def wake_at(self) -> float | None:
        """When a :meth:`tick` is due next."""
        if self.link == "waiting":
            return self.retry_at
        if not self.has_socket:
            return None
        return min(self._silent_at, self._ping_at) if self.link == "live" else self._silent_at

    # -- inputs -----------------------------------------------------------------------------------------------------

    def start(self, now: int) -> list[Action]:
        self._open(now)
        return self._taken(now)

    def opened(self, now: int) -> list[Action]:
        """The socket that ``opening`` asks for is open."""
        if self.link == "opening":
            self.link = "greeting"
            self._greet()
        return self._taken(now)

    def closed(self, code: int, why: str, now: int) -> list[Action]:
        """The socket closed, or never opened (``states.LOST``)."""
        if self.has_socket:
            said = self._said.message if self._said is not None else why
            if code in FINAL_CODES:
                self._stop(code, Problem(str(code), said or "the daemon refused"))
            else:
                self._retry_later(Problem(str(code), said or "the connection was lost"), now)
        return self._taken(now)

    def received(self, text: bytes | str, now: int) -> list[Action]:
        """A frame from the daemon."""
        if self.has_socket:
            decoded = decode_frame(text)
            self.malformed += decoded.malformed
            self._heard_at = now
            if decoded.frame is not None:
                self._frame(decoded.frame, now)
                if self.link == "live":
                    self.fresh_at = now
        return self._taken(now)

    def tick(self, now: int) -> list[Action]:
        """Time has passed."""
        if self.link == "waiting" and now >= (self.retry_at or 0):
            self._open(now)
        return self._taken(now)

    def refilter(self, select: Filter, now: int) -> list[Action]:
        """Someone wants other events from now on."""
        self._wanted = select
        self._ask()
        return self._taken(now)

    def pause(self) -> None:
        """Frames are not taken for a while: that the daemon is not heard proves nothing."""
        self._paused = True

    def resume(self, now: int) -> list[Action]:
        self._paused = False
        self._heard_at = now
        return self._taken(now)

    # -- the link ---------------------------------------------------------------------------------------------------

    @property
    def _silent_at(self) -> float:
        return float("inf") if self._paused else self._heard_at + 2 * self._ping_interval_ms

    def _taken(self, now: int) -> list[Action]:
        """Whatever the input was: leave a link that is silent for two intervals, ping once an interval."""
        if self.has_socket and now >= self._silent_at:
            self._retry_later(SILENT, now)
        if self.link == "live" and now >= self._ping_at:
            self._send({"op": "ping", "t": now})
            self._ping_at = now + self._ping_interval_ms
        actions, self._actions = self._actions, []
        return actions

    def _open(self, now: int) -> None:
        self.link, self._heard_at, self.retry_at = "opening", now, None
        self._said = self._asked = None

    def _greet(self) -> None:
        if self.cursor is None:
            self.select = self._wanted
        hello: dict[str, Any] = {
            "op": "hello",
            "client": {"name": "mission-control", "version": __version__},
            "filter": _on_the_wire(self.select),
        }
        if self._token is not None:
            hello["token"] = self._token
        if self.cursor is not None:
            hello["cursor"] = asdict(self.cursor)
        self._send(hello)

    def _retry_later(self, problem: Problem, now: int) -> None:
        held = self._live_since is not None and now - self._live_since >= STABLE_MS
        self.attempt = 1 if held else self.attempt + 1
        self.retry_at = now + self._backoff.delay_ms(self.attempt, self._chance())
        self.link, self.problem, self._live_since = "waiting", problem, None
        self._actions.append(Changed("reconnecting", problem.message))

    def _resync(self, now: int) -> None:
        """Something is missing that should be here: come back without a cursor, for a fresh snapshot."""
        self.cursor = None
        self.gaps += 1
        self._retry_later(GAP, now)

    def _stop(self, close_code: int | None, problem: Problem) -> None:
        self.link, self.problem, self._live_since = "stopped", problem, None
        code = self._said.code if self._said is not None else problem.code
        self.refused = RefusedError(close_code, code, problem.message)
        self._actions.append(Changed("disconnected", problem.message))

    def _go_live(self, why: str, now: int) -> None:
        if self.link != "live":
            self._actions.append(Changed("connected", why))
        self.link, self.problem, self._was_live = "live", None, True
        if self._live_since is None:
            self._live_since = now
        self._ask()

    # -- frames -----------------------------------------------------------------------------------------------------

    def _frame(self, frame: Frame, now: int) -> None:
        match frame:
            case Welcome() if self.link == "greeting":
                self._welcome(frame, now)
            case SnapshotFrame() if self.link in ("loading", "catching_up", "live"):
                self._snapshot(frame, now)
            case EventsFrame() if self.link in ("catching_up", "live"):
                self._events(frame, now)
            case Notice():
                self.notices = newest_words(self.notices, frame)
                self._actions.append(Noticed(frame))
            case ErrorFrame():
                self._said = frame
            case Welcome() | SnapshotFrame() | EventsFrame() | Pong() | Unknown():
                pass

    def _welcome(self, frame: Welcome, now: int) -> None:
        if frame.protocol != PROTOCOL:
            self._stop(None, VERSION)
            return
        self._ping_interval_ms, self._ping_at = frame.policy.ping_interval_ms, now
        self.notices = []
        if frame.resume == "snapshot":
            self.link = "loading"
        elif self.cursor is None or self.cursor.epoch != frame.cursor.epoch:
            self._resync(now)
        else:
            self.link, self._head = "catching_up", frame.head
            self._catch_up(self.cursor, now)

    def _catch_up(self, cursor: Cursor, now: int) -> None:
        """What continues is current once all is here that the journal had at the welcome."""
        if self.link == "catching_up" and cursor.offset >= self._head:
            self._go_live("continued", now)

    def _snapshot(self, frame: SnapshotFrame, now: int) -> None:
        if frame.reason == "filter" and self._asked is not None and frame.request_id == self._asked[0]:
            self.select, self._asked = self._asked[1], None
        cursor = frame.snapshot.cursor
        lost = self.cursor is None and self._reached is not None
        jump = Jump("gap" if lost else frame.reason, self._reached, cursor)
        self.view.load(frame.snapshot)
        self._go_live(frame.reason, now)
        self._deliver([], cursor, jump)

    def _events(self, frame: EventsFrame, now: int) -> None:
        """Each journaled event once, in order of offset; ephemeral ones as they come."""
        assert self.cursor is not None, "a link is live at a cursor"
        offset, gap = self.cursor.offset, False
        news: list[Event] = []
        for event, payload in frame.entries:
            if event.offset is not None and event.offset <= offset:
                self.duplicates += 1
                continue
            applied = "applied" if payload is None else self.view.apply(event, payload)
            if applied == "gap":
                gap = True
                break
            if applied == "duplicate":
                self.duplicates += 1
            else:
                news.append(event)
            offset = event.offset or offset
        before = self.cursor
        cursor = Cursor(before.epoch, offset if gap else max(offset, frame.offset))
        if news or cursor != before:
            self._deliver(news, cursor)
        if gap:
            self._resync(now)
        else:
            self._catch_up(cursor, now)

    def _deliver(self, events: list[Event], cursor: Cursor, jump: Jump | None = None) -> None:
        self.cursor = self._reached = cursor
        self._actions.append(Deliver(Batch(events, cursor, self.select, jump)))

    def _ask(self) -> None:
        """Ask for the wanted filter, unless it is there, or an answer is still to come."""
        if self.link == "live" and self._asked is None and self._wanted != self.select:
            self._serial += 1
            self._asked = (self._serial, self._wanted)
            self._send({"op": "filter", "id": self._serial, "filter": _on_the_wire(self._wanted)})

    def _send(self, frame: dict[str, Any]) -> None:
        self._actions.append(Send(encode(frame).decode()))


def _on_the_wire(select: Filter) -> dict[str, list[str]]:
    return {name: sorted(members) for name, members in asdict(select).items() if members}
