"""What we ask of the gateway: few requests, each for a reason, never two for the same thing at once."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from typing import Final as Constant

import msgspec
from attrs import Factory, define, field, frozen

from mission_control.core.signals import Purpose
from mission_control.gateways.asked import Asked

IN_FLIGHT: Constant = 4
"""How many histories are asked for at a time: the gateway reads whole transcripts for each."""
TIMEOUT_MS: Constant = 10_000
LIST_TIMEOUT_MS: Constant = 60_000
"""Listing sessions takes a large gateway up to 20 s."""
_LIMIT: Constant[dict[Purpose, int]] = {"start": 8, "end": 50, "repair": 200}
_URGENCY: Constant[dict[Purpose, int]] = {"start": 0, "end": 1, "repair": 2}


@frozen
class Request:
    """A request without an answer yet. ``session`` and ``purpose`` are those of a ``chat.history``."""

    id: str
    method: str
    asked_at: int
    expires_at: int
    session: str = ""
    purpose: Purpose = "start"

    @property
    def limit(self) -> int:
        """How many entries of a history were asked for."""
        return _LIMIT[self.purpose]


@define
class Requests:
    """Numbers requests, pairs them with their answers, and lines up those for histories."""

    _asked: Asked
    _sent: int = field(init=False, default=0)
    _pending: dict[str, Request] = field(init=False, factory=dict)
    _busy: set[str] = field(init=False, factory=set)
    _waiting: OrderedDict[str, Purpose] = field(init=False, default=Factory(OrderedDict))

    def ask(self, method: str, params: dict[str, Any], now: int, session: str = "", purpose: Purpose = "start") -> str:
        """A request as text."""
        self._asked.note(method, now)
        self._sent += 1
        patience = LIST_TIMEOUT_MS if method == "sessions.list" else TIMEOUT_MS
        request = Request(f"mc-{self._sent}", method, now, now + patience, session, purpose)
        self._pending[request.id] = request
        frame = {"type": "req", "id": request.id, "method": method, "params": params}
        return msgspec.json.encode(frame).decode()

    def want_history(self, session: str, purpose: Purpose) -> None:
        """Line up for a session's history. A more urgent purpose replaces a lesser one that still waits."""
        waiting = self._waiting.get(session)
        if waiting is None or _URGENCY[purpose] > _URGENCY[waiting]:
            self._waiting[session] = purpose

    def next_histories(self, now: int, key_of: Callable[[str], str]) -> list[str]:
        """The requests for histories that may go out now, as text. ``key_of`` gives a session's key at the gateway."""
        if not self._waiting:
            return []
        if len(self._busy) >= IN_FLIGHT:
            return []
        out: list[str] = []
        for session, purpose in list(self._waiting.items()):
            if len(self._busy) >= IN_FLIGHT:
                break
            if session not in self._busy:
                del self._waiting[session]
                self._busy.add(session)
                params = {"sessionKey": key_of(session), "limit": _LIMIT[purpose]}
                out.append(self.ask("chat.history", params, now, session, purpose))
        return out

    def is_asked(self, method: str) -> bool:
        """Whether a request of this kind has no answer yet."""
        return any(request.method == method for request in self._pending.values())

    def waits(self, session: str) -> bool:
        """Whether a session's history is to be asked for (once more)."""
        return session in self._waiting

    def answered(self, request_id: str | None) -> Request | None:
        """The request that this answers; None if it is unknown or was answered already."""
        request = self._pending.pop(request_id or "", None)
        if request is not None and request.method == "chat.history":
            self._busy.discard(request.session)
        return request

    def expired(self, now: int) -> list[Request]:
        """Requests that were not answered in time; they are forgotten."""
        late = [request for request in self._pending.values() if request.expires_at <= now]
        for request in late:
            self.answered(request.id)
        return late

    def due(self) -> int | None:
        """When the next request expires."""
        return min((request.expires_at for request in self._pending.values()), default=None)

    def clear(self) -> None:
        """The connection is gone, and all answers with it."""
        self._pending.clear()
        self._waiting.clear()
        self._busy.clear()
