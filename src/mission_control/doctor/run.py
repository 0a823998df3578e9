"""All checks, one after the other, and what is printed of them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import trio
from attrs import Factory, define, frozen

from mission_control import __version__
from mission_control.config import ConfigError, Flags, Loaded, resolve
from mission_control.config.home import home_of
from mission_control.core.diagnostic_views import DiagnosticsView
from mission_control.core.events import encode
from mission_control.discovery import choose, listens
from mission_control.doctor import machine
from mission_control.doctor.daemon import diagnose
from mission_control.doctor.findings import Finding, count, refusals, told
from mission_control.doctor.gateways import chosen, greet
from mission_control.doctor.listening import listening
from mission_control.inspection.daemon import DaemonError, connected, explain
from mission_control.output import until_the_reader_has_enough, write, write_json
from mission_control.plugins import Found
from mission_control.settings import GatewaySettings, Secret, Settings, masked
from mission_control.target import Target


@frozen
class Place:
    """Where the command was given: the installed actor types, the environment, the working directory."""

    actor_types: Found
    environ: Mapping[str, str]
    cwd: Path


@define
class Report:
    """What was found, and whatever must not show in it. ``diagnostics`` is what a running daemon told."""

    findings: list[Finding] = Factory(list)
    secrets: list[Secret] = Factory(list)
    diagnostics: DiagnosticsView | None = None

    def add(self, *findings: Finding) -> None:
        self.findings += findings

    def show(self) -> None:
        for finding in self.findings:
            for line in finding.lines():
                write(masked(line, self.secrets))
        write(f"{_several(self.problems, 'problem')}, {_several(count(self.findings, 'warning'), 'warning')}")

    def show_json(self) -> None:
        document = {
            "version": __version__,
            "problems": self.problems,
            "findings": self.findings,
            "diagnostics": self.diagnostics,
        }
        write_json(masked(encode(document).decode(), self.secrets).encode())

    @property
    def problems(self) -> int:
        return count(self.findings, "problem")


def run_doctor(place: Place, flags: Flags, token: Secret | None, *, as_json: bool) -> int:
    """Check this machine, and the daemon and the gateways that the settings describe; gives the exit code.

    ``token`` comes before the one that the settings name.
    """
    report = Report(secrets=[] if token is None else [token])
    try:
        loaded = resolve(flags, place.environ, place.cwd, actors=place.actor_types)
    except ConfigError as error:
        report.add(*refusals("configuration", error))
    else:
        report.secrets += loaded.settings.secrets()
        report.add(*_configuration(loaded, place.actor_types), *_machine(loaded.settings))
        trio.run(_around, report, loaded.settings, token, place.environ)
    return _told(report, as_json=as_json)


def run_remote(target: Target, *, as_json: bool) -> int:
    """Ask that daemon alone, which may be on any machine; gives the exit code."""
    report = Report()
    trio.run(_ask, report, target)
    return _told(report, as_json=as_json)


def _told(report: Report, *, as_json: bool) -> int:
    def tell() -> int:
        if as_json:
            report.show_json()
        else:
            report.show()
        return 0

    until_the_reader_has_enough(tell)
    return 1 if report.problems else 0


def _configuration(loaded: Loaded, actor_types: Found) -> Iterable[Finding]:
    yield Finding("ok", "configuration", str(loaded.file or "no file; flags, environment and defaults"))
    for broken in actor_types.broken.values():
        yield told("warning", "configuration", str(broken))


def _machine(settings: Settings) -> Sequence[Finding]:
    return (
        machine.python(),
        machine.sqlite(),
        machine.data_directory(settings.data_dir),
        machine.disk(settings),
        *machine.operator_token(settings),
    )


async def _around(report: Report, settings: Settings, token: Secret | None, environ: Mapping[str, str]) -> None:
    """What is beyond this program: the port, the daemon if it runs, else the gateways."""
    found, target = await listening(settings, token)
    report.add(found)
    if target is not None:
        await _ask(report, target)
        return
    choice = await choose(settings, environ, home_of(environ), listens)
    report.add(*chosen(choice, asked_for=bool(settings.simulate)))
    for gateway in choice.gateways:
        await _greet(report, gateway)


async def _greet(report: Report, gateway: GatewaySettings) -> None:
    if gateway.token is not None:
        report.secrets.append(gateway.token)
    report.add(*await greet(gateway))


async def _ask(report: Report, target: Target) -> None:
    if target.token is not None:
        report.secrets.append(target.token)
    try:
        async with connected(target) as daemon:
            report.diagnostics = await daemon.diagnostics()
            actors = (await daemon.actors()).actors
    except DaemonError as error:
        report.add(told("problem", "daemon", explain(error, target) or str(error)))
    else:
        report.add(*diagnose(report.diagnostics, actors))


def _several(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
