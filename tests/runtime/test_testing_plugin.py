"""The scheduler's seed of a whole test-suite: told, taken, and good for a replay of one test alone."""

import re

import pytest

RACY = """
    import pytest
    import trio
    from hypothesis import given, settings, strategies as st

    TRACE = []

    async def add(name, hesitation, box):
        for _ in range(hesitation):
            await trio.lowlevel.checkpoint()
        total = box[0]
        TRACE.append(f"{name} reads {total}")
        await trio.lowlevel.checkpoint()
        box[0] = total + 1

    @pytest.mark.parametrize("number", range(40))
    async def test_racy(number):
        TRACE.clear()
        box = [0]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(add, "first", 8, box)
            nursery.start_soon(add, "second", 0, box)
            nursery.start_soon(add, "third", 4, box)
        assert box == [3], TRACE

    async def test_sound():
        await trio.lowlevel.checkpoint()
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite of somebody else, whose tests race."""
    pytester.makeini("[pytest]\ntrio_mode = true\nfilterwarnings = error")
    pytester.makeconftest('pytest_plugins = ["runtime.testing.pytest_plugin"]')
    pytester.makepyfile(test_suite=RACY)
    return pytester


def failures(result: pytest.RunResult) -> dict[str, str]:
    """The tests that failed, each with what it says of its steps."""
    found = re.findall(r"FAILED test_suite.py::(\S+) - (.*)", result.stdout.str())
    return dict(found)


def test_a_failure_names_the_seed_that_replays_it(suite: pytest.Pytester) -> None:
    """The session's seed is random; with it the same tests fail in the same way, each also when it runs alone."""
    first = suite.runpytest_inprocess("-vv")
    failed = failures(first)
    assert 0 < len(failed) < 40
    [seed] = set(re.findall(r"replay with --scheduler-seed=(\d+)", first.stdout.str()))
    first.stdout.fnmatch_lines([f"scheduler seed: {seed}", "-* scheduler -*"])
    again = suite.runpytest_inprocess("-vv", f"--scheduler-seed={seed}")
    assert failures(again) == failed
    name, steps = next(iter(failed.items()))
    alone = suite.runpytest_inprocess("-vv", f"--scheduler-seed={seed}", f"test_suite.py::{name}")
    assert failures(alone) == {name: steps}
    assert "test_sound" not in failed


def test_the_option_is_explained(suite: pytest.Pytester) -> None:
    """Whoever sees it in a failure's report looks it up."""
    helped = " ".join(suite.runpytest_inprocess("--help").stdout.str().split())
    told = "choose the interleaving of trio's tasks by this seed: the one named by a failure replays it"
    assert f"--scheduler-seed=N {told}" in helped


def test_a_seed_is_a_number(suite: pytest.Pytester) -> None:
    """A slip of the finger must not pass for a replay."""
    result = suite.runpytest_inprocess("--scheduler-seed=12e")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--scheduler-seed: invalid int value: '12e'"])


def test_another_seed_takes_another_course(suite: pytest.Pytester) -> None:
    """What passes today may fail tomorrow, and be replayed then."""
    assert failures(suite.runpytest_inprocess("-vv", "--scheduler-seed=1")) != failures(
        suite.runpytest_inprocess("-vv", "--scheduler-seed=2")
    )


def test_hypothesis_keeps_its_own_seed(pytester: pytest.Pytester) -> None:
    """Its examples depend on nothing but what it drew, and its own means of replay are the only ones offered."""
    pytester.makeini("[pytest]\ntrio_mode = true\nfilterwarnings = error")
    pytester.makeconftest('pytest_plugins = ["runtime.testing.pytest_plugin"]')
    pytester.makepyfile(
        test_suite="""
        from hypothesis import given, settings, strategies as st
        from trio._core import _run

        BEFORE = _run._r
        one_example = settings(max_examples=1, database=None)

        def test_plain():
            assert _run._r is not BEFORE

        @one_example
        @given(st.integers())
        def test_drawn(number):
            assert _run._r is BEFORE

        @one_example
        @given(st.integers())
        async def test_drawn_in_trio(number):
            assert _run._r is BEFORE

        @one_example
        @given(st.integers())
        async def test_that_fails(number):
            assert False
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.no_fnmatch_line("*replay with*")
