"""Who is at the address where the daemon is to listen: nobody, a daemon, or some other program."""

import errno
from typing import Final

from attrs import evolve

from mission_control.config.problems import ConfigError
from mission_control.doctor.findings import Finding, told
from mission_control.doctor.holder import holder
from mission_control.edge import guard
from mission_control.failures import unusable_address
from mission_control.inspection.daemon import DaemonError, connected
from mission_control.settings import Address, Secret, Settings
from mission_control.target import Target, described, own_url

_CHECK: Final = "port"


async def listening(settings: Settings, token: Secret | None) -> tuple[Finding, Target | None]:
    """How it is there, and the daemon that runs there, if one does. ``token`` is what to show it, if not its own."""
    if settings.listen.port == 0:
        return Finding("ok", _CHECK, "any that is free is taken; to ask a daemon that runs, give its --url"), None
    target = _target(settings, token)
    try:
        async with connected(target) as daemon:
            version = await daemon.version()
    except DaemonError:
        return await tried(settings.listen), None
    return Finding("ok", _CHECK, f"Mission Control {version} runs at {settings.listen}"), target


def _target(settings: Settings, token: Secret | None) -> Target:
    try:
        return described(settings, token)
    except ConfigError:  # the token that is kept cannot be used, which is a finding of its own
        return Target(own_url(settings), token)


async def tried(address: Address) -> Finding:
    """Whether a daemon could listen there: what its start does is done, and undone."""
    try:
        sockets = await guard.listen(address.host, address.port)
    except OSError as error:
        sentence = unusable_address(error, address)
        found = told("problem", _CHECK, sentence or f"{address} cannot be listened at: {error.strerror or error}")
        program = holder(address.port) if error.errno == errno.EADDRINUSE else None
        return found if program is None else evolve(found, text=f"{found.text}; it is {program}")
    for one in sockets:
        one.close()
    return Finding("ok", _CHECK, f"{address} is free; no daemon runs there")
