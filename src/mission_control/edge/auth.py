"""Who may look: the operator's token, the page a browser shows (Origin), and the name it was reached by (Host).

Pure: each check gives None, or one line that says what is wrong and how to put it right.

The Host check guards a daemon without a token against DNS rebinding: a page of any site can point its own name at
127.0.0.1 and would then be of the "same origin" as the daemon. With a token it needs no such guard, because the browser
adds no credentials by itself.
"""

import re
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from mission_control.edge.services import Access

_HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\[\]:/@?#\s]+)(:(?P<port>\d+))?")


def bearer_token(authorization: str | None) -> str | None:
    """The token in an Authorization header (RFC 6750), or None when there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def is_operator(access: Access, token: str | None) -> bool:
    """Whether this is the operator's token, or none is needed. Takes the same time for every wrong token."""
    if access.token is None:
        return True
    return token is not None and compare_digest(_digest(token), _digest(access.token))


def host_problem(access: Access, host: str | None) -> str | None:
    """Why a request that names this host is refused."""
    if access.token is not None or not access.loopback_only:
        return None
    parsed = _HOST.fullmatch((host or "").lower())
    if parsed is None:
        return "The request names no valid host."
    if parsed[0] in access.allowed_hosts or parsed["name"] in access.allowed_hosts or _is_loopback(parsed["name"]):
        return None
    return (
        f"This daemon answers only to its loopback names, not to {parsed[0]}. "
        f'To reach it by this name, add "{parsed[0]}" to allowed_hosts in the section [auth] of its configuration.'
    )


def origin_problem(access: Access, origin: str | None, host: str | None) -> str | None:
    """Why a page of this origin may not connect. Programs that are no browsers send no Origin."""
    if origin is None or origin.lower() in access.allowed_origins:
        return None
    if host and urlsplit(origin.lower()).netloc == host.lower():
        return None
    return (
        f"Pages of {origin} may not connect. "
        f'To let them, add "{origin}" to allowed_origins in the section [auth] of the daemon\'s configuration.'
    )


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3: never asked of the DNS
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
