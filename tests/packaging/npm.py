"""Projects of Node's that have nothing but what is installed in them, and the package to install there."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts import dashboard, node
from scripts.paths import ROOT, WEB, with_path

PACKAGE = WEB / "lib"
NAME = "mission-control-client"
DOCUMENT = ROOT / "docs" / "npm.md"
PROGRAMS = Path(__file__).parent / "programs"

STRICT = {
    "target": "ES2022",
    "lib": ["dom", "dom.iterable", "ES2023"],
    "strict": True,
    "exactOptionalPropertyTypes": True,
    "noUncheckedIndexedAccess": True,
    "verbatimModuleSyntax": True,
    "noEmit": True,
    "jsx": "react-jsx",
}


def run(directory: Path, *command: str | Path, **variables: str) -> str:
    """What a command of Node's says on its standard output; all that it says if it fails."""
    env = with_path(node.bin_dir(node.DASHBOARD_MINIMUM)) | {"NEXT_TELEMETRY_DISABLED": "1"} | variables
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(directory: Path, **manifest: Any) -> Path:
    """Make this directory a project with these dependencies, and install them."""
    directory.mkdir(exist_ok=True)
    (directory / "package.json").write_text(json.dumps({"private": True, "type": "module", **manifest}))
    run(directory, "npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error")
    return directory


def package_json(directory: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((directory / "package.json").read_text())
    return manifest


def pack(into: Path) -> Path:
    """The file that `npm pack` makes. What an earlier version left in dist/ must not get into it."""
    dashboard.install_packages()
    (PACKAGE / "dist").mkdir(exist_ok=True)
    (PACKAGE / "dist" / "left-over.js").touch()
    run(PACKAGE, "npm", "pack", "--silent", "--pack-destination", into)
    (made,) = into.glob("*.tgz")
    return made


def next_app(directory: Path, packed: Path, more: Mapping[str, str] | None = None) -> Path:
    """An empty app with Next.js and React at the dashboard's versions, the package, and more; at its strictest."""
    ours = package_json(WEB)
    versions = ours["dependencies"] | ours["devDependencies"]
    types = ("typescript", "@types/node", "@types/react", "@types/react-dom")
    install(
        directory,
        dependencies={
            **{name: versions[name] for name in ("next", "react", "react-dom")},
            **(more or {}),
            NAME: f"file:{packed}",
        },
        devDependencies={name: versions[name] for name in types},
    )
    bundled = {"module": "esnext", "moduleResolution": "bundler", "isolatedModules": True, "skipLibCheck": True}
    tsconfig = {"compilerOptions": STRICT | bundled, "include": ["**/*.ts", "**/*.tsx"], "exclude": ["node_modules"]}
    (directory / "tsconfig.json").write_text(json.dumps(tsconfig))
    return directory
