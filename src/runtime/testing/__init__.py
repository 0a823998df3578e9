"""For tests of actors and trees: probes that record and crash on demand, an observer that remembers, and runs whose
interleaving comes from a seed. ``runtime.testing.pytest_plugin`` brings the seed to a whole test-suite.
See "Testing your actors" in docs/runtime.md."""

from runtime.testing.events import Events
from runtime.testing.probe import DemandedCrash, Probe, When
from runtime.testing.runner import run
from runtime.testing.scheduler import seeded_scheduler
from runtime.testing.trees import find, running

__all__ = ["DemandedCrash", "Events", "Probe", "When", "find", "run", "running", "seeded_scheduler"]
