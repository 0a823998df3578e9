"""Every script in tests/golden/session: they bind this client and the dashboard's (``web/tests/golden.test.ts``)."""

from typing import Any

import pytest

from tests.client.scripted import matches, play, scripts

SCRIPTS = dict(scripts())


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_s_states(name: str) -> None:
    """The same frames at the same times give the states that the script expects, whatever the client is written in."""

    def check(found: dict[str, Any], expected: dict[str, Any]) -> None:
        assert {key: found[key] for key in expected if not matches(found[key], expected[key])} == {}, expected

    play(SCRIPTS[name], check)


def test_there_are_scripts() -> None:
    """An empty directory would pass all of them."""
    assert len(SCRIPTS) > 20
    assert all(script["name"] == name for name, script in SCRIPTS.items())
