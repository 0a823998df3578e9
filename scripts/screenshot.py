"""Makes the pictures in `docs/images/` from the real page: the daemon with its simulation, in a headless Chromium.

`python -m scripts.screenshot` waits for what the pictures are to show, an answer that is being written while another
agent is in trouble, and not for a time. The simulation differs with each run, and so do the pictures.
"""

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, ViewportSize

from scripts.paths import ROOT
from tests.e2e.browser import running_browser
from tests.e2e.daemon import Daemon

IMAGES = ROOT / "docs" / "images"
AGENTS = 5
PATIENCE_MS = 1_200_000
"""Trouble is rare in the simulation: it may take some minutes until it coincides with a long answer."""
MAX_BYTES = 300_000

WORTH_SEEING = """(least) => {
    const all = (id) => [...document.querySelectorAll(`[data-testid="${id}"]`)];
    const messages = all("message");
    const newest = messages.at(-1);
    return all("connection-badge")[0]?.dataset.state === "connected"
        && all("agent-row").length === least.agents
        && (!least.trouble || all("agent-row").some((row) => row.dataset.status !== "online"))
        && all("feed-row").length >= least.feed
        && all("feed-row").some((row) => row.dataset.kind.startsWith("tool."))
        && messages.length >= least.messages
        && newest?.dataset.state === "streaming"
        && newest.querySelector('[data-testid="message-text"]').textContent.length >= least.text;
}"""


class Shot(NamedTuple):
    """One picture: its file, the size of the window in CSS pixels, and what must be on it."""

    file: str
    width: int
    height: int
    messages: int
    trouble: bool
    mobile: bool


SHOTS = (
    Shot("dashboard.png", 1440, 900, messages=5, trouble=True, mobile=False),
    Shot("dashboard-mobile.png", 390, 844, messages=3, trouble=False, mobile=True),
)


def take(browser: Browser, url: str, shot: Shot) -> None:
    """Open the page in a window of its own, wait until it is worth seeing, and keep what it shows then."""
    size: ViewportSize = {"width": shot.width, "height": shot.height}
    scale = 2 if shot.mobile else 1
    with browser.new_context(viewport=size, device_scale_factor=scale, is_mobile=shot.mobile) as context:
        page = context.new_page()
        page.goto(f"{url}?agent=simulated/builder")
        if shot.mobile:  # the parts stand one below the other
            page.get_by_role("log").scroll_into_view_if_needed()
        least = {"agents": AGENTS, "feed": 20, "messages": shot.messages, "text": 200, "trouble": shot.trouble}
        page.wait_for_function(WORTH_SEEING, arg=least, timeout=PATIENCE_MS, polling=50)
        save(page, IMAGES / shot.file)


def save(page: Page, file: Path) -> None:
    page.screenshot(path=file)
    size = file.stat().st_size
    print(f"{file.relative_to(ROOT)}: {size // 1024} KiB", file=sys.stderr)
    if size > MAX_BYTES:
        raise SystemExit(f"{file.name} has {size} bytes; {MAX_BYTES} are allowed: take a smaller window")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="mission-control-") as data,
        Daemon(Path(data), options=("--simulate", str(AGENTS))) as daemon,
        running_browser() as browser,
    ):
        for shot in SHOTS:
            take(browser, daemon.url, shot)


if __name__ == "__main__":
    main()
