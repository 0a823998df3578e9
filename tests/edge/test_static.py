"""The dashboard's files: the right bytes, kept for the right time, and no script but the page's own."""

import gzip
import re
from pathlib import Path

import httpx
import pytest
from starlette.datastructures import Headers

from mission_control.edge.static import Dashboard, content_security_policy
from tests.edge.given import asking, services

INDEX = "<html><script src=\"/_next/static/app.js\" async></script><script>alert('Hello, world.');</script></html>"
HELLO = "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
"""The hash of that script, as the CSP specification itself gives it (CSP 3, section 8.4)."""
FILES = {
    "index.html": INDEX,
    "404.html": "<html><script>other()</script>not here</html>",
    "settings.html": "<html>settings</html>",
    "agents/index.html": "<html>agents</html>",
    "index.txt": "payload " * 100,
    "icon.svg": "<svg></svg>",
    "data.unknown": "?",
    "_next/static/chunks/app.js": "const app = 1;\n" * 200,
    "_next/static/build/manifest.js": "self.m={}",
    "_next/static/media/face.woff2": "binary",
    "_next/other.js": "let x;",
}


@pytest.fixture
def dashboard(tmp_path: Path) -> Dashboard:
    """An export on disk, with a file beside it that is none of its."""
    root = tmp_path / "dashboard"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (tmp_path / "secret.html").write_text("secret")
    (tmp_path / "secret").write_text("secret")
    return Dashboard.load(root)


def get(dashboard: Dashboard, path: str, **headers: str) -> httpx.Response:
    """What a GET of the path is answered, undone of its compression."""
    answer = dashboard.response(path, Headers({name.replace("_", "-"): value for name, value in headers.items()}))
    return httpx.Response(answer.status_code, headers=answer.headers.raw, content=bytes(answer.body))


def directives(policy: str) -> dict[str, list[str]]:
    """A Content-Security-Policy as a table."""
    return {name: values for name, *values in (entry.split() for entry in policy.split(";"))}


@pytest.mark.parametrize(
    ("path", "file", "content_type"),
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/index.html", "index.html", "text/html; charset=utf-8"),
        ("/settings", "settings.html", "text/html; charset=utf-8"),
        ("/agents", "agents/index.html", "text/html; charset=utf-8"),
        ("/agents/", "agents/index.html", "text/html; charset=utf-8"),
        ("/index.txt", "index.txt", "text/plain; charset=utf-8"),
        ("/icon.svg", "icon.svg", "image/svg+xml"),
        ("/data.unknown", "data.unknown", "application/octet-stream"),
        ("/_next/static/chunks/app.js", "_next/static/chunks/app.js", "text/javascript; charset=utf-8"),
        ("/_next/static/media/face.woff2", "_next/static/media/face.woff2", "font/woff2"),
    ],
)
def test_each_file_is_served_as_what_it_is(dashboard: Dashboard, path: str, file: str, content_type: str) -> None:
    """With nosniff a browser runs nothing of the wrong type, so the type must be right on every machine."""
    answer = get(dashboard, path)
    assert (answer.status_code, answer.text) == (200, FILES[file])
    assert answer.headers["content-type"] == content_type


@pytest.mark.parametrize(
    "path", ["/missing", "/missing.js", "/_next/static/gone.js", "/settings/x", "/_next", "/_next/"]
)
def test_what_is_not_there_is_the_exported_404_page(dashboard: Dashboard, path: str) -> None:
    """An operator sees a page, a program the status; and no cache keeps a chunk that is missing for a moment."""
    answer = get(dashboard, path, if_none_match="*")
    assert (answer.status_code, answer.text) == (404, FILES["404.html"])
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/../secret.html",
        "/..",
        "/agents/../../secret",
        "//secret",
        "/./secret",
        "/..\\secret",
        "/secret\0",
        "/_next/static/../../../secret",
        "/{tmp}/secret",
        "/~/secret",
        "/agents/..%2f..%2fsecret",
    ],
)
def test_no_path_leads_out_of_the_dashboard(dashboard: Dashboard, tmp_path: Path, path: str) -> None:
    """Only the dashboard's files can be had, however a path is written."""
    answer = get(dashboard, path.replace("{tmp}", str(tmp_path)))
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_only_what_can_never_change_is_kept_without_asking(dashboard: Dashboard) -> None:
    """A browser never runs an old page after an upgrade, and never asks again for a file whose path has its hash."""
    for name in FILES:
        kept = get(dashboard, f"/{name}").headers["cache-control"]
        expected = "public, max-age=31536000, immutable" if name.startswith("_next/static/") else "no-cache"
        assert kept == expected


def test_a_page_runs_its_own_scripts_and_no_other(dashboard: Dashboard) -> None:
    """The policy has the hash of each inline script of this page; another page's, or an injected one, does not run."""
    policy = directives(get(dashboard, "/").headers["content-security-policy"])
    assert policy["script-src"] == ["'self'", HELLO]
    assert HELLO not in get(dashboard, "/missing").headers["content-security-policy"]
    assert directives(get(dashboard, "/settings").headers["content-security-policy"])["script-src"] == ["'self'"]


def test_a_page_can_do_nothing_but_what_it_needs(dashboard: Dashboard) -> None:
    """What no directive names is refused; nothing is inline but by hash, nothing comes from elsewhere or goes there."""
    policy = directives(get(dashboard, "/").headers["content-security-policy"])
    assert (
        policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == ["'none'"]
    )
    for name in ("style-src", "connect-src", "font-src", "manifest-src"):
        assert policy[name] == ["'self'"]
    assert policy["img-src"] == ["'self'", "data:"]
    assert "unsafe" not in str(policy)


