"""The daemon as its operator meets it: how it starts, which gateway it finds, what it refuses, how it stops."""

import json
import shutil
import socket
from pathlib import Path

import pytest
from attrs import frozen

from tests.e2e.daemon import Daemons
from tests.e2e.gateway import RealGateway, free_port
from tests.e2e.journal import get
from tests.e2e.screen import Look
from tests.e2e.subscriber import Subscriber

pytestmark = pytest.mark.e2e

STOP_LIMIT_S = 5.0
RESTARTING = 1012


@frozen
class Elsewhere:
    """A gateway as somebody has written it down, which need not be how it is."""

    url: str
    token: str


def test_start_says_where_the_dashboard_the_gateway_and_the_data_are(
    gateway: RealGateway, daemons: Daemons, look: Look
) -> None:
    daemon = daemons.start(gateway)

    assert f"clawdbot at {gateway.url} (configured)" in daemon.said("gateway ")
    assert str(daemon.data) in daemon.said("data ")
    assert "without a token" in daemon.said("access ")
    assert get(daemon.url, "/v1/config")["source"] == "live"
    screen = look(daemon).open_live()
    screen.wait_agent("clawdbot/alpha", "online")
    assert screen.tab.page.locator("[data-testid=source-banner]").count() == 0
    assert screen.tab.complaints == []


@pytest.mark.parametrize("named", ["by its file", "by the environment"])
def test_gateway_of_this_machine_is_found(gateway: RealGateway, daemons: Daemons, look: Look, named: str) -> None:
    """Nobody has to say where the gateway is or what its token is: its own configuration does."""
    daemon = daemons.make()
    if named == "by its file":
        home = daemon.data / f".{gateway.package.name}"
        home.mkdir(parents=True)
        found = Path(shutil.copy(gateway.config_path, home))
    else:
        daemon.variables = {f"{gateway.package.name.upper()}_STATE_DIR": str(gateway.state)}
        found = gateway.config_path
    daemon.start()

    assert gateway.url in daemon.said("gateway ")
    assert str(found) in daemon.said("gateway ")
    look(daemon).open_live().wait_agent("clawdbot/alpha", "online")


@pytest.mark.parametrize("installed", [False, True])
def test_without_a_running_gateway_everything_says_that_it_is_simulated(
    daemons: Daemons, look: Look, installed: bool
) -> None:
    """Terminal, page and protocol say so, and how to come to a real one; a gateway that is set up but does not run is
    named."""
    daemon = daemons.make()
    if installed:
        home = daemon.data / ".clawdbot"
        home.mkdir(parents=True)
        (home / "clawdbot.json").write_text(json.dumps({"gateway": {"port": free_port()}}))
    daemon.start()

    said = daemon.said("SIMULATED")
    assert ("nothing listens at" if installed else "no gateway is configured") in said
    assert "--gateway ws://" in daemon.said("to watch a real one")
    screen = look(daemon).open_live()
    screen.wait_banner("source-banner", "Simulated data")
    screen.wait_banner("source-banner", "--gateway ws://")
    screen.wait_banner("message")
    with Subscriber(daemon.url) as subscriber:
        assert subscriber.welcomes[0]["source"] == "simulated"
    assert screen.tab.complaints == []


def test_wrong_gateway_token_is_shown_with_what_to_do(gateway: RealGateway, daemons: Daemons, look: Look) -> None:
    daemon = daemons.start(Elsewhere(gateway.url, "not-the-token"))
    screen = look(daemon).open()

    screen.wait_badge("disconnected")
    screen.wait_banner("stale-banner", "gateway token mismatch")
    screen.wait_banner("stale-banner", "--gateway-token")
    assert screen.tab.complaints == []


def test_gateway_that_is_not_there_is_tried_again_and_shown_with_what_to_do(daemons: Daemons, look: Look) -> None:
    daemon = daemons.start(Elsewhere(f"ws://127.0.0.1:{free_port()}", "any"))
    screen = look(daemon).open()

    screen.wait_badge("reconnecting")
    screen.wait_banner("stale-banner", "start the gateway there")


def test_second_daemon_on_the_same_data_is_refused(daemons: Daemons) -> None:
    daemon = daemons.start(None, "--simulate", "1")
    second = daemons.make(None, "--simulate", "1", data=daemon.data).refusal("--listen", "127.0.0.1:0")

    assert second.returncode == 1
    assert "in use by another Mission Control" in second.stderr
    assert "Traceback" not in second.stderr
    assert daemon.program.running


def test_port_in_use_is_told_with_what_to_do(daemons: Daemons) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = daemons.make(None, "--simulate", "1").refusal("--listen", address)

    assert refused.returncode == 1
    assert f"{address} is in use" in refused.stderr
    assert "--listen 127.0.0.1:8701" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_stop_is_orderly_and_a_page_comes_back_by_itself(gateway: RealGateway, daemons: Daemons, look: Look) -> None:
    """SIGTERM ends the daemon in time with exit code 0; subscribers are told to come again, and pages do."""
    daemon = daemons.start(gateway)
    screen = look(daemon).open_live()
    with Subscriber(daemon.url) as subscriber:
        assert daemon.stop(within=STOP_LIMIT_S) == 0
        assert subscriber.wait_closed().code == RESTARTING
        screen.wait_badge("reconnecting")
        screen.wait_banner("stale-banner", "This page is not current.")

        daemon.start()
        screen.wait_badge("connected")
        screen.wait_agent("clawdbot/alpha", "online")
        subscriber.connect()
        assert subscriber.welcomes[-1]["resume"] == "continued"
    assert screen.diagnostics()["gaps"] == 0
