"""The operator token: made once, kept from others, never half there."""

import stat
from pathlib import Path

import attrs
import pytest

from mission_control.config import ConfigError
from mission_control.operator_token import ensure_operator_token, kept_token
from mission_control.settings import AuthSettings, Secret, Settings


def with_tokens(data_dir: Path, token: Secret | None = None) -> Settings:
    return Settings(data_dir=data_dir, auth=AuthSettings(mode="token", token=token))


def test_no_token_is_made_without_authentication(tmp_path: Path) -> None:
    """A daemon on loopback leaves nothing behind that it does not need."""
    settings = Settings(data_dir=tmp_path / "data")
    assert ensure_operator_token(settings) is settings
    assert not (tmp_path / "data").exists()


def test_a_configured_token_is_used_as_it_is(tmp_path: Path) -> None:
    """No second token is made beside the operator's own."""
    settings = with_tokens(tmp_path / "data", Secret("mine"))
    assert ensure_operator_token(settings) is settings
    assert not (tmp_path / "data").exists()


def test_a_token_is_made_once_and_kept_for_this_user_alone(tmp_path: Path) -> None:
    """Dashboards stay signed in over a restart, and nobody else on the machine can read the token."""
    settings = with_tokens(tmp_path / "new" / "data")
    first = ensure_operator_token(settings).auth
    assert first.token is not None
    assert first.token_file is not None
    assert len(first.token.reveal()) >= 40
    assert stat.S_IMODE(first.token_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    assert ensure_operator_token(settings).auth == first
    assert [path.name for path in settings.data_dir.iterdir()] == ["operator-token"]
    assert first.token_file.read_text().strip() == first.token.reveal()


def test_every_installation_has_a_token_of_its_own(tmp_path: Path) -> None:
    """A token is a secret, not a default."""
    tokens = {ensure_operator_token(with_tokens(tmp_path / name)).auth.token for name in "abc"}
    assert len(tokens) == 3


def test_ensuring_twice_changes_nothing(tmp_path: Path) -> None:
    """Whoever needs the token may ask for it."""
    settings = ensure_operator_token(with_tokens(tmp_path))
    assert ensure_operator_token(settings) is settings


def test_a_token_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """A leaked token guards nothing."""
    settings = ensure_operator_token(with_tokens(tmp_path))
    (tmp_path / "operator-token").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        ensure_operator_token(attrs.evolve(settings, auth=AuthSettings(mode="token")))


@pytest.mark.parametrize("content", ["", "\n", "two words", "ü"])
def test_a_file_without_a_token_is_refused(tmp_path: Path, content: str) -> None:
    """An emptied file does not become an empty token, which everyone could guess."""
    file = tmp_path / "operator-token"
    file.touch(0o600)
    file.write_text(content)
    with pytest.raises(ConfigError, match="delete the file"):
        kept_token(tmp_path)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / "data").write_text("a file where a directory belongs")
    with pytest.raises(ConfigError, match="operator-token"):
        ensure_operator_token(with_tokens(tmp_path / "data"))
