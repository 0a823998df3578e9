"""Gateways from several places, and the simulation instead of them."""

from pathlib import Path
from typing import get_args

from mission_control.app.dialects import DIALECTS, make_dialect
from mission_control.config import Flags
from mission_control.core.subscription import Cursor
from mission_control.core.views import Snapshot
from mission_control.gateways.record import Record
from mission_control.settings import GatewayKind, GatewaySettings, Secret
from tests.config.loading import refusal, settings_of


def test_a_url_from_outside_never_gets_a_token_from_the_file(tmp_path: Path) -> None:
    """Pointing the daemon at another gateway must not send it the first one's token."""
    file = '[[gateways]]\nurl = "ws://mine:1"\ntoken = "mine"\n[[gateways]]\nurl = "ws://mine:2"\nid = "b"'
    settings = settings_of(tmp_path, file, {"MISSION_CONTROL_GATEWAY_URL": "ws://yours:1"})
    assert settings.gateways == (GatewaySettings(url="ws://yours:1"),)
    assert settings_of(tmp_path, file, flags=Flags(gateway="ws://yours:1")).gateways[0].token is None


def test_a_token_alone_belongs_to_the_only_gateway(tmp_path: Path) -> None:
    """The file may hold everything but the secret."""
    environ = {"MISSION_CONTROL_GATEWAY_TOKEN": "secret"}
    settings = settings_of(tmp_path, '[[gateways]]\nurl = "ws://mine:1"\nid = "a"', environ)
    assert settings.gateways == (GatewaySettings(url="ws://mine:1", id="a", token=Secret("secret")),)


def test_a_token_alone_without_a_gateway_means_the_usual_address(tmp_path: Path) -> None:
    """``--gateway-token`` is all that a gateway on its default port needs."""
    assert settings_of(tmp_path, flags=Flags(gateway_token="t")).gateways[0].url == "ws://127.0.0.1:18789"


def test_a_token_alone_for_two_gateways_is_refused(tmp_path: Path) -> None:
    """Nobody's token is sent to a gateway by guess."""
    file = '[[gateways]]\nurl = "ws://a"\nid = "a"\n[[gateways]]\nurl = "ws://b"\nid = "b"'
    error = refusal(tmp_path, file, {"MISSION_CONTROL_GATEWAY_TOKEN": "t"})
    assert "MISSION_CONTROL_GATEWAY_TOKEN" in str(error)
    assert "2 gateways" in str(error)


def test_variables_reach_each_gateway_of_the_file(tmp_path: Path) -> None:
    """Tokens of several gateways can come from the environment, and a gateway more."""
    file = '[[gateways]]\nurl = "ws://a"\nid = "a"'
    environ = {
        "MISSION_CONTROL_GATEWAYS__0__TOKEN": "ta",
        "MISSION_CONTROL_GATEWAYS__1__URL": "ws://b",
        "MISSION_CONTROL_GATEWAYS__1__ID": "b",
    }
    first, second = settings_of(tmp_path, file, environ).gateways
    assert (first.url, first.token) == ("ws://a", Secret("ta"))
    assert (second.url, second.token) == ("ws://b", None)


def test_gateways_are_counted_without_a_gap(tmp_path: Path) -> None:
    """A wrong number is told instead of making a gateway without a URL."""
    error = refusal(tmp_path, environ={"MISSION_CONTROL_GATEWAYS__3__TOKEN": "t"})
    assert "MISSION_CONTROL_GATEWAYS__3__TOKEN" in str(error)


def test_the_stronger_of_simulation_and_gateway_wins(tmp_path: Path) -> None:
    """``--simulate`` works in spite of a file with gateways, and ``--gateway`` in spite of one with ``simulate``."""
    settings = settings_of(tmp_path, '[[gateways]]\nurl = "ws://a"', flags=Flags(simulate="3"))
    assert (settings.gateways, settings.simulate) == ((), 3)
    settings = settings_of(tmp_path, "simulate = 3", flags=Flags(gateway="ws://a"))
    assert (len(settings.gateways), settings.simulate) == (1, 0)
    settings = settings_of(tmp_path, '[[gateways]]\nurl = "ws://a"', flags=Flags(simulate="0"))
    assert (len(settings.gateways), settings.simulate) == (1, 0)


def test_simulation_and_gateway_in_one_place_are_refused(tmp_path: Path) -> None:
    """Two wishes that exclude each other are not settled silently."""
    error = refusal(tmp_path, flags=Flags(gateway="ws://a", simulate="3"))
    assert "--simulate" in str(error)
    assert "also --gateway" in str(error)


def test_two_gateways_of_one_name_are_refused(tmp_path: Path) -> None:
    """Their events could not be told apart."""
    error = refusal(tmp_path, '[[gateways]]\nurl = "ws://a"\n[[gateways]]\nurl = "ws://b"')
    assert '"clawdbot" for a second time' in str(error)


def test_every_kind_of_gateway_can_be_had(tmp_path: Path) -> None:
    """A kind that may be configured is one that the daemon can make, and another is refused with those there are."""
    assert set(DIALECTS) == set(get_args(GatewayKind))
    for kind in DIALECTS:
        (gateway,) = settings_of(tmp_path, f'[[gateways]]\nurl = "ws://a"\nkind = "{kind}"').gateways
        dialect = make_dialect(gateway, "epoch", Snapshot(Cursor("epoch", 0), [], [], [], []), {}, Record())
        assert dialect.kind == kind
    error = refusal(tmp_path, '[[gateways]]\nurl = "ws://a"\nkind = "carrier-pigeon"')
    assert all(kind in str(error) for kind in DIALECTS)
