"""The dashboard's files: read once at start, then served from memory.

What Next.js exports comes in three kinds. Everything under ``/_next/static/`` has a hash of its content, or the
build's id, in its path, so that browsers may keep it for ever. Pages and the rest are asked for each time and answered
with 304 while they are what the browser has. Each page's Content-Security-Policy names the hashes of that very page's
inline scripts: no other inline script runs, injected or not.
"""

import gzip
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html.parser import HTMLParser
from importlib.abc import Traversable
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Final

from attrs import frozen
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

IMMUTABLE: Final = "public, max-age=31536000, immutable"
REVALIDATED: Final = "no-cache"

_TEXT: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".xml": "application/xml",
}
_BINARY: Final = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_SECURITY: Final = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_NO_PAGE: Final = "default-src 'none'; frame-ancestors 'none'"
"""The policy of what is not a page, for who opens it as one."""

_NOT_BUILT: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Mission Control</title></head>
<body><h1>The dashboard is not built</h1>
<p>The daemon runs, and its API answers under <code>/v1/</code>. To build the dashboard, run</p>
<pre>make dashboard</pre>
<p>in the source tree, then start the daemon again.</p></body></html>
"""


@frozen
class Asset:
    """A file as it is served. ``zipped`` is None when gzip would not make it smaller."""

    body: bytes
    zipped: bytes | None
    headers: Mapping[str, str]

    def response(self, request: Headers, status: int = 200) -> Response:
        """The answer to a GET or HEAD: 304 instead of 200 when the client has this already."""
        zipped = self.zipped if _takes_gzip(request.get("accept-encoding", "")) else None
        body = self.body if zipped is None else zipped
        headers = {**self.headers, "etag": _etag(body)}
        if self.zipped is not None:
            headers["vary"] = "accept-encoding"
        if status == 200 and _matches(request.get("if-none-match", ""), headers["etag"]):
            return Response(status_code=304, headers=headers)
        if zipped is not None:
            headers["content-encoding"] = "gzip"
        return Response(body, status, headers)


class Dashboard:
    """An ASGI application over the files of an exported dashboard, by their paths from its root.

    Only what was read at the start is ever served, so no path leads anywhere else.
    """

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._assets = {path: _asset(path, body) for path, body in contents.items()}

    @classmethod
    def packaged(cls) -> "Dashboard":
        """The one that was built into this package, if it was."""
        return cls.load(files("mission_control") / "dashboard")

    @classmethod
    def load(cls, directory: Traversable) -> "Dashboard":
        """All files below ``directory``; none when there is no such directory."""
        return cls(dict(_walk(directory, "")))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        await self.response(scope["path"], Headers(scope=scope))(scope, receive, send)

    def response(self, path: str, request: Headers) -> Response:
        if "index.html" not in self._assets:
            headers = {**_SECURITY, "cache-control": "no-store", "content-security-policy": _NO_PAGE}
            return Response(_NOT_BUILT, 503, headers, "text/html")
        asset = self._find(path.removeprefix("/"))
        if asset is not None:
            return asset.response(request)
        if (missing := self._assets.get("404.html")) is not None:
            return missing.response(request, 404)
        return Response("Not found", 404, {**_SECURITY, "cache-control": REVALIDATED}, "text/plain")

    def _find(self, path: str) -> Asset | None:
        """A page is found under its name without ``.html``, a directory's under the directory's."""
        names = (path, f"{path}.html", f"{path.removesuffix('/')}/index.html".removeprefix("/"))
        return next((self._assets[name] for name in names if name in self._assets), None)


def content_security_policy(page: str) -> str:
    """The policy of an HTML page. In connect-src ``'self'`` covers WebSockets to the same host (CSP 3, 6.7.2.8)."""
    digests = {sha256(text.encode()).digest() for text in _inline_scripts(page)}
    hashes = sorted(f"'sha256-{b64encode(digest).decode()}'" for digest in digests)
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *hashes)),
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "font-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _walk(directory: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    if not directory.is_dir():
        return
    for entry in directory.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_bytes()


def _asset(path: str, body: bytes) -> Asset:
    suffix = PurePosixPath(path).suffix
    zipped = gzip.compress(body, 6, mtime=0) if suffix in _TEXT else body
    policy = content_security_policy(body.decode()) if suffix == ".html" else _NO_PAGE
    headers = {
        **_SECURITY,
        "cache-control": IMMUTABLE if path.startswith("_next/static/") else REVALIDATED,
        "content-security-policy": policy,
        "content-type": _TEXT.get(suffix) or _BINARY.get(suffix, "application/octet-stream"),
    }
    return Asset(body, zipped if len(zipped) < len(body) else None, headers)


def _etag(body: bytes) -> str:
    """Strong: the compressed form is another representation with another tag (RFC 9110, section 8.8.3)."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def _matches(if_none_match: str, etag: str) -> bool:
    """RFC 9110, section 13.1.2; the comparison is the weak one."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


def _takes_gzip(accept_encoding: str) -> bool:
    """Whether gzip is named and not with a weight of zero (RFC 9110, section 12.5.3)."""
    for entry in accept_encoding.lower().split(","):
        coding, _, weight = entry.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return weight.strip("0.") != "" if weight else True
    return False


class _InlineScripts(HTMLParser):
    """The texts of all ``script`` elements without ``src``, exactly as they stand."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and "src" not in dict(attrs):
            self._inside = True
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[-1] += data


def _inline_scripts(page: str) -> list[str]:
    parser = _InlineScripts()
    parser.feed(page)
    parser.close()
    return parser.texts
