"""The real gateway and its model, once for all end-to-end tests."""

from collections.abc import Iterator

import pytest

from tests.e2e.gateway import RealGateway
from tests.e2e.model import Model


@pytest.fixture(scope="session")
def model() -> Iterator[Model]:
    with Model() as model:
        yield model


@pytest.fixture(scope="session")
def gateway(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealGateway]:
    with RealGateway(tmp_path_factory.mktemp("gateway"), model.url) as gateway:
        yield gateway
