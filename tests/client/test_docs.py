"""docs/client.md: each example runs as it stands there, against a real daemon."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mission_control.core.events import Draft
from scripts.paths import ROOT
from tests.client.test_mirror import real_daemon
from tests.stores.samples import BETA, activity, chunk, status

PAGE = (ROOT / "docs" / "client.md").read_text()
URL = "ws://127.0.0.1:8700/v1/stream"
SAYS = {
    "Events": [r"\d+ (gw alpha|gw beta|gw None) [a-z.]+", r"\d+ (activity.event|conversation.chunk|system.status)"],
    "What an event holds": [r"(alpha|beta) run.failed .*"],
    "Going on after a restart of your program": [r".*"],
    "The state": [r"(connecting|connected) |as of \d+ s ago|(alpha|beta) offline .*"],
    "Another filter": [r"first|filter|alpha|beta|None"],
}


def examples() -> Iterator[tuple[str, int, str]]:
    """Each example with the heading above it, and which it is below that."""
    heading, number = "", 0
    for title, example in re.findall(r"^## (.*?)$|```python\n(.*?)```", PAGE, flags=re.DOTALL | re.MULTILINE):
        if title:
            heading, number = title, 0
        else:
            yield heading, number, example
            number += 1


EXAMPLES = list(examples())


class EnoughError(Exception):
    """An example has shown what it does; on its own it would go on for ever."""


def everything(serial: int) -> list[Draft]:
    """What happens in the daemon all the time."""
    return [
        status(f"s{serial}"),
        chunk(f"m{serial}", 0),
        activity(f"a{serial}", "run.failed"),
        activity(f"b{serial}", "run.failed", of=BETA),
    ]


def play(example: str, url: str) -> list[str]:
    """What it prints, in a few lines."""
    printed: list[str] = []

    def note(*words: Any) -> None:
        printed.append(" ".join(map(str, words)))
        if len(printed) == 8:
            raise EnoughError

    assert URL in example
    code = compile(example.replace(URL, url), "docs/client.md", "exec")
    with pytest.raises(EnoughError):
        exec(code, {"print": note, "__name__": "example"})
    return printed


@pytest.mark.parametrize(("heading", "number", "example"), EXAMPLES, ids=[f"{h} {n}" for h, n, _ in EXAMPLES])
def test_each_example_runs(
    heading: str, number: int, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From start to an end by an exception, which comes out as it is."""
    monkeypatch.chdir(tmp_path)
    with real_daemon(everything) as daemon:
        for line in play(example, daemon.url):
            assert re.fullmatch(SAYS[heading][number], line), line


def test_a_kept_cursor_is_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's second life begins with what its first one had not kept, and misses nothing."""
    monkeypatch.chdir(tmp_path)
    (example,) = [text for heading, _, text in EXAMPLES if heading.startswith("Going on")]
    with real_daemon(everything) as daemon:
        first = play(example, daemon.url)
        second = play(example, daemon.url)
    assert second[0] == first[-1], "it was printed, and not kept"
    seen = [*first[:-1], *second]
    begun = int(seen[0].lstrip("samb").partition("#")[0])
    names = [draft.event_id for serial in range(begun, begun + 9) for draft in everything(serial)]
    start = names.index(seen[0])
    assert seen == names[start : start + len(seen)]


def test_the_package_s_names_are_on_the_page() -> None:
    """What can be imported is documented."""
    from mission_control import client

    assert [name for name in client.__all__ if name not in PAGE] == []
