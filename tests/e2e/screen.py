"""What an operator sees: the dashboard in a tab, read through the marks that it offers to tests (web/README.md)."""

from typing import Any, Protocol, Self

from attrs import define, frozen
from playwright.sync_api import TimeoutError as TooLate

from tests.e2e.browser import Tab
from tests.e2e.wire import PATIENCE_S

PATIENCE_MS = PATIENCE_S * 1000

WATCH = """
window.__seen = { badges: [], texts: {} };
new MutationObserver(() => {
  const note = (list, value) => { if (list.at(-1) !== value) list.push(value); };
  const badge = document.querySelector("[data-testid=connection-badge]");
  if (badge) note(window.__seen.badges, badge.dataset.state);
  for (const message of document.querySelectorAll("[data-testid=message]")) {
    const text = message.querySelector("[data-testid=message-text]")?.textContent ?? "";
    note((window.__seen.texts[message.dataset.messageId] ??= []), text);
  }
}).observe(document, { subtree: true, childList: true, characterData: true, attributeFilter: ["data-state"] });
"""
"""Runs before the page's own scripts: notes every badge and every text that was on the page, however briefly."""

MESSAGES = """() => [...document.querySelectorAll("[data-testid=message]")].map((message) => ({
  id: message.dataset.messageId,
  role: message.dataset.role,
  state: message.dataset.state,
  text: message.querySelector("[data-testid=message-text]")?.textContent ?? "",
}))"""

FEED = """() => [...document.querySelectorAll("[data-testid=feed-row]")].map((row) => ({
  kind: row.dataset.kind,
  agent: row.dataset.agent,
  offset: Number(row.dataset.offset),
  text: row.textContent,
}))"""

DIAGNOSTICS = """() => {
  const { duplicates, gaps, malformed } = window.__missionControl;
  return { duplicates, gaps, malformed, ...window.__missionControl.latency() };
}"""


@frozen
class Message:
    """A message as it stands on the page. `state` is `streaming` or how it ended."""

    id: str
    role: str
    state: str
    text: str


@frozen
class Activity:
    """A line of the feed; `text` is all that it says."""

    kind: str
    agent: str
    offset: int
    text: str


class Served(Protocol):
    """Whatever leads to a dashboard: a daemon, or a network in front of it."""

    @property
    def url(self) -> str: ...


class Look(Protocol):
    """Gives the dashboard in a browser profile of its own, not loaded yet: `look(daemon, "clawdbot/alpha")`."""

    def __call__(self, where: Served, agent: str | None = None) -> "Screen": ...


@define
class Screen:
    """The dashboard of the daemon at `url`, with one agent's conversation (`GATEWAY/ID`) if it is named."""

    tab: Tab
    url: str
    agent: str | None = None

    def open(self, view: str = "agents") -> Self:
        """Load a view."""
        self.tab.page.add_init_script(WATCH)
        query = "" if self.agent is None else f"?id={self.agent}"
        self.tab.page.goto(f"{self.url}{view}{query}")
        return self

    def open_live(self, view: str = "agents") -> Self:
        """Load a view and wait until all links are connected."""
        self.open(view).wait_badge("connected")
        return self

    def reload(self) -> None:
        self.tab.page.reload()
        self.wait_badge("connected")

    # -- what stands there ----------------------------------------------------------------------------------------

    def messages(self) -> list[Message]:
        """The conversation, oldest first."""
        return [Message(**entry) for entry in self.tab.page.evaluate(MESSAGES)]

    def feed(self) -> list[Activity]:
        """The feed, newest first."""
        return [Activity(**entry) for entry in self.tab.page.evaluate(FEED)]

    def badges(self) -> list[str]:
        """Every state that the badge has had since the page was loaded."""
        states: list[str] = self.tab.page.evaluate("window.__seen.badges")
        return states

    def texts(self, message_id: str) -> list[str]:
        """Every text that a message has had on the page."""
        texts: list[str] = self.tab.page.evaluate("id => window.__seen.texts[id]", message_id)
        return texts

    def diagnostics(self) -> dict[str, Any]:
        """What the page measured of itself."""
        figures: dict[str, Any] = self.tab.page.evaluate(DIAGNOSTICS)
        return figures

    def cursor(self) -> int:
        """The offset of the journal up to which the page has everything."""
        offset: int = self.tab.page.evaluate("window.__missionControl.cursor().offset")
        return offset

    # -- waiting --------------------------------------------------------------------------------------------------

    def wait_badge(self, state: str) -> None:
        self._wait_element(f'[data-testid=connection-badge][data-state="{state}"]')

    def wait_agent(self, agent: str, status: str, reason: str = "") -> None:
        """Wait until the list of agents shows one with this status, and says this of it."""
        self._wait_element(f'[data-testid=agent-row][data-agent="{agent}"][data-status="{status}"]', reason)

    def wait_banner(self, kind: str, text: str = "") -> None:
        self._wait_element(f"[data-testid={kind}]", text)

    def wait_activity(self, agent: str, kind: str, text: str = "") -> None:
        """Wait until the feed has a line of this kind about an agent that says this."""
        self._wait_element(f'[data-testid=feed-row][data-kind="{kind}"][data-agent="{agent}"]', text)

    def wait_idle(self) -> None:
        """Wait until no agent that is listed does anything: what a run had to tell is told by then."""
        busy = '[data-testid=agent-row] [data-pace]:not([data-pace="idle"])'
        self.tab.page.wait_for_function("busy => document.querySelector(busy) === null", arg=busy, timeout=PATIENCE_MS)

    def wait_message(self, text: str, state: str, role: str = "assistant") -> Message:
        """Wait until the conversation has a message with exactly this text, in this state."""
        wanted = f"messages => messages.find(m => m.state === {state!r} && m.role === {role!r} && m.text === text)"
        script = f"text => ({wanted})(({MESSAGES})())"
        try:
            found = self.tab.page.wait_for_function(script, arg=text, timeout=PATIENCE_MS).json_value()
        except TooLate:
            raise AssertionError(f"no {state} {role} message {text!r} among {self.messages()}") from None
        return Message(**found)

    def wait_measured(self, count: int) -> dict[str, Any]:
        """Wait until the page has measured the latency of so many events, and return its diagnostics."""
        try:
            self.tab.page.wait_for_function(
                "count => window.__missionControl.latency().count >= count", arg=count, timeout=PATIENCE_MS
            )
        except TooLate:
            raise AssertionError(f"not {count} events measured, but {self.diagnostics()}") from None
        figures = self.diagnostics()
        assert figures["count"] == count
        return figures

    def _wait_element(self, selector: str, text: str = "") -> None:
        try:
            self.tab.page.locator(selector).filter(has_text=text).first.wait_for(timeout=PATIENCE_MS)
        except TooLate:
            page = self.tab.page.inner_text("body")
            raise AssertionError(f"no {selector} with {text!r} on the page, which says:\n{page}") from None
