"""A reader of the dashboard, as a process of its own: ``python -m benchmarks.visitor URL PATH``.

Loads a view in headless Chromium a few times, then leaves it open and measures within the page while it is told to.
It prints ``ready``; a line ``watch SECONDS EVERY`` on its standard input measures for so long, and weighs the page
after each ``EVERY`` seconds; ``finish OFFSET`` waits until the page has come so far. Then it prints its findings, as
one JSON object: the attributes of :class:`~benchmarks.visit.Visit`.
"""

import json
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from attrs import define, field
from playwright.sync_api import Browser, CDPSession, Page

from tests.e2e.browser import open_tab, running_browser

PROBE = Path(__file__).with_name("probe.js")
LOADS = 3
"""How often the view is loaded by a browser that has nothing of it yet."""
_QUIET_SECONDS = 5
"""How long after a load scripts may still come that belong to it."""
_FINISH_SECONDS = 20
_LOAD_MS = 60_000
WIDTH, HEIGHT = 1440, 900

DIAGNOSTICS = """() => {
  const { duplicates, gaps, malformed } = window.__missionControl;
  return { duplicates, gaps, malformed, offset: window.__missionControl.cursor()?.offset ?? 0 };
}"""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
CONNECTED = "[data-testid=connection-badge][data-state=connected]"


@define(slots=False)  # Playwright marks who listens
class Scripts:
    """The bytes of each script as it was transferred, compressed and with headers, by who asked for it."""

    initiators: dict[str, str] = field(factory=dict)
    named: list[int] = field(factory=list)
    later: list[int] = field(factory=list)

    def watch(self, session: CDPSession) -> None:
        session.on("Network.requestWillBeSent", self.asked)
        session.on("Network.loadingFinished", self.came)
        session.send("Network.enable")

    def asked(self, event: dict[str, Any]) -> None:
        if event["request"]["url"].partition("?")[0].endswith(".js"):
            self.initiators[event["requestId"]] = event["initiator"]["type"]

    def came(self, event: dict[str, Any]) -> None:
        initiator = self.initiators.get(event["requestId"])
        if initiator is not None:
            # What the page itself names is parsed from its HTML; the rest is what a script loads when it is needed.
            (self.later if initiator == "script" else self.named).append(int(event["encodedDataLength"]))


def load(browser: Browser, url: str) -> tuple[float | None, Scripts]:
    """First paint in ms, and the scripts, of a load without anything cached."""
    scripts = Scripts()
    with open_tab(browser, WIDTH, HEIGHT) as tab:
        scripts.watch(tab.page.context.new_cdp_session(tab.page))
        tab.page.goto(url, timeout=_LOAD_MS)
        tab.page.locator(CONNECTED).wait_for(timeout=_LOAD_MS)
        tab.page.wait_for_timeout(_QUIET_SECONDS * 1000)
        return tab.page.evaluate(PAINTED), scripts


@define
class Watch:
    """An open page while it is measured."""

    browser: Browser
    page: Page
    found: dict[str, list[Any]] = field(
        factory=lambda: {"intervals": [], "long": [], "slow": [], "latency": [], "received": []}
    )
    weights: list[tuple[float, int, int, int]] = field(factory=list)

    def run(self, seconds: float, every: float, profile: Path | None) -> None:
        """Measure for so long in all, and weigh the page before and after every part of it."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("HeapProfiler.enable")
        session.send("Performance.enable")
        if profile is not None:
            session.send("Profiler.enable")
            session.send("Profiler.start")
        parts = max(1, round(seconds / every))
        self._weigh(session, 0.0)
        for part in range(parts):
            self.page.evaluate("window.__probe.begin()")
            self.page.wait_for_timeout(seconds * 1000 / parts)
            self.page.evaluate("window.__probe.hold()")
            for name, entries in self.page.evaluate("window.__probe.take()").items():
                self.found[name] += entries
            self._weigh(session, (part + 1) * seconds / parts)
        if profile is not None:
            profile.write_text(json.dumps(session.send("Profiler.stop")["profile"]))

    def _weigh(self, session: CDPSession, at: float) -> None:
        session.send("HeapProfiler.collectGarbage")
        heap = session.send("Runtime.getHeapUsage")["usedSize"]
        nodes = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}["Nodes"]
        elements = self.page.evaluate("document.getElementsByTagName('*').length")
        self.weights.append((at, int(heap), int(nodes), int(elements)))

    def spent(self) -> dict[str, float]:
        """CPU seconds of the browser's processes so far, by kind."""
        seconds: defaultdict[str, float] = defaultdict(float)
        for process in self.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]:
            seconds[process["type"]] += process["cpuTime"]
        return seconds

    def said(self) -> dict[str, int]:
        """What the page says of itself."""
        said: dict[str, int] = self.page.evaluate(DIAGNOSTICS)
        return said

    def finish(self, offset: int) -> dict[str, int]:
        """What the page says of itself once it has come so far, or after 20 s."""
        deadline = time.monotonic() + _FINISH_SECONDS
        while True:
            said = self.said()
            if said["offset"] >= offset or time.monotonic() > deadline:
                return said
            time.sleep(0.1)


def visit(url: str) -> None:
    with running_browser() as browser:
        loads = [load(browser, url) for _ in range(LOADS)]
        with open_tab(browser, WIDTH, HEIGHT) as tab:
            tab.page.add_init_script(path=PROBE)
            tab.page.goto(url, timeout=_LOAD_MS)
            tab.page.locator(CONNECTED).wait_for(timeout=_LOAD_MS)
            print("ready", flush=True)
            _, seconds, every, *profile = sys.stdin.readline().split()
            watch = Watch(browser, tab.page)
            before, first = Counter(watch.spent()), watch.said()["offset"]
            watch.run(float(seconds), float(every), Path(profile[0]) if profile else None)
            cpu_s, last = Counter(watch.spent()) - before, watch.said()["offset"]
            print("watched", flush=True)
            said = watch.finish(int(sys.stdin.readline().split()[1]))
            found = {
                **watch.found,
                **said,
                "events": last - first,
                "weights": watch.weights,
                "paints": [paint for paint, _ in loads if paint is not None],
                "named": loads[-1][1].named,
                "later": loads[-1][1].later,
                "cpu_s": dict(cpu_s),
                "complaints": tab.complaints,
                "browser": browser.version,
            }
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    visit(sys.argv[1])
