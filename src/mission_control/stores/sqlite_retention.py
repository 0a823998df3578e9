"""Retention: see docs/journal.md for its arithmetic."""

import sqlite3

from mission_control.stores.journal import Retained, Retention
from mission_control.stores.sqlite_head import Head


def retain(connection: sqlite3.Connection, head: Head, policy: Retention, now: int) -> Retained:
    """One slice."""
    return Retained(0, 0, head.floor, more=False)
