"""Nothing moves under the reader of a conversation: the end is followed only by who is there."""

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import message, open_live, wait_until
from tests.dashboard.source import now
from tests.dashboard.stage import Stage
from tests.dashboard.voice import Voice

pytestmark = pytest.mark.e2e

MESSAGES = 180
"""More than a snapshot has of one agent (50), and than two pages more."""
STEP_MS = 1_000


@pytest.fixture(scope="module")
def talker(stage: Stage) -> Voice:
    """Has said `m-000` to `m-179`, one a second, each of several lines."""
    agent = stage.agent("talker")
    begun = now() - MESSAGES * STEP_MS
    text = "\n\n".join(["Message {0:03}"] + ["More of it."] * 4)
    said = [agent.final(f"m-{n:03}", text.format(n), begun + n * STEP_MS) for n in range(MESSAGES)]
    stage.first.source.say(*said)
    return agent


def reader_of(page: Page) -> Locator:
    return page.get_by_role("log")


def from_end(page: Page) -> float:
    """How far the reader is from the end, in px."""
    distance: float = reader_of(page).evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight")
    return distance


def short_talk(stage: Stage) -> Voice:
    agent = stage.agent("short")
    agent.source.say(*[agent.final(f"m-{n}", "Some lines.\n\n" * 4) for n in range(30)])
    return agent


def test_reader_at_the_end_stays_there(stage: Stage, new_page: NewPage) -> None:
    agent = short_talk(stage)
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}")
    expect(message(page, agent.message_key("m-29"))).to_be_in_viewport()
    agent.writes("live", "One line.")
    expect(message(page, agent.message_key("live"))).to_be_in_viewport(ratio=1)
    agent.writes("live", "\n\nAnother." * 30)
    expect(message(page, agent.message_key("live"))).to_contain_text("Another.")
    assert from_end(page) <= 1
    expect(page.get_by_test_id("new-pill")).to_have_count(0)


def test_reader_elsewhere_is_told_how_much_is_new_and_nothing_moves(stage: Stage, new_page: NewPage) -> None:
    agent = short_talk(stage)
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}")
    read = message(page, agent.message_key("m-15"))
    expect(message(page, agent.message_key("m-29"))).to_be_in_viewport()
    read.evaluate("message => message.scrollIntoView({ block: 'center' })")
    pill = page.get_by_test_id("new-pill")
    expect(pill).to_have_text("Latest")
    before = read.bounding_box()
    for number in (1, 2, 3):
        agent.says(f"new-{number}", "Something new.\n\n" * 5)
        expect(pill).to_have_text(f"{number} new")
    assert read.bounding_box() == before
    pill.click()
    expect(message(page, agent.message_key("new-3"))).to_be_in_viewport()
    expect(pill).to_have_count(0)
    assert from_end(page) <= 1


def test_older_pages_come_in_above_without_moving_the_sight(stage: Stage, new_page: NewPage, talker: Voice) -> None:
    page = open_live(new_page(), f"{stage.url}agents?id={talker.key}")
    expect(message(page, talker.message_key(f"m-{MESSAGES - 1}"))).to_be_in_viewport()
    messages = page.get_by_test_id("message")
    first = messages.first.get_attribute("data-message-id")
    oldest = message(page, str(first))
    with page.expect_response(lambda answer: "/messages?" in answer.url and "before=" in answer.url):
        oldest.evaluate("message => message.scrollIntoView({ block: 'start' })")
        before = oldest.bounding_box()
    expect(messages.first).not_to_have_attribute("data-message-id", str(first))
    assert oldest.bounding_box() == before


def test_everything_back_to_the_beginning_comes_once_and_in_order(
    stage: Stage, new_page: NewPage, talker: Voice
) -> None:
    page = open_live(new_page(), f"{stage.url}agents?id={talker.key}")
    beginning = page.get_by_test_id("beginning")
    expect(message(page, talker.message_key(f"m-{MESSAGES - 1}"))).to_be_in_viewport()
    expect(beginning).to_have_attribute("data-more", "true")  # known with the first answer to what is older
    while beginning.get_attribute("data-more") == "true":
        had = page.get_by_test_id("message").count()
        beginning.evaluate("line => line.scrollIntoView()")
        page.wait_for_function(
            """had => document.querySelectorAll("[data-testid=message]").length > had
              || document.querySelector("[data-testid=beginning]").dataset.more === "false" """,
            arg=had,
        )
    shown = page.get_by_test_id("message").evaluate_all("all => all.map((one) => one.dataset.messageId)")
    assert shown == [talker.message_key(f"m-{n:03}") for n in range(MESSAGES)]
    expect(beginning).to_have_text("The beginning of this conversation")


