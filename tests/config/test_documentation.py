"""The documentation page and the example file have exactly the settings that exist."""

import json
import re
from importlib.metadata import entry_points
from pathlib import Path

import attrs

from mission_control.config import Flags, resolve
from mission_control.config.actors import schema_with
from mission_control.config.describe import value_at
from mission_control.config.layers import from_file
from mission_control.config.schema import dotted, variable
from mission_control.extension import GROUP
from mission_control.plugins import examine
from mission_control.settings import GatewaySettings, Settings
from scripts.paths import ROOT

OURS = examine(one for one in entry_points(group=GROUP) if one.dist is not None and one.dist.name == "mission-control")
PATHS = list(schema_with(OURS).types)
SECRET = "whsec_" + "QUJD" * 12
WEBHOOK = ("actors.webhook.url=https://a", f"actors.webhook.secret={SECRET}", "actors.webhook.enabled=true")
"""Without these there is no webhook to compare the defaults of."""
EXAMPLE_URL = "https://hooks.example.com/mission-control"


def settings_of(
    cwd: Path, file: str | None = None, assign: tuple[str, ...] = (), gateway: str | None = None
) -> Settings:
    """The settings, with those of the actor types that come with the daemon."""
    configuration = cwd / "mission-control.toml"
    configuration.unlink(missing_ok=True)
    if file is not None:
        configuration.write_text(file)
    return resolve(Flags(gateway=gateway, assign=assign), {"HOME": str(cwd)}, cwd, actors=OURS).settings


def without_asking(settings: Settings) -> Settings:
    """As if nobody had asked for an actor type that runs all the same."""
    actors = {name: attrs.evolve(one, asked_for=False) for name, one in settings.actors.items()}
    return attrs.evolve(settings, actors=actors)


def test_the_documentation_names_exactly_the_settings_with_their_defaults(tmp_path: Path) -> None:
    """Nobody looks for a setting that is missing from the page, or sets one that is gone."""
    page = (ROOT / "docs" / "configuration.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| `([A-Z_0-9]+)` \| ([^|]+) \|", page, re.MULTILINE)
    assert {key: name for key, name, _ in rows} == {dotted(path): variable(path) for path in PATHS}
    documented = {key: default.partition("`")[2].partition("`")[0].strip('"') for key, _, default in rows}
    assert {key for key, default in documented.items() if not default} == {
        "gateways[0].url",
        "gateways[0].token",
        "gateways[0].token_file",
        "auth.token",
        "auth.token_file",
        "actors.webhook.url",
        "actors.webhook.url_file",
        "actors.webhook.secret",
        "actors.webhook.secret_file",
        "actors.webhook.previous_secret",
        "actors.webhook.previous_secret_file",
    }
    pairs = tuple(f"{key}={as_text(default)}" for key, default in documented.items() if default not in ("", "[]"))
    plain = settings_of(tmp_path, assign=WEBHOOK, gateway="ws://a")
    assert without_asking(settings_of(tmp_path, assign=(*pairs, *WEBHOOK), gateway="ws://a")) == without_asking(plain)
    assert {key for key, text in documented.items() if text == "[]"} == {
        dotted(path) for path in PATHS if value_at(plain, path) == ()
    }


def as_text(default: str) -> str:
    """A default from the page as a flag would set it."""
    return ",".join(json.loads(default)) if default.startswith("[") else default


def test_the_example_file_names_exactly_the_settings_with_their_defaults(tmp_path: Path) -> None:
    """Uncommenting a line changes nothing until its value is changed; uncommenting none changes nothing at all."""
    example = (ROOT / "mission-control.example.toml").read_text()
    everything = tmp_path / "everything.toml"
    everything.write_text(re.sub(r"^# (?=\[*[a-z_.]+( = |]+$))", "", example, flags=re.MULTILINE))
    assert {leaf.path for leaf in from_file(everything).leaves} == set(PATHS)
    defaults = Settings(
        data_dir=tmp_path / ".local/share/mission-control",
        gateways=(GatewaySettings(url="ws://127.0.0.1:18789"),),
        actors=settings_of(tmp_path).actors,
    )
    without_secrets = re.sub(r"^(\w*_?secret|token|url_file).*$", "", everything.read_text(), flags=re.MULTILINE)
    assert without_asking(settings_of(tmp_path, without_secrets)) == defaults
    assert settings_of(tmp_path, example) == settings_of(tmp_path)
    signed = re.sub(r"^enabled = false$", f'secret = "{SECRET}"', without_secrets, flags=re.MULTILINE)
    there = settings_of(tmp_path, signed).actors["webhook"]
    assert there == settings_of(tmp_path, assign=(*WEBHOOK, f"actors.webhook.url={EXAMPLE_URL}")).actors["webhook"]
