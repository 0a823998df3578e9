"""Finding actor types: what cannot be used is told with its package and remedy, and costs nothing but itself."""

from importlib.metadata import entry_points

import pytest

from mission_control.extension import GROUP
from mission_control.plugins import examine, find
from tests.extensions import offers
from tests.extensions.offers import found, offer


def test_what_a_package_offers_is_found_by_the_name_of_its_entry_point() -> None:
    there = found(hello="plain", hello_2="everything")
    assert there.broken == {}
    assert {name: one.type for name, one in there.installed.items()} == {
        "hello": offers.plain,
        "hello_2": offers.everything,
    }
    assert there.installed["hello"].package == "sample 1.0"


def test_those_that_come_with_the_daemon_are_found_like_any() -> None:
    """They have no way in of their own."""
    ours = {
        one.name for one in entry_points(group=GROUP) if one.dist is not None and one.dist.name == "mission-control"
    }
    there = find()
    assert "stall_watch" in ours
    assert ours <= there.installed.keys()


@pytest.mark.parametrize(
    ("name", "what", "problem", "remedy"),
    [
        ("hello", "nothing_there", "cannot be imported: AttributeError", "uninstall it"),
        ("hello", "something_else", "is no ActorType but of type function", "its author"),
        ("Hello", "plain", "no name", "lower-case"),
        ("hello__you", "plain", "no name", "lower-case"),
        ("hello-you", "plain", "no name", "lower-case"),
        ("2hello", "plain", "no name", "lower-case"),
        ("hello", "needy", "Everything.url has no default", "its author"),
        ("hello", "nested", "Nested.inner: a setting cannot be of type dict", "its author"),
        ("hello", "paths", "Paths.files: a setting cannot be of type", "its author"),
        ("hello", "untyped", "Untyped.greeting has no type", "its author"),
        ("hello", "mistyped", "Mistyped.count: ", "its author"),
        ("hello", "addresses", "Addresses.all: a setting cannot be of type", "its author"),
        ("hello", "private", "Private._hidden", "its author"),
        ("hello", "reserved", "Enabled.enabled", "its author"),
        ("hello", "unresolved", "types of Unresolved cannot be found out", "its author"),
        ("hello", "no_attrs", "must be an attrs class", "its author"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_remedy(name: str, what: str, problem: str, remedy: str) -> None:
    there = examine([offer(name, what), offer("good", "plain", "other")])
    broken = there.broken[name]
    assert problem in broken.problem
    assert remedy in broken.remedy
    assert str(broken).startswith(f"the actor type {name!r} of sample 1.0 is left out: ")
    assert there.installed.keys() == {"good"}


def test_a_module_that_raises_is_told_with_what_it_raised() -> None:
    there = examine([offer("hello", "actor_type", module="tests.extensions.broken_module")])
    assert "ModuleNotFoundError: No module named 'left_pad'" in there.broken["hello"].problem
    assert "install what it needs" in there.broken["hello"].remedy


def test_a_name_that_two_packages_offer_is_neither_ones() -> None:
    """Which of them ran would depend on the order of a directory."""
    there = examine([offer("hello", "plain", "one"), offer("hello", "everything", "two")])
    assert there.installed == {}
    assert there.broken["hello"].package == "one 1.0 and two 1.0"
    assert "uninstall" in there.broken["hello"].remedy
