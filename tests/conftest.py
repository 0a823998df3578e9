"""Settings of all tests."""

from hypothesis import settings

pytest_plugins = ["pytester", "runtime.testing.pytest_plugin"]

# A deadline for one example fails on a busy machine, not on a defect; the blob replays a failure elsewhere.
settings.register_profile("mission-control", deadline=None, print_blob=True)
settings.load_profile("mission-control")
