"""docs/runtime.md says what is so."""

import re
from pathlib import Path

import trio
import trio.testing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "runtime.md").read_text()


def test_the_example_runs() -> None:
    """As it stands on the page, from start to an orderly end."""
    [example] = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    namespace: dict[str, object] = {"print": lambda event: None}
    exec(compile(example, "docs/runtime.md", "exec"), namespace)
    trio.run(namespace["main"], clock=trio.testing.MockClock(autojump_threshold=0))  # type: ignore[arg-type]


def test_every_test_that_the_page_names_exists() -> None:
    """A guard that was renamed or dropped must not go on being promised."""
    file = ""
    named = re.findall(r"`(test_\w+\.py|…)(?:::(test_\w+))?`", PAGE)
    assert len(named) > 10
    for name, test in named:
        file = file if name == "…" else name
        source = (ROOT / "tests" / "runtime" / file).read_text()
        assert not test or f"def {test}(" in source
