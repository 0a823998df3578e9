"""What docs/webhooks.md shows to receivers works."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import fields

from actors.webhook_options import WebhookOptions
from mission_control.core.events import Activity, decode_event, decode_payload
from mission_control.core.webhooks import Delivery, signing_key
from scripts.paths import ROOT
from tests.actors.webhooks import KEY, SECRET

DOCUMENT = (ROOT / "docs/webhooks.md").read_text()

Verify = Callable[..., bool]


def block(language: str, number: int = 0) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found[number])


@pytest.fixture
def verify() -> Verify:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    found: Verify = names["verify"]
    return found


@pytest.fixture
def shown() -> tuple[dict[str, str], bytes]:
    """Headers and body of the request in the document."""
    head, _, body = block("http").partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    return headers, body.rstrip("\n").encode()


@pytest.fixture
def secret() -> str:
    [found] = re.findall(r"The secret of this example is `([^`]+)`", DOCUMENT)
    return str(found)


def test_the_request_shown_is_as_we_send_it(shown: tuple[dict[str, str], bytes], secret: str) -> None:
    headers, body = shown
    event = decode_event(body)
    delivery = Delivery.of(event, 0)
    assert delivery.body == body
    sent = delivery.headers([signing_key(secret)], int(headers["webhook-timestamp"]) * 1000)
    assert sent.items() <= headers.items()
    assert isinstance(decode_payload(event.type, event.payload), Activity)


def test_it_verifies_in_python(verify: Verify, shown: tuple[dict[str, str], bytes], secret: str) -> None:
    headers, body = shown
    assert verify(headers, body, secret, tolerance_s=time.time())


@pytest.mark.parametrize(
    "forged",
    [
        lambda headers, body: (headers, body + b" "),
        lambda headers, body: ({**headers, "webhook-id": "evt_other"}, body),
        lambda headers, body: ({**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body),
        lambda headers, body: ({**headers, "webhook-signature": headers["webhook-signature"][:-4] + "AAA="}, body),
        lambda headers, body: ({**headers, "webhook-signature": "v1,ümlaut"}, body),
    ],
)
def test_a_forgery_does_not(
    verify: Verify, forged: Callable[[Mapping[str, str], bytes], tuple[Mapping[str, str], bytes]]
) -> None:
    delivery = Delivery("gw:1", b"{}", 0)
    headers = delivery.headers([b"o" * 24, KEY], int(time.time() * 1000))
    assert verify(headers, delivery.body, SECRET)
    assert not verify(*forged(headers, delivery.body), SECRET)


def test_an_old_attempt_does_not(verify: Verify) -> None:
    """It may be a replay."""
    delivery = Delivery("gw:1", b"{}", 0)
    now = int(time.time() * 1000)
    assert verify(delivery.headers([KEY], now - 200_000), delivery.body, SECRET)
    assert not verify(delivery.headers([KEY], now - 400_000), delivery.body, SECRET)


def test_every_option_is_explained() -> None:
    for option in fields(WebhookOptions):
        name = option.name.removesuffix("_file")
        assert f"`{name}`" in DOCUMENT or f"{name} = " in DOCUMENT, name
