"""Who may look, and that no secret gets out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission_control.config import Flags, resolve
from mission_control.config.describe import describe
from mission_control.settings import Secret
from tests.config.loading import refusal, settings_of


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1", "example.com", "[2001:db8::1]"])
def test_an_open_address_without_authentication_is_refused_with_the_remedy(tmp_path: Path, host: str) -> None:
    """Nobody shows their agents to the network by accident."""
    text = str(refusal(tmp_path, flags=Flags(listen=f"{host}:8700")))
    assert "--listen" in text
    assert "auth.mode" in text
    assert settings_of(tmp_path, flags=Flags(listen=f"{host}:8700", assign=("auth.mode=token",))).auth.mode == "token"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "[::1]"])
def test_loopback_needs_no_authentication(tmp_path: Path, host: str) -> None:
    """The first run on one's own machine asks for nothing."""
    assert settings_of(tmp_path, flags=Flags(listen=f"{host}:0")).auth.mode == "none"


def test_a_configured_operator_token_turns_authentication_on(tmp_path: Path) -> None:
    """A token that guards nothing would be a trap."""
    settings = settings_of(tmp_path, environ={"MISSION_CONTROL_AUTH__TOKEN": "s3cret"})
    assert (settings.auth.mode, settings.auth.token) == ("token", Secret("s3cret"))
    assert "although" in str(refusal(tmp_path, '[auth]\nmode = "none"\ntoken = "s3cret"'))


def test_origins_and_hosts_are_compared_as_browsers_write_them(tmp_path: Path) -> None:
    """Upper case and default ports would never match a header."""
    file = '[auth]\nallowed_origins = ["HTTPS://Mc.Example.com:443", "http://b:81"]\nallowed_hosts = ["Mc.Example.com"]'
    auth = settings_of(tmp_path, file).auth
    assert auth.allowed_origins == ("https://mc.example.com", "http://b:81")
    assert auth.allowed_hosts == ("mc.example.com",)


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    """Editors end files with a newline, which is not part of a token."""
    (tmp_path / "token").write_text("s3cret\n")
    auth = settings_of(tmp_path, '[auth]\ntoken_file = "token"').auth
    assert (auth.token, auth.token_file, auth.mode) == (Secret("s3cret"), tmp_path / "token", "token")


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff\xfe"])
def test_a_secret_file_that_cannot_be_used_is_told_without_its_content(tmp_path: Path, content: bytes | None) -> None:
    """A missing or wrong file stops the start: the daemon would otherwise run without the token it was given."""
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    text = str(refusal(tmp_path, '[[gateways]]\nurl = "ws://a"\ntoken_file = "token"'))
    assert "gateways[0].token_file" in text
    assert str(tmp_path / "token") in text
    assert "two words" not in text


def test_the_stronger_of_token_and_token_file_wins(tmp_path: Path) -> None:
    """A token from the environment replaces the file's ``token_file``; both in one place are refused."""
    file = '[auth]\ntoken_file = "missing"'
    auth = settings_of(tmp_path, file, {"MISSION_CONTROL_AUTH__TOKEN": "t"}).auth
    assert (auth.token, auth.token_file) == (Secret("t"), None)
    assert "one of the two" in str(refusal(tmp_path, '[auth]\ntoken_file = "a"\ntoken = "b"'))


@given(secret=st.from_regex(r"[A-Za-z0-9]{12,40}", fullmatch=True))
def test_no_secret_is_ever_shown(tmp_path_factory: pytest.TempPathFactory, secret: str) -> None:
    """Whether a configuration works or not, what it prints can be pasted into a bug report."""
    cwd = tmp_path_factory.mktemp("cwd")
    environ = {"HOME": str(cwd), "MISSION_CONTROL_AUTH__TOKEN": secret, "MISSION_CONTROL_GATEWAY_TOKEN": secret}
    loaded = resolve(Flags(), environ, cwd)
    assert loaded.settings.auth.token is not None
    assert loaded.settings.auth.token.reveal() == secret
    shown = [repr(loaded), str(loaded.settings), f"{loaded.settings.auth.token}", *describe(loaded)]
    wrong = [
        f'[auth]\ntoken = ["{secret}"]',
        f'[auth]\ntoken = "{secret} x"',
        f'[auth]\ntokn = "{secret}"',
        f'[auth]\ntoken = "{secret}"\ntoken_file = "x"',
        f'[auth]\nallowed_origins = ["https://u:{secret}@host"]',
        f'[[gateways]]\nurl = "ws://u:{secret}@host:1"',
        f'[[gateways]]\nurl = "ws://host:1?token={secret}"',
        f'[[gateways]]\nurl = "ws://u:{secret}@host:99999"',
        f'tokn = "{secret}"',
    ]
    assert not [text for text in shown if secret in text]
    assert not [file for file in wrong if secret in str(refusal(cwd, file))]
    assert secret not in str(refusal(cwd, environ={"MISSION_CONTROL_TOKEN": secret}))
