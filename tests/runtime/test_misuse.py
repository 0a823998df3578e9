"""Bad use is told at once, by an error that says what is wrong, where, and what to do instead."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

from runtime import (
    ActorSpec,
    AutoShutdown,
    Backoff,
    DuplicateName,
    Inbox,
    Intensity,
    InvalidOption,
    InvalidSignificance,
    InvalidTree,
    KeepLatest,
    NotAChild,
    NotAnActor,
    Pool,
    Ref,
    Restart,
    RestartIntensityExceeded,
    ServiceSpec,
    Strategy,
    Supervisor,
)
from runtime.testing import Probe


class Idle:
    async def run(self, inbox: Inbox[int]) -> None:
        await trio.sleep_forever()


def actor(name: Any = "a", factory: Any = Idle, **options: Any) -> ActorSpec[int]:
    return ActorSpec(Ref(name), factory, **options)


def service(name: Any = "s", run: Any = trio.sleep_forever, **options: Any) -> ServiceSpec:
    return ServiceSpec(name, run, **options)


def pool(name: Any = "p", spec_for: Any = actor, **options: Any) -> Pool[str, int]:
    return Pool(name, spec_for, **options)


def tree(name: Any = "t", children: Any = (), **options: Any) -> Supervisor:
    return Supervisor(name, children, **options)


Make = Callable[[], object]

OUT_OF_RANGE: list[tuple[Make, str]] = [
    (lambda: Ref(""), "the name of a Ref must be a string that is not empty, not ''"),
    (lambda: service(name=3), "the name of a ServiceSpec must be a string that is not empty, not 3"),
    (lambda: tree(name=""), "the name of a Supervisor must be a string that is not empty, not ''"),
    (lambda: pool(name=None), "the name of a Pool must be a string that is not empty, not None"),
    (lambda: actor(grace=-1), "grace of ActorSpec 'a' must be a number of at least 0, not -1"),
    (lambda: actor(grace=math.nan), "grace of ActorSpec 'a' must be a number of at least 0, not nan"),
    (lambda: service(grace="5"), "grace of ServiceSpec 's' must be a number of at least 0, not '5'"),
    (lambda: tree(grace=-0.1), "grace of 't' must be a number of at least 0, not -0.1"),
    (lambda: pool(grace=True), "grace of 'p' must be a number of at least 0, not True"),
    (lambda: Backoff(first=-1), "first of Backoff must be a number of at least 0, not -1"),
    (lambda: Backoff(factor=0.5), "factor of Backoff must be a number of at least 1, not 0.5"),
    (lambda: Backoff(ceiling=-1), "ceiling of Backoff must be a number of at least 0, not -1"),
    (lambda: Backoff(reset_after=-1), "reset_after of Backoff must be a number of at least 0, not -1"),
    (lambda: Intensity(restarts=-1), "restarts of Intensity must be a number of at least 0, not -1"),
    (lambda: Intensity(within=0), "within of Intensity must be a number greater than 0, not 0"),
    (lambda: actor(restart="permanent"), "restart of ActorSpec 'a' must be of the type Restart, not 'permanent'"),
    (lambda: service(backoff=2), "backoff of ServiceSpec 's' must be of the type Backoff, not 2"),
    (lambda: tree(backoff=2), "backoff of 't' must be of the type Backoff, not 2"),
    (lambda: tree(strategy="all"), "strategy of 't' must be of the type Strategy, not 'all'"),
    (lambda: tree(intensity=5), "intensity of 't' must be of the type Intensity, not 5"),
    (lambda: pool(intensity=5), "intensity of 'p' must be of the type Intensity, not 5"),
    (lambda: tree(auto_shutdown=True), "auto_shutdown of 't' must be of the type AutoShutdown, not True"),
    (
        lambda: tree(restart=Restart.PERMANENT),
        f"restart of 't' must be TRANSIENT or TEMPORARY: stopped, it stays so, not {Restart.PERMANENT!r}",
    ),
    (lambda: ActorSpec("a", Idle), "ref of ActorSpec must be of the type Ref, not 'a'"),  # type: ignore[arg-type]
    (
        lambda: actor(factory=None),
        "factory of ActorSpec 'a' must be callable (pass the class, or a function that makes one), not None",
    ),
    (lambda: actor(backoff=2), "backoff of ActorSpec 'a' must be of the type Backoff, not 2"),
    (lambda: service(restart="never"), "restart of ServiceSpec 's' must be of the type Restart, not 'never'"),
    (lambda: Ref("a", capacity=0), "capacity of Ref 'a' must be a whole number of at least 1, not 0"),
    (
        lambda: Ref("a", overflow="wait"),  # type: ignore[arg-type]
        "overflow of Ref 'a' must be an Overflow or KeepLatest(key), not 'wait'",
    ),
    (
        lambda: KeepLatest(3),  # type: ignore[arg-type]
        "key of KeepLatest must be callable (key(message) names what the message is about), not 3",
    ),
    (
        lambda: service(run=7),
        "run of ServiceSpec 's' must be callable (pass the function, without calling it), not 7",
    ),
]


@pytest.mark.parametrize(("make", "text"), OUT_OF_RANGE, ids=[text for _, text in OUT_OF_RANGE])
def test_an_option_out_of_range_is_named_with_its_range(make: Make, text: str) -> None:
    """It is also a ValueError, for whoever catches those."""
    with pytest.raises(InvalidOption) as caught:
        make()
    assert str(caught.value) == text
    assert isinstance(caught.value, InvalidTree)
    assert isinstance(caught.value, ValueError)


def test_the_ends_of_the_ranges_belong_to_them() -> None:
    """Nothing at all, and without end, are choices."""
    actor(grace=0)
    actor(grace=math.inf)
    tree(grace=0, intensity=Intensity(restarts=0))
    Backoff(first=0, factor=1, ceiling=0, reset_after=math.inf)
    assert Intensity.unlimited() == Intensity(restarts=math.inf)


IMPOSSIBLE: list[tuple[type[Exception], Make, str]] = [
    (
        DuplicateName,
        lambda: tree(children=[actor("x"), service("y"), service("x")]),
        "'t' has two children named 'x': names tell siblings apart, so give each its own",
    ),
    (
        NotAChild,
        lambda: tree(children=[Idle]),
        f"'t' cannot run {Idle!r} as a child: wrap an actor in an ActorSpec and a function in a ServiceSpec,"
        " or give a Supervisor or Pool",
    ),
    (
        NotAChild,
        lambda: pool(spec_for=Ref).ensure("k"),
        "'p' cannot run <Ref 'k'> as a child: wrap an actor in an ActorSpec and a function in a ServiceSpec,"
        " or give a Supervisor or Pool",
    ),
    (
        InvalidSignificance,
        lambda: tree(children=[actor(restart=Restart.TRANSIENT, significant=True)]),
        "'t' has significant children ('a'), but never shuts down by itself: set auto_shutdown to ANY or ALL",
    ),
    (
        InvalidSignificance,
        lambda: tree(children=[actor()], auto_shutdown=AutoShutdown.ALL),
        "'t' is to shut down by itself, but has no significant child whose end it could follow: mark one",
    ),
    (
        InvalidSignificance,
        lambda: tree(children=[actor(significant=True)], auto_shutdown=AutoShutdown.ANY),
        "'a' is significant, but permanent, so it never ends: make it transient or temporary",
    ),
    (
        InvalidSignificance,
        lambda: pool(spec_for=lambda key: actor(key, significant=True)).ensure("k"),
        "'k' is significant, but 'p' is a pool, which has no end of its own: a Supervisor has",
    ),
]


@pytest.mark.parametrize(("kind", "make", "text"), IMPOSSIBLE, ids=[text for _, _, text in IMPOSSIBLE])
def test_an_impossible_tree_is_refused_with_its_remedy(kind: type[Exception], make: Make, text: str) -> None:
    """When it is built, before anything runs."""
    with pytest.raises(InvalidTree) as caught:
        make()
    assert type(caught.value) is kind
    assert str(caught.value) == text


def test_a_refused_tree_has_claimed_nothing() -> None:
    """Its parts can be used for one that is possible."""
    probe = Probe[int]("a")
    nested = Supervisor("n", [])
    with pytest.raises(DuplicateName):
        Supervisor("root", [probe.spec(), nested, actor("a")])
    Supervisor("root", [probe.spec(), nested])


def test_children_may_come_from_a_generator() -> None:
    """They are looked at more than once, and counted once."""
    root = Supervisor("root", (actor(name) for name in "abc"), strategy=Strategy.ONE_FOR_ALL)  # type: ignore[arg-type]
    assert [node.name for node in root.tree().children] == ["a", "b", "c"]


class NotAsync:
    def run(self, inbox: Inbox[int]) -> None:
        """Ought to be async."""


@pytest.mark.parametrize(("factory", "type_name"), [(dict, "dict"), (NotAsync, "NotAsync")])
async def test_what_is_no_actor_is_told_so(
    factory: Any, type_name: str, autojump_clock: trio.testing.MockClock
) -> None:
    """A factory is only called when its actor starts, so it is a crash like any other, and says what is missing."""
    root = Supervisor("root", [actor(factory=factory)], intensity=Intensity(restarts=0))
    with pytest.raises(RestartIntensityExceeded) as caught:
        await root.run()
    assert isinstance(caught.value.__cause__, NotAnActor)
    assert str(caught.value.__cause__) == (
        f"the factory of 'a' returned a {type_name}: an actor has 'async def run(self, inbox)'"
    )
