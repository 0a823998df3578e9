"""No view makes its reader wait for code: what each loads at first is bounded, as it goes over the wire."""

import pytest

from tests.dashboard.conftest import NewPage
from tests.dashboard.page import open_live
from tests.dashboard.stage import Stage

pytestmark = pytest.mark.e2e

LIMIT = 250_000
TRANSFERRED = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => new URL(name).pathname.endsWith(".js"))
  .map(({ encodedBodySize }) => encodedBodySize)"""


@pytest.mark.parametrize("view", ["", "agents", "activity", "system"])
def test_a_view_is_there_with_less_than_250_kb_of_javascript(stage: Stage, new_page: NewPage, view: str) -> None:
    """Compressed, and with all that has come by the time that the page is live."""
    page = open_live(new_page(), f"{stage.url}{view}")
    sizes = page.evaluate(TRANSFERRED)
    assert 0 < sum(sizes) < LIMIT