@pytest.mark.parametrize(
    "script",
    [
        "alert('Hello, world.');",
        "alert('Hello, world.');\n",
        "",
        '"a<b>&amp;</b> < &lt;"',
        "x='<!-- -->'",
        "ünï",
        "a\n\nb",
    ],
)
def test_hashes_are_of_the_very_text(script: str) -> None:
    """A browser hashes a script's text as it stands; one changed character and the page would stay dead."""
    first = content_security_policy(f"<html><script>{script}</script></html>")
    attributes = content_security_policy(f'<SCRIPT id="x" nonce>{script}</SCRIPT ><p>{script}</p>')
    assert first == attributes
    assert first.count("sha256-") == 1
    assert (HELLO in first) == (script == "alert('Hello, world.');")


def test_the_same_script_twice_is_one_hash() -> None:
    """The header stays as short as it can be."""
    assert content_security_policy("<script>a</script><script>a</script>").count("sha256-") == 1


@pytest.mark.parametrize("path", ["/", "/settings", "/missing", "/icon.svg", "/_next/static/chunks/app.js"])
def test_every_file_is_sealed(dashboard: Dashboard, path: str) -> None:
    """No page elsewhere frames, embeds or opens the dashboard, and none learns from where its reader came."""
    headers = get(dashboard, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip", "deflate,gzip;q=0.5", "GZIP ; q=1.0"])
def test_text_goes_out_compressed_to_who_takes_it(dashboard: Dashboard, accepted: str) -> None:
    """The compressed form is the same file."""
    path = "/_next/static/chunks/app.js"
    answer = dashboard.response(path, Headers({"accept-encoding": accepted}))
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(answer.body)).decode() == FILES[path[1:]]
    assert len(answer.body) < len(FILES[path[1:]]) / 4


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.000", "identity", "xgzip", "gzip;q=0, br"])
def test_who_takes_no_gzip_gets_none(dashboard: Dashboard, accepted: str) -> None:
    """A client that cannot undo the compression gets the file itself; caches are told that the answers differ."""
    answer = get(dashboard, "/_next/static/chunks/app.js", accept_encoding=accepted)
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.text == FILES["_next/static/chunks/app.js"]


def test_what_gzip_cannot_make_smaller_stays_as_it_is(dashboard: Dashboard) -> None:
    """A font is compressed already."""
    answer = get(dashboard, "/_next/static/media/face.woff2", accept_encoding="gzip")
    assert "content-encoding" not in answer.headers
    assert "vary" not in answer.headers


def test_what_a_browser_has_is_not_sent_again(dashboard: Dashboard) -> None:
    """A reload costs a 304 while the page is the same, and the 304 has the headers that a cache must renew."""
    fresh = get(dashboard, "/")
    etag = fresh.headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        same = get(dashboard, "/", if_none_match=known)
        assert (same.status_code, same.content) == (304, b"")
        for name in ("etag", "cache-control", "vary", "content-security-policy"):
            assert same.headers.get(name) == fresh.headers.get(name)
    for other in ('"x"', "", etag.strip('"'), get(dashboard, "/settings").headers["etag"]):
        assert get(dashboard, "/", if_none_match=other).status_code == 200


def test_each_representation_has_its_own_tag(dashboard: Dashboard) -> None:
    """A strong tag means the same bytes: a cache must not join parts of the one with parts of the other."""
    path = "/_next/static/chunks/app.js"
    plain, zipped = get(dashboard, path).headers["etag"], get(dashboard, path, accept_encoding="gzip").headers["etag"]
    assert plain != zipped
    assert get(dashboard, path, accept_encoding="gzip", if_none_match=zipped).status_code == 304
    assert get(dashboard, path, accept_encoding="gzip", if_none_match=plain).status_code == 200


def test_a_changed_page_has_another_tag(dashboard: Dashboard) -> None:
    """After an upgrade the browser gets the new page."""
    changed = Dashboard({"index.html": INDEX.replace("Hello", "Hullo").encode()})
    assert get(changed, "/", if_none_match=get(dashboard, "/").headers["etag"]).status_code == 200


async def test_head_tells_what_get_would_and_other_methods_are_refused(dashboard: Dashboard) -> None:
    """A probe of the page sees the same headers; nothing can be written to it."""
    async with asking(services(), dashboard) as client:
        for path in ("/", "/missing", "/icon.svg"):
            got, asked = await client.get(path), await client.head(path)
            assert (asked.status_code, asked.headers) == (got.status_code, got.headers)
            for method in ("POST", "PUT", "DELETE", "OPTIONS"):
                refused = await client.request(method, path)
                assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("present", [False, True])
async def test_a_dashboard_that_is_not_built_says_how_to_build_it(tmp_path: Path, present: bool) -> None:
    """The API works without the page, and who opens the page reads what to do."""
    directory = tmp_path / "dashboard"
    if present:
        directory.mkdir()
    async with asking(services(), Dashboard.load(directory)) as client:
        for path in ("/", "/settings"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert "make dashboard" in answer.text
            assert answer.headers["cache-control"] == "no-store"
        assert (await client.get("/v1/agents")).status_code == 200


def test_the_packaged_dashboard_can_be_loaded() -> None:
    """Built or not, the daemon starts; what is built is complete: each file that a page names is there."""
    packaged = Dashboard.packaged()
    page = get(packaged, "/")
    assert page.status_code in (200, 503)
    for path in re.findall(r'(?:src|href)="(/[^"?]+)', page.text):
        assert get(packaged, path).status_code == 200
