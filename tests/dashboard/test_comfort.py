"""What makes the dashboard good to live with: keys, themes, stillness, the reader's own clock, a tab that tells."""

import re
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import agent_row, feed_rows, open_live, wait_badge
from tests.dashboard.stage import Stage
from tests.e2e.proxy import CuttableNetwork

pytestmark = pytest.mark.e2e

WINTER_MS = 1_699_963_509_000
"""2023-11-14 12:05:09 UTC."""
LATE_MS = 1_700_002_200_000
"""The same day, 22:50:00 UTC: ten minutes before midnight in Berlin."""
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(244, 245, 247)", "rgb(12, 14, 19)"
FIRST_PAINT = """
new PerformanceObserver((list) => {
  for (const { name } of list.getEntries()) {
    if (name === "first-paint") window.__themeAtFirstPaint = document.documentElement.dataset.theme;
  }
}).observe({ type: "paint", buffered: true });
new MutationObserver((_, observer) => {
  if (document.body === null) return;
  window.__themeBeforeBody = document.documentElement.dataset.theme;
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });
"""
"""Notes the theme when there is a body at all, before which nothing is painted."""

NO_STORAGE = """
for (const name of ["localStorage", "sessionStorage"]) {
  const get = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
  Object.defineProperty(window, name, { get });
}
"""


@pytest.fixture(scope="module", autouse=True)
def _agents(stage: Stage) -> None:
    for name in ("alpha", "bravo", "charlie"):
        stage.first.agent(name).does("tool.finished", "Went")


# -- keys -----------------------------------------------------------------------------------------------------------


def test_j_and_k_walk_through_the_lines_and_enter_opens_one(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}?sort=name")
    expect(agent_row(page, "factory/alpha")).to_be_visible()
    page.keyboard.press("j")
    expect(agent_row(page, "factory/alpha")).to_be_focused()
    page.keyboard.press("j")
    expect(agent_row(page, "factory/bravo")).to_be_focused()
    page.keyboard.press("k")
    expect(agent_row(page, "factory/alpha")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{stage.url}agents?id=factory/bravo")


def test_slash_goes_to_the_filter_and_escape_leaves_it(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), stage.url)
    page.keyboard.press("/")
    field = page.get_by_label("Find an agent")
    expect(field).to_be_focused()
    page.keyboard.type("gj?w")
    expect(field).to_have_value("gj?w")
    expect(page.get_by_test_id("help")).not_to_be_visible()
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()


def test_g_and_a_letter_go_to_each_view(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), stage.url)
    for letter, view in (("e", "activity"), ("s", "system"), ("a", "agents"), ("f", "")):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(page).to_have_url(re.compile(f"^{re.escape(stage.url)}{view}($|\\?)"))
        expect(page.locator('nav [aria-current="page"]')).to_have_count(1)


def test_question_mark_shows_every_key_and_escape_puts_it_away(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), stage.url)
    page.keyboard.press("?")
    dialog = page.get_by_test_id("help")
    expect(dialog).to_be_visible()
    for key in ("/", "j", "k", "g", "f", "a", "e", "s", "w", "?", "Esc"):
        expect(dialog.locator("kbd").get_by_text(key, exact=True).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()


def test_w_makes_a_wall_of_it_larger_and_without_what_is_for_hands(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), stage.url)
    name = agent_row(page, "factory/alpha").get_by_text("alpha")
    size = "name => parseFloat(getComputedStyle(name).fontSize)"
    before = name.evaluate(size)
    page.keyboard.press("w")
    expect(page).to_have_url(f"{stage.url}?wall=1")
    expect(page.get_by_role("navigation")).not_to_be_visible()
    expect(page.get_by_label("Find an agent")).not_to_be_visible()
    expect(page.get_by_test_id("connection-badge")).to_be_visible()
    assert name.evaluate(size) > before
    page.reload()
    wait_badge(page, "connected")
    expect(page.get_by_role("navigation")).not_to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation")).to_be_visible()
    expect(page).to_have_url(stage.url)


def test_g_and_a_letter_keep_the_wall(stage: Stage, new_page: NewPage) -> None:
    page = open_live(new_page(), f"{stage.url}?wall=1")
    for letter, view in (("e", "activity"), ("f", "")):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(page).to_have_url(f"{stage.url}{view}?wall=1")
        expect(page.get_by_role("navigation")).not_to_be_visible()


# -- themes and motion ----------------------------------------------------------------------------------------------


def test_theme_is_the_systems_until_one_is_chosen_which_stays(stage: Stage, new_page: NewPage) -> None:
    page = new_page(color_scheme="dark")
    page.add_init_script(FIRST_PAINT)
    open_live(page, stage.url)
    assert page.evaluate(BACKGROUND) == DARK
    page.emulate_media(color_scheme="light")
    assert page.evaluate(BACKGROUND) == LIGHT
    theme = page.get_by_test_id("theme")
    theme.click()
    theme.click()
    expect(theme).to_have_attribute("aria-label", "Theme: dark. Change")
    assert page.evaluate(BACKGROUND) == DARK
    page.reload()
    assert page.evaluate("window.__themeBeforeBody") == "dark"
    page.wait_for_function("() => window.__themeAtFirstPaint === 'dark'")
    wait_badge(page, "connected")
    assert page.evaluate(BACKGROUND) == DARK
    expect(theme).to_have_attribute("aria-label", "Theme: dark. Change")
    theme.click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", re.compile(""))
    assert page.evaluate(BACKGROUND) == LIGHT


