"""The npm package in a page of another origin, in a real browser, over a real daemon that wants a token."""

import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from tests.documented import files_of, write_files
from tests.e2e.browser import open_tab, running_browser
from tests.e2e.daemon import Daemon
from tests.e2e.wire import PATIENCE_S
from tests.packaging.npm import DOCUMENT, PROGRAMS, next_app, run

pytestmark = pytest.mark.e2e

SHOWN = "components/agents.tsx"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: what it serves is seen in the browser."""


@pytest.fixture(scope="module")
def exported(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as plain files, with what the document shows in it."""
    directory = next_app(tmp_path_factory.mktemp("app"), packed)
    write_files(directory, {SHOWN: files_of(DOCUMENT)[SHOWN]})
    (directory / "app").mkdir()
    for name in ("page.tsx", "layout.tsx"):
        shutil.copy(PROGRAMS / name, directory / "app")
    (directory / "next.config.js").write_text('export default { output: "export", reactStrictMode: true };')
    run(directory, "npx", "--no-install", "next", "build")
    return directory / "out"


@pytest.fixture
def origin(exported: Path) -> Iterator[str]:
    """Where the page comes from."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(exported))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def daemon(origin: str, tmp_path: Path) -> Iterator[Daemon]:
    options = ("--simulate", "2", "--set", "auth.mode=token", "--set", f"auth.allowed_origins={origin}")
    with Daemon(tmp_path / "data", options=options) as daemon:
        yield daemon


@pytest.fixture
def page(origin: str, daemon: Daemon) -> Iterator[Page]:
    with running_browser() as browser, open_tab(browser) as tab:
        tab.page.set_default_timeout(PATIENCE_S * 1000)
        tab.page.add_init_script("window.give = 'wrong'; window.asked = 0;")
        tab.page.goto(f"{origin}/?daemon={quote(daemon.url.rstrip('/'))}")
        yield tab.page


def test_a_page_of_another_origin_follows_with_a_token_that_its_app_gives(page: Page, daemon: Daemon) -> None:
    """Refused, failing, right, and asked anew when the daemon comes back; and nothing of it stays in the browser."""
    again = page.get_by_role("button", name="Try again")

    page.locator("#link:text-is('signed_out 4401')").wait_for()
    assert page.evaluate("window.asked") == 2

    page.evaluate("() => { window.give = null; }")
    again.click()
    page.locator("#link:text-is('waiting token_unavailable')").wait_for()
    assert "no luck." in page.get_by_role("status").inner_text()

    page.evaluate("token => { window.give = token; }", (daemon.data / "operator-token").read_text().strip())
    page.locator("#link:text-is('live')").wait_for()
    page.get_by_role("listitem").first.get_by_role("button").click()
    page.locator("section p").first.wait_for()

    asked = page.evaluate("window.asked")
    daemon.stop()
    page.locator("#link:text-matches('^waiting')").wait_for()
    daemon.start()
    page.locator("#link:text-is('live')").wait_for()
    assert page.evaluate("window.asked") > asked
    assert page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [0, 0, ""]
    assert daemon.stop() == 0
