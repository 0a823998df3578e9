"""Actor types for tests of what is around them."""

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import frozen
from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mission_control.extension import (
    Activity,
    ActorType,
    Draft,
    Event,
    Filter,
    Host,
    NoOptions,
    Place,
    event_id,
    payload_of,
)
from runtime import ActorSpec, Inbox, Ref

RUNS = Filter(types=frozenset({"activity.event"}))


@frozen
class Greeting:
    text: str = "Hello"


class Greeter:
    """Greets whoever starts a run."""

    def __init__(self, host: Host, options: Greeting, greetings: Counter) -> None:
        self._host, self._options, self._greetings = host, options, greetings

    async def run(self, inbox: Inbox[Event]) -> None:
        async for event in inbox:
            activity = payload_of(event)
            if isinstance(activity, Activity) and activity.kind == "run.started":
                name = event_id(self._host.name, event.event_id)
                said = Activity("greeting", self._options.text)
                await self._host.publish(Draft(name, self._host.clock(), event.gateway, event.agent_id, said))
                self._greetings.inc()


def build_greeter(host: Host, options: Greeting) -> ActorSpec[Event]:
    ref: Ref[Event] = Ref("greeter")
    host.subscribe(ref, RUNS)
    greetings = Counter("greetings", "Greetings said.", registry=host.metrics)
    host.routes(Route("/text", answering({"text": options.text})))
    return ActorSpec(ref, lambda: Greeter(host, options, greetings))


greeter = ActorType(Greeting, build_greeter)


def answering(body: Any) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return JSONResponse(body)

    return answer


def raising(error: Exception) -> Callable[[Request], Awaitable[Response]]:
    async def fail(request: Request) -> Response:
        raise error

    return fail


class Idle:
    async def run(self, inbox: Inbox[Any]) -> None:
        async for _ in inbox:
            pass


def serving(*routes: Route) -> ActorType[NoOptions]:
    """An actor type that does nothing but serve these."""

    def build(host: Host, options: NoOptions) -> ActorSpec[Any]:
        host.routes(*routes)
        return ActorSpec(Ref("idle"), Idle)

    return ActorType(NoOptions, build)


def running_as(
    make: Callable[[Host], Any], place: Place = Place.EXTENSIONS, ref_name: str = "actor"
) -> ActorType[NoOptions]:
    """An actor type whose actor is made by ``make``, which gets every event."""

    def build(host: Host, options: NoOptions) -> ActorSpec[Event]:
        ref: Ref[Event] = Ref(ref_name)
        host.subscribe(ref)
        return ActorSpec(ref, lambda: make(host))

    return ActorType(NoOptions, build, place=place)
