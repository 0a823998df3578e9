"""What can be set of the webhook, and what is said of mistakes."""

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from actors.webhook import actor_type
from mission_control.config.layers import Flags
from mission_control.config.load import resolve
from mission_control.config.problems import ConfigError
from mission_control.plugins import Found, Installed
from mission_control.settings import Secret
from tests.actors.webhooks import OPTIONS, SECRET

FOUND = Found({"webhook": Installed("webhook", "the package", actor_type)})
HOST = "hooks.example.com"


def loaded(directory: Path, *lines: str) -> Any:
    """The settings of the actor type for these lines of its table."""
    (directory / "mission-control.toml").write_text("\n".join(["[actors.webhook]", *lines]))
    return resolve(Flags(), {"HOME": str(directory)}, directory, actors=FOUND).settings.actors["webhook"]


def test_it_is_off_until_there_is_a_url(tmp_path: Path) -> None:
    assert not resolve(Flags(), {"HOME": str(tmp_path)}, tmp_path, actors=FOUND).settings.actors["webhook"].enabled


def test_a_url_and_a_secret_are_enough(tmp_path: Path) -> None:
    """What is sent then is what somebody should look at, and every change of a status."""
    webhook = loaded(tmp_path, f'url = "https://{HOST}/T0"', f'secret = "{SECRET}"')
    assert webhook.enabled
    assert webhook.options.endpoint == f"https://{HOST}"
    assert webhook.options.types == ("activity.event", "heartbeat", "system.status")
    assert webhook.options.kinds == ("run.failed", "run.stalled", "run.resumed", "stream.gap")


def test_both_may_be_in_files(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"https://{HOST}/T0\n")
    (tmp_path / "secret").write_text(SECRET)
    webhook = loaded(tmp_path, 'url_file = "url"', 'secret_file = "secret"')
    assert webhook.options.url.reveal() == f"https://{HOST}/T0"
    assert len(webhook.options.keys) == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('url = "hooks.example.com/T0-hidden"', "url must be http://"),
        ('url = "ftp://hooks.example.com/T0-hidden"', "url must be http://"),
        ('url = "https:///T0-hidden"', "url must be http://"),
        ('url = "https://[/T0-hidden"', "url must be http://"),
        ('url = "https://hooks.example.com:port/T0-hidden"', "url must be http://"),
        ('secret = ""', "printable ASCII"),
        ('secret = "whsec_T0-hidden"', "secret must be 24 to 64 random bytes in base64"),
        ('previous_secret = "VDAtaGlkZGVu"', "previous_secret must be 24 to 64 random bytes in base64"),
        ('types = ["activity"]', "types has activity, which is no type of event"),
        ('kinds = ["run.*", "run failed"]', '"run failed" is no kind of activity'),
        ("timeout_s = 0", "at least"),
        ("max_waiting = 0", "at least 1"),
        ('urls = "https://a"', 'did you mean "url"'),
    ],
)
def test_mistakes_are_explained_and_secrets_not_shown(tmp_path: Path, line: str, told: str) -> None:
    given = {"url": f'url = "https://{HOST}/T0-hidden"', "secret": f'secret = "{SECRET}"'}
    lines = {**given, line.partition(" ")[0]: line}
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, *lines.values())
    assert told in str(caught.value)
    for secret in ("T0-hidden", "VDAtaGlkZGVu", SECRET):
        assert secret not in str(caught.value)


def test_without_a_secret_it_sends_nothing(tmp_path: Path) -> None:
    """Nobody could tell who sends."""
    with pytest.raises(ConfigError, match="secret or secret_file must be set"):
        loaded(tmp_path, f'url = "https://{HOST}"')


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://who:pass@hooks.example.com/T0?key=1#x", "https://hooks.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
    ],
)
def test_what_may_be_shown_of_a_url(url: str, shown: str) -> None:
    assert evolve(OPTIONS, url=Secret(url)).endpoint == shown
