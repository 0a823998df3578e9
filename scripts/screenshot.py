"""Makes the pictures in `docs/images/` from the running page: the daemon on a simulated gateway, in a Chromium.

`python -m scripts.screenshot` waits for what a picture is to show, and not for a time: an answer that is being written
after a tool was used, agents in trouble, a gateway that is gone. The simulation differs with each run, and so do the
pictures.
"""

import sys
import tempfile
from pathlib import Path
from typing import Literal

from attrs import frozen
from playwright.sync_api import Browser, Page

from scripts.paths import ROOT
from tests.e2e.browser import running_browser
from tests.e2e.daemon import Daemon
from tests.e2e.simulator import SimulatedGateway

IMAGES = ROOT / "docs" / "images"
AGENTS = 24
PATIENCE_MS = 300_000
MAX_BYTES = 300_000

CONNECTED = "document.querySelector('[data-testid=connection-badge]')?.dataset.state === 'connected'"
BUSY = """[...document.querySelectorAll('[data-testid=agent-row]')].some((row) => row.dataset.status !== 'online')
    && document.querySelectorAll('[data-testid=feed-row]').length >= 20
    && document.querySelectorAll('svg[role=img]').length >= 8"""
WRITING = """document.querySelectorAll('[data-testid=tool-call]').length >= 2
    && [...document.querySelectorAll('[data-testid=message]')].at(-1)?.dataset.state === 'streaming'
    && [...document.querySelectorAll('[data-testid=message-text]')].at(-1).textContent.length >= 160"""
FEED = "document.querySelectorAll('[data-testid=feed-row]').length >= 20"
CHARTED = "document.querySelectorAll('[data-testid=chart] canvas').length >= 2 && performance.now() > 30_000"
GONE = "document.querySelector('[data-testid=stale-banner]') !== null"


@frozen
class Shot:
    """One picture: its file, the view, what must be on it, and the window in CSS pixels."""

    file: str
    path: str
    worth: str
    width: int = 1440
    height: int = 900
    scheme: Literal["light", "dark"] = "light"

    @property
    def is_mobile(self) -> bool:
        return self.width < 760


WRITER = "agents?id=simulated/builder"
SHOTS = (
    Shot("fleet.png", "", f"{CONNECTED} && {BUSY}"),
    Shot("dashboard.png", WRITER, f"{CONNECTED} && {WRITING}"),
    Shot("dashboard-dark.png", WRITER, f"{CONNECTED} && {WRITING}", scheme="dark"),
    Shot("activity.png", "activity", f"{CONNECTED} && {FEED}"),
    Shot("system.png", "system", f"{CONNECTED} && {CHARTED}", height=1100),
    Shot("fleet-mobile.png", "", f"{CONNECTED} && {FEED}", width=360, height=740),
    Shot("dashboard-mobile.png", WRITER, f"{CONNECTED} && {WRITING}", width=360, height=740, scheme="dark"),
)
TROUBLE = Shot("trouble.png", "", GONE)
"""While its gateway is gone."""


def take(browser: Browser, url: str, shot: Shot) -> None:
    """Open the view in a window of its own, wait until it is worth seeing, and keep what it shows then."""
    with browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        device_scale_factor=2 if shot.is_mobile else 1,
        is_mobile=shot.is_mobile,
        color_scheme=shot.scheme,
    ) as context:
        page = context.new_page()
        page.goto(url + shot.path)
        page.wait_for_function(f"() => {shot.worth}", timeout=PATIENCE_MS, polling=50)
        save(page, IMAGES / shot.file)


def save(page: Page, file: Path) -> None:
    page.screenshot(path=file)
    size = file.stat().st_size
    print(f"{file.relative_to(ROOT)}: {size // 1024} KiB", file=sys.stderr)
    if size > MAX_BYTES:
        raise SystemExit(f"{file.name} has {size} bytes; {MAX_BYTES} are allowed: take a smaller window")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mission-control-") as scratch, running_browser() as browser:
        with Daemon(Path(scratch) / "simulated", options=("--simulate", str(AGENTS))) as daemon:
            for shot in SHOTS:
                take(browser, daemon.url, shot)
        with (
            SimulatedGateway(Path(scratch), agents=AGENTS, rate=4.0, seed=5) as gateway,
            Daemon(Path(scratch) / "lost", gateway) as daemon,
            browser.new_context(viewport={"width": TROUBLE.width, "height": TROUBLE.height}) as context,
        ):
            page = context.new_page()
            page.goto(daemon.url)
            page.wait_for_function(f"() => {CONNECTED} && {FEED}", timeout=PATIENCE_MS)
            gateway.program.end_if_running()
            page.wait_for_function(f"() => {TROUBLE.worth}", timeout=PATIENCE_MS)
            save(page, IMAGES / TROUBLE.file)


if __name__ == "__main__":
    main()
