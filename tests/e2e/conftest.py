"""The real gateway, its model and a real browser, started once for all end-to-end tests."""

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import Tab, open_tab, running_browser
from tests.e2e.daemon import Daemon
from tests.e2e.gateway import RealGateway
from tests.e2e.model import Model


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows the end of what its programs printed."""
    report = yield
    if report.failed:
        programs = [value.program for value in item.funcargs.values() if isinstance(value, RealGateway | Daemon)]
        report.sections += [(f"Output of {program.name}", program.tail()) for program in programs]
    return report


@pytest.fixture(scope="session")
def model() -> Iterator[Model]:
    with Model() as model:
        yield model


@pytest.fixture(scope="session")
def gateway(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealGateway]:
    with RealGateway(tmp_path_factory.mktemp("gateway"), model.url) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    with open_tab(browser) as tab:
        yield tab
