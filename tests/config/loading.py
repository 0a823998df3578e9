"""Loading settings in a directory of its own."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mission_control.config import ConfigError, Flags, load
from mission_control.settings import Settings


def settings_of(
    cwd: Path, file: str = "", environ: Mapping[str, str] | None = None, flags: Flags | None = None
) -> Settings:
    """The settings for a configuration file in ``cwd``, variables and flags; the home directory is ``cwd`` too."""
    if file:
        (cwd / "mission-control.toml").write_text(file)
    return load(flags or Flags(), {"HOME": str(cwd), **(environ or {})}, cwd)


def refusal(
    cwd: Path, file: str = "", environ: Mapping[str, str] | None = None, flags: Flags | None = None
) -> ConfigError:
    """The mistakes that the same is refused for."""
    with pytest.raises(ConfigError) as caught:
        settings_of(cwd, file, environ, flags)
    return caught.value
