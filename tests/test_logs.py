"""Log records as lines: complete, escaped, without secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from mission_control import logs
from mission_control.settings import LogFormat, Secret
from tests.logging_state import restored_logging

log = logging.getLogger("mission_control.test")


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    with restored_logging():
        yield


def written(log_format: LogFormat, *messages: str, level: int = logging.INFO) -> str:
    """What is written for the messages, with the secret ``s3cret`` masked."""
    stream = io.StringIO()
    logs.setup("info", log_format, [Secret("s3cret"), Secret("a")], stream)
    for message in messages:
        log.log(level, message)
    return stream.getvalue()


def failure(log_format: LogFormat) -> str:
    stream = io.StringIO()
    logs.setup("info", log_format, [Secret("s3cret")], stream)
    try:
        raise ValueError("no s3cret\x1b[2J")
    except ValueError:
        log.exception("failed")
    return stream.getvalue()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_are_masked_wherever_they_turn_up(log_format: LogFormat) -> None:
    """Logs are pasted into bug reports; a secret too short to be one is left alone."""
    assert "s3cret" not in written(log_format, "token s3cret refused")
    assert "token ******** refused" in written(log_format, "token s3cret refused")
    assert "s3cret" not in failure(log_format)


def test_a_text_record_is_one_line_whatever_it_holds() -> None:
    """What an agent says can neither forge a record nor drive the terminal."""
    text = written("text", "one\ntwo\x1b[31m\x9b")
    assert text.count("\n") == 1
    assert "one\\ntwo\\x1b[31m\\x9b" in text
    assert "\x1b" not in failure("text")


def test_a_json_record_is_one_object_a_line() -> None:
    """Log collectors read every record, failures included."""
    first, second = map(json.loads, written("json", "one\ntwo", "three").splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("info", "mission_control.test", "one\ntwo")
    assert second["message"] == "three"
    assert first["time"].endswith("+00:00")
    assert "ValueError" in json.loads(failure("json"))["exception"]


def test_records_below_the_level_are_left_out() -> None:
    """``log_level`` means what it says."""
    assert written("text", "x", level=logging.DEBUG) == ""


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11"])
def test_requests_of_ours_are_not_logged(name: str) -> None:
    """They would come with the whole URL, and that of a webhook is a secret; warnings are another matter."""
    stream = io.StringIO()
    logs.setup("debug", "text", [], stream)
    logging.getLogger(name).info("HTTP Request: POST https://hooks.example.com/T0/secret")
    logging.getLogger(name).warning("odd")
    assert [line.rpartition(": ")[2] for line in stream.getvalue().splitlines()] == ["odd"]
