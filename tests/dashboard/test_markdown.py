"""What an agent writes is Markdown that can do nothing: no script, no request, no hidden part."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import message, open_live
from tests.dashboard.stage import Stage

pytestmark = pytest.mark.e2e

ELSEWHERE = "http://elsewhere.example"
DANGEROUS = f"""<script>window.harmed = "script"</script>

<img src=x onerror="window.harmed = 'img'">

Raw <b onclick="window.harmed = 'b'">HTML</b> <iframe src="{ELSEWHERE}/frame"></iframe>

[a link](javascript:window.harmed='link') [data](data:text/html,harm) [good]({ELSEWHERE}/page)

![a picture]({ELSEWHERE}/picture.png)

<svg onload="window.harmed = 'svg'"><style>body {{ display: none }}</style></svg>
"""
LINKS = """[secure](https://elsewhere.example/page) [post](mailto:me@elsewhere.example)

[chat](irc://elsewhere.example/room) [talk](xmpp:me@elsewhere.example) [path](/system) [place](#view)
[query](?id=factory/other) [file](activity) [other](//elsewhere.example/page) [half](http:/system)

A claim.[^1]

[^1]: The note itself.
"""
CODE = 'def greet(name):\n    return "Hello, " + name\n'


def written(stage: Stage, page: Page, text: str, role: str = "assistant") -> Locator:
    """An agent's only message on the page."""
    agent = stage.agent("author").says("m", text, role=role)
    open_live(page, f"{stage.url}agents?id={agent.key}")
    shown = message(page, agent.message_key("m")).get_by_test_id("message-text")
    expect(shown).to_be_visible()
    return shown


def test_markdown_is_rendered(stage: Stage, new_page: NewPage) -> None:
    text = "# Plan\n\n- **first**\n- *second*\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n~~no~~ `inline`\n\n> quoted\n"
    shown = written(stage, new_page(), text)
    expect(shown.get_by_role("heading", name="Plan")).to_be_visible()
    expect(shown.get_by_role("listitem")).to_have_text(["first", "second"])
    expect(shown.locator("strong")).to_have_text("first")
    expect(shown.locator("em")).to_have_text("second")
    expect(shown.get_by_role("cell")).to_have_text(["1", "2"])
    expect(shown.locator("del")).to_have_text("no")
    expect(shown.locator("code")).to_have_text("inline")
    expect(shown.locator("blockquote")).to_have_text("quoted")


@pytest.mark.parametrize("streaming", [False, True])
def test_html_is_text_and_nothing_runs_or_is_loaded(stage: Stage, new_page: NewPage, streaming: bool) -> None:
    page = new_page()
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    agent = stage.agent("attacker")
    if streaming:
        agent.writes("m", DANGEROUS)
    else:
        agent.says("m", DANGEROUS)
    open_live(page, f"{stage.url}agents?id={agent.key}")
    shown = message(page, agent.message_key("m")).get_by_test_id("message-text")
    for said in ('<script>window.harmed = "script"</script>', "onerror=", "<iframe", '<b onclick="', "<svg onload"):
        expect(shown).to_contain_text(said)
    assert shown.locator("script, img, iframe, b, svg, style, object, embed, form").count() == 0
    expect(page.get_by_test_id("inert-image")).to_have_text("[image: a picture, not loaded]")
    assert page.evaluate("window.harmed") is None
    assert hosts == {urlsplit(stage.url).netloc}


def test_links_lead_only_to_the_web_and_not_within_this_tab(stage: Stage, new_page: NewPage) -> None:
    page = new_page()
    shown = written(stage, page, DANGEROUS)
    links = shown.get_by_role("link")
    expect(links).to_have_text(["good"])
    expect(links).to_have_attribute("href", f"{ELSEWHERE}/page")
    expect(links).to_have_attribute("target", "_blank")
    expect(links).to_have_attribute("rel", "noopener noreferrer nofollow")
    before = page.url
    shown.get_by_text("a link", exact=True).click()
    shown.get_by_text("data", exact=True).click()
    assert page.url == before
    assert page.evaluate("window.harmed") is None


def test_no_link_leads_into_the_daemons_own_pages_or_to_another_program(stage: Stage, new_page: NewPage) -> None:
    shown = written(stage, new_page(), LINKS)
    links = shown.get_by_role("link")
    expect(links).to_have_text(["secure", "post"])
    for words in ("chat", "talk", "path", "place", "query", "file", "other", "half"):
        expect(shown.get_by_text(words, exact=True)).to_be_visible()
    expect(shown).to_contain_text("The note itself.")
    assert shown.locator("a").count() == 2


def test_what_a_user_typed_is_shown_as_typed(stage: Stage, new_page: NewPage) -> None:
    shown = written(stage, new_page(), "**not bold** <b>nor this</b>\n# no heading", role="user")
    expect(shown).to_have_text("**not bold** <b>nor this</b> # no heading")
    assert shown.locator("*").count() == 0


def test_code_is_coloured_and_copied_exactly(stage: Stage, new_page: NewPage) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    shown = written(stage, page, f"Here:\n\n```python\n{CODE}```\n")
    block = shown.get_by_test_id("code-block")
    expect(block).to_contain_text("python")
    keyword = block.get_by_text("def", exact=True)
    expect(keyword).to_be_visible()
    plain = block.locator("code").evaluate("code => getComputedStyle(code).color")
    assert keyword.evaluate("word => getComputedStyle(word).color") != plain
    copy = block.get_by_test_id("copy")
    copy.click()
    expect(copy).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == CODE.rstrip("\n")


def test_where_copying_is_not_allowed_the_button_says_so(stage: Stage, new_page: NewPage) -> None:
    page = new_page()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    shown = written(stage, page, f"```\n{CODE}```\n")
    copy = shown.get_by_test_id("copy")
    copy.click()
    expect(copy).to_have_text("Not allowed: select it and copy")
