"""The composition root: the only place where parts are chosen and put together."""

import gc
import logging
import os
import random
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import trio

from actors.clock import wall_clock
from mission_control.app.daemon import Daemon
from mission_control.app.loop_meter import LoopMeter
from mission_control.config.home import home_of
from mission_control.console import announce, dashboard_url
from mission_control.discovery import Choice, choose, listens
from mission_control.edge import guard
from mission_control.edge.app import build_app
from mission_control.edge.services import Services, Shutdown
from mission_control.edge.static import Dashboard
from mission_control.edge.stream import StreamEndpoint
from mission_control.plugins import Found
from mission_control.settings import Address, GatewaySettings, Secret, Settings
from mission_control.simulate import Fleet, serve_simulation
from mission_control.stores.sqlite import SqliteJournal

SIMULATED: Final = "simulated"
"""The simulated gateway's id, and the name of the journal that only it is written to."""

FAREWELL_SECONDS: Final = 3.0

log = logging.getLogger("mission_control")


def run(settings: Settings, actor_types: Found) -> int:
    """Run the daemon until SIGTERM, or SIGINT, which is then raised as KeyboardInterrupt; gives the exit code.

    Raises what :func:`mission_control.failures.explain` explains.
    """
    meter = LoopMeter()
    dashboard = Dashboard.packaged()  # it compresses and hashes: not on the event loop
    # Modules and classes stay for good. Walking them again in each full collection was the loop's longest stall.
    gc.collect()
    gc.freeze()
    ended_by = trio.run(partial(_main, settings, actor_types, os.environ, dashboard, meter), instruments=[meter])
    log.info("longest step of the event loop: %.0f ms in %s", meter.worst_s * 1000, meter.worst_task)
    log.info("most computed between two polls: %.0f ms", meter.worst_cpu_s * 1000)
    if ended_by == signal.SIGINT:
        raise KeyboardInterrupt
    return 0


async def _main(
    settings: Settings, actor_types: Found, environ: Mapping[str, str], dashboard: Dashboard, meter: LoopMeter
) -> int:
    choice = await choose(settings, environ, home_of(environ), listens)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    durability = settings.journal.durability
    async with (
        SqliteJournal.open(_journal_path(settings, choice), durability=durability, now=wall_clock) as journal,
        _gateways(choice) as gateways,
    ):
        sockets = await guard.listen(settings.listen.host, settings.listen.port)
        listening = trio.Event()

        async def edge(services: Services) -> None:
            app = build_app(services, dashboard, StreamEndpoint(services))
            # Each incarnation serves on copies, since whoever serves closes its sockets at its end.
            copies = [sock.dup() for sock in sockets]
            async with trio.open_nursery() as nursery:
                await nursery.start(partial(guard.serve, app, copies, shutdown=partial(_farewell, services.shutdown)))
                listening.set()

        daemon = Daemon(
            settings,
            journal,
            gateways,
            edge=edge,
            meter=meter,
            clock=wall_clock,
            simulated=bool(choice.simulated),
            actor_types=actor_types,
        )
        async with trio.open_nursery() as nursery:
            ended_by: list[int] = []
            nursery.start_soon(_stop_on_signal, daemon, ended_by, nursery.cancel_scope)
            async with trio.open_nursery() as running:
                await running.start(daemon.run)
                await listening.wait()
                port = sockets[0].getsockname()[1]
                announce(settings, choice, dashboard_url(Address(settings.listen.host, port)))
            nursery.cancel_scope.cancel()
        return ended_by[0] if ended_by else 0


async def _farewell(shutdown: Shutdown) -> None:
    """Wait for the shutdown, and then for the subscribers to be told and gone, but not for those that hang."""
    await shutdown.begun.wait()
    with trio.move_on_after(FAREWELL_SECONDS):
        await shutdown.wait_left()


async def _stop_on_signal(daemon: Daemon, ended_by: list[int], scope: trio.CancelScope) -> None:
    """The first signal stops in order; the second at once."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            ended_by.append(number)
            daemon.stop()
            break
        async for _ in signals:
            scope.cancel()


def _journal_path(settings: Settings, choice: Choice) -> Path:
    """A simulation's events never mix with real ones."""
    return settings.data_dir / (f"{SIMULATED}.sqlite3" if choice.simulated else "journal.sqlite3")


@asynccontextmanager
async def _gateways(choice: Choice) -> AsyncIterator[Sequence[GatewaySettings]]:
    """The gateways to watch, for as long as the block lasts; a simulated one is started for it."""
    if not choice.simulated:
        yield choice.gateways
        return
    async with trio.open_nursery() as nursery:
        # A new seed each time: what the journal has seen before it takes for a repetition.
        fleet = Fleet(agents=choice.simulated, seed=random.SystemRandom().getrandbits(32))
        address = await nursery.start(partial(serve_simulation, fleet, clock=wall_clock))
        yield (GatewaySettings(id=SIMULATED, url=address.url, token=Secret(address.token)),)
        nursery.cancel_scope.cancel()
