"""The documents keep up with the code: what they link to and name exists, and nothing of one machine is in them."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from scripts.paths import ROOT

LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
NAMED_FILE = re.compile(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|tsx?|md|json))(?:::\w+)?`")
NAMED_TEST = re.compile(r"`(?P<file>[\w/]*test_\w+\.py|…)::(?P<test>test_\w+)`")
SHOWN_FILE = re.compile(r"^`([\w./-]+)`[^\n]*:\n\n```", re.MULTILINE)
CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INDEX_OR_MACHINE = re.compile(
    r"\b(?:pypi|npmjs|pythonhosted|registry|debian|ubuntu)\.(?:org|com|net|io)\b|(?<![\w.~])/(?:home|root|Users|work)/\w"
)


def tracked() -> list[str]:
    """Every file of the repository, also those that are not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()


FILES = tracked()
DOCUMENTS = sorted(name for name in FILES if name.endswith(".md"))


@cache
def text(document: str) -> str:
    return (ROOT / document).read_text()


@cache
def anchors(document: str) -> frozenset[str]:
    """The anchors of a document's headings, as they are made where Markdown is shown."""
    headings = HEADING.findall(CODE_BLOCK.sub("", text(document)))
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def links(document: str) -> Iterator[str]:
    for target in LINK.findall(CODE_BLOCK.sub("", text(document))):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for link in links(document):
        name, _, anchor = link.partition("#")
        path = (ROOT / document).parent / name if name else ROOT / document
        assert path.exists(), link
        if anchor:
            assert anchor in anchors(path.resolve().relative_to(ROOT).as_posix()), link


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_exist(document: str) -> None:
    """A path in a document may leave out the directories that its context gives. Or it shows the file itself."""
    shown = SHOWN_FILE.findall(text(document))
    for name in NAMED_FILE.findall(text(document)):
        assert name in shown or any(f"/{file}".endswith(f"/{name}") for file in FILES), name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_tests_that_are_named_exist(document: str) -> None:
    """``…::test_x`` is a test of the file that was named before it."""
    file = ""
    for match in NAMED_TEST.finditer(text(document)):
        file = file if match["file"] == "…" else match["file"]
        sources = [name for name in FILES if f"/{name}".endswith(f"/{file}")]
        assert any(re.search(rf"def {match['test']}\b", (ROOT / name).read_text()) for name in sources), match[0]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_nothing_of_one_machine_is_in_a_document(document: str) -> None:
    """Neither a package index nor anyone's directories."""
    assert INDEX_OR_MACHINE.findall(text(document)) == []


def test_every_document_is_in_the_index() -> None:
    index = text("docs/README.md")
    named = {Path(name).name for name in DOCUMENTS if name.startswith("docs/") and name != "docs/README.md"}
    assert named <= {Path(link).name for link in links("docs/README.md")}, index
