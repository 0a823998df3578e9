"""Durations and sizes, as written and as shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.config import Flags, load, resolve
from mission_control.config.describe import describe
from mission_control.config.units import BYTES_IN, SECONDS_IN, quantity, show_bytes, show_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("250ms", 0.25), ("10m", 600), ("1.5h", 5400), ("7d", 604800), ("2 W", 1209600)]
)
def test_durations(text: str, seconds: float) -> None:
    """Durations mean what they say, bare ones seconds."""
    assert quantity(text, SECONDS_IN) == pytest.approx(seconds)


@given(milliseconds=st.integers(0, 10**10))
def test_a_shown_duration_is_the_same_duration(milliseconds: int) -> None:
    """What ``check-config`` prints can be put back into the file."""
    assert quantity(show_duration(milliseconds / 1000), SECONDS_IN) == pytest.approx(milliseconds / 1000, rel=1e-9)


@given(count=st.integers(0, 2**53))
def test_a_shown_size_is_the_same_size(count: int) -> None:
    """What ``check-config`` prints can be put back into the file."""
    assert quantity(show_bytes(count), BYTES_IN) == count


def test_described_settings_can_be_loaded_again(tmp_path: Path) -> None:
    """``check-config`` output is a valid way to write the same settings."""
    loaded = resolve(Flags(gateway="ws://a:1", listen="[::1]:9"), {"HOME": str(tmp_path)}, tmp_path)
    lines = [line.rpartition("  # ")[0].rstrip() for line in describe(loaded)]
    pairs = tuple(line.replace(" = ", "=", 1).replace('"', "") for line in lines if not line.endswith(("(none)", "[]")))
    assert load(Flags(assign=pairs), {"HOME": "/other"}, Path("/other")) == loaded.settings
