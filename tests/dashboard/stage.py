"""A daemon that watches scripted sources, each behind a network that the test can cut."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.dashboard.source import ScriptedSource
from tests.dashboard.voice import Voice
from tests.e2e.daemon import Daemon
from tests.e2e.proxy import CuttableNetwork

GATEWAY = """[[gateways]]
id = "{id}"
kind = "envelope"
url = "{url}"
"""


@define
class Gateway:
    """One source as the daemon knows it; `network` is what lies between the two."""

    id: str
    source: ScriptedSource
    network: CuttableNetwork

    def agent(self, name: str) -> Voice:
        return Voice(self.source, self.id, name)


@define
class Stage:
    """Tests that share one use agents of their own: `agent` gives one that no other test has."""

    daemon: Daemon
    gateways: dict[str, Gateway]
    _serial: Iterator[int] = field(factory=count)

    @property
    def url(self) -> str:
        return self.daemon.url

    @property
    def first(self) -> Gateway:
        return next(iter(self.gateways.values()))

    def agent(self, name: str) -> Voice:
        """A new agent of the first gateway, with this name and a number behind it."""
        return self.first.agent(f"{name}-{next(self._serial)}")


@contextmanager
def staged(
    directory: Path, gateways: Sequence[str] = ("factory",), *options: str, **attributes: Any
) -> Iterator[Stage]:
    """Start it all; `options` and `attributes` are those of the daemon."""
    with ExitStack() as stack:
        made = {}
        for gateway in gateways:
            source = stack.enter_context(ScriptedSource())
            made[gateway] = Gateway(gateway, source, stack.enter_context(CuttableNetwork(source.url)))
        directory.mkdir(parents=True, exist_ok=True)
        tables = [GATEWAY.format(id=gateway.id, url=gateway.network.url) for gateway in made.values()]
        (directory / "mission-control.toml").write_text("\n".join(tables))
        daemon = stack.enter_context(Daemon(data=directory, options=options, **attributes))
        yield Stage(daemon, made)
