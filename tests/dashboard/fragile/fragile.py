"""An actor type from outside the tree that fails on activities with these titles (see test_system.py)."""

from mission_control.extension import Activity, ActorType, Event, Filter, Host, NoOptions, payload_of
from runtime import ActorSpec, Inbox, Overflow, Ref

FATAL = "Stop the presses"
"""Fails on it once."""
POISON = "Print this"
"""Fails on it every time."""


class Fragile:
    """``failures`` outlives the actor's incarnations, which get the event again."""

    def __init__(self, failures: list[str]) -> None:
        self._failures = failures

    async def run(self, inbox: Inbox[Event]) -> None:
        async for event in inbox:
            payload = payload_of(event)
            if not isinstance(payload, Activity):
                continue
            if payload.title == POISON:
                raise ValueError("cannot print it")
            if payload.title == FATAL and not self._failures:
                self._failures.append(event.event_id)
                raise ValueError("cannot bear it")


def build(host: Host, options: NoOptions) -> ActorSpec[Event]:
    ref: Ref[Event] = Ref("fragile", capacity=1_000, overflow=Overflow.WAIT)
    host.subscribe(ref, Filter(types=frozenset({"activity.event"})))
    failures: list[str] = []
    return ActorSpec(ref, lambda: Fragile(failures))


actor_type = ActorType(NoOptions, build)