@pytest.mark.parametrize("number", [MESSAGES - 5, MESSAGES - 30, 12])
def test_link_to_a_message_puts_it_in_sight(stage: Stage, new_page: NewPage, talker: Voice, number: int) -> None:
    """Also when it is on an older page than the snapshot has: it is fetched."""
    key = talker.message_key(f"m-{number:03}")
    page = open_live(new_page(), f"{stage.url}agents?id={talker.key}&message={key}")
    expect(message(page, key)).to_be_in_viewport(ratio=1)
    expect(page.locator("[data-target=true]")).to_contain_text(f"Message {number:03}")


def test_link_to_the_newest_message_goes_on_with_what_comes(stage: Stage, new_page: NewPage) -> None:
    agent = short_talk(stage)
    key = agent.message_key("m-29")
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}&message={key}")
    expect(page.locator("[data-target=true]")).to_be_in_viewport()
    agent.writes("live", "\n\nGoing on." * 40 + "\n\nThe end.")
    expect(message(page, agent.message_key("live")).get_by_text("The end.")).to_be_in_viewport()
    expect(page.get_by_test_id("new-pill")).to_have_count(0)


def test_link_far_back_stays_in_sight(stage: Stage, new_page: NewPage) -> None:
    """Further than what a reader at the end keeps."""
    agent = stage.agent("chatty")
    stage.first.source.say(*[agent.final(f"m-{n}", f"Word {n}") for n in range(800)])
    key = agent.message_key("m-3")
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}&message={key}")
    target = page.locator("[data-target=true]")
    expect(target).to_be_in_viewport(ratio=1)
    agent.says("m-800", "One more")
    expect(page.get_by_test_id("new-pill")).to_have_text("1 new")
    expect(target).to_be_in_viewport(ratio=1)
    expect(target).to_contain_text("Word 3")


def test_link_to_what_is_not_there_says_so(stage: Stage, new_page: NewPage) -> None:
    agent = short_talk(stage)
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}&message={agent.message_key('nowhere')}")
    expect(page.get_by_test_id("target-missing")).to_have_text("What the address names is not in this conversation.")
    expect(message(page, agent.message_key("m-29"))).to_be_in_viewport()


def test_link_that_cannot_be_followed_now_asks_once_and_can_be_tried_again(
    stage: Stage, new_page: NewPage, talker: Voice
) -> None:
    key = talker.message_key("m-012")
    page = new_page()
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=500, json={"code": "internal", "detail": "It broke."})

    page.route("**/messages?*", refuse)
    open_live(page, f"{stage.url}agents?id={talker.key}&message={key}")
    beginning = page.get_by_test_id("beginning")
    expect(beginning).to_contain_text("It broke.")
    talker.writes("live", "Going on.")
    expect(message(page, talker.message_key("live"))).to_be_in_viewport()
    assert len(asked) == 1
    page.unroute("**/messages?*")
    beginning.get_by_role("button").evaluate("button => button.click()")  # without the scrolling that asks as well
    expect(message(page, key)).to_be_in_viewport(ratio=1)


def test_agent_that_works_for_hours_without_a_word_does_not_fill_the_page(stage: Stage, new_page: NewPage) -> None:
    agent = stage.agent("silent").says("m-0", "Off to work.")
    page = open_live(new_page(), f"{stage.url}agents?id={agent.key}")
    items = page.locator("[data-item]")
    expect(items).to_have_count(1)
    begun = now()
    agent.source.say(
        *[
            agent.activity("tool.started", "drill", begun + n, tool="drill", detail={"call_id": f"c{n}"})
            for n in range(800)
        ]
    )
    last = page.get_by_test_id("tool-call").last
    expect(last).to_be_in_viewport()
    wait_until(page, lambda: 300 <= items.count() <= 600)
    expect(page.get_by_test_id("beginning")).to_have_attribute("data-more", "true")


@pytest.mark.parametrize("number", [MESSAGES - 5, 12])
def test_link_to_a_time_shows_what_was_said_then(stage: Stage, new_page: NewPage, talker: Voice, number: int) -> None:
    listed = new_page()
    listed.goto(f"{stage.url}v1/agents/{talker.id}/messages?limit=200")
    page = new_page()
    events = listed.evaluate("JSON.parse(document.body.textContent).messages")
    at = next(one["timestamp"] for one in events if one["message_id"].endswith(f"m-{number:03}"))
    open_live(page, f"{stage.url}agents?id={talker.key}&at={at + STEP_MS // 2}")
    expect(message(page, talker.message_key(f"m-{number:03}"))).to_be_in_viewport(ratio=1)
