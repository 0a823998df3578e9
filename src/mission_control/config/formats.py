"""Texts with a form of their own: addresses, gateway URLs, origins, hosts, names, secrets.

Each function takes what stood in the configuration and returns the value, or raises :class:`UnacceptableError` with
what is allowed.
"""

import re
from ipaddress import IPv6Address
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from mission_control.config.problems import UnacceptableError
from mission_control.settings import Address, Secret

_ADDRESS: Final = 'HOST:PORT with a port from 0 to 65535, such as "127.0.0.1:8700" or "[::1]:8700"'
_GATEWAY_URL: Final = 'ws://HOST[:PORT][/PATH] or wss://…, without credentials, such as "ws://127.0.0.1:18789"'
_ORIGIN: Final = 'SCHEME://HOST[:PORT] without a path, such as "https://mission-control.example.com"'
_HOST: Final = 'HOST or HOST:PORT, such as "mission-control.example.com"'
_NAME: Final = "1 to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit"
_SECRET: Final = "printable ASCII characters without spaces"  # noqa: S105 - a description, not a password

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
_NAME_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_SECRET_FORM = re.compile(r"[!-~]+", re.ASCII)


def address(value: Any) -> Address:
    host, port = _host_and_port(value, _ADDRESS)
    if port is None:
        raise UnacceptableError(_ADDRESS)
    return Address(host, port)


def gateway_url(value: Any) -> str:
    """A WebSocket URL. One with user, password, query or fragment is refused and not shown: they may hold a token."""
    text = _text(value, _GATEWAY_URL)
    if any(mark in text for mark in "@?#"):
        raise UnacceptableError(_GATEWAY_URL + "; a token belongs in token or token_file", "a URL with credentials")
    parts = _split(text, _GATEWAY_URL)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise UnacceptableError(_GATEWAY_URL)
    return text


def origin(value: Any) -> str:
    """A web origin (RFC 6454) as browsers write it: lower case, no default port."""
    text = _text(value, _ORIGIN)
    if any(mark in text for mark in "@?#"):
        raise UnacceptableError(_ORIGIN, "a URL with more than that")
    parts = _split(text.lower(), _ORIGIN)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
        raise UnacceptableError(_ORIGIN)
    standard = {"http": ":80", "https": ":443"}[parts.scheme]
    return f"{parts.scheme}://{parts.netloc.removesuffix(standard)}"


def host(value: Any) -> str:
    """A value of the Host header (RFC 9110, section 7.2), lower case."""
    name, port = _host_and_port(value, _HOST)
    shown = f"[{name}]" if ":" in name else name
    return (shown if port is None else f"{shown}:{port}").lower()


def name(value: Any) -> str:
    text = _text(value, _NAME)
    if not _NAME_FORM.fullmatch(text):
        raise UnacceptableError(_NAME)
    return text


def secret(value: Any) -> Secret:
    text = _text(value, _SECRET)
    if not text:
        raise UnacceptableError(_SECRET)
    if not _SECRET_FORM.fullmatch(text):
        raise UnacceptableError(_SECRET, "a text with other characters")
    return Secret(str(text))


def _host_and_port(value: Any, allowed: str) -> tuple[str, int | None]:
    text = _text(value, allowed)
    parts = _split(f"//{text}", allowed)
    if parts.netloc != text or parts.username is not None or not parts.hostname or text.endswith(":"):
        raise UnacceptableError(allowed)
    # urlsplit lowers the case of hostname, which suits host names; a bracketed host is an IPv6 address.
    if not text.startswith("[") and not _HOST_NAME.fullmatch(parts.hostname):
        raise UnacceptableError(allowed)
    if text.startswith("["):
        _check_ipv6(parts.hostname, allowed)
    return parts.hostname, parts.port


def _check_ipv6(text: str, allowed: str) -> None:
    try:
        IPv6Address(text)
    except ValueError:
        raise UnacceptableError(allowed) from None


def _split(text: str, allowed: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises when it is no number or out of range
    except ValueError:
        raise UnacceptableError(allowed) from None
    return parts


def _text(value: Any, allowed: str) -> str:
    if not isinstance(value, str):
        raise UnacceptableError(allowed)
    return value
