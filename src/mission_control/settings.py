"""What can be set, with defaults: plain values that the rest of the program is given.

Where they come from (flags, environment, file) is the business of :mod:`mission_control.config`; docs/configuration.md
says what each does. A field's name is its key in the configuration file. A number's unit is the end of its name
(``_ms``, ``_s``, ``_bytes``); a duration without one is in seconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NewType, TypeAlias

from attrs import Factory, asdict, frozen

Seconds = NewType("Seconds", float)
Milliseconds = NewType("Milliseconds", int)
Bytes = NewType("Bytes", int)

LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
LogFormat: TypeAlias = Literal["text", "json"]
AuthMode: TypeAlias = Literal["none", "token"]
Durability: TypeAlias = Literal["full", "normal"]
GatewayKind: TypeAlias = Literal["clawdbot", "envelope"]

_SHORTEST_MASKED: Final = 4


@frozen
class Between:
    """The values that a number may have, in its own unit; None sets no bound."""

    least: float | None = None
    most: float | None = None


@frozen(repr=False)
class Secret:
    """A token. Shows as asterisks wherever it is printed; only :meth:`reveal` gives it away."""

    _value: str

    def reveal(self) -> str:
        return self._value

    def __str__(self) -> str:
        return "********"

    def __repr__(self) -> str:
        return "Secret(********)"


def masked(text: str, secrets: Iterable[Secret]) -> str:
    """``text`` without any of ``secrets``. Short ones are left alone: masking them would garble everything else."""
    for secret in secrets:
        if len(secret.reveal()) >= _SHORTEST_MASKED:
            text = text.replace(secret.reveal(), str(secret))
    return text


@frozen
class Address:
    """Where to listen. ``port`` 0 lets the system choose a free one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect. A host name other than ``localhost`` counts as open."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def from_here(self) -> "Address":
        """Where a program on this machine connects to what listens here: not to all addresses, but to loopback."""
        try:
            address = ip_address(self.host)
        except ValueError:
            return self
        if not address.is_unspecified:
            return self
        return Address("127.0.0.1" if address.version == 4 else "::1", self.port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@frozen(kw_only=True)
class GatewaySettings:
    """A gateway to watch. ``id`` names it in every event; ``url`` is ``ws://`` or ``wss://``."""

    url: str
    id: str = "clawdbot"
    kind: GatewayKind = "clawdbot"
    token: Secret | None = None
    token_file: Path | None = None
    """Where ``token`` was read from, if it was."""


@frozen(kw_only=True)
class AuthSettings:
    """Who may look. With mode ``token`` and no token configured, one is kept in the data directory."""

    mode: AuthMode = "none"
    token: Secret | None = None
    token_file: Path | None = None
    """Where ``token`` was read from, if it was."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of pages, besides the requested host's own, that may connect: ``https://host[:port]``, lower case."""
    allowed_hosts: tuple[str, ...] = ()
    """Names besides the loopback ones to which a daemon on loopback answers: ``host[:port]``, lower case."""


@frozen(kw_only=True)
class JournalSettings:
    """What is kept and how safely; whatever exceeds any of the limits goes, oldest first."""

    durability: Durability = "full"
    max_age: Annotated[Seconds, Between(60)] = Seconds(7 * 24 * 3600.0)
    max_events: Annotated[int, Between(1_000)] = 2_000_000
    max_bytes: Annotated[Bytes, Between(1024**2)] = Bytes(2 * 1024**3)
    compact_after: Annotated[Seconds, Between(0)] = Seconds(600.0)
    """Chunks of messages that were finished this long ago are dropped; their final has the whole text."""


@frozen(kw_only=True)
class StreamSettings:
    """How subscribers are served."""

    flush_interval_ms: Annotated[Milliseconds, Between(1, 1_000)] = Milliseconds(50)
    """Longest time for which events are gathered into one frame."""
    ping_interval_ms: Annotated[Milliseconds, Between(100, 300_000)] = Milliseconds(15_000)
    max_buffer_bytes: Annotated[Bytes, Between(64 * 1024)] = Bytes(4 * 1024**2)
    """What may wait for one subscriber before it gets a fresh snapshot instead."""
    replay_limit: Annotated[int, Between(0)] = 50_000
    """Most events that are replayed one by one to a subscriber that resumes."""


@frozen(kw_only=True)
class LivenessSettings:
    """When silence becomes an agent's status."""

    degraded_after_s: Annotated[Seconds, Between(0.1)] = Seconds(2.0)
    """A gateway connection lost for longer degrades its agents."""
    offline_after_s: Annotated[Seconds, Between(0.1)] = Seconds(15.0)
    """One lost for longer than this makes them offline."""
    stall_after_s: Annotated[Seconds, Between(0.1)] = Seconds(60.0)
    """A run without progress for longer degrades its agent."""


@frozen(kw_only=True)
class ReconnectSettings:
    """Waits between attempts to reach a gateway: random, up to a bound that doubles from the first to the ceiling."""

    first_s: Annotated[Seconds, Between(0.01)] = Seconds(0.25)
    ceiling_s: Annotated[Seconds, Between(0.01)] = Seconds(10.0)


@frozen(kw_only=True)
class ActorSettings:
    """What is set of one installed actor type (docs/extending.md). ``options`` is an object of its own options class.

    ``options`` is None where it is not enabled and something that must be set is not.
    ``asked_for``: the configuration has a table of it, so that it is an error when it cannot run.
    """

    enabled: bool
    options: Any
    asked_for: bool = False


@frozen(kw_only=True)
class Settings:
    """Everything. ``simulate`` is the number of simulated agents, 0 for none."""

    data_dir: Path
    listen: Address = Address("127.0.0.1", 8700)
    log_level: LogLevel = "info"
    log_format: LogFormat = "text"
    simulate: Annotated[int, Between(0, 10_000)] = 0
    gateways: tuple[GatewaySettings, ...] = ()
    auth: AuthSettings = AuthSettings()
    journal: JournalSettings = JournalSettings()
    stream: StreamSettings = StreamSettings()
    liveness: LivenessSettings = LivenessSettings()
    reconnect: ReconnectSettings = ReconnectSettings()
    actors: Mapping[str, ActorSettings] = Factory(dict)
    """Of every installed actor type, by its name."""

    def secrets(self) -> Sequence[Secret]:
        """Everything that must not show anywhere."""
        options = [actor.options for actor in self.actors.values() if actor.options is not None]
        values = [
            value for one in (self.auth, *self.gateways, *options) for value in asdict(one, recurse=False).values()
        ]
        return [value for value in values if isinstance(value, Secret)]
