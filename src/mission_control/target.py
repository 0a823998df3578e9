"""Which running daemon a command talks to, and the token to show it."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from attrs import frozen

from mission_control.config import ConfigError, Flags, Problem, load
from mission_control.config.formats import secret
from mission_control.config.home import expand_home, home_of
from mission_control.config.problems import UnacceptableError
from mission_control.operator_token import kept_token
from mission_control.settings import Secret, Settings

STREAM_PATH = "/v1/stream"
IF_UNREACHABLE = "is it running there? Start it with run, or give its --url"
IF_UNAUTHENTICATED = "give the operator token with --token-file"
"""What to do about a daemon that does not answer, or does not let in."""
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_HTTP_SCHEMES = {"ws": "http", "wss": "https"}


@frozen
class Target:
    """``url`` is that of the stream: ``ws://`` or ``wss://``."""

    url: str
    token: Secret | None

    @property
    def http_url(self) -> str:
        """What the paths of the HTTP interface are appended to."""
        scheme, rest = self.url.split("://", 1)
        return f"{_HTTP_SCHEMES[scheme]}://{rest.removesuffix(STREAM_PATH).rstrip('/')}"


@frozen(kw_only=True)
class TargetFlags:
    """What the command line says: the daemon's URL, the token or its file, the configuration file."""

    url: str | None = None
    token: str | None = None
    token_file: str | None = None
    config: str | None = None


def target(flags: TargetFlags, environ: Mapping[str, str], cwd: Path) -> Target:
    """The daemon that the flags name, else the one that the settings describe.

    The settings' token goes to the daemon that they describe alone, never to a URL from the command line.

    Raises:
        ConfigError: the flags or the settings cannot be used.
    """
    token = given_token(flags, environ, cwd)
    if flags.url is not None:
        return Target(stream_url(flags.url), token)
    return described(load(Flags(config=flags.config), environ, cwd), token)


def described(settings: Settings, token: Secret | None) -> Target:
    """The daemon that the settings describe. ``token`` comes before theirs.

    Raises:
        ConfigError: it has no address that could be known.
    """
    return Target(own_url(settings), token or settings.auth.token or _kept(settings))


def stream_url(text: str) -> str:
    """The stream's URL from the daemon's, as a browser shows it, or from its own.

    Raises:
        ConfigError: it is no URL of a daemon.
    """
    problem = Problem("--url", "no such URL", "the daemon's URL, such as http://127.0.0.1:8700")
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises when it is no number or out of range
    except ValueError:
        raise ConfigError([problem]) from None
    if parts.scheme not in _SCHEMES or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError([problem])
    path = STREAM_PATH if parts.path in ("", "/") else parts.path
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, "", ""))


def own_url(settings: Settings) -> str:
    """The stream's URL of the daemon that the settings describe.

    Raises:
        ConfigError: its port is known to itself alone.
    """
    if settings.listen.port == 0:
        raise ConfigError([Problem("listen", "port 0, which the daemon chose as it started", "the port: --url URL")])
    return f"ws://{settings.listen.from_here()}{STREAM_PATH}"


def given_token(flags: TargetFlags, environ: Mapping[str, str], cwd: Path) -> Secret | None:
    """The token that the command line names.

    Raises:
        ConfigError: it cannot be read, or there are two.
    """
    if flags.token is not None and flags.token_file is not None:
        raise ConfigError([Problem("--token", "also --token-file", "one of the two")])
    where, text = "--token", flags.token
    try:
        if flags.token_file is not None:
            where = "--token-file"
            text = (cwd / expand_home(flags.token_file, home_of(environ))).read_text(encoding="utf-8").strip()
        return None if text is None else secret(text)
    except OSError as error:
        found = f"{flags.token_file}: {error.strerror or error}"
    except (UnacceptableError, UnicodeDecodeError):
        found = "no token"
    raise ConfigError([Problem(where, found, "one token alone")])


def _kept(settings: Settings) -> Secret | None:
    """The token that the daemon made; None when it made none, or for another user."""
    with suppress(OSError):
        return kept_token(settings.data_dir)
    return None
