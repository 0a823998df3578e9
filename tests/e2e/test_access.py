"""Who gets in: the operator token, in the browser and without one."""

import stat
from urllib.error import HTTPError

import pytest

from tests.e2e.daemon import Daemon, Daemons
from tests.e2e.journal import get
from tests.e2e.screen import Look
from tests.e2e.subscriber import Subscriber
from tests.e2e.wire import ConnectionLost

pytestmark = pytest.mark.e2e

WITH_TOKEN = ("--simulate", "1", "--set", "auth.mode=token")
UNAUTHENTICATED = 4401
FOREIGN_ORIGIN = 4403


def kept_token(daemon: Daemon) -> str:
    return (daemon.data / "operator-token").read_text().strip()


def test_listening_for_others_without_a_token_is_refused_with_the_remedy(daemons: Daemons) -> None:
    refused = daemons.make(None, "--simulate", "1").refusal("--listen", "0.0.0.0:0")

    assert refused.returncode == 2
    assert "without authentication" in refused.stderr
    assert "--set auth.mode=token" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stdout == ""


def test_listening_for_others_makes_a_token_that_only_its_user_can_read(daemons: Daemons) -> None:
    daemon = daemons.start(None, *WITH_TOKEN, listen="0.0.0.0:0")
    file = daemon.data / "operator-token"

    assert str(file) in daemon.said("access ")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = kept_token(daemon)
    assert token not in daemon.program.tail()
    with pytest.raises(HTTPError) as refused:
        get(daemon.url, "/v1/agents")
    refused.value.close()
    assert refused.value.code == 401
    assert get(daemon.url, "/v1/agents", token)["agents"] is not None
    with Subscriber(daemon.url, token) as subscriber:
        assert subscriber.welcomes

    daemon.stop()
    daemon.start()
    assert kept_token(daemon) == token


def test_page_asks_for_the_token_and_says_when_it_is_wrong(daemons: Daemons, look: Look) -> None:
    daemon = daemons.start(None, *WITH_TOKEN)
    screen = look(daemon).open()
    page = screen.tab.page

    screen.wait_banner("sign-in", "Operator token")
    page.get_by_label("Operator token").fill("not-the-token")
    page.get_by_role("button", name="Sign in").click()
    screen.wait_banner("sign-in", "This is not the operator token.")
    page.get_by_label("Operator token").fill(kept_token(daemon))
    page.get_by_role("button", name="Sign in").click()
    screen.wait_badge("connected")
    screen.wait_banner("message")
    screen.reload()  # the tab keeps the token
    assert page.locator("[data-testid=sign-in]").count() == 0
    assert kept_token(daemon) not in page.url
    assert screen.tab.complaints == []


@pytest.mark.parametrize("token", [None, "not-the-token"])
def test_stream_without_the_token_is_closed(daemons: Daemons, token: str | None) -> None:
    subscriber = Subscriber(daemons.start(None, *WITH_TOKEN).url, token)
    with pytest.raises(ConnectionLost) as lost, subscriber:
        pass
    assert lost.value.code == UNAUTHENTICATED
    assert [error["code"] for error in subscriber.errors] == ["unauthenticated"]
    assert subscriber.snapshots == []


def test_page_of_another_origin_gets_nothing(daemons: Daemons) -> None:
    """A page elsewhere that a browser on this machine happens to show can't read along."""
    subscriber = Subscriber(daemons.start(None, "--simulate", "1").url, origin="https://elsewhere.example")
    with pytest.raises(ConnectionLost) as lost, subscriber:
        pass
    assert lost.value.code == FOREIGN_ORIGIN
    assert subscriber.snapshots == []
