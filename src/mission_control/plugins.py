"""Which actor types are installed: finding and checking what packages offer as entry points (docs/extending.md).

A package that offers something unusable costs nothing but itself: it is among the broken ones, with what is wrong and
what mends it. Only a configuration that asks for it is then in error.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from attrs import Factory, frozen

from mission_control.config.options import NAME, OptionsError, check_options
from mission_control.extension import GROUP, ActorType

_NAME_RULE: Final = "lower-case letters, digits and single underscores, beginning with a letter"


@frozen
class Installed:
    """An actor type that can be used. ``package`` is its distribution's name and version."""

    name: str
    package: str
    type: ActorType[Any]


@frozen
class Broken:
    """One that cannot: ``problem`` and ``remedy`` are a part of a sentence each."""

    name: str
    package: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"the actor type {self.name!r} of {self.package} is left out: {self.problem}; {self.remedy}"


class UnusableActorTypeError(Exception):
    """The configuration asks for an actor type that cannot be built; the text says which, why, and what to do."""


@frozen
class Found:
    """Everything that is offered, by name."""

    installed: Mapping[str, Installed] = Factory(dict)
    broken: Mapping[str, Broken] = Factory(dict)


def find() -> Found:
    """The actor types of all installed packages. Imports what they name."""
    return examine(entry_points(group=GROUP))


def examine(offers: Iterable[EntryPoint]) -> Found:
    """Sort entry points into those that can be used and those that cannot."""
    by_name: dict[str, list[EntryPoint]] = {}
    for offer in sorted(offers, key=lambda offer: (offer.name, _package(offer))):
        by_name.setdefault(offer.name, []).append(offer)
    installed: dict[str, Installed] = {}
    broken: dict[str, Broken] = {}
    for name, of_that_name in by_name.items():
        one = _ambiguous(of_that_name) if len(of_that_name) > 1 else _examine(of_that_name[0])
        if isinstance(one, Broken):
            broken[name] = one
        else:
            installed[name] = one
    return Found(installed, broken)


def _ambiguous(offers: list[EntryPoint]) -> Broken:
    packages = " and ".join(_package(offer) for offer in offers)
    return Broken(offers[0].name, packages, "several packages offer that name", "uninstall all but one of them")


def _examine(offer: EntryPoint) -> Installed | Broken:
    package = _package(offer)

    def broken(problem: str, remedy: str) -> Broken:
        return Broken(offer.name, package, problem, remedy)

    if not NAME.fullmatch(offer.name):
        return broken("that is no name for one", f"its author must rename it: {_NAME_RULE}")
    try:
        found = offer.load()
    except (Exception, SystemExit) as error:  # whatever its module does as it is imported
        problem = f"{offer.value} cannot be imported: {type(error).__name__}: {error}"
        return broken(problem, f"install what it needs, or another version of {package}, or uninstall it")
    if not isinstance(found, ActorType):
        kind = type(found).__name__
        return broken(f"{offer.value} is no ActorType but of type {kind}", "its author must name an ActorType there")
    try:
        check_options(found.options, needed=found.enabled)
    except OptionsError as error:
        return broken(str(error), "its author must change that")
    return Installed(offer.name, package, found)


def _package(offer: EntryPoint) -> str:
    return "a package" if offer.dist is None else f"{offer.dist.name} {offer.dist.version}"
