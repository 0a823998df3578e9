"""Where settings come from: flags, environment, file, defaults (docs/configuration.md)."""

from mission_control.config.layers import Flags
from mission_control.config.load import Loaded, load, resolve
from mission_control.config.problems import ConfigError, Problem, Source

__all__ = ["ConfigError", "Flags", "Loaded", "Problem", "Source", "load", "resolve"]
