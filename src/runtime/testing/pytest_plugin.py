"""A scheduler seed for a whole test-suite that runs under pytest-trio.

In the top-level conftest.py: ``pytest_plugins = ["runtime.testing.pytest_plugin"]``. Each test then runs under a seed
made of the session's and its own name, so it takes the same steps alone as among others. The session's seed is random
unless given with ``--scheduler-seed=N``; the header names it, and so does the report of each test that fails.

Hypothesis seeds trio's scheduler itself, once per example; its tests are left to it, so that what it shrinks and saves
replays. An example that is to vary the interleaving draws a seed for ``runtime.testing.run``.
"""

import random
from collections.abc import Generator

import pytest

from runtime.testing.runner import SEEDS
from runtime.testing.scheduler import seeded_scheduler

SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--scheduler-seed",
        type=int,
        metavar="N",
        help="choose the interleaving of trio's tasks by this seed: the one named by a failure replays it",
    )


def pytest_configure(config: pytest.Config) -> None:
    given: int | None = config.getoption("scheduler_seed")
    config.stash[SEED] = random.randrange(SEEDS) if given is None else given  # noqa: S311  # no secret


def pytest_report_header(config: pytest.Config) -> str:
    return f"scheduler seed: {config.stash[SEED]}"


def _seeded(item: pytest.Item) -> bool:
    return not getattr(getattr(item, "obj", None), "is_hypothesis_test", False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    if not _seeded(item):
        return (yield)
    with seeded_scheduler(f"{item.config.stash[SEED]} {item.nodeid}"):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and report.when == "call" and _seeded(item):
        report.sections.append(("scheduler", f"replay with --scheduler-seed={item.config.stash[SEED]}"))
    return report
