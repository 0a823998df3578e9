"""The actor types that are enabled, made into parts of the tree.

Each gets a supervisor of its own, with what it built and the feeds that it subscribed to: the feeds stop first, so that
the actor can handle their last events. One that cannot be built is left out, unless the configuration asks for it.
"""

import logging
from collections.abc import Mapping, Sequence

from attrs import define, field

from mission_control.app.host import ActorHost, Wiring
from mission_control.edge.services import Extension
from mission_control.extension import Place
from mission_control.plugins import Broken, Found, Installed, UnusableActorTypeError
from mission_control.settings import ActorSettings
from runtime import ActorSpec, Backoff, Intensity, Pool, ServiceSpec, Supervisor

log = logging.getLogger("mission_control.extension")


@define
class Extensions:
    """What came of the actor types: supervisors for the tree by their place, and what each adds to the edge."""

    supervisors: dict[Place, list[Supervisor]] = field(factory=lambda: {place: [] for place in Place})
    served: list[Extension] = field(factory=list)
    broken: list[Broken] = field(factory=list)


def build_extensions(
    found: Found, settings: Mapping[str, ActorSettings], wiring: Wiring, *, taken: Sequence[str] = ()
) -> Extensions:
    """Build everything that is enabled. ``taken`` are the names at the root that are not to be had.

    Raises:
        UnusableActorTypeError: the configuration asks for one that cannot be built.
    """
    extensions = Extensions(broken=list(found.broken.values()))
    for name, installed in found.installed.items():
        actor = settings.get(name)
        if actor is None or not actor.enabled:
            continue
        try:
            _build(extensions, installed, actor, wiring, taken)
        except Exception as error:  # whatever its build function does
            broken = _broken(installed, error)
            if actor.asked_for:
                raise UnusableActorTypeError(f"{broken}; or set actors.{name}.enabled = false") from error
            log.debug("%s", broken, exc_info=error)
            extensions.broken.append(broken)
    for broken in extensions.broken:
        log.warning("%s", broken)
    return extensions


def _build(
    extensions: Extensions, installed: Installed, actor: ActorSettings, wiring: Wiring, taken: Sequence[str]
) -> None:
    name, place = installed.name, installed.type.place
    if place is Place.ROOT and name in taken:
        raise ValueError(f"the root has a part of its own named {name}")
    host = ActorHost(name, wiring)
    child = installed.type.build(host, actor.options)
    if not isinstance(child, ActorSpec | ServiceSpec | Supervisor | Pool):
        raise TypeError(f"its build gave no ActorSpec, ServiceSpec, Supervisor or Pool, but {child!r:.100}")
    parts = [child, *host.close()]
    if place is Place.EXTENSIONS:
        supervisor = Supervisor(name, parts, intensity=Intensity.unlimited())
    else:
        # Each of its failures counts against the root's budget, and they are not spread so thin that it never does.
        supervisor = Supervisor(name, parts, intensity=Intensity(restarts=0), backoff=Backoff(ceiling=2))
    extensions.supervisors[place].append(supervisor)
    extensions.served.append(Extension(name, host.served, host.metrics, host.feeds, host.sinks))


def _broken(installed: Installed, error: Exception) -> Broken:
    problem = f"it cannot be built: {type(error).__name__}: {error}"
    return Broken(installed.name, installed.package, problem, "correct its options or install another version of it")
