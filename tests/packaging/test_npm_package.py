"""The dashboard's client as an npm package: installed where there is nothing of ours, it does what docs/npm.md says."""

import base64
import json
import re
import shutil
import tarfile
import tomllib
from pathlib import Path

import pytest

from scripts.paths import ROOT, WEB
from tests.documented import files_of, write_files
from tests.packaging.npm import DOCUMENT, NAME, PACKAGE, PROGRAMS, STRICT, install, next_app, package_json, run

MODULES = {
    *("backoff", "clock", "decode", "fold", "http", "index", "latency", "overall", "pace", "pager", "past"),
    *("past-activities", "past-messages", "problem", "protocol", "rates", "session", "session-link"),
    *("session-state", "socket", "storage", "store", "strip", "timeline", "token", "version", "view"),
    *("react/conversation", "react/index", "react/now", "react/pace", "react/provider"),
}
"""What an application may come to load. The dashboard's own words and everything for tests stay at home."""

IN_A_BROWSER = {"react/conversation", "react/now", "react/pace", "react/provider"}
"""What a server must not run: Next.js learns that from the first line of each."""

CLERK = "7.9.17"
"""What the example is built with; nothing of ours needs it."""


@pytest.fixture(scope="module")
def app(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh Next.js app with Clerk, the package, and the files that the document shows."""
    directory = next_app(tmp_path_factory.mktemp("app"), packed, {"@clerk/nextjs": CLERK})
    return write_files(directory, files_of(DOCUMENT))


def test_the_versions_are_those_of_the_product() -> None:
    product = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    told = re.findall(r'VERSION = "(.*)"', (PACKAGE / "version.ts").read_text())

    assert [package_json(WEB)["version"], package_json(PACKAGE)["version"], *told] == [product] * 3


def test_it_holds_these_files_and_no_others(packed: Path) -> None:
    with tarfile.open(packed) as archive:
        names = {name.removeprefix("package/") for name in archive.getnames()}

    built = {f"dist/{module}{suffix}" for module in MODULES for suffix in (".js", ".d.ts")}
    assert names == built | {"package.json", "README.md", "LICENSE"}
    assert (PACKAGE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_what_is_for_the_browser_says_so_in_its_first_line(packed: Path) -> None:
    with tarfile.open(packed) as archive:
        texts = {module: archive.extractfile(f"package/dist/{module}.js") for module in MODULES}
        first = {module: text.readline() for module, text in texts.items() if text is not None}

    assert {module for module, line in first.items() if line == b'"use client";\n'} == IN_A_BROWSER


def test_its_imports_lead_to_what_is_packed(packed: Path) -> None:
    """Also those of the declarations, which the compiler forgives and some editors don't."""
    with tarfile.open(packed) as archive:
        for module in MODULES:
            for suffix in (".js", ".d.ts"):
                text = archive.extractfile(f"package/dist/{module}{suffix}")
                assert text is not None
                for target in re.findall(r'(?:from|import) ?\(?"(\.[^"]*)"', text.read().decode()):
                    path = (Path("/") / module).parent / target
                    assert str(path.resolve().relative_to("/").with_suffix("")) in MODULES, (module, target)
                    assert path.suffix == ".js"


def test_the_heart_of_it_works_in_plain_node(packed: Path, tmp_path: Path) -> None:
    """Installed alone: without React, a browser or a bundler."""
    directory = install(tmp_path / "plain", dependencies={NAME: f"file:{packed}"})
    assert not (directory / "node_modules" / "react").exists()
    shutil.copy(PROGRAMS / "plain.js", directory)

    assert json.loads(run(directory, "node", "plain.js")) == {
        "state": "connected",
        "cursor": {"epoch": "e", "offset": 8},
        "text": "Hello",
        "asked": True,
        "refused": None,
    }


@pytest.mark.parametrize("resolution", ["nodenext", "bundler"])
def test_its_types_hold(app: Path, resolution: str) -> None:
    """At their strictest, without leave to skip the declarations, both for Node.js's rules and for a bundler's."""
    directory = app / "types" / resolution
    directory.mkdir(parents=True)
    shutil.copy(PROGRAMS / "both.tsx", directory)
    module = "nodenext" if resolution == "nodenext" else "esnext"
    options = STRICT | {"module": module, "moduleResolution": resolution, "skipLibCheck": False, "types": []}
    (directory / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["both.tsx"]}))

    run(app, "npx", "--no-install", "tsc", "-p", directory)


def test_a_fresh_next_app_builds_with_it(app: Path) -> None:
    """The document's files, typechecked and built. One of its pages has the provider in a component of the server."""
    told = run(
        app,
        *("npx", "--no-install", "next", "build"),
        NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY="pk_test_" + base64.b64encode(b"clerk.example.com$").decode(),
        NEXT_PUBLIC_CLERK_TELEMETRY_DISABLED="1",
        NEXT_PUBLIC_MISSION_CONTROL_ORIGIN="https://control.example.com",
    )

    for route in ("/agents", "/remote-agents", "/api/mission-control/access", "/api/mission-control/token"):
        assert f" {route}\n" in told
    scripts = "".join(path.read_text() for path in (app / ".next" / "static").rglob("*.js"))
    assert "mission-control.v1" in scripts
    assert "https://control.example.com" in scripts
    assert "MISSION_CONTROL_OPERATOR_TOKEN" not in scripts
