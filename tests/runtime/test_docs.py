"""docs/runtime.md says what is so."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "runtime.md").read_text()


def examples() -> Iterator[tuple[str, str]]:
    """Each example of the page, with the heading above it."""
    heading = ""
    for title, example in re.findall(r"^## (.*?)$|```python\n(.*?)```", PAGE, flags=re.DOTALL | re.MULTILINE):
        heading = title or heading
        if example:
            yield heading, example


EXAMPLES = list(examples())


@pytest.mark.parametrize(("heading", "example"), EXAMPLES, ids=[heading for heading, _ in EXAMPLES])
def test_each_example_runs(heading: str, example: str) -> None:
    """As it stands on the page, from start to an orderly end."""
    namespace: dict[str, Any] = {"print": lambda event: None}
    exec(compile(example, f"docs/runtime.md, {heading}", "exec"), namespace)
    if "main" in namespace:
        trio.run(namespace["main"], clock=trio.testing.MockClock(autojump_threshold=0))
    for name, test in namespace.items():
        if name.startswith("test_"):
            test()


def test_every_test_that_the_page_names_exists() -> None:
    """A guard that was renamed or dropped must not go on being promised."""
    file = ""
    named = re.findall(r"`(test_\w+\.py|…)(?:::(test_\w+))?`", PAGE)
    assert len(named) > 10
    for name, test in named:
        file = file if name == "…" else name
        source = (ROOT / "tests" / "runtime" / file).read_text()
        assert not test or f"def {test}(" in source
