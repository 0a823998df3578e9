"""What docs/extending.md shows works as it stands there."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import trio.testing

from mission_control.core.events import Activity
from mission_control.extension import GROUP, ActorType
from mission_control.testing import activity, running
from tests.extensions.documented import CONFIGURATION, IN_THE_TREE, PACKAGE, PAGE, documented, write

LONGEST = 40
RULES = "ANN,ASYNC,B,C4,E,F,N,PIE,RET,SIM,UP,W"


def loaded(file: Path) -> Any:
    """The module in a file."""
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_files_are_found() -> None:
    """A change of the page's form must not leave them untested."""
    assert documented().keys() == {IN_THE_TREE, *PACKAGE, CONFIGURATION}


def test_an_actor_type_in_the_tree_is_one_short_file() -> None:
    assert len(documented()[IN_THE_TREE].splitlines()) <= LONGEST


async def test_the_one_in_the_tree_works(autojump_clock: trio.testing.MockClock, tmp_path: Path) -> None:
    module = loaded(write(tmp_path, IN_THE_TREE) / IN_THE_TREE)
    async with running(module.actor_type) as there:
        await there.commit(
            activity("alpha", "tool.finished", tool="exec", duration_ms=60_001, run_id="r", session="s"),
            activity("alpha", "tool.finished", tool="exec", duration_ms=60_000),
            activity("alpha", "tool.finished"),
        )
        [said] = await there.published()
    assert said.payload == Activity("slow_tools.found", "exec took 60001 ms", run_id="r", session="s")


def test_its_line_names_it() -> None:
    """And would be accepted below the entry points of this repository."""
    blocks = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    [block] = [block for block in blocks if '"actors.slow_tools:' in block]
    [[name, value]] = tomllib.loads(block)["project"]["entry-points"][GROUP].items()
    entry_point = EntryPoint(name, value, GROUP)
    assert f"src/{entry_point.module.replace('.', '/')}.py" == IN_THE_TREE
    assert f"\n{entry_point.attr} = {ActorType.__name__}(" in documented()[IN_THE_TREE]


@pytest.mark.parametrize("command", [["check", "--select", RULES], ["format", "--check"]], ids=["check", "format"])
def test_the_code_is_clean(command: list[str], tmp_path: Path) -> None:
    """Whoever copies it need not tidy it."""
    python = [name for name in (IN_THE_TREE, *PACKAGE) if name.endswith(".py")]
    ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "--line-length", "120", *python]
    done = subprocess.run(ruff, cwd=write(tmp_path, *python), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
