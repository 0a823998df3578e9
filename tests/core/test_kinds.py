"""Which kinds of activities a list of kinds and families admits."""

import pytest

from mission_control.core.kinds import admits, is_pattern


@pytest.mark.parametrize(
    ("patterns", "admitted"),
    [
        ([], {"run", "run.failed", "run.step.failed", "runner.failed"}),
        (["run.failed"], {"run.failed"}),
        (["run.*"], {"run.failed", "run.step.failed"}),
        (["run.step.*", "run"], {"run", "run.step.failed"}),
        (["no.such", "nothing.*"], set()),
    ],
)
def test_a_family_is_what_stands_below_its_dot(patterns: list[str], admitted: set[str]) -> None:
    """At any depth; neither the family's own name nor what merely begins like it."""
    kinds = ("run", "run.failed", "run.step.failed", "runner.failed")
    assert {kind for kind in kinds if admits(patterns, kind)} == admitted


@pytest.mark.parametrize("text", ["", "*", ".*", "run.", "run.f*", "run*", "run..failed", "Run.failed", "run.*\n", "é"])
def test_what_no_activity_could_be_of_is_no_pattern(text: str) -> None:
    """It would admit nothing, and nobody would notice."""
    assert not is_pattern(text)


@pytest.mark.parametrize("text", ["note", "run.failed", "run.*", "mine.it_is-so.2.*"])
def test_kinds_and_families_are_patterns(text: str) -> None:
    assert is_pattern(text)
