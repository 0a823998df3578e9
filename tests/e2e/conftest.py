"""The real gateways, their model and a real browser, started once for all end-to-end tests."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from scripts.gateway import PACKAGES
from tests.e2e.browser import Tab, open_tab, running_browser
from tests.e2e.daemon import Daemon, Daemons
from tests.e2e.gateway import RealGateway
from tests.e2e.model import Model
from tests.e2e.program import Program
from tests.e2e.screen import Look, Screen, Served

AGENTS = ("alpha", "bravo", "charlie", "delta", "echo", "golf")
MEASURED = pytest.StashKey[list[str]]()


@pytest.fixture
def measured(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Keeps a line for the summary at the end of the test run."""
    return pytestconfig.stash.setdefault(MEASURED, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(MEASURED, []):
        terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows the end of what its programs printed."""
    report = yield
    if report.failed:
        for program in programs(item.funcargs.values()):
            report.sections.append((f"Output of {program.name}", program.tail()))
    return report


def programs(values: Iterable[object]) -> Iterator[Program]:
    for value in values:
        match value:
            case RealGateway() | Daemon():
                yield value.program
            case Daemons():
                yield from (daemon.program for daemon in value.made)


@pytest.fixture(scope="package")
def model() -> Iterator[Model]:
    with Model() as model:
        yield model


@pytest.fixture(scope="package", params=PACKAGES, ids=lambda package: package.name)
def gateway(
    request: pytest.FixtureRequest, model: Model, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealGateway]:
    """A test that asks for it runs before each of the gateways, one after the other."""
    with RealGateway(tmp_path_factory.mktemp("gateway"), model.url, AGENTS, package=request.param) as gateway:
        yield gateway


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    with open_tab(browser) as tab:
        yield tab


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Daemons]:
    daemons = Daemons(tmp_path)
    yield daemons
    for daemon in daemons.made:
        daemon.program.end_if_running()


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    with ExitStack() as open_tabs:

        def look(where: Served, agent: str | None = None) -> Screen:
            tab = open_tabs.enter_context(open_tab(browser))
            return Screen(tab, where.url, agent)

        yield look
