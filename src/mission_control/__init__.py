"""Mission Control: true real-time sight of AI agents behind a gateway."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("mission-control")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
