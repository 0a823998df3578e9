"""Drafts for tests of actors."""

from mission_control.core.events import Activity, Draft


def note(serial: int, agent: str = "alpha", kind: str = "test.note", *, ephemeral: bool = False) -> Draft:
    return Draft(f"note:{serial}", 1_000 + serial, "gw", agent, Activity(kind, f"note {serial}"), ephemeral)
