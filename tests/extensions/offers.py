"""What packages may offer as actor types: good ones, and everything that can be wrong with one."""

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Any, Literal

from attrs import define, field, frozen

from mission_control.extension import (
    GROUP,
    ActorType,
    Between,
    Bytes,
    Host,
    Milliseconds,
    NoOptions,
    Place,
    Seconds,
    Secret,
)
from mission_control.plugins import Found, examine
from mission_control.settings import Address
from runtime import ServiceSpec


@frozen(kw_only=True)
class Everything:
    """An option of each type that there can be."""

    url: str
    token: Secret | None = None
    token_file: Path | None = None
    directory: Path | None = None
    wait: Annotated[Seconds, Between(0.1, 60)] = Seconds(5)
    pause: Milliseconds = Milliseconds(20)
    size: Annotated[Bytes, Between(1)] = Bytes(1024)
    attempts: Annotated[int, Between(1, 9)] = 3
    offset: int = 0
    share: Annotated[float, Between(0, 1)] = 0.5
    quiet: bool = False
    level: Literal["low", "high"] = "low"
    tools: tuple[str, ...] = ("exec",)
    ports: tuple[int, ...] = ()
    limit: Annotated[int, Between(1)] | None = None

    def __attrs_post_init__(self) -> None:
        if self.level == "high" and self.token is None:
            raise ValueError("a token, when the level is high")


def idle(host: Host, options: Any) -> ServiceSpec:
    async def rest() -> None:
        raise AssertionError("nobody runs this")

    return ServiceSpec("rest", rest)


def fails(host: Host, options: Any) -> ServiceSpec:
    raise RuntimeError("no luck today")


@frozen
class Nested:
    inner: dict[str, int] = field(factory=dict)


@frozen
class Paths:
    files: tuple[Path, ...] = ()


@define(auto_attribs=False)
class Untyped:
    greeting = field(default="hello")  # type: ignore[var-annotated]


@frozen
class Mistyped:
    count: Annotated[int, [1]] = 1


@frozen
class Addresses:
    all: tuple[Address, ...] = ()


@define
class Private:
    _hidden: int = 0


@frozen
class Enabled:
    enabled: bool = True


@frozen
class Unresolved:
    later: "NotThere" = None  # type: ignore[name-defined]  # noqa: F821


class Plain:
    pass


plain = ActorType(NoOptions, idle)
everything = ActorType(Everything, idle, enabled=False)
dear = ActorType(NoOptions, idle, place=Place.ROOT)
unlucky = ActorType(NoOptions, fails)
unlucky_if_asked = ActorType(NoOptions, fails, enabled=False)
needy = ActorType(Everything, idle)
nested = ActorType(Nested, idle)
paths = ActorType(Paths, idle)
untyped = ActorType(Untyped, idle)
mistyped = ActorType(Mistyped, idle)
addresses = ActorType(Addresses, idle)
private = ActorType(Private, idle)
reserved = ActorType(Enabled, idle)
unresolved = ActorType(Unresolved, idle)
no_attrs = ActorType(Plain, idle)
something_else = idle


@frozen
class Package:
    """Stands for an installed distribution."""

    name: str
    version: str = "1.0"


def offer(name: str, what: str, package: str = "sample", module: str = __name__) -> EntryPoint:
    entry_point = EntryPoint(name, f"{module}:{what}", GROUP)
    vars(entry_point)["dist"] = Package(package)
    return entry_point


def found(**offers: str) -> Found:
    """What is found when one package offers these."""
    return examine(offer(name, what) for name, what in offers.items())