def test_where_the_browser_stores_nothing_the_page_lives_and_a_theme_can_be_chosen(
    stage: Stage, new_page: NewPage
) -> None:
    """Who blocks a site's data: there even asking for the storage throws."""
    page = new_page(color_scheme="light")
    page.add_init_script(NO_STORAGE)
    open_live(page, stage.url)
    expect(agent_row(page, "factory/alpha")).to_be_visible()
    theme = page.get_by_test_id("theme")
    theme.click()
    theme.click()
    expect(theme).to_have_attribute("aria-label", "Theme: dark. Change")
    assert page.evaluate(BACKGROUND) == DARK


@pytest.mark.parametrize(("wish", "moves"), [("no-preference", True), ("reduce", False)])
def test_nothing_moves_for_who_wants_it_still(stage: Stage, new_page: NewPage, wish: str, moves: bool) -> None:
    """While it loads and while a message streams; with animations allowed there are some, so the test can fail."""
    page = new_page(reduced_motion=wish)
    agent = stage.agent("moving").writes("m", "Being written")
    page.route_web_socket("**/v1/stream", lambda socket: None)
    page.goto(stage.url)
    expect(page.get_by_text("Loading agents")).to_be_visible()
    loading = page.evaluate("document.getAnimations().length")
    streaming = new_page(reduced_motion=wish)
    open_live(streaming, f"{stage.url}agents?id={agent.key}")
    expect(streaming.get_by_test_id("message-text")).to_be_visible()
    writing = streaming.evaluate("document.getAnimations().length")
    assert (loading > 0 or writing > 0) == moves


# -- time and the tab -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "zone", "short", "full"),
    [
        ("de-DE", "Europe/Berlin", r"^14\.11\.23, 13:05:09$", r"Dienstag, 14\. November 2023.*13:05:09 MEZ"),
        ("en-US", "America/New_York", r"^11/14/23, 7:05:09\sAM$", r"Tuesday, November 14, 2023 at 7:05:09\sAM EST"),
    ],
)
def test_times_are_the_readers_own_with_the_whole_on_hover(
    stage: Stage, new_page: NewPage, locale: str, zone: str, short: str, full: str
) -> None:
    agent = stage.agent("timed").does("tool.finished", "Went")
    page = new_page(locale=locale, timezone_id=zone)
    all_at(page, WINTER_MS)
    open_live(page, f"{stage.url}activity?agent={agent.key}")
    time = feed_rows(page, agent.key).first.locator("time")
    expect(time).to_have_text(re.compile(short))
    expect(time).to_have_attribute("title", re.compile(full))
    expect(time).to_have_attribute("datetime", "2023-11-14T12:05:09.000Z")


def test_time_has_its_date_once_it_is_not_todays(stage: Stage, new_page: NewPage) -> None:
    """The page stays open over midnight, and nothing else comes."""
    agent = stage.agent("nightly").does("tool.finished", "Went")
    page = new_page(locale="de-DE", timezone_id="Europe/Berlin")
    page.clock.install(time=LATE_MS / 1_000)
    all_at(page, WINTER_MS)
    open_live(page, f"{stage.url}activity?agent={agent.key}")
    time = feed_rows(page, agent.key).first.locator("time")
    expect(time).to_have_text("13:05:09")
    page.clock.fast_forward(15 * 60_000)
    expect(time).to_have_text("14.11.23, 13:05:09")


def all_at(page: Page, at: int) -> None:
    """Whatever the daemon tells this page happened at this time, in ms."""

    def serve(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda text: socket.send(re.sub(r'"timestamp":\d+', f'"timestamp":{at}', str(text))))

    page.route_web_socket("**/v1/stream", serve)


def test_tab_tells_of_trouble_by_title_and_icon(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("troubled").beats("online", "Well")
    with CuttableNetwork(stage.url) as network:
        page = open_live(new_page(), network.url)
        icons = [icon(page)]
        expect(page).to_have_title("Mission Control")
        agent.beats("degraded", "Low on oil")
        expect(page).to_have_title("● 1 degraded \N{EN DASH} Mission Control")
        icons.append(icon(page))
        network.cut()
        expect(page).to_have_title("● Reconnecting \N{EN DASH} Mission Control")
        icons.append(icon(page))
        network.restore()
        agent.beats("online", "Well")
        expect(page).to_have_title("Mission Control")
        assert icon(page) == icons[0]
        assert len(set(icons)) == 3


def icon(page: Page) -> str:
    """The tab's icon as it is drawn now."""
    links = page.locator("link[rel=icon]")
    expect(links).to_have_count(1)
    address = links.get_attribute("href")
    assert address is not None
    return unquote(address)
