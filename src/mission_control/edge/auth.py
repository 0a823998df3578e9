"""Who may look: the operator's token, the page a browser shows (Origin), and the name it was reached by (Host).

Pure: each check gives None, or one line that says what is wrong and how to put it right. Three dangers, three checks:

- *DNS rebinding.* A foreign page makes its own name resolve to 127.0.0.1 and is then, to the browser, of the daemon's
  own origin. Its requests still name the foreign host, so a daemon on loopback answers only to names of loopback.
- *Requests made by another page.* Browsers send the page's Origin with every WebSocket handshake and with every request
  that changes something. Programs that are no browsers send none.
- *Anyone else.* The operator's token, in the Authorization header (RFC 6750) or the first frame of a stream, and never
  in a URL: URLs end up in logs.
"""

import re
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from typing import Final

from mission_control.edge.services import Access

MAX_SHOWN: Final = 100
"""How much of what a request says an answer repeats, in characters."""

_HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:(?P<port>[0-9]+))?")


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
    """Why a request that names this host is refused. An allowed host without a port admits every port."""
    if not access.loopback_only:
        return None
    parsed = _HOST.fullmatch((host or "").lower())
    if parsed is None:
        return "The request names no valid host."
    if _is_loopback(parsed["name"]) or not access.allowed_hosts.isdisjoint((parsed[0], parsed["name"])):
        return None
    shown = parsed[0][:MAX_SHOWN]
    return (
        f"This daemon answers only to its loopback names, such as localhost, and not to {shown}. "
        f'To reach it by this name, add "{shown}" to auth.allowed_hosts in its configuration.'
    )


def origin_problem(access: Access, origin: str | None, host: str | None) -> str | None:
    """Why a page of this origin may not connect or change anything.

    Behind a proxy that ends TLS the daemon cannot tell its own scheme, so both schemes of its host are its own.
    """
    if origin is None or origin.lower() in access.allowed_origins or (host and origin.lower() in _own(host.lower())):
        return None
    shown = origin[:MAX_SHOWN]
    return (
        f"Pages of {shown} may not connect. "
        f'To let them, add "{shown}" to auth.allowed_origins in the configuration of the daemon.'
    )


def _own(host: str) -> tuple[str, str]:
    """The origins of a host; browsers leave out a scheme's own port, some proxies do not."""
    return f"http://{host.removesuffix(':80')}", f"https://{host.removesuffix(':443')}"


def _digest(token: str) -> bytes:
    """All of one length, so that comparing them does not tell how long the token is."""
    return sha256(token.encode(errors="surrogatepass")).digest()


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3: never asked of the DNS
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
