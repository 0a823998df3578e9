"""The documentation page and the example file have exactly the settings that exist."""

import re
from pathlib import Path

from mission_control.config import Flags
from mission_control.config.describe import value_at
from mission_control.config.layers import from_file
from mission_control.config.schema import dotted, schema, variable
from mission_control.settings import GatewaySettings, Settings
from tests.config.loading import settings_of

ROOT = Path(__file__).parents[2]


def test_the_documentation_names_exactly_the_settings_with_their_defaults(tmp_path: Path) -> None:
    """Nobody looks for a setting that is missing from the page, or sets one that is gone."""
    page = (ROOT / "docs" / "configuration.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| `([A-Z_0-9]+)` \| ([^|]+) \|", page, re.MULTILINE)
    assert {key: name for key, name, _ in rows} == {dotted(path): variable(path) for path in schema()}
    documented = {key: default.partition("`")[2].partition("`")[0].strip('"') for key, _, default in rows}
    assert {key for key, default in documented.items() if not default} == {
        "gateways[0].url",
        "gateways[0].token",
        "gateways[0].token_file",
        "auth.token",
        "auth.token_file",
    }
    plain = settings_of(tmp_path, flags=Flags(gateway="ws://a"))
    pairs = tuple(f"{key}={text}" for key, text in documented.items() if text not in ("", "[]"))
    assert settings_of(tmp_path, flags=Flags(gateway="ws://a", assign=pairs)) == plain
    assert {key for key, text in documented.items() if text == "[]"} == {
        dotted(path) for path in schema() if value_at(plain, path) == ()
    }


def test_the_example_file_names_exactly_the_settings_with_their_defaults(tmp_path: Path) -> None:
    """Uncommenting a line changes nothing until its value is changed."""
    example = (ROOT / "mission-control.example.toml").read_text()
    everything = tmp_path / "everything.toml"
    everything.write_text(re.sub(r"^# (?=(\[\[)?[a-z_]+( = |]]$))", "", example, flags=re.MULTILINE))
    assert {leaf.path for leaf in from_file(everything).leaves} == set(schema())
    without_tokens = re.sub(r"^token.*$", "", everything.read_text(), flags=re.MULTILINE)
    assert settings_of(tmp_path, without_tokens) == Settings(
        data_dir=tmp_path / ".local/share/mission-control", gateways=(GatewaySettings(url="ws://127.0.0.1:18789"),)
    )
    assert settings_of(tmp_path, example) == settings_of(tmp_path)
