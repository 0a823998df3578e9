"""Fixtures of the journal's tests."""

import pytest

from tests.stores.samples import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
