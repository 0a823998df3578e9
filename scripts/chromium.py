"""Finds a Chromium for the browser tests; on Debian, root may have it installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

VARIABLE = "CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
APT = "apt-get update && apt-get install -y --no-install-recommends chromium"

MISSING = f"""no Chromium found, and the browser tests need one. Either
  - as root on Debian: {APT}
  - or install Google Chrome or Chromium in any other way, so that one of {", ".join(NAMES)} is on PATH
  - or set {VARIABLE} to the path of one."""


def find() -> Path | None:
    """The Chromium of this machine, if it has one."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is not None:
        return Path(found)
    return MAC if MAC.exists() else None


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def ensure() -> Path:
    """The Chromium of this machine, installed if need be. Exits with what to do where that can't be done."""
    found = find()
    if found is None and can_install():
        print("installing Chromium ...", file=sys.stderr)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["sh", "-c", APT], env=environment, stdout=subprocess.DEVNULL)
        found = find()
    if found is None:
        raise SystemExit(MISSING)
    return found


if __name__ == "__main__":
    print(ensure())
