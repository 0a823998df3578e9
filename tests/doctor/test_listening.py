"""Whether a daemon could listen, and who is there if not."""

import os
import socket
from pathlib import Path

import pytest
import trio
from starlette.types import ASGIApp

from mission_control.doctor.holder import holder
from mission_control.doctor.listening import listening, tried
from mission_control.edge.app import build_app
from mission_control.edge.static import Dashboard
from mission_control.settings import Address, AuthSettings, Secret, Settings
from mission_control.target import Target
from tests.edge.given import Stream, services
from tests.edge.wire import serving

HERE = "127.0.0.1"


def app() -> ASGIApp:
    return build_app(services(), Dashboard({}), Stream())


def settings(home: Path, port: int, host: str = HERE) -> Settings:
    return Settings(data_dir=home, listen=Address(host, port), auth=AuthSettings(mode="token", token=Secret("hidden")))


async def test_a_free_port_is_left_free(tmp_path: Path) -> None:
    with socket.create_server((HERE, 0)) as taken:
        port = taken.getsockname()[1]
    found, target = await listening(settings(tmp_path, port), None)
    assert (found.level, target) == ("ok", None)
    socket.create_server((HERE, port)).close()


async def test_a_program_that_is_no_daemon_is_named(tmp_path: Path) -> None:
    """Whoever looks for what took the port needs no other tool."""

    async def hang_up(stream: trio.SocketStream) -> None:
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await trio.open_tcp_listeners(0, host=HERE)
        port: int = listeners[0].socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, hang_up, listeners)
        found, target = await listening(settings(tmp_path, port), None)
        nursery.cancel_scope.cancel()
    assert (found.level, target) == ("problem", None)
    assert f"{HERE}:{port} is in use" in found.text
    assert f"(process {os.getpid()})" in found.text
    assert "--listen" in found.remedy


async def test_a_daemon_is_recognised_without_its_token(tmp_path: Path) -> None:
    """Also at the address that stands for all: it is reached over loopback, as its settings' token is."""
    async with serving(app()) as port:
        for host in (HERE, "0.0.0.0"):
            found, target = await listening(settings(tmp_path, port, host), None)
            assert (found.level, "Mission Control" in found.text) == ("ok", True)
            assert target == Target(f"ws://{HERE}:{port}/v1/stream", Secret("hidden"))


async def test_a_port_that_is_any_is_nobodys(tmp_path: Path) -> None:
    found, target = await listening(settings(tmp_path, 0), None)
    assert (found.level, target) == ("ok", None)


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
async def test_an_address_that_is_not_ours_is_a_problem(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if host.endswith("invalid"):
        monkeypatch.setattr(trio.socket, "getaddrinfo", unknown)
    found = await tried(Address(host, 8700))
    assert (found.level, "no address of this machine" in found.text) == ("problem", True)


def test_a_port_that_nobody_has_has_no_holder(tmp_path: Path) -> None:
    """Nor is there one where the system does not tell."""
    with socket.create_server((HERE, 0)) as taken:
        port = taken.getsockname()[1]
        assert str(os.getpid()) in (holder(port) or "")
        assert holder(port, tmp_path) is None
    assert holder(port) is None


async def test_a_token_that_cannot_be_used_does_not_hide_the_daemon(tmp_path: Path) -> None:
    """It is a finding of its own; the daemon is there all the same."""
    (tmp_path / "operator-token").write_text("others may read it")
    (tmp_path / "operator-token").chmod(0o644)
    async with serving(app()) as port:
        at = Settings(data_dir=tmp_path, listen=Address(HERE, port), auth=AuthSettings(mode="token"))
        _, target = await listening(at, None)
    assert target == Target(f"ws://{HERE}:{port}/v1/stream", None)
