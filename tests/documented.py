"""The files that a document shows: what its readers copy is what the tests run."""

import re
from collections.abc import Mapping
from pathlib import Path

_FILE = re.compile(r"^`([\w./-]+)`[^\n]*:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


def files_of(page: Path) -> dict[str, str]:
    """Each file's text by its name: what stands in a block below a line that begins with the name."""
    return dict(_FILE.findall(page.read_text()))


def write_files(directory: Path, files: Mapping[str, str]) -> Path:
    """Put these files where they belong below ``directory``, which is given back."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory
