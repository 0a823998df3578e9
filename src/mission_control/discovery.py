"""Which gateway to watch: the configured ones, one found on this machine, or the built-in simulation.

A Clawdbot gateway (the program was later named Moltbot, then OpenClaw) is looked for where its own command line looks:
in the environment (``CLAWDBOT_GATEWAY_TOKEN``, ``…_GATEWAY_PORT``, ``…_CONFIG_PATH``, ``…_STATE_DIR``; likewise
``MOLTBOT_…`` and ``OPENCLAW_…``), in ``.env`` in its directory, and in its configuration file. The environment wins
over ``.env``, and that over the file.

Order of the candidates: those that the environment names before those that merely have a file; among equals the
newest name first, since an upgrade leaves the older directory behind. The first one that something listens at is
taken.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import trio
from attrs import frozen

from mission_control.config.home import expand_home
from mission_control.installs import Config, InstallError, read_config, read_dotenv
from mission_control.settings import GatewaySettings, Secret, Settings

PROGRAMS: Final = ("openclaw", "moltbot", "clawdbot")
"""Names of the gateway program, the newest first."""
DEFAULT_PORT: Final = 18789
SIMULATED_AGENTS: Final = 5
"""How many agents the simulation has when nobody said."""

_VARIABLES: Final = ("GATEWAY_TOKEN", "GATEWAY_PORT", "CONFIG_PATH", "STATE_DIR")


@frozen
class Candidate:
    """A gateway that may be running on this machine. ``found`` says where it was found, for people."""

    url: str
    token: Secret | None
    found: str


@frozen
class Discovery:
    """Candidates, the best first, and what was wrong on the way, a line each."""

    candidates: Sequence[Candidate] = ()
    warnings: Sequence[str] = ()


@frozen
class Choice:
    """What to watch: ``gateways``, or that many ``simulated`` agents. ``reason`` is a line for people."""

    gateways: Sequence[GatewaySettings]
    simulated: int
    reason: str
    warnings: Sequence[str] = ()


Probe: TypeAlias = Callable[[str], Awaitable[bool]]
"""Whether something accepts connections at a URL; bounded in time."""


async def choose(settings: Settings, environ: Mapping[str, str], home: Path, probe: Probe) -> Choice:
    """Configured gateways, else the simulation if asked for, else a gateway found running, else the simulation."""
    if settings.gateways:
        return Choice(settings.gateways, 0, "configured")
    if settings.simulate:
        return Choice((), settings.simulate, "asked for")
    discovery = discover(environ, home)
    for candidate in discovery.candidates:
        if await probe(candidate.url):
            gateway = GatewaySettings(url=candidate.url, token=candidate.token)
            return Choice((gateway,), 0, f"found in {candidate.found}", discovery.warnings)
    tried = ", ".join(f"{candidate.url} (from {candidate.found})" for candidate in discovery.candidates)
    reason = f"nothing listens at {tried}" if tried else "no gateway is configured or set up on this machine"
    return Choice((), SIMULATED_AGENTS, reason, discovery.warnings)


async def listens(url: str) -> bool:
    """Whether the host of ``url`` accepts a TCP connection within half a second, ample for this machine."""
    parts = urlsplit(url)
    with trio.move_on_after(0.5):
        try:
            stream = await trio.open_tcp_stream(parts.hostname or "", parts.port or DEFAULT_PORT)
        except OSError:
            return False
        await trio.aclose_forcefully(stream)
        return True
    return False


def discover(environ: Mapping[str, str], home: Path) -> Discovery:
    """The gateways that this user has set up. What cannot be used becomes a warning."""
    warnings: list[str] = []
    installs = [install for program in PROGRAMS if (install := _Install.of(program, environ, home)) is not None]
    installs.sort(key=lambda install: not install.named)
    unique: dict[tuple[str, Secret | None], Candidate] = {}
    for install in installs:
        candidate = install.candidate(warnings)
        if candidate is not None:
            # Directories of older names are often links to the newest one.
            unique.setdefault((candidate.url, candidate.token), candidate)
    return Discovery(tuple(unique.values()), tuple(warnings))


@frozen
class _Install:
    """Where one of the programs keeps its things; ``named`` when the environment says so."""

    program: str
    named: bool
    environ: Mapping[str, str]
    file: Path | None

    @classmethod
    def of(cls, program: str, environ: Mapping[str, str], home: Path) -> "_Install | None":
        """None when there is no sign of it."""
        prefix = f"{program.upper()}_"
        named = any(environ.get(prefix + name, "").strip() for name in _VARIABLES)
        state = _path(environ.get(f"{prefix}STATE_DIR", ""), home) or home / f".{program}"
        # An upgrade moves the directory and leaves the file in it under its older name.
        file = _path(environ.get(f"{prefix}CONFIG_PATH", ""), home) or next(
            (path for name in PROGRAMS if (path := state / f"{name}.json").is_file()), None
        )
        if file is None and not named:
            return None
        return cls(program, named, {**read_dotenv(state / ".env"), **environ}, file)

    def candidate(self, warnings: list[str]) -> Candidate | None:
        """The gateway of this install, or None when it is not on this machine or nothing is known of it."""
        nothing = Config({}, self.environ)
        try:
            config = read_config(self.file, self.environ) if self.file is not None else nothing
            if config.value("gateway", "mode") == "remote":
                warnings.append(f"{self.file}: the gateway is on another machine; to watch it, name it with --gateway")
                return None
            return Candidate(self._url(config), self._token(config, warnings), self._found())
        except InstallError as error:
            warnings.append(f"{self.file}: {error}")
            return Candidate(self._url(nothing), self._token(nothing, warnings), self._found()) if self.named else None

    def _url(self, config: Config) -> str:
        scheme = "wss" if config.value("gateway", "tls", "enabled") is True else "ws"
        host = config.value("gateway", "customBindHost") if config.value("gateway", "bind") == "custom" else None
        host = host if isinstance(host, str) and _is_address(host) else "127.0.0.1"
        configured = config.value("gateway", "port")
        port = _port(self._variable("GATEWAY_PORT")) or _port(configured) or DEFAULT_PORT
        return f"{scheme}://{host}:{port}"

    def _token(self, config: Config, warnings: list[str]) -> Secret | None:
        try:
            token = self._variable("GATEWAY_TOKEN") or config.value("gateway", "auth", "token")
        except InstallError as error:
            warnings.append(f"{self.file}: {error}; give the token with --gateway-token-file")
            return None
        if isinstance(token, str) and token.strip():
            return Secret(token.strip())
        if config.value("gateway", "auth", "mode") == "password":
            warnings.append(f"{self.file}: the gateway wants a password; Mission Control needs gateway.auth.mode token")
        elif token is not None or config.is_split:
            lies = "is kept elsewhere" if token is not None else "may be in a file that $include names"
            warnings.append(f"{self.file}: the gateway's token {lies}; give it with --gateway-token-file")
        return None

    def _variable(self, name: str) -> str:
        return self.environ.get(f"{self.program.upper()}_{name}", "").strip()

    def _found(self) -> str:
        prefix = f"{self.program.upper()}_"
        variables = [prefix + name for name in _VARIABLES if self._variable(name)] if self.named else []
        return ", ".join([*variables, *([str(self.file)] if self.file else [])])


def _path(text: str, home: Path) -> Path | None:
    return expand_home(text.strip(), home) if text.strip() else None


def _is_address(host: str) -> bool:
    try:
        return ip_address(host).version == 4
    except ValueError:
        return False


def _port(value: object) -> int | None:
    """A port number, also as a text; None for anything else, which the program itself ignores too."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 65536 else None
