"""Kinds of activities as they are asked for: one kind, such as ``tool.failed``, or a family of them, ``tool.*``.

A family is everything below its dot, at any depth: ``tool.*`` has ``tool.failed`` and ``tool.call.failed``, but neither
``tool`` nor ``tooling.failed``.
"""

import re
from collections.abc import Collection
from typing import Final

_PATTERN: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*(\.\*)?")


def is_pattern(text: str) -> bool:
    """Whether this is a kind or a family, so that some activity could be of it."""
    return _PATTERN.fullmatch(text) is not None


def beginning(pattern: str) -> str | None:
    """What all kinds of a family begin with, such as ``tool.``; None for one kind."""
    return pattern[:-1] if pattern.endswith(".*") else None


def admits(patterns: Collection[str], kind: str) -> bool:
    """Whether ``kind`` is one of these; none at all admit every kind."""
    return not patterns or any(_matches(pattern, kind) for pattern in patterns)


def _matches(pattern: str, kind: str) -> bool:
    family = beginning(pattern)
    return kind == pattern if family is None else kind.startswith(family)
