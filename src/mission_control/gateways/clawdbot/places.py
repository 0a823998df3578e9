"""Which agent and which session a run belongs to. The gateway does not say it in every frame."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final as Constant
from typing import NamedTuple

KNOWN_RUNS: Constant = 4_096
SHORT_KEYS: Constant = 1_024


class Place(NamedTuple):
    agent: str
    session: str


class Places:
    """Remembers where the newest runs belong, and which of them are open.

    ``default_agent`` is whose the sessions are whose key names no agent.
    """

    def __init__(self, open_runs: Mapping[str, tuple[str, str]]) -> None:
        self.default_agent = "main"
        self._places = OrderedDict((run_id, Place(*place)) for run_id, place in open_runs.items())
        self._open = dict.fromkeys(self._places)
        self._short: dict[str, str] = {}

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._places

    def of_run(self, run_id: str, agent: str | None, session: str | None) -> Place | None:
        """What is known of the run's place, else what the frame says of it; None if nothing is. Remembers it.

        A run stays where it was first heard of: else two agents would tell of it, and tell the same messages.
        """
        agent, session = agent or None, session or None
        known = self._places.get(run_id)
        if session is None and agent is None and known is None:
            return None
        if session is None:
            session = known.session if known is not None else ""
        session = self._learn(session)
        if known is not None:
            agent, session = known.agent, known.session or session
        elif agent is None:
            agent = self.agent_of(session)
        place = Place(agent.lower(), session)
        if known != place:
            self._places[run_id] = place
            self._places.move_to_end(run_id)
            if len(self._places) > KNOWN_RUNS:
                forgotten, _ = self._places.popitem(last=False)
                self.close(forgotten)
        return place

    def agent_of(self, session: str) -> str:
        """The agent of a session key, ``agent:<id>:<rest>``; other keys are the default agent's."""
        parts = session.split(":", 2)
        return parts[1].lower() if _is_full(parts) else self.default_agent

    def canonical(self, key: str) -> str:
        """A session's full key. Events may carry a short one (``main``) for what lists call by its full one."""
        return key if not key or _is_full(key.split(":", 2)) else f"agent:{self.default_agent}:{key}"

    def key_of(self, session: str) -> str:
        """The key under which the gateway is asked for a session: the one that its events carry."""
        return self._short.get(session, session)

    def _learn(self, key: str) -> str:
        session = self.canonical(key)
        if session != key:
            self._short[session] = key
            if len(self._short) > SHORT_KEYS:
                del self._short[next(iter(self._short))]
        return session

    def open(self, run_id: str) -> None:
        self._open[run_id] = None

    def close(self, run_id: str) -> None:
        self._open.pop(run_id, None)

    def is_open(self, run_id: str) -> bool:
        return run_id in self._open

    def open_sessions(self) -> list[str]:
        """The sessions with a run that is not known to be over."""
        return list(dict.fromkeys(self._places[run_id].session for run_id in self._open))

    def open_runs(self) -> dict[str, Place]:
        return {run_id: self._places[run_id] for run_id in self._open}

    def close_all(self) -> None:
        self._open.clear()


def _is_full(parts: list[str]) -> bool:
    return len(parts) == 3 and parts[0].lower() == "agent" and parts[1] != ""
